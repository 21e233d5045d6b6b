//! The certificates of the media servers and of the protocol's port: a root that stays in the data folder, and a certificate for loopback
//! under it.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

const KEY: &str = "media-root.key";
const ROOT: &str = "media-root.pem";

/// Where a client connects that was not told of this network: whoever trusts the root and sends it here by a proxy is let in.
const WEB: &str = "web.whatsapp.com";

pub(crate) struct Authority {
    /// For who wants to trust it.
    pub(crate) root_pem: String,
    pub(crate) server: Arc<ServerConfig>,
}

impl Authority {
    /// Reads the root below `folder`, or makes it: a client that trusted it before trusts it after a restart.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let (key_path, root_path) = (folder.join(KEY), folder.join(ROOT));
        let known = key_path.exists() && root_path.exists();
        let (key, root_pem) = if known {
            (KeyPair::from_pem(&fs::read_to_string(&key_path)?).map_err(io::Error::other)?, fs::read_to_string(&root_path)?)
        } else {
            let key = KeyPair::generate().map_err(io::Error::other)?;
            let root_pem = root()?.self_signed(&key).map_err(io::Error::other)?.pem();
            fs::write(&key_path, key.serialize_pem())?;
            fs::write(&root_path, &root_pem)?;
            (key, root_pem)
        };
        let (leaf, key) = leaf(&Issuer::new(root()?, key))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(io::Error::other)?;
        let config = config.with_no_client_auth().with_single_cert(vec![leaf], key).map_err(io::Error::other)?;
        Ok(Self { root_pem, server: Arc::new(config) })
    }
}

fn root() -> io::Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::<String>::new()).map_err(io::Error::other)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, "Pretend WhatsApp media");
    Ok(params)
}

fn leaf(issuer: &Issuer<'_, KeyPair>) -> io::Result<(CertificateDer<'static>, PrivateKeyDer<'static>)> {
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let names = ["127.0.0.1", "::1", "localhost", WEB].map(str::to_owned);
    let leaf = CertificateParams::new(names).map_err(io::Error::other)?.signed_by(&key, issuer).map_err(io::Error::other)?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(io::Error::other)?;
    Ok((leaf.der().clone(), key))
}
