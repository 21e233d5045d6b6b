//! Linking by a code that the person types on the phone. Owns the phone's side of the key exchange.

use std::sync::Arc;

use aes_gcm::aead::Aead as _;
use aes_gcm::{Aes256Gcm, KeyInit as _};
use hkdf::Hkdf;
use sha2::Sha256;
use tokio::sync::oneshot;
use wacore::pair_code::PairCodeUtils;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};
use wacore_libsignal::protocol::{KeyPair, PublicKey};

use super::link::wait;
use super::{Candidate, Done, Error, Outcome, passkey};
use crate::account::lock;
use crate::address::{Address, Number};
use crate::faults::{Action, Rule};
use crate::network::Net;
use crate::phone::companion::Hosting;
use crate::stanza::Session;
use crate::{clock, keys, wire};

/// A code a device shows, and how far its use has come.
pub(super) struct CodeFlow {
    pub(super) number: Number,
    reference: Vec<u8>,
    wrapped: Vec<u8>,
    typed: Option<Typed>,
}

/// The person has typed a code.
struct Typed {
    ephemeral: KeyPair,
    companion_ephemeral: [u8; 32],
    done: Done,
}

/// The rule by which a step of the device's is refused, if there is one for the number.
pub(crate) fn refusal(net: &Net, candidate: &Candidate, step: &NodeRef<'_>, stage: &str) -> Option<Rule> {
    let (action, number) = match stage {
        "companion_hello" => (Action::RefusePairCode, Address::from_jid(&wire::jid(step, "jid")?)?.number),
        "companion_finish" => (Action::RefusePairFinish, lock(&candidate.state).code.as_ref()?.number),
        _ => return None,
    };
    let rule = net.faults.take(&[action], Some(number), None)?;
    if action == Action::RefusePairFinish
        && let Some(typed) = lock(&candidate.state).code.as_mut().and_then(|flow| flow.typed.take())
    {
        // The phone says that the link failed.
        let _ = typed.done.send(Err(Error::NoAnswer));
    }
    Some(rule)
}

/// Step one: the device shows a code for a number. Gives what the client waits for.
pub(crate) fn hello(net: &Net, candidate: &Arc<Candidate>, step: &NodeRef<'_>) -> Option<Node> {
    // As the real server: whoever has no QR references yet gets no code either.
    if !lock(&candidate.state).announced {
        return None;
    }
    let number = Address::from_jid(&wire::jid(step, "jid")?)?.number;
    let wrapped = wire::child_bytes(step, "link_code_pairing_wrapped_companion_ephemeral_pub")?.to_vec();
    let reference = keys::random_bytes::<16>().to_vec();
    lock(&candidate.state).code = Some(CodeFlow { number, reference: reference.clone(), wrapped, typed: None });
    lock(&net.codes).insert(number, Arc::clone(candidate));
    Some(
        NodeBuilder::new("link_code_companion_reg")
            .attr("stage", "companion_hello")
            .children([wire::bytes_node("link_code_pairing_ref", reference)])
            .build(),
    )
}

