//! Knocking without an account: each way in which a knock can end has its own word.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use wharf_core::chance::SystemChance;
use wharf_core::seal::Seal;
use wharf_wa::{Config, PROBE_PATIENCE, Probe, ProbeStep as Step, ProbeVerdict as Verdict, probe};

const VERSION: (u32, u32, u32) = (2, 3000, 1_045_649_367);
/// For what never answers.
const SHORT: Duration = Duration::from_secs(3);

async fn knock(url: String, patience: Duration) -> Probe {
    let mut config = Config::new("prober", Seal::none(Arc::new(SystemChance)));
    config.server_url = Some(url.parse().unwrap());
    probe(&config, VERSION, patience).await
}

/// A server of ours that does this with its first connection. The address is without its scheme.
async fn server<F: Future<Output = ()> + Send>(with: impl FnOnce(TcpStream) -> F + Send + 'static) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { with(listener.accept().await.unwrap().0).await });
    format!("{address}/ws/chat")
}

fn steps(probe: &Probe) -> Vec<Step> {
    probe.steps.iter().map(|(step, _)| *step).collect()
}

#[tokio::test]
async fn a_healthy_network_gives_a_qr_reference_and_keeps_nothing_of_the_knock() {
    let bind = ([127, 0, 0, 1], 0).into();
    let network =
        wharf_sim::Network::start(wharf_sim::Config { bind, control_bind: bind, data_dir: None, wishes: wharf_sim::Wishes::default() })
            .await
            .unwrap();
    let told = knock(network.url(), PROBE_PATIENCE).await;
    assert_eq!(told.verdict, Verdict::Reached);
    assert_eq!(steps(&told), [Step::Dns, Step::Connect, Step::Tls, Step::Handshake, Step::Reference]);
    network.shutdown().await;
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_unreachable() {
    // It is taken, so that nobody else gets it.
    let taken = TcpSocket::new_v4().unwrap();
    taken.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let told = knock(format!("ws://{}/ws/chat", taken.local_addr().unwrap()), PROBE_PATIENCE).await;
    assert!(matches!(told.verdict, Verdict::Unreachable { step: Step::Connect, .. }), "{:?}", told.verdict);
}

#[tokio::test]
async fn who_never_answers_is_silent_in_the_step_that_waits() {
    let address = server(|held| async move {
        std::future::pending::<()>().await;
        drop(held);
    });
    let address = address.await;
    let told = knock(format!("ws://{address}"), SHORT).await;
    assert_eq!(told.verdict, Verdict::Silent(Step::Handshake));
}

#[tokio::test]
async fn a_socket_that_is_closed_without_a_word_is_no_refusal() {
    let address = server(|stream| async {
        let (_, socket) = tokio_websockets::ServerBuilder::new().accept(stream).await.unwrap();
        drop(socket);
    });
    let told = knock(format!("ws://{}", address.await), PROBE_PATIENCE).await;
    assert_eq!(told.verdict, Verdict::Closed(Step::Handshake));
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts_is_foreign() {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let _ = whatsapp_rust::transport::default_tls_connector();
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    // The client ends it.
    let address = server(|stream| async move { drop(acceptor.accept(stream).await) }).await;
    let told = knock(format!("wss://{address}"), PROBE_PATIENCE).await;
    assert_eq!(told.verdict, Verdict::Foreign(Step::Tls));
    assert_eq!(steps(&told), [Step::Dns, Step::Connect]);
}
