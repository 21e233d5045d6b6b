use serde_json::json;

use super::*;

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn options() -> Value {
    json!({"challenge": encode("dare"), "rpId": "whatsapp.com", "userVerification": "required", "allowCredentials": []})
}

fn signed() -> Signed {
    let mut data = Sha256::digest("whatsapp.com").to_vec();
    data.extend([PRESENT | VERIFIED, 0, 0, 0, 1]);
    Signed {
        credential_id: vec![1],
        client_data: json!({"type": "webauthn.get", "challenge": encode("dare"), "origin": "https://web.whatsapp.com"}).to_string().into(),
        authenticator_data: data,
        signature: vec![2],
        user_handle: None,
    }
}

fn field(done: Result<(), Error>) -> &'static str {
    match done {
        Err(Error::Shape { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_the_passkey_signed_for_this_challenge_is_taken() {
    check(&signed(), &options()).unwrap();
}

#[test]
fn what_whatsapp_would_refuse_is_refused_by_its_field() {
    let client = |text: Value| Signed { client_data: text.to_string().into(), ..signed() };
    for wrong in [
        client(json!({"type": "webauthn.create", "challenge": encode("dare")})),
        client(json!({"type": "webauthn.get", "challenge": encode("another")})),
        client(json!({"type": "webauthn.get"})),
        client(json!("text")),
        Signed { client_data: b"{".to_vec(), ..signed() },
    ] {
        assert_eq!(field(check(&wrong, &options())), "response.clientDataJSON", "{wrong:?}");
    }
    let data = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut wrong = signed();
        change(&mut wrong.authenticator_data);
        wrong
    };
    for wrong in
        [data(&|data| data.truncate(36)), data(&|data| data[0] ^= 1), data(&|data| data[32] = PRESENT), data(&|data| data[32] = VERIFIED)]
    {
        assert_eq!(field(check(&wrong, &options())), "response.authenticatorData", "{wrong:?}");
    }
    let mut only = options();
    only["allowCredentials"] = json!([{"type": "public-key", "id": encode([9])}]);
    assert_eq!(field(check(&signed(), &only)), "rawId");
    only["allowCredentials"] = json!([{"type": "public-key", "id": encode([1])}]);
    check(&signed(), &only).unwrap();
}

#[test]
fn verification_that_is_not_required_may_be_absent() {
    let mut wrong = signed();
    wrong.authenticator_data[32] = PRESENT;
    let mut relaxed = options();
    relaxed["userVerification"] = json!("preferred");
    check(&wrong, &relaxed).unwrap();
}

#[test]
fn a_code_is_read_however_it_is_typed_and_nothing_else_is_one() {
    assert_eq!(plain_code(" abcd-1234 ").as_deref(), Some("ABCD1234"));
    for bad in ["", "ABCD-123", "ABCD-12345", "ABCD-123O", "ABCD-1230", "ÄBCD-1234"] {
        assert_eq!(plain_code(bad), None, "{bad}");
    }
}

#[test]
fn bytes_come_in_base64url_with_or_without_padding() {
    assert_eq!(bytes("id", "-_8").unwrap(), [0xfb, 0xff]);
    assert_eq!(bytes("id", "-_8=").unwrap(), [0xfb, 0xff]);
    for bad in ["", "=", "+/8", "a b"] {
        assert!(bytes("id", bad).is_err(), "{bad}");
    }
    assert!(bytes("id", &"A".repeat(limits::PASSKEY_FIELD_CHARS + 1)).is_err());
}
