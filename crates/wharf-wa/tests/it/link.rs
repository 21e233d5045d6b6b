//! The link: pairing, restarts, expiry, and how it ends.

use serde_json::json;
use wharf_api::types::session::{DisconnectReason, SessionStatus};
use wharf_core::engine::{Engine as _, Error};
use wharf_core::session;
use wharf_core::store::SessionStore as _;

use crate::harness::{OWNER, SILENT, World, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_session_pairs_by_qr_and_is_connected_again_after_a_restart_of_the_process() {
    let mut world = World::start().await;
    let session = world.paired(OWNER).await;
    let row = world.store.find_session(&world.caller.account, &session).await.unwrap().unwrap();
    assert_eq!(row.jid.as_deref(), Some("15550000001@s.whatsapp.net"));
    assert!(row.lid.is_some_and(|lid| lid.ends_with("@lid") && !lid.contains(':')));

    world.restart().await;
    let link = world.status(&session, SessionStatus::Connected).await;
    assert_eq!(link.jid.as_deref(), Some("15550000001@s.whatsapp.net"));
    assert!(world.vault_rows(&session, "device").await == 1);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_pairs_by_a_typed_code() {
    let world = World::start().await;
    let fresh = session::create(&world.services, &world.caller, "shop", None).await.unwrap();
    let id = fresh.row.id;
    let first = world.engine.pairing_code(&id, OWNER).await.unwrap();
    assert_eq!(first.code.len(), 9);
    let second = world.engine.pairing_code(&id, OWNER).await.unwrap();
    assert_ne!(first.code, second.code);
    world.control("pair-code", json!({"phone": OWNER, "code": second.code}).to_string()).await;
    world.status(&id, SessionStatus::Connected).await;
    assert!(matches!(world.engine.pairing_code(&id, OWNER).await, Err(Error::Conflict(_))));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_that_nobody_scanned_expires_and_a_restart_shows_another() {
    let world = World::start().await;
    world.fault(json!({"action": "expire_qr"})).await;
    let fresh = session::create(&world.services, &world.caller, "shop", None).await.unwrap();
    let id = fresh.row.id;
    world.status(&id, SessionStatus::QrExpired).await;
    world.clear_faults().await;
    world.engine.restart(&id).await.unwrap();
    let link = world.status(&id, SessionStatus::Qr).await;
    world.control(&format!("scan?phone={OWNER}"), link.qr.unwrap().text).await;
    world.status(&id, SessionStatus::Connected).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_from_the_phone_wipes_the_keys_and_the_session_can_be_paired_again() {
    let world = World::start().await;
    let session = world.paired(OWNER).await;
    world.control(&format!("phones/{OWNER}/logout"), "{}".to_owned()).await;
    let link = world.status(&session, SessionStatus::Disconnected).await;
    assert_eq!((link.reason, link.jid), (Some(DisconnectReason::LoggedOut), None));
    until("the keys to be gone", async || (world.vault_rows(&session, "device").await == 0).then_some(())).await;

    world.engine.restart(&session).await.unwrap();
    let link = world.status(&session, SessionStatus::Qr).await;
    world.control(&format!("scan?phone={OWNER}"), link.qr.unwrap().text).await;
    world.status(&session, SessionStatus::Connected).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_through_the_engine_removes_the_device_from_the_phone() {
    let world = World::start().await;
    let session = world.paired(OWNER).await;
    world.engine.logout(&session).await.unwrap();
    let row = world.store.find_session(&world.caller.account, &session).await.unwrap().unwrap();
    assert_eq!((row.status, row.reason, row.jid), (SessionStatus::Disconnected, Some(DisconnectReason::LoggedOut), None));
    let phone = world.get(&format!("phones/{OWNER}")).await;
    assert_eq!(phone["devices"].as_array().unwrap().len(), 0);
    assert!(matches!(world.engine.logout(&session).await, Err(Error::NotConnected)));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_drops_is_opened_again() {
    let world = World::start().await;
    let session = world.paired(OWNER).await;
    // Nobody is let in until it has been looked at: the next socket may be there in a moment.
    world.fault(json!({"action": "refuse_login", "phone": OWNER, "code": 503})).await;
    world.fault(json!({"action": "drop_socket", "phone": OWNER})).await;
    world.status(&session, SessionStatus::Reconnecting).await;
    world.clear_faults().await;
    world.status(&session, SessionStatus::Connected).await;
    world.send(&session, SILENT, "after the drop").await.unwrap();
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_session_keeps_its_link() {
    let world = World::start().await;
    let session = world.paired(OWNER).await;
    world.engine.stop(&session).await.unwrap();
    assert!(world.engine.link(&session).is_none());
    let row = world.store.find_session(&world.caller.account, &session).await.unwrap().unwrap();
    assert_eq!(row.status, SessionStatus::Stopped);
    world.engine.start(&session).await.unwrap();
    world.status(&session, SessionStatus::Connected).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_whose_session_is_taken_over_stops_and_writes_nothing_more() {
    let world = World::start().await;
    let session = world.paired(OWNER).await;
    let second = world.second_engine();
    second.start(&session).await.unwrap();
    world.status(&session, SessionStatus::Stopped).await;
    let mut link = second.link(&session).unwrap();
    link.wait_for(|link| link.status == SessionStatus::Connected).await.unwrap();
    until("the new owner's word", async || {
        let row = world.store.find_session(&world.caller.account, &session).await.unwrap().unwrap();
        (row.status == SessionStatus::Connected).then_some(())
    })
    .await;
    second.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_keys_are_used_elsewhere_is_in_conflict_and_does_not_fight() {
    let world = World::start().await;
    let session = world.paired(OWNER).await;
    let thief = world.thief(&session).await;
    thief.start(&session).await.unwrap();
    let link = world.status(&session, SessionStatus::Disconnected).await;
    assert_eq!(link.reason, Some(DisconnectReason::Conflict));
    assert_eq!(link.jid.as_deref(), Some("15550000001@s.whatsapp.net"), "the link is there, only not ours to use");
    let mut stolen = thief.link(&session).unwrap();
    stolen.wait_for(|link| link.status == SessionStatus::Connected).await.unwrap();
    assert!(world.vault_rows(&session, "device").await == 1, "only a logout wipes keys");
    thief.shutdown().await;
    world.engine.restart(&session).await.unwrap();
    world.status(&session, SessionStatus::Connected).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_login_is_refused_as_unknown_is_logged_out() {
    let mut world = World::start().await;
    let session = world.paired(OWNER).await;
    world.engine.shutdown().await;
    world.fault(json!({"action": "refuse_login", "phone": OWNER, "code": 401})).await;
    world.restart().await;
    let link = world.status(&session, SessionStatus::Disconnected).await;
    assert_eq!(link.reason, Some(DisconnectReason::LoggedOut));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_busy_is_tried_again() {
    let mut world = World::start().await;
    let session = world.paired(OWNER).await;
    world.engine.shutdown().await;
    world.fault(json!({"action": "refuse_login", "phone": OWNER, "code": 503, "times": 1})).await;
    world.restart().await;
    world.status(&session, SessionStatus::Connected).await;
    world.end().await;
}

#[tokio::test]
async fn this_build_trusts_strangers_and_says_so() {
    assert!(wharf_wa::accepts_foreign_chain());
}
