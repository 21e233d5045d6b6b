//! The update notice: what bears the right signature is believed, and nothing else is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use wharf_core::egress;
use wharf_core::update::{self, Notice, PublicKey, Refused, Source};

use crate::egress::town::Web;
use crate::harness::Gateway;
use crate::previews::answer;

const VIEW: &str = "/v1/admin/whatsapp/update-notice";

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap()
}

fn key() -> PublicKey {
    PublicKey::parse(&STANDARD.encode([b"Ed", &[9; 8][..], pair(7).public_key().as_ref()].concat())).unwrap()
}

/// A signature file as `minisign -S -l` writes it.
fn signature(by: &Ed25519KeyPair, body: &[u8]) -> Vec<u8> {
    let signature = by.sign(body);
    let global = by.sign(&[signature.as_ref(), b"of today"].concat());
    let head = STANDARD.encode([b"Ed", &[9; 8][..], signature.as_ref()].concat());
    format!("untrusted comment: x\n{head}\ntrusted comment: of today\n{}\n", STANDARD.encode(global.as_ref())).into_bytes()
}

fn body(serial: i64) -> Vec<u8> {
    json!({"serial": serial, "newest": "99.0.0", "oldestSafe": "0.0.1", "notes": "Take it.", "ofANewerKind": true}).to_string().into_bytes()
}

/// Asks a server that answers the two paths so.
async fn asked(gateway: &Gateway, body: &[u8], signature: &[u8]) -> Result<Notice, Refused> {
    let (body, signature) = (body.to_vec(), signature.to_vec());
    let web = Web::plain(move |path| match path {
        "/notice.json" => answer("application/json", &body),
        "/notice.json.minisig" => answer("text/plain", &signature),
        "/moved" => b"HTTP/1.1 302 Found\r\nLocation: /notice.json\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(),
        "/moved.minisig" => {
            b"HTTP/1.1 302 Found\r\nLocation: /notice.json.minisig\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec()
        }
        _ => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(),
    })
    .await;
    let asked = update::ask(&gateway.services, &Source { url: web.url("/moved"), key: key() }).await;
    for head in web.heads() {
        let line = head.lines().next().unwrap_or_default().to_owned();
        assert!(line.starts_with("GET /") && !line.contains('?'), "a plain question: {line}");
    }
    asked
}

async fn shown(gateway: &Gateway) -> Value {
    let operator = gateway.make_operator_key().await;
    gateway.get(VIEW).key(&operator).send().await.ok(200).clone()
}

#[tokio::test]
async fn a_signed_notice_is_believed_and_shown_to_the_operator() {
    let gateway = Gateway::start().await;
    assert_eq!(shown(&gateway).await, json!({"checks": false, "running": env!("CARGO_PKG_VERSION")}));
    let body = body(5);
    let notice = asked(&gateway, &body, &signature(&pair(7), &body)).await.unwrap();
    assert_eq!((notice.serial, notice.newest.as_str()), (5, "99.0.0"));
    let view = shown(&gateway).await;
    assert_eq!((&view["standing"], &view["newest"], &view["notes"]), (&json!("outdated"), &json!("99.0.0"), &json!("Take it.")));
    assert!(view["fetchedAt"].is_string());
}

#[tokio::test]
async fn a_forged_a_changed_and_an_older_notice_leave_the_one_before() {
    let gateway = Gateway::start().await;
    let good = body(5);
    asked(&gateway, &good, &signature(&pair(7), &good)).await.unwrap();
    let before = shown(&gateway).await;
    let forged = asked(&gateway, &body(6), &signature(&pair(8), &body(6))).await;
    assert!(matches!(forged, Err(Refused::Signature(_))), "{forged:?}");
    let changed = asked(&gateway, &body(6), &signature(&pair(7), &good)).await;
    assert!(matches!(changed, Err(Refused::Signature(_))), "{changed:?}");
    let none = asked(&gateway, &body(6), b"").await;
    assert!(matches!(none, Err(Refused::Signature(_))), "{none:?}");
    let old = asked(&gateway, &body(4), &signature(&pair(7), &body(4))).await;
    assert!(matches!(old, Err(Refused::Old)), "a replay: {old:?}");
    let odd = br#"{"serial": 9, "newest": "soon", "oldestSafe": "0.0.1"}"#;
    let odd = asked(&gateway, odd, &signature(&pair(7), odd)).await;
    assert!(matches!(odd, Err(Refused::Garbled)), "{odd:?}");
    assert_eq!(shown(&gateway).await, before);
    asked(&gateway, &body(6), &signature(&pair(7), &body(6))).await.unwrap();
}

#[tokio::test]
async fn a_notice_that_is_too_large_or_leads_elsewhere_is_not_read_to_its_end() {
    let gateway = Gateway::start().await;
    let large = vec![b' '; 20_000];
    let refused = asked(&gateway, &large, &signature(&pair(7), &large)).await;
    assert!(matches!(refused, Err(Refused::Fetch(egress::Error::TooLarge { .. }))), "{refused:?}");
    let web = Web::plain(|_| {
        b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/notice.json\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec()
    })
    .await;
    let refused = update::ask(&gateway.services, &Source { url: web.url("/notice.json"), key: key() }).await;
    assert!(matches!(refused, Err(Refused::Fetch(egress::Error::Redirect(_)))), "out of where this program may go: {refused:?}");
    let refused = update::ask(&gateway.services, &Source { url: "http://192.0.2.1/notice.json".to_owned(), key: key() }).await;
    assert!(matches!(refused, Err(Refused::Fetch(egress::Error::Refused(_)))), "{refused:?}");
    assert_eq!(shown(&gateway).await["newest"], Value::Null);
}
