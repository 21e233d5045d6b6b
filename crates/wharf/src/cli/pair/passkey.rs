//! What a person at a terminal has to do when WhatsApp asks for a passkey.

use wharf_api::types::passkey::{Passkey, PasskeyStep};

pub(super) fn in_words(passkey: &Passkey, url: &str) -> String {
    let place = format!("{}/v1/sessions/{}/passkey", url.trim_end_matches('/'), passkey.session_id);
    match passkey.step {
        PasskeyStep::Assertion => format!(
            "WhatsApp asks for the passkey of this account. Only its owner can sign, in a browser on web.whatsapp.com.\n\
             How: docs/passkey.md. The question: GET {place}; the answer: POST to the same place, until {}.",
            passkey.expires_at
        ),
        PasskeyStep::Phone => "Signed; the phone has to answer …".to_owned(),
        PasskeyStep::Confirmation => format!(
            "Our code is {}. Look at the phone: if it shows the same, send that one:\n  \
             curl -X POST {place}/confirm -H \"Authorization: Bearer $WHARF_API_KEY\" -H 'Content-Type: application/json' -d '{{\"code\":\"…\"}}'\n\
             If it shows another code, somebody stands between: send nothing, and try again elsewhere.",
            passkey.code.as_deref().unwrap_or("not known yet")
        ),
        PasskeyStep::Linking | PasskeyStep::Failed => "The codes are the same; the phone links the device …".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use wharf_api::Timestamp;
    use wharf_api::ids::SessionId;

    use super::*;

    #[test]
    fn each_step_says_what_to_do_and_where() {
        let at = Timestamp::from_millis(1_800_000_000_000);
        let of = |step, code: Option<&str>| Passkey {
            session_id: SessionId::parse("ses_00000000000000000000000000000007").expect("an id"),
            step,
            public_key: None,
            code: code.map(str::to_owned),
            since: at,
            expires_at: at,
        };
        let place = "http://127.0.0.1:8080/v1/sessions/ses_00000000000000000000000000000007/passkey";
        let asked = in_words(&of(PasskeyStep::Assertion, None), "http://127.0.0.1:8080/");
        assert!(asked.contains(&format!("GET {place};")) && asked.contains("docs/passkey.md") && asked.contains("2027-01-15"), "{asked}");
        let code = in_words(&of(PasskeyStep::Confirmation, Some("ABCD-1234")), "http://127.0.0.1:8080");
        assert!(code.contains("ABCD-1234") && code.contains(&format!("{place}/confirm")) && code.contains("send nothing"), "{code}");
    }
}
