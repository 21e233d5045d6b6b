//! The way to PostgreSQL over TLS: whose certificate is believed, and that nothing goes over it in plain text that was to be sealed.

use std::net::SocketAddr;
use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use crate::egress::town::Certificates;

/// What a client says that wants TLS: its own length and a number that is no version.
const WANTS_TLS: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A way to the server that speaks TLS and nothing else.
async fn sealed_way(server: SocketAddr, certificates: &Certificates) -> SocketAddr {
    let (listener, acceptor) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), certificates.acceptor());
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut first = [0; 8];
                client.read_exact(&mut first).await.ok().filter(|_| first == WANTS_TLS)?;
                client.write_all(b"S").await.ok()?;
                let mut client = acceptor.accept(client).await.ok()?;
                let mut server = TcpStream::connect(server).await.ok()?;
                tokio::io::copy_bidirectional(&mut client, &mut server).await.ok()
            });
        }
    });
    address
}

#[tokio::test]
async fn a_database_is_reached_over_tls_and_believed_by_its_certificate() {
    let url = std::env::var("WHARF_TEST_POSTGRES_URL").expect("a PostgreSQL: run the tests by `cargo xtask test`, which brings one up");
    let mut url = Url::parse(&url).unwrap();
    let place = (url.host_str().unwrap().to_owned(), url.port().unwrap_or(5432));
    let server = tokio::net::lookup_host(place).await.unwrap().next().unwrap();
    let (own, other) = (Certificates::of(&["127.0.0.1"]), Certificates::of(&["127.0.0.1"]));
    let way = sealed_way(server, &own).await;
    let folder = tempfile::tempdir().unwrap();
    let root = |name: &str, certificates: &Certificates| {
        let path = folder.path().join(name);
        std::fs::write(&path, certificates.root()).unwrap();
        path
    };
    let (own, other) = (root("own.pem", &own), root("other.pem", &other));
    url.set_ip_host(way.ip()).unwrap();
    url.set_port(Some(way.port())).unwrap();
    let mut seen = async |mode: &str, root: Option<&Path>| {
        let root = root.map(|root| format!("&sslrootcert={}", root.display())).unwrap_or_default();
        url.set_query(Some(&format!("sslmode={mode}{root}")));
        wharf_store::glance(url.as_str()).await.map(drop).map_err(|error| format!("{error:?}"))
    };
    seen("verify-full", Some(&own)).await.unwrap();
    // Whoever reads along and nobody else is kept out.
    seen("require", None).await.unwrap();
    for (mode, root) in [("verify-full", Some(other.as_path())), ("verify-ca", Some(&other)), ("verify-full", None), ("disable", None)] {
        let refused = seen(mode, root).await.unwrap_err();
        assert!(!refused.contains("without TLS"), "{mode}: {refused}");
    }
}
