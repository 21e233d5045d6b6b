//! For tests: a TLS server on loopback whose root nobody knows.

use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub(crate) struct Foreign {
    pub(crate) root_pem: String,
    pub(crate) address: SocketAddr,
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Foreign {
    /// Its certificate is for loopback and for `name`.
    pub(crate) async fn start(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut root = CertificateParams::new(Vec::<String>::new()).unwrap();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.distinguished_name.push(DnType::CommonName, "A company");
        let root_pem = root.self_signed(&key).unwrap().pem();
        let (issuer, leaf_key) = (Issuer::new(root, key), KeyPair::generate().unwrap());
        let names = ["127.0.0.1".to_owned(), name.to_owned()];
        let leaf = CertificateParams::new(names).unwrap().signed_by(&leaf_key, &issuer).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap().with_no_client_auth();
        let leaf_key = PrivateKeyDer::try_from(leaf_key.serialize_der()).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config.with_single_cert(vec![leaf.der().clone()], leaf_key).unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self { root_pem, address: listener.local_addr().unwrap(), listener, acceptor }
    }

    /// The next connection that passes its handshake.
    pub(crate) async fn accept(&self) -> TlsStream<TcpStream> {
        loop {
            let (stream, _) = self.listener.accept().await.unwrap();
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return stream;
            }
        }
    }
}
