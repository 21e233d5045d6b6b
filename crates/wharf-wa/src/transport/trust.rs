//! Whose certificates are believed on every way out: the authorities that are compiled in, the machine's, and an operator's own.
//!
//! The first make an image without certificates work, the second a machine whose administrator added some, the third a company's proxy
//! that opens what passes.
//!
//! The machine's are read when the first certificate is to be believed, for there are hundreds in as many files: a start does not wait for
//! them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;
use whatsapp_rust::transport::Connector;

/// Why a file of certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: {error}", path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{}: it holds no certificate (PEM)", path.display())]
    Empty { path: PathBuf },
    #[error("{}: a certificate in it cannot be read", path.display())]
    Damaged { path: PathBuf },
}

/// The settings of TLS for everything that leads to WhatsApp. Clones share them.
#[derive(Clone, Debug)]
pub struct Trust(Arc<ClientConfig>);

impl Default for Trust {
    /// Without an operator's own root.
    fn default() -> Self {
        static USUAL: OnceLock<Trust> = OnceLock::new();
        USUAL.get_or_init(|| Self::of(RootCertStore::empty())).clone()
    }
}

impl Trust {
    /// With the certificates of a file besides.
    pub fn with_roots_of(path: &Path) -> Result<Self, Error> {
        let pem = std::fs::read(path).map_err(|error| Error::Unreadable { path: path.to_owned(), error })?;
        let damaged = || Error::Damaged { path: path.to_owned() };
        let roots = parse(&pem).map_err(|()| damaged())?;
        if roots.is_empty() {
            return Err(Error::Empty { path: path.to_owned() });
        }
        Self::with_roots(roots).map_err(|()| damaged())
    }

    /// With certificates (PEM) besides; `None` where one cannot be read.
    pub fn with_roots_in<'a>(pems: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let roots: Result<Vec<_>, ()> = pems.into_iter().map(parse).collect();
        Self::with_roots(roots.ok()?.concat()).ok()
    }

    /// Reads what the machine believes, which the first connection waits for otherwise. It takes milliseconds, and blocks.
    pub fn read_machine() {
        usual();
    }

    fn with_roots(roots: Vec<CertificateDer<'static>>) -> Result<Self, ()> {
        let mut own = RootCertStore::empty();
        for root in roots {
            own.add(root).map_err(drop)?;
        }
        Ok(Self::of(own))
    }

    /// With these roots besides the usual ones.
    fn of(own: RootCertStore) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let authorities = LateAuthorities { own, provider: Arc::clone(&provider), verifier: OnceLock::new() };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has the suites of both versions")
            // Named so by the library because anything could stand here: it is its own verifier, made later.
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(authorities))
            .with_no_client_auth();
        Self(Arc::new(config))
    }

    /// For an HTTP client, which offers HTTP/1.1 as we do nothing that gains by a newer one.
    pub fn for_http(&self) -> ClientConfig {
        let mut config = (*self.0).clone();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config
    }

    pub(crate) fn connector(&self) -> Connector {
        Connector::Rustls(TlsConnector::from(Arc::clone(&self.0)))
    }
}

/// The library's own check of certificates, by roots that are put together when the first one is shown.
#[derive(Debug)]
struct LateAuthorities {
    own: RootCertStore,
    provider: Arc<CryptoProvider>,
    verifier: OnceLock<Arc<WebPkiServerVerifier>>,
}

impl LateAuthorities {
    fn verifier(&self) -> &WebPkiServerVerifier {
        self.verifier.get_or_init(|| {
            let mut roots = usual().clone();
            roots.roots.extend(self.own.roots.iter().cloned());
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider)).build();
            verifier.expect("some authorities are compiled in, and nothing is said of revocation")
        })
    }
}

impl ServerCertVerifier for LateAuthorities {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.verifier().verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier().verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier().verify_tls13_signature(message, cert, signed)
    }

    /// Asked before any certificate is shown, and without a root: what the verifier would say.
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// What is compiled in and what the machine has. A machine that has none, or some that cannot be read, is no obstacle.
fn usual() -> &'static RootCertStore {
    static STORE: OnceLock<RootCertStore> = OnceLock::new();
    STORE.get_or_init(|| {
        let mut store = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let machine = rustls_native_certs::load_native_certs();
        store.add_parsable_certificates(machine.certs);
        store
    })
}

fn parse(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, ()> {
    CertificateDer::pem_slice_iter(pem).collect::<Result<_, _>>().map_err(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_certificate_is_named() {
        let folder = std::env::temp_dir();
        let file = |name: &str, text: &str| {
            let path = folder.join(format!("wharf-trust-{}-{name}", std::process::id()));
            std::fs::write(&path, text).unwrap();
            path
        };
        let named = |path: &Path| {
            let error = Trust::with_roots_of(path).unwrap_err().to_string();
            assert!(error.contains(path.to_str().unwrap()), "{error}");
            error
        };
        let begin = "-----BEGIN CERTIFICATE-----\n";
        let (empty, damaged, cut) =
            (file("empty", "nothing"), file("damaged", &format!("{begin}aGVsbG8=\n-----END CERTIFICATE-----\n")), file("cut", begin));
        assert!(named(&empty).contains("holds no certificate"));
        assert!(named(&damaged).contains("cannot be read"));
        named(&cut);
        named(&folder.join("wharf-trust-that-is-not-there"));
        for path in [empty, damaged, cut] {
            std::fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn the_authorities_that_are_compiled_in_are_always_there() {
        assert!(usual().len() >= webpki_roots::TLS_SERVER_ROOTS.len());
    }

    #[test]
    fn what_is_said_before_a_certificate_is_shown_is_what_the_librarys_own_check_says() {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let late = LateAuthorities { own: RootCertStore::empty(), provider, verifier: OnceLock::new() };
        let said = late.supported_verify_schemes();
        assert!(late.verifier.get().is_none(), "no root is read for that");
        assert_eq!(said, late.verifier().supported_verify_schemes());
        assert!(!late.requires_raw_public_keys() && late.root_hint_subjects().is_none());
    }
}
