//! The server's side of the three Noise patterns. Owns the order of the tokens; refuses anything that does not decrypt.

use wacore_binary::consts::{NOISE_PATTERN_IK, NOISE_PATTERN_XX, NOISE_PATTERN_XXFALLBACK};
use wacore_libsignal::protocol::KeyPair;
use wacore_noise::{NoiseCipher, NoiseHandshake};
use waproto::buffa::{Message as _, MessageField};
use waproto::whatsapp::HandshakeMessage;
use waproto::whatsapp::handshake_message::{ClientHello, ServerHello};

use super::ServerIdentity;
use crate::keys;

/// Why a handshake ends.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("the handshake message is malformed: {0}")]
    Malformed(&'static str),
    #[error(transparent)]
    Noise(#[from] wacore_noise::HandshakeError),
}

/// A finished handshake.
pub(crate) struct Secured {
    pub(crate) pattern: &'static str,
    pub(crate) client_static: [u8; 32],
    pub(crate) payload: Vec<u8>,
    pub(crate) read: NoiseCipher,
    pub(crate) write: NoiseCipher,
}

/// What the server does after the client's first message.
pub(crate) enum Step {
    /// IK: the answer ends the handshake.
    Done(Vec<u8>, Box<Secured>),
    /// XX or its fallback: the answer asks for the client's last message.
    AwaitFinish(Vec<u8>, Box<AwaitFinish>),
}

pub(crate) struct AwaitFinish {
    noise: NoiseHandshake,
    ephemeral: KeyPair,
    pattern: &'static str,
}

/// Answers a `ClientHello`: IK when it carries a static key that opens, the fallback pattern when it does not open, XX otherwise.
pub(crate) fn answer(server: &ServerIdentity, prologue: &[u8], message: &[u8]) -> Result<Step, Error> {
    let hello = HandshakeMessage::decode_from_slice(message)
        .map_err(|_| Error::Malformed("not a handshake message"))?
        .client_hello
        .into_option()
        .ok_or(Error::Malformed("no client hello"))?;
    let ephemeral: [u8; 32] = hello.ephemeral.as_deref().and_then(|key| key.try_into().ok()).ok_or(Error::Malformed("no ephemeral key"))?;
    if hello.r#static.is_none() {
        return exchange(server, prologue, &ephemeral, NOISE_PATTERN_XX);
    }
    match accept_ik(server, prologue, &ephemeral, &hello) {
        Ok(step) => Ok(step),
        // The client sealed its key to another server key: offer ours under the fallback pattern.
        Err(_) => exchange(server, prologue, &ephemeral, NOISE_PATTERN_XXFALLBACK),
    }
}

fn accept_ik(server: &ServerIdentity, prologue: &[u8], client_ephemeral: &[u8; 32], hello: &ClientHello) -> Result<Step, Error> {
    let (Some(sealed_static), Some(sealed_payload)) = (&hello.r#static, &hello.payload) else {
        return Err(Error::Malformed("IK without a payload"));
    };
    let mut noise = NoiseHandshake::new(NOISE_PATTERN_IK, prologue)?;
    noise.authenticate(&keys::public_bytes(&server.server));
    noise.authenticate(client_ephemeral);
    noise.mix_shared_secret(server.server.private_key.serialize(), client_ephemeral)?;
    let client_static: [u8; 32] = noise.decrypt(sealed_static)?.try_into().map_err(|_| Error::Malformed("static key length"))?;
    noise.mix_shared_secret(server.server.private_key.serialize(), &client_static)?;
    let payload = noise.decrypt(sealed_payload)?;

    let ephemeral = keys::generate();
    noise.authenticate(&keys::public_bytes(&ephemeral));
    noise.mix_shared_secret(ephemeral.private_key.serialize(), client_ephemeral)?;
    noise.mix_shared_secret(ephemeral.private_key.serialize(), &client_static)?;
    let certificate = noise.encrypt(&server.chain)?;
    let answer = server_hello(&ephemeral, None, certificate);
    let secured = finish(noise, NOISE_PATTERN_IK, client_static, payload)?;
    Ok(Step::Done(answer, Box::new(secured)))
}

/// XX and the fallback differ only in the name that is hashed first.
fn exchange(server: &ServerIdentity, prologue: &[u8], client_ephemeral: &[u8; 32], pattern: &'static str) -> Result<Step, Error> {
    let mut noise = NoiseHandshake::new(pattern, prologue)?;
    noise.authenticate(client_ephemeral);
    let ephemeral = keys::generate();
    noise.authenticate(&keys::public_bytes(&ephemeral));
    noise.mix_shared_secret(ephemeral.private_key.serialize(), client_ephemeral)?;
    let sealed_static = noise.encrypt(&keys::public_bytes(&server.server))?;
    noise.mix_shared_secret(server.server.private_key.serialize(), client_ephemeral)?;
    let certificate = noise.encrypt(&server.chain)?;
    let answer = server_hello(&ephemeral, Some(sealed_static), certificate);
    let next = AwaitFinish { noise, ephemeral, pattern };
    Ok(Step::AwaitFinish(answer, Box::new(next)))
}

impl AwaitFinish {
    pub(crate) fn finish(mut self, message: &[u8]) -> Result<Secured, Error> {
        let last = HandshakeMessage::decode_from_slice(message)
            .map_err(|_| Error::Malformed("not a handshake message"))?
            .client_finish
            .into_option()
            .ok_or(Error::Malformed("no client finish"))?;
        let (Some(sealed_static), Some(sealed_payload)) = (last.r#static, last.payload) else {
            return Err(Error::Malformed("client finish without keys"));
        };
        let client_static: [u8; 32] = self.noise.decrypt(&sealed_static)?.try_into().map_err(|_| Error::Malformed("static key length"))?;
        self.noise.mix_shared_secret(self.ephemeral.private_key.serialize(), &client_static)?;
        let payload = self.noise.decrypt(&sealed_payload)?;
        finish(self.noise, self.pattern, client_static, payload)
    }
}

fn finish(noise: NoiseHandshake, pattern: &'static str, client_static: [u8; 32], payload: Vec<u8>) -> Result<Secured, Error> {
    // The pair is named from the initiator's side: what it writes, this side reads.
    let (read, write) = noise.finish()?;
    Ok(Secured { pattern: pattern.trim_end_matches('\0'), client_static, payload, read, write })
}

fn server_hello(ephemeral: &KeyPair, sealed_static: Option<Vec<u8>>, payload: Vec<u8>) -> Vec<u8> {
    HandshakeMessage {
        server_hello: MessageField::some(ServerHello {
            ephemeral: Some(keys::public_bytes(ephemeral).to_vec()),
            r#static: sealed_static,
            payload: Some(payload),
            ..Default::default()
        }),
        ..Default::default()
    }
    .encode_to_vec()
}
