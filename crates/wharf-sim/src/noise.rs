//! The server's long-term keys and its certificate chain, really signed by the network's own root.

pub(crate) mod responder;

use wacore_libsignal::protocol::KeyPair;
use waproto::buffa::{Message as _, MessageField};
use waproto::whatsapp as wa;
use waproto::whatsapp::cert_chain::NoiseCertificate;
use waproto::whatsapp::cert_chain::noise_certificate::Details;

use crate::{clock, keys};

const INTERMEDIATE_SERIAL: u32 = 1;
const YEAR_SECS: u64 = 365 * 24 * 3600;

/// Kept stable across restarts: a client that has the chain cached reconnects by IK, and would have to fall back otherwise.
pub(crate) struct ServerIdentity {
    pub(crate) root: KeyPair,
    pub(crate) intermediate: KeyPair,
    pub(crate) server: KeyPair,
    chain: Vec<u8>,
}

impl ServerIdentity {
    pub(crate) fn generate() -> Self {
        Self::new(keys::generate(), keys::generate(), keys::generate())
    }

    /// This server, vouched for by another root.
    pub(crate) fn under(self, root: KeyPair) -> Self {
        Self::new(root, self.intermediate, self.server)
    }

    pub(crate) fn new(root: KeyPair, intermediate: KeyPair, server: KeyPair) -> Self {
        let details = |serial: u32, issuer: u32, key: &KeyPair| Details {
            serial: Some(serial),
            issuer_serial: Some(issuer),
            key: Some(keys::public_bytes(key).to_vec()),
            // A client takes IK only within the validity of the cached chain.
            not_before: Some(clock::now_secs() - YEAR_SECS),
            not_after: Some(clock::now_secs() + 10 * YEAR_SECS),
        };
        let chain = wa::CertChain {
            intermediate: MessageField::some(certificate(&details(INTERMEDIATE_SERIAL, 0, &intermediate), &root)),
            leaf: MessageField::some(certificate(&details(2, INTERMEDIATE_SERIAL, &server), &intermediate)),
        }
        .encode_to_vec();
        Self { root, intermediate, server, chain }
    }
}

fn certificate(details: &Details, issuer: &KeyPair) -> NoiseCertificate {
    let details = details.encode_to_vec();
    let signature =
        issuer.private_key.calculate_signature(&details, &mut keys::chance()).map(|signature| signature.to_vec()).unwrap_or_default();
    NoiseCertificate { details: Some(details), signature: Some(signature) }
}
