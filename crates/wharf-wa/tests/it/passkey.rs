//! Links that the owner confirms with a passkey, against the library's own clock.

use std::time::Duration;

use serde_json::json;
use wharf_api::types::passkey::PasskeyStep;
use wharf_api::types::session::{SessionStatus, WaitingFor};
use wharf_core::engine::Engine as _;
use wharf_core::session;

use crate::harness::{OWNER, World};

/// The library shows six codes. With so short a life all are over soon.
const QR_LIFE: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn the_qr_codes_run_out_for_who_does_not_scan_and_not_while_a_passkey_is_waited_for() {
    let world = World::start_with(|config| config.qr_life = Some(QR_LIFE)).await;
    world.put(&format!("phones/{OWNER}/passkey"), json!({})).await;
    let fresh = session::create(&world.services, &world.caller, "guarded", None).await.unwrap();
    let guarded = fresh.row.id;
    world.control(&format!("scan?phone={OWNER}"), fresh.qr.unwrap().text).await;
    let link = world.link(&guarded, |link| link.passkey.is_some()).await;
    assert_eq!((link.qr, link.waiting.map(|(waiting, _)| waiting)), (None, Some(WaitingFor::Passkey)));

    // Whoever came later and does not scan sees the last code: by then those of the first would be over too.
    let idle = session::create(&world.services, &world.caller, "idle", None).await.unwrap().row.id;
    world.status(&idle, SessionStatus::QrExpired).await;
    let link = world.engine.link(&guarded).unwrap().borrow().clone();
    let asked = link.passkey.expect("the passkey is still waited for");
    assert_eq!((link.status, asked.step), (SessionStatus::Qr, PasskeyStep::Assertion));

    let caller = &world.caller;
    let signed = world.control(&format!("phones/{OWNER}/passkey/sign"), asked.options.to_string()).await;
    session::submit_passkey(&world.services, caller, guarded.as_str(), &serde_json::from_value(signed).unwrap()).await.unwrap();
    let link = world.link(&guarded, |link| link.passkey.as_ref().is_none_or(|asked| asked.code.is_some())).await;
    let code = link.passkey.and_then(|asked| asked.code).expect("a code");
    let confirmed = serde_json::from_value(json!({"code": code})).unwrap();
    session::confirm_passkey(&world.services, caller, guarded.as_str(), &confirmed).await.unwrap();
    world.status(&guarded, SessionStatus::Connected).await;
    world.end().await;
}
