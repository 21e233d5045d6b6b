//! The few stanzas of a knock: the handshake of a device that is not linked, and what comes before its first QR reference.

use std::sync::Arc;

use async_channel::Receiver;
use bytes::{Bytes, BytesMut};
use wacore::framing::{FrameDecoder, encode_frame};
use wacore::handshake::{NoiseCipher, XxHandshakeState};
use wacore::net::{Transport, TransportEvent};
use wacore::stanza::connect_failure::ConnectFailureStanza;
use wacore::store::Device;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::consts::WA_CONN_HEADER;
use wacore_binary::{Node, NodeRef, OwnedNodeRef, SERVER_JID};

use super::Failure;

pub(super) struct ProbeLine {
    transport: Arc<dyn Transport>,
    events: Receiver<TransportEvent>,
    frames: FrameDecoder,
    ciphers: Option<Ciphers>,
}

struct Ciphers {
    write: NoiseCipher,
    written: u32,
    read: NoiseCipher,
    seen: u32,
}

impl ProbeLine {
    pub(super) fn new(transport: Arc<dyn Transport>, events: Receiver<TransportEvent>) -> Self {
        Self { transport, events, frames: FrameDecoder::new(), ciphers: None }
    }

    /// Proves the server to us and shows it the device. `Ok` says nothing about whether it wants the device.
    pub(super) async fn handshake(&mut self, device: &Device) -> Result<(), Failure> {
        let payload = waproto::codec::client_payload_to_vec(&device.get_client_payload());
        let mut state = XxHandshakeState::new(device.noise_key.clone(), payload, &WA_CONN_HEADER)?;
        let hello = state.build_client_hello()?;
        self.send(&hello, Some(&WA_CONN_HEADER)).await?;
        let answer = self.frame().await?;
        let finish = state.read_server_hello_and_build_client_finish(&answer)?;
        self.send(&finish, None).await?;
        let done = state.finish()?;
        self.ciphers = Some(Ciphers { write: done.write_cipher, written: 0, read: done.read_cipher, seen: 0 });
        Ok(())
    }

    /// Waits until the server gives a QR reference, and says thanks as every client does.
    pub(super) async fn reference(&mut self) -> Result<(), Failure> {
        loop {
            let stanza = self.stanza().await?;
            match meaning(stanza.get()) {
                Meaning::Reference { thanks } => return self.answer(&thanks).await,
                Meaning::Refused { code, text } => return Err(Failure::Refused { code, text }),
                Meaning::Ended => return Err(Failure::Closed),
                Meaning::Other => {}
            }
        }
    }

    pub(super) async fn close(&self) {
        self.transport.disconnect().await;
    }

    async fn send(&self, bytes: &[u8], header: Option<&[u8]>) -> Result<(), Failure> {
        let frame = encode_frame(bytes, header).map_err(|error| Failure::Frame(error.to_string()))?;
        // What cannot be written is a connection that has ended.
        self.transport.send(Bytes::from(frame)).await.map_err(|_| Failure::Closed)
    }

    async fn answer(&mut self, node: &Node) -> Result<(), Failure> {
        let Some(ciphers) = &mut self.ciphers else { return Err(Failure::Closed) };
        let unsayable = |error: String| Failure::Frame(error);
        let mut bytes = wacore_binary::marshal(node).map_err(|error| unsayable(error.to_string()))?;
        ciphers.write.encrypt_in_place_with_counter(ciphers.written, &mut bytes).map_err(|error| unsayable(error.to_string()))?;
        ciphers.written += 1;
        self.send(&bytes, None).await
    }

    async fn stanza(&mut self) -> Result<OwnedNodeRef, Failure> {
        let mut frame = self.frame().await?;
        let Some(ciphers) = &mut self.ciphers else { return Err(Failure::Closed) };
        let unreadable = |error: String| Failure::Frame(error);
        ciphers.read.decrypt_in_place_with_counter(ciphers.seen, &mut frame).map_err(|error| unreadable(error.to_string()))?;
        ciphers.seen += 1;
        wacore_binary::util::unpack_bytes(frame).and_then(OwnedNodeRef::new).map_err(|error| unreadable(error.to_string()))
    }

