//! Links that the owner has to confirm with a passkey. Owns the server's question and the phone's side of the exchange that follows:
//! what was signed, the keys of both sides, the code that the person compares, and the new device's secret.

use std::sync::Arc;
use std::time::Duration;

use aes_gcm::aead::Aead as _;
use aes_gcm::{Aes256Gcm, KeyInit as _};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use tokio::sync::oneshot;
use tokio::time::Instant;
use wacore::shortcake::ShortcakeUtils;
use wacore_binary::builder::NodeBuilder;
use wacore_binary::{Node, NodeRef};
use wacore_libsignal::protocol::KeyPair;
use waproto::buffa::Message as _;
use waproto::whatsapp as wa;

use super::Candidate;
use crate::account::{Account, lock};
use crate::phone::companion::Hosting;
use crate::stanza::Session;
use crate::{clock, keys, wire};

/// A phone takes a moment for each step; the client's own request is over by then.
const PHONE_PAUSE: Duration = Duration::from_millis(200);

/// One confirmation, from the server's question on.
pub(super) struct PasskeyFlow {
    account: Arc<Account>,
    challenge: Vec<u8>,
    until: Instant,
    /// What the phone knows from the QR code or the typed one: the same secret proves that no other device came between.
    secret: Vec<u8>,
    reference: Option<String>,
    exchange: Option<Exchange>,
}

/// What both sides know once the prologue was taken.
struct Exchange {
    device_type: wa::device_props::PlatformType,
    reference: String,
    identity: Vec<u8>,
    commitment: Vec<u8>,
    companion: [u8; 32],
    phone: KeyPair,
    nonce: [u8; 32],
    revealed: bool,
}