/// The person types the code on the phone.
pub(crate) async fn enter(net: &Arc<Net>, number: Number, code: &str) -> Result<Outcome, Error> {
    let candidate = lock(&net.codes).get(&number).cloned().ok_or(Error::NoCodeWanted)?;
    let (reference, wrapped) =
        lock(&candidate.state).code.as_ref().map(|flow| (flow.reference.clone(), flow.wrapped.clone())).ok_or(Error::NoCodeWanted)?;
    let code: String = code.chars().filter(|c| !matches!(c, '-' | ' ')).collect::<String>().to_uppercase();
    let ephemeral = keys::generate();
    let public = keys::public_bytes(&ephemeral);
    // Deriving a key from the code is slow by design.
    let derived = tokio::task::spawn_blocking(move || {
        let companion = PairCodeUtils::decrypt_primary_ephemeral_pub(&wrapped, &code).ok()?;
        Some((companion, PairCodeUtils::encrypt_ephemeral_pub(&public, &code)))
    });
    let (companion_ephemeral, wrapped_primary) = derived.await.ok().flatten().ok_or(Error::WrongCode)?;
    let (done, answer) = oneshot::channel();
    match &mut lock(&candidate.state).code {
        Some(flow) => {
            flow.typed = Some(Typed { ephemeral, companion_ephemeral, done });
        }
        None => return Err(Error::NoCodeWanted),
    }
    let identity = net.owner(number).phone().keyring.identities.own.public_key().public_key_bytes().to_vec();
    candidate.handle.send(
        NodeBuilder::new("notification")
            .attr("from", wire::server())
            .attr("type", "link_code_companion_reg")
            .attr("id", keys::stanza_id())
            .attr("t", clock::now_secs())
            .children([NodeBuilder::new("link_code_companion_reg")
                .attr("stage", "primary_hello")
                .children([
                    wire::bytes_node("link_code_pairing_wrapped_primary_ephemeral_pub", wrapped_primary),
                    wire::bytes_node("primary_identity_pub", identity),
                    wire::bytes_node("link_code_pairing_ref", reference),
                ])
                .build()])
            .build(),
    );
    wait(&net.owner(number), answer).await
}

/// Step two: the device sends its keys, readable only if both sides used the same code.
pub(crate) fn finish(session: &Session, candidate: &Arc<Candidate>, node: &NodeRef<'_>, step: &NodeRef<'_>) {
    let typed = lock(&candidate.state).code.as_mut().and_then(|flow| Some((flow.number, flow.typed.take()?)));
    let Some((number, typed)) = typed else {
        return session.refuse(node, 400, "bad-request");
    };
    let net = &session.net;
    let account = net.owner(number);
    let own = account.phone().keyring.identities.own.clone();
    let opened = wire::child_bytes(step, "companion_identity_public")
        .and_then(|identity| identity.try_into().ok())
        .zip(wire::child_bytes(step, "link_code_pairing_wrapped_key_bundle"))
        .and_then(|(identity, bundle): ([u8; 32], _)| {
            let secret = open_bundle(&typed, own.private_key(), &identity, bundle)?;
            Some((identity, secret))
        });
    // The server only passes the keys on, so the device is not told that the phone cannot read them; the person may type again.
    session.answer(node, Vec::new());
    match opened {
        Some((_, secret)) if passkey::is_wanted(&account) => {
            passkey::ask(candidate, account, &secret);
            let _ = typed.done.send(Ok(Outcome::asked(number)));
        }
        Some((identity, secret)) => {
            candidate.offer(net, account, &identity, &secret, Hosting::Ordinary, typed.done);
        }
        None => {
            let _ = typed.done.send(Err(Error::WrongCode));
        }
    }
}

/// Opens the device's bundle and derives the secret both sides now share.
fn open_bundle(typed: &Typed, own: &wacore_libsignal::protocol::PrivateKey, identity: &[u8; 32], bundle: &[u8]) -> Option<[u8; 32]> {
    let public = |bytes: &[u8]| PublicKey::from_djb_public_key_bytes(bytes).ok();
    let shared = typed.ephemeral.private_key.calculate_agreement(&public(&typed.companion_ephemeral)?).ok()?;
    let (salt, rest) = bundle.split_at_checked(32)?;
    let (nonce, sealed) = rest.split_at_checked(12)?;
    let nonce: [u8; 12] = nonce.try_into().ok()?;
    let mut key = [0u8; 32];
    Hkdf::<Sha256>::new(Some(salt), &shared).expand(b"link_code_pairing_key_bundle_encryption_key", &mut key).ok()?;
    let opened = Aes256Gcm::new(&key.into()).decrypt(&nonce.into(), sealed).ok()?;
    let random = opened.get(64..96)?;
    let with_identity = own.calculate_agreement(&public(identity)?).ok()?;
    let mut secret = [0u8; 32];
    Hkdf::<Sha256>::new(None, &[&shared, &with_identity, random].concat()).expand(b"adv_secret", &mut secret).ok()?;
    Some(secret)
}
