//! The three Noise patterns, by hand where the real client cannot be made to use one.

use futures::{SinkExt as _, StreamExt as _};
use tokio_websockets::{ClientBuilder, Message};
use wacore_binary::consts::WA_CONN_HEADER;
use wacore_libsignal::protocol::{KeyPair, PublicKey};
use wacore_noise::framing::{FrameDecoder, encode_frame};
use wacore_noise::{IkHandshakeState, IkServerHelloOutcome, XxFallbackHandshakeState, XxHandshakeState, build_handshake_header};
use waproto::buffa::{Message as _, MessageField};
use waproto::whatsapp as wa;

use crate::harness::{CURRENT, OWNER, Sim};

struct Wire {
    socket: tokio_websockets::WebSocketStream<tokio_websockets::MaybeTlsStream<tokio::net::TcpStream>>,
    frames: FrameDecoder,
}

impl Wire {
    async fn open(sim: &Sim) -> Self {
        let (socket, _) = ClientBuilder::new().uri(&sim.url).unwrap().connect().await.unwrap();
        Self { socket, frames: FrameDecoder::new() }
    }

    async fn send(&mut self, bytes: Vec<u8>) {
        self.socket.send(Message::binary(bytes::Bytes::from(bytes))).await.unwrap();
    }

    async fn frame(&mut self) -> Vec<u8> {
        loop {
            if let Some(frame) = self.frames.decode_frame() {
                return frame.to_vec();
            }
            let message = self.socket.next().await.unwrap().unwrap();
            self.frames.feed(message.as_payload());
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "these keys live as long as one handshake")]
fn new_key() -> KeyPair {
    KeyPair::generate(&mut rand::rng())
}

fn stranger() -> Vec<u8> {
    let version = wa::client_payload::user_agent::AppVersion {
        primary: Some(2),
        secondary: Some(3000),
        tertiary: Some(CURRENT),
        ..Default::default()
    };
    let agent = wa::client_payload::UserAgent { app_version: MessageField::some(version), ..Default::default() };
    wa::ClientPayload {
        username: Some(OWNER.parse().unwrap()),
        device: Some(1),
        user_agent: MessageField::some(agent),
        ..Default::default()
    }
    .encode_to_vec()
}

/// The first stanza after the handshake: a stranger is refused, which only a right cipher can read.
fn refusal(cipher: &wacore_noise::NoiseCipher, mut frame: Vec<u8>) -> String {
    cipher.decrypt_in_place_with_counter(0, &mut frame).unwrap();
    let node = wacore_binary::OwnedNodeRef::new(frame[1..].to_vec()).unwrap();
    assert_eq!(node.tag(), "failure");
    node.get_attr("reason").unwrap().as_str().into_owned()
}

#[tokio::test]
async fn the_server_answers_xx_split_into_single_bytes_behind_routing_data() {
    let sim = Sim::start().await;
    let mut wire = Wire::open(&sim).await;
    let key = new_key();
    let mut xx = XxHandshakeState::new(key, stranger(), &WA_CONN_HEADER).unwrap();
    let hello = xx.build_client_hello().unwrap();
    let (header, routed) = build_handshake_header(Some(b"somewhere"));
    assert!(routed);
    for byte in encode_frame(&hello, Some(&header)).unwrap() {
        wire.send(vec![byte]).await;
    }
    let answer = wire.frame().await;
    let finish = xx.read_server_hello_and_build_client_finish(&answer).unwrap();
    wire.send(encode_frame(&finish, None).unwrap()).await;
    let done = xx.finish().unwrap();
    assert_eq!(refusal(&done.read_cipher, wire.frame().await), "401");
}

#[tokio::test]
async fn a_client_with_an_old_server_key_falls_back() {
    let sim = Sim::start().await;
    let mut wire = Wire::open(&sim).await;
    let key = new_key();
    let old: [u8; 32] = new_key().public_key.public_key_bytes().try_into().unwrap();
    let mut ik = IkHandshakeState::new(key, old, stranger(), &WA_CONN_HEADER).unwrap();
    let hello = ik.build_client_hello().unwrap();
    wire.send(encode_frame(&hello, Some(&WA_CONN_HEADER)).unwrap()).await;
    let IkServerHelloOutcome::Fallback(inputs) = ik.read_server_hello(&wire.frame().await).unwrap() else {
        panic!("the server knows a key it never had");
    };
    let mut fallback = XxFallbackHandshakeState::from_ik_failure(*inputs, &WA_CONN_HEADER).unwrap();
    let finish = fallback.build_client_finish().unwrap();
    wire.send(encode_frame(&finish, None).unwrap()).await;
    let done = fallback.finish().unwrap();
    assert_eq!(refusal(&done.read_cipher, wire.frame().await), "401");
    let stats = sim.get("/control/stats").await;
    assert_eq!(stats["handshakes"]["xxFallback"], 1);
}

#[tokio::test]
async fn the_certificate_chain_is_signed_by_the_networks_root() {
    let sim = Sim::start().await;
    let mut wire = Wire::open(&sim).await;
    let key = new_key();
    // The library drops the signatures once it has looked, so open the chain by hand.
    let ephemeral = new_key();
    let mut noise = wacore_noise::NoiseHandshake::new(wacore_binary::consts::NOISE_PATTERN_XX, &WA_CONN_HEADER).unwrap();
    drop(key);
    let public = ephemeral.public_key.public_key_bytes();
    noise.authenticate(public);
    let hello = wacore_noise::HandshakeUtils::build_client_hello(public).encode_to_vec();
    wire.send(encode_frame(&hello, Some(&WA_CONN_HEADER)).unwrap()).await;
    let (server, sealed, chain) = wacore_noise::HandshakeUtils::parse_server_hello(&wire.frame().await).unwrap();
    noise.authenticate(&server);
    let private = ephemeral.private_key.serialize();
    noise.mix_shared_secret(private, &server).unwrap();
    let server_static = noise.decrypt(&sealed).unwrap();
    noise.mix_shared_secret(private, &server_static).unwrap();
    let chain = wa::CertChain::decode_from_slice(&noise.decrypt(&chain).unwrap()).unwrap();

    let root = sim.get("/control/stats").await["rootKey"].as_str().unwrap().to_owned();
    let root: Vec<u8> = (0..root.len()).step_by(2).map(|at| u8::from_str_radix(&root[at..at + 2], 16).unwrap()).collect();
    let intermediate = chain.intermediate.into_option().unwrap();
    let leaf = chain.leaf.into_option().unwrap();
    let details = wa::cert_chain::noise_certificate::Details::decode_from_slice(intermediate.details.as_ref().unwrap()).unwrap();
    let verified = |key: &[u8], certificate: &wa::cert_chain::NoiseCertificate| {
        PublicKey::from_djb_public_key_bytes(key)
            .unwrap()
            .verify_signature(certificate.details.as_ref().unwrap(), certificate.signature.as_ref().unwrap())
    };
    assert!(verified(&root, &intermediate));
    assert!(verified(details.key.as_ref().unwrap(), &leaf));
}

#[tokio::test]
async fn only_loopback_is_listened_on() {
    let refused = wharf_sim::Network::start(wharf_sim::Config {
        bind: "0.0.0.0:0".parse().unwrap(),
        control_bind: "127.0.0.1:0".parse().unwrap(),
        data_dir: None,
        wishes: wharf_sim::Wishes::default(),
    })
    .await;
    assert!(matches!(refused, Err(wharf_sim::Error::NotLoopback(_))));
}