type Refused = (u16, &'static str);

/// Whether links of this account need a confirmation.
pub(super) fn is_wanted(account: &Account) -> bool {
    account.passkey().is_some()
}

/// The server asks the device to have its question signed.
pub(super) fn ask(candidate: &Candidate, account: Arc<Account>, secret: &[u8]) {
    let challenge = keys::random_bytes::<32>();
    let mut passkey = account.passkey();
    let Some(known) = passkey.as_mut() else { return };
    known.asked += 1;
    known.shown = None;
    let (options, conduct) = (known.options(&challenge), known.conduct.clone());
    drop(passkey);
    let until = Instant::now() + Duration::from_millis(conduct.timeout_ms);
    lock(&candidate.state).passkey =
        Some(PasskeyFlow { account, challenge: challenge.to_vec(), until, secret: secret.to_vec(), reference: None, exchange: None });
    let children = if conduct.bare_question { Vec::new() } else { vec![wire::bytes_node("passkey_request_options", options)] };
    candidate.handle.send(notification("passkey_prologue_request", children));
}

fn notification(kind: &'static str, children: Vec<Node>) -> Node {
    NodeBuilder::new("notification")
        .attr("from", wire::server())
        .attr("type", kind)
        .attr("id", keys::stanza_id())
        .attr("t", clock::now_secs())
        .children(children)
        .build()
}

/// What the device asks for; `None` is no part of this.
pub(crate) fn get(candidate: &Candidate, node: &NodeRef<'_>) -> Option<Node> {
    let mut state = lock(&candidate.state);
    let flow = state.passkey.as_mut()?;
    if node.get_optional_child("ref").is_some() {
        let reference = format!("2@{}", BASE64_STANDARD.encode(keys::random_bytes::<24>()));
        flow.reference = Some(reference.clone());
        return Some(wire::bytes_node("ref", reference));
    }
    node.get_optional_child("passkey_request_options")?;
    let (account, challenge) = (Arc::clone(&flow.account), flow.challenge.clone());
    drop(state);
    let options = account.passkey().as_ref().map(|passkey| passkey.options(&challenge))?;
    Some(wire::bytes_node("passkey_request_options", options))
}

/// One step of the device; `false` is no part of this.
pub(crate) fn set(session: &Session, candidate: &Arc<Candidate>, node: &NodeRef<'_>) -> bool {
    let done = if let Some(prologue) = node.get_optional_child("passkey_prologue") {
        prologue_step(session, candidate, prologue)
    } else if let Some(nonce) = node.get_optional_child("companion_nonce") {
        reveal_step(candidate, nonce.content_bytes().unwrap_or_default())
    } else if let Some(request) = node.get_optional_child("encrypted_pairing_request") {
        request_step(session, candidate, request.content_bytes().unwrap_or_default())
    } else {
        return false;
    };
    match done {
        Ok(()) => session.answer(node, Vec::new()),
        Err((code, text)) => {
            tracing::debug!(code, text, "a link by passkey was refused");
            lock(&candidate.state).passkey = None;
            session.refuse(node, code, text);
        }
    }
    true
}

/// The device shows what was signed, and binds itself to a nonce that it tells later.
fn prologue_step(session: &Session, candidate: &Arc<Candidate>, prologue: &NodeRef<'_>) -> Result<(), Refused> {
    let part = |tag| wire::child_bytes(prologue, tag).unwrap_or_default();
    let payload_bytes = part("prologue_payload");
    let mut state = lock(&candidate.state);
    let flow = state.passkey.as_mut().ok_or((404, "item-not-found"))?;
    if flow.exchange.is_some() {
        return Err((409, "conflict"));
    }
    if Instant::now() > flow.until {
        return Err((410, "gone"));
    }
    let conduct = {
        let passkey = flow.account.passkey();
        let passkey = passkey.as_ref().ok_or((404, "item-not-found"))?;
        if passkey.conduct.refuses {
            return Err((403, "forbidden"));
        }
        passkey.verify(part("credential_id"), part("webauthn_assertion"), &flow.challenge).map_err(|text| {
            tracing::debug!(text, "what was signed is not taken");
            (401, "not-authorized")
        })?;
        passkey.conduct.clone()
    };
    let bad = (400, "bad-request");
    let payload = wa::ProloguePayload::decode_from_slice(payload_bytes).map_err(|_| bad)?;
    let identity = payload.companion_ephemeral_identity.ok_or(bad)?;
    let known = wa::CompanionEphemeralIdentity::decode_from_slice(&identity).map_err(|_| bad)?;
    let commitment = payload.commitment.into_option().and_then(|commitment| commitment.hash).ok_or(bad)?;
    let companion: [u8; 32] = known.public_key.and_then(|key| key.try_into().ok()).ok_or(bad)?;
    let reference = known.r#ref.filter(|reference| flow.reference.as_ref() == Some(reference)).ok_or((404, "item-not-found"))?;
    let vouched = wire::child_bytes(prologue, "pairing_handoff_proof").map(|proof| vouches(&flow.secret, payload_bytes, proof));
    if vouched == Some(false) {
        return Err((401, "not-authorized"));
    }
    let (phone, nonce) = (keys::generate(), keys::random_bytes::<32>());
    let answer = wa::PrimaryEphemeralIdentity { public_key: Some(keys::public_bytes(&phone).to_vec()), nonce: Some(nonce.to_vec()) };
    let device_type = known.device_type.ok_or(bad)?;
    flow.exchange = Some(Exchange { device_type, reference, identity, commitment, companion, phone, nonce, revealed: false });
    drop(state);
    if !conduct.silent {
        let handle = candidate.handle.clone();
        session.net.tasks.spawn(async move {
            tokio::time::sleep(PHONE_PAUSE).await;
            handle.send(notification("crsc_continuation", vec![wire::bytes_node("primary_ephemeral_identity", answer.encode_to_vec())]));
        });
    }
    Ok(())
}

/// Whether the device knows the secret that the phone has from the code.
fn vouches(secret: &[u8], payload: &[u8], proof: &[u8]) -> bool {
    let key = secret.try_into().ok().and_then(|secret| ShortcakeUtils::derive_pairing_handoff_hmac_key(secret).ok());
    let mac = key.and_then(|key| Hmac::<Sha256>::new_from_slice(&key).ok());
    mac.is_some_and(|mut mac| {
        mac.update(payload);
        mac.verify_slice(proof).is_ok()
    })
}

/// The device tells its nonce: the phone can show the code.
fn reveal_step(candidate: &Candidate, nonce: &[u8]) -> Result<(), Refused> {
    let nonce: [u8; 32] = nonce.try_into().map_err(|_| (400, "bad-request"))?;
    let mut state = lock(&candidate.state);
    let flow = state.passkey.as_mut().ok_or((404, "item-not-found"))?;
    let exchange = flow.exchange.as_mut().ok_or((409, "conflict"))?;
    if ShortcakeUtils::commitment_hash(&exchange.identity, &nonce).as_slice() != exchange.commitment {
        return Err((401, "not-authorized"));
    }
    exchange.revealed = true;
    let code = ShortcakeUtils::derive_verification_code(&nonce, &keys::public_bytes(&exchange.phone), &exchange.nonce);
    let account = Arc::clone(&flow.account);
    drop(state);
    if let Some(passkey) = account.passkey().as_mut() {
        // As if the phone had talked to somebody else.
        let first = if code.starts_with('A') { 'B' } else { 'A' };
        let code = if passkey.conduct.wrong_code { format!("{first}{}", &code[1..]) } else { code };
        passkey.shown = Some(format!("{}-{}", &code[..4], &code[4..]));
    }
    Ok(())
}

/// The codes were compared: the device sends its keys and its new secret, and the phone links it.
fn request_step(session: &Session, candidate: &Arc<Candidate>, request: &[u8]) -> Result<(), Refused> {
    let bad = (400, "bad-request");
    let mut state = lock(&candidate.state);
    let flow = state.passkey.as_ref().ok_or((404, "item-not-found"))?;
    let exchange = flow.exchange.as_ref().filter(|exchange| exchange.revealed).ok_or((409, "conflict"))?;
    let sealed = wa::EncryptedPairingRequest::decode_from_slice(request).map_err(|_| bad)?;
    let key = ShortcakeUtils::derive_encryption_key(&exchange.phone, &exchange.companion, exchange.device_type, &exchange.reference)
        .map_err(|_| bad)?;
    let iv: [u8; 12] = sealed.iv.and_then(|iv| iv.try_into().ok()).ok_or(bad)?;
    let opened =
        Aes256Gcm::new(&key.into()).decrypt(&iv.into(), sealed.encrypted_payload.unwrap_or_default().as_slice()).map_err(|_| bad)?;
    let opened = wa::PairingRequest::decode_from_slice(&opened).map_err(|_| bad)?;
    let fixed = |bytes: Option<Vec<u8>>| bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).ok_or(bad);
    let (noise, identity, secret) = (fixed(opened.companion_public_key)?, fixed(opened.companion_identity_key)?, fixed(opened.adv_secret)?);
    if noise != candidate.noise_public || identity != candidate.keys.identity {
        return Err((401, "not-authorized"));
    }
    let account = Arc::clone(&flow.account);
    state.passkey = None;
    drop(state);
    let links = {
        let mut passkey = account.passkey();
        let passkey = passkey.as_mut().ok_or((404, "item-not-found"))?;
        passkey.shown = None;
        !passkey.conduct.never_links
    };
    if links {
        let (net, candidate) = (Arc::clone(&session.net), Arc::clone(candidate));
        session.net.tasks.spawn(async move {
            tokio::time::sleep(PHONE_PAUSE).await;
            // Nobody waits at the control API by now.
            let (done, _) = oneshot::channel();
            candidate.offer(&net, account, &identity, &secret, Hosting::Ordinary, done);
        });
    }
    Ok(())
}
