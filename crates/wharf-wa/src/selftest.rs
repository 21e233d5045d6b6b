//! What a program asks itself when it starts: is this the build that trusts any server?

use rand::SeedableRng;
use rand::rngs::StdRng;
use wacore::handshake::HandshakeUtils;
use wacore::libsignal::protocol::KeyPair;
use waproto::buffa::{Message as _, MessageField};
use waproto::whatsapp::CertChain;
use waproto::whatsapp::cert_chain::{NoiseCertificate, noise_certificate::Details};

/// Whether this build accepts a server whose certificate chain a stranger signed. The library decides that at compile
/// time: `wharf` must never answer `true`, `wharf-sandbox` always does.
pub fn accepts_foreign_chain() -> bool {
    // A fixed seed: these keys protect nothing, and the answer must not depend on chance.
    let mut chance = StdRng::seed_from_u64(0x0077_6861_7266);
    let root = KeyPair::generate(&mut chance);
    let intermediate = KeyPair::generate(&mut chance);
    let server = KeyPair::generate(&mut chance);
    let key = |pair: &KeyPair| -> Option<[u8; 32]> { pair.public_key.public_key_bytes().try_into().ok() };
    let mut sign = |signer: &KeyPair, serial: u32, issuer: u32, subject: &[u8]| {
        let details = Details { serial: Some(serial), issuer_serial: Some(issuer), key: Some(subject.to_vec()), ..Default::default() }
            .encode_to_vec();
        let signature = signer.private_key.calculate_signature(&details, &mut chance).ok()?;
        Some(NoiseCertificate { details: Some(details), signature: Some(signature.to_vec()) })
    };
    let mut chain = || -> Option<([u8; 32], Vec<u8>)> {
        let server_key = key(&server)?;
        let chain = CertChain {
            intermediate: MessageField::some(sign(&root, 1, 0, &key(&intermediate)?)?),
            leaf: MessageField::some(sign(&intermediate, 2, 1, &server_key)?),
        };
        Some((server_key, chain.encode_to_vec()))
    };
    // A chain that cannot be made proves nothing, and a program that cannot prove its trust must not look trusted.
    chain().is_none_or(|(server_key, bytes)| HandshakeUtils::verify_server_cert(&bytes, &server_key).is_ok())
}
