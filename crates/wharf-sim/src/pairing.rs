//! Linking a device to an account: by QR or by typed code, up to the moment it is registered, and unlinking it again.

pub(crate) mod code;
mod link;
pub(crate) mod passkey;

use std::sync::{Arc, Mutex};

use serde::Serialize;
use tokio::sync::oneshot;
use waproto::buffa::Message as _;
use waproto::whatsapp as wa;
use waproto::whatsapp::client_payload::DevicePairingRegistrationData;

use crate::account::Account;
use crate::account::bundle::PublicKeys;
use crate::address::Number;
use crate::connection::handle::Handle;
use crate::wire;

pub(crate) use link::{name_shown, scan, unlink};

#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Linked {
    pub(crate) phone: String,
    pub(crate) device: u16,
    pub(crate) jid: String,
    pub(crate) lid: String,
    pub(crate) platform: String,
}

/// What a person sees after a scan or a typed code.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum Outcome {
    Linked(Linked),
    /// The owner has to confirm the link with a passkey; it goes on without the person who scanned.
    Passkey {
        phone: String,
        passkey: &'static str,
    },
}

impl Outcome {
    fn asked(number: Number) -> Self {
        Self::Passkey { phone: number.to_string(), passkey: "asked" }
    }
}

#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Error {
    #[error("this is not a QR code of a device that waits here")]
    UnknownQr,
    #[error("the QR code is malformed")]
    MalformedQr,
    #[error("no device waits for a code for this number")]
    NoCodeWanted,
    #[error("the code is not the one the device shows")]
    WrongCode,
    #[error("the device refused the link: {0}")]
    Refused(String),
    #[error("the device went away or did not answer")]
    NoAnswer,
}

type Done = oneshot::Sender<Result<Outcome, Error>>;

/// A device that asked to be linked.
pub(crate) struct Candidate {
    pub(crate) handle: Handle,
    noise_public: [u8; 32],
    keys: PublicKeys,
    platform: String,
    /// How its person wants to be called.
    push_name: Option<String>,
    state: Mutex<PairingState>,
}

#[derive(Default)]
struct PairingState {
    references: Vec<String>,
    /// The references were sent.
    announced: bool,
    /// It went away, or is linked by now.
    withdrawn: bool,
    code: Option<code::CodeFlow>,
    offer: Option<Offer>,
    passkey: Option<passkey::PasskeyFlow>,
}

/// A `pair-success` the device has not answered.
struct Offer {
    iq: String,
    account: Arc<Account>,
    device: u16,
    key_index: u32,
    done: Done,
}

impl Candidate {
    pub(crate) fn new(
        handle: Handle,
        noise_public: [u8; 32],
        push_name: Option<String>,
        registration: &DevicePairingRegistrationData,
    ) -> Option<Self> {
        let props = registration.device_props.as_deref().and_then(|bytes| wa::DeviceProps::decode_from_slice(bytes).ok());
        Some(Self {
            handle,
            noise_public,
            keys: PublicKeys {
                registration_id: wire::be_uint(registration.e_regid.as_deref()?)?,
                identity: registration.e_ident.as_deref()?.try_into().ok()?,
                signed_id: wire::be_uint(registration.e_skey_id.as_deref()?)?,
                signed_public: registration.e_skey_val.as_deref()?.try_into().ok()?,
                signed_signature: registration.e_skey_sig.clone()?,
            },
            platform: props.and_then(|props| props.os).unwrap_or_default(),
            push_name: push_name.filter(|name| !name.is_empty()),
            state: Mutex::default(),
        })
    }
}
