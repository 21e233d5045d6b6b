//! The passkey that confirms a link, asked and answered.

use serde_json::{Value, json};

use crate::limits;
use crate::openapi::schema::{Member, about, always, answer, any_object, chars, maybe, nullable, request, session_id, text, time, word};
use crate::types::passkey::{PasskeyFailure, PasskeyStep};

/// What the words for the steps mean.
const STEP: &str = "`assertion`: the account's owner has to sign. `phone`: WhatsApp took the signature, and the phone has to answer. \
    `confirmation`: a person has to compare the two codes. `linking`: they are the same, and the phone links the device. Only events say \
    `failed`: it is over without a link.";

fn step(steps: &[PasskeyStep]) -> Value {
    about(word(steps.iter().map(|step| step.as_str())), STEP)
}

pub(super) fn passkey() -> Value {
    let mut members = vec![always("sessionId", session_id()), always("step", step(PasskeyStep::RUNNING))];
    members.extend(what_it_asks());
    members.extend([
        always("since", about(time(), "When this step began.")),
        always("expiresAt", about(time(), "When this step is given up.")),
    ]);
    answer(members)
}

fn what_it_asks() -> [Member; 2] {
    [
        maybe(
            "publicKey",
            about(
                any_object(),
                "What has to be signed, as WhatsApp sent it: a `PublicKeyCredentialRequestOptionsJSON`. While `step` is `assertion`.",
            ),
        ),
        maybe("code", about(text(), "What the phone has to show too. While `step` is `confirmation`.")),
    ]
}

pub(in crate::openapi) fn passkey_event() -> Value {
    let mut members = vec![always("sessionId", session_id()), always("step", step(PasskeyStep::ALL))];
    members.extend(what_it_asks());
    members.extend([
        maybe("expiresAt", about(time(), "When this step is given up.")),
        maybe("reason", about(word(PasskeyFailure::ALL.iter().map(|reason| reason.as_str())), "Why it `failed`.")),
        maybe("text", about(text(), "The same in a sentence.")),
    ]);
    answer(members)
}

pub(super) fn passkey_assertion() -> Value {
    let bytes = |sentence: &str| about(chars(1, limits::PASSKEY_FIELD_CHARS), sentence);
    let response = answer(vec![
        always("clientDataJSON", bytes("In base64url.")),
        always("authenticatorData", bytes("In base64url.")),
        always("signature", bytes("In base64url.")),
        maybe("userHandle", nullable(bytes("In base64url."))),
    ]);
    request(vec![
        always("id", bytes("The credential's id, in base64url.")),
        always("rawId", bytes("The same.")),
        always("type", json!({ "const": "public-key" })),
        always("response", about(response, "What the passkey signed.")),
        maybe("authenticatorAttachment", about(nullable(text()), "Not passed on.")),
        maybe("clientExtensionResults", about(nullable(any_object()), "Not passed on.")),
    ])
}

pub(super) fn confirm_passkey() -> Value {
    request(vec![always("code", about(chars(1, 20), "What the phone shows: eight letters and digits, with or without the dash."))])
}