    async fn frame(&mut self) -> Result<BytesMut, Failure> {
        loop {
            if let Some(frame) = self.frames.decode_frame() {
                return Ok(frame);
            }
            match self.events.recv().await {
                Ok(TransportEvent::DataReceived(data)) => self.frames.feed(&data),
                Ok(TransportEvent::Connected) => {}
                Ok(TransportEvent::Disconnected(_)) | Err(_) => return Err(Failure::Closed),
            }
        }
    }
}

enum Meaning {
    Reference { thanks: Node },
    Refused { code: u16, text: Option<String> },
    Ended,
    Other,
}

fn meaning(node: &NodeRef<'_>) -> Meaning {
    match node.tag.as_ref() {
        "failure" => {
            let failure = ConnectFailureStanza::parse(node);
            let code = node.attrs().optional_u64("reason").and_then(|code| u16::try_from(code).ok()).unwrap_or(0);
            Meaning::Refused { code, text: failure.message.map(std::borrow::Cow::into_owned) }
        }
        "stream:error" => match node.attrs().optional_u64("code").and_then(|code| u16::try_from(code).ok()) {
            Some(code) => Meaning::Refused { code, text: None },
            None => Meaning::Ended,
        },
        "xmlstreamend" => Meaning::Ended,
        "iq" => {
            let has_reference = node.get_optional_child("pair-device").is_some_and(|pair| pair.get_optional_child("ref").is_some());
            if !has_reference {
                return Meaning::Other;
            }
            let id = node.attrs().optional_string("id").map(std::borrow::Cow::into_owned).unwrap_or_default();
            Meaning::Reference { thanks: NodeBuilder::new("iq").attr("to", SERVER_JID).attr("id", id).attr("type", "result").build() }
        }
        _ => Meaning::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning_of(node: &Node) -> Meaning {
        let bytes = wacore_binary::marshal(node).unwrap();
        let packed = wacore_binary::util::unpack_bytes(BytesMut::from(bytes.as_slice())).and_then(OwnedNodeRef::new).unwrap();
        meaning(packed.get())
    }

    #[test]
    fn a_failure_is_a_refusal_with_its_code_and_its_text() {
        let node = NodeBuilder::new("failure").attr("reason", 402u16).attr("message", "later").build();
        assert!(matches!(meaning_of(&node), Meaning::Refused { code: 402, text: Some(text) } if text == "later"));
        let bare = NodeBuilder::new("failure").build();
        assert!(matches!(meaning_of(&bare), Meaning::Refused { code: 0, text: None }));
    }

    #[test]
    fn a_stream_error_with_a_code_is_a_refusal_and_without_one_an_end() {
        assert!(matches!(
            meaning_of(&NodeBuilder::new("stream:error").attr("code", 503u16).build()),
            Meaning::Refused { code: 503, text: None }
        ));
        assert!(matches!(meaning_of(&NodeBuilder::new("stream:error").build()), Meaning::Ended));
    }

    #[test]
    fn only_a_pair_device_with_a_reference_is_the_end_of_the_way() {
        let pair = |children: Vec<Node>| {
            let pair = NodeBuilder::new("pair-device").children(children).build();
            NodeBuilder::new("iq").attr("id", "7").attr("type", "set").children([pair]).build()
        };
        let Meaning::Reference { thanks } = meaning_of(&pair(vec![NodeBuilder::new("ref").build()])) else {
            panic!("a reference is one");
        };
        assert_eq!(thanks.attrs().optional_string("id").as_deref(), Some("7"));
        assert!(matches!(meaning_of(&pair(Vec::new())), Meaning::Other));
        assert!(matches!(meaning_of(&NodeBuilder::new("ib").build()), Meaning::Other));
    }
}
