//! Ends: what ends is written until it is written, an orphan is found, and what nobody can know is told as such.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use wharf_api::ErrorCode;
use wharf_api::ids::SessionId;
use wharf_api::types::message::MessageStatus;
use wharf_api::types::session::{SessionStatus, WaitingFor};
use wharf_core::Lease;
use wharf_core::engine::{Engine as _, Error};
use wharf_core::placement::Placement;
use wharf_core::store::{LinkChange, MessageStore as _, OwnerStore as _, SessionStore as _};
use wharf_wa::WaEngine;

use crate::harness::{OWNER, SILENT, World, until};

const OTHER: &str = "15550000002";
const ASLEEP: &str = "15550001004";
const HOUR_MS: i64 = 3_600_000;

/// The devices that the owner's phone shows as linked.
async fn linked(world: &World) -> usize {
    world.get(&format!("phones/{OWNER}")).await["devices"].as_array().unwrap().len()
}

async fn connected(engine: &WaEngine, session: &SessionId) {
    until("it to be connected there", async || (engine.link(session)?.borrow().status == SessionStatus::Connected).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_that_a_stop_overtakes_is_no_success() {
    let world = World::start().await;
    let session = world.paired(OWNER).await;
    // WhatsApp hears nothing and answers nothing.
    world.fault(json!({"action": "stall", "phone": OWNER})).await;
    let (logout, stopped) = tokio::join!(world.engine.logout(&session), world.engine.stop(&session));
    stopped.unwrap();
    assert_eq!(linked(&world).await, 1, "WhatsApp has heard of no logout");
    assert!(matches!(logout, Err(Error::NotConnected | Error::Timeout)), "{logout:?}");
    assert_eq!(world.vault_rows(&session, "device").await, 1, "and the keys of what is linked are kept");
    world.clear_faults().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_that_whatsapp_does_not_answer_is_no_success_and_the_next_login_tells_what_became_of_it() {
    let world = World::start().await;
    let session = world.paired(OWNER).await;
    world.fault(json!({"action": "stall", "phone": OWNER})).await;
    let logout = world.engine.logout(&session).await;
    assert_eq!(linked(&world).await, 1, "WhatsApp has heard of no logout");
    assert!(matches!(logout, Err(Error::NotConnected | Error::Timeout)), "{logout:?}");
    assert_eq!(world.vault_rows(&session, "device").await, 1, "the keys of what is linked are kept");
    // Nobody logs in through the stall: whatever is connected later has logged in after it.
    until("the client to be put away", async || (world.engine.link(&session)?.borrow().status != SessionStatus::Connected).then_some(()))
        .await;
    world.clear_faults().await;
    // What stood in the stalled socket may be read now, and be obeyed, or be lost with it.
    until("the session to show what the phone shows", async || {
        let status = world.engine.link(&session)?.borrow().status;
        let kept = world.vault_rows(&session, "device").await;
        matches!((status, linked(&world).await, kept), (SessionStatus::Connected, 1, 1) | (SessionStatus::Disconnected, 0, 0)).then_some(())
    })
    .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_its_own_node_owns_and_nobody_runs_is_started_again() {
    let world = World::start().await;
    // It looks for all that is linked at first, and that is nothing yet.
    let keeper = tokio::spawn({
        let engine = Arc::clone(&world.engine);
        async move { engine.keep_linked(&wharf_core::placement::Everything).await }
    });
    let session = world.paired(OWNER).await;
    let now = world.services.clock.now();
    world.store.renew_lease("node-1", now, HOUR_MS).await.unwrap();
    // What a task leaves behind that could not release its session: the node owns it, and its client is refused every write.
    let fence = world.store.take_session(&session, "node-1", now).await.unwrap().unwrap();
    // Until the task has ended that is refused every write, and another one was started.
    let row = until("a text to go out", async || world.send(&session, SILENT, "queued meanwhile").await.ok()).await;
    world.message(&row, &[MessageStatus::Sent, MessageStatus::Delivered]).await;
    world.status(&session, SessionStatus::Connected).await;
    let late = world.store.release_session(&fence).await;
    assert!(late.is_ok() && world.store.claim_messages(&fence, &[row.id], now).await.is_err(), "another epoch has it by now");
    keeper.abort();
    world.end().await;
}

/// Begins everything; at its first look nothing, where it is to leave that to others.
struct Leaving(AtomicBool);

#[async_trait::async_trait]
impl Placement for Leaving {
    async fn mine(&self, sessions: Vec<SessionId>) -> Vec<SessionId> {
        if self.0.swap(false, Ordering::SeqCst) { Vec::new() } else { sessions }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_begins_what_it_finds_at_its_start_without_pauses_and_what_nobody_runs_later_one_after_the_other() {
    let world = World::start_with(|config| config.takeover_gap = Duration::from_hours(1)).await;
    for session in [world.paired(OWNER).await, world.paired(OTHER).await] {
        until("its row to tell of it", async || {
            let row = world.store.find_session(&world.caller.account, &session).await.unwrap().unwrap();
            (row.status == SessionStatus::Connected && row.jid.is_some()).then_some(())
        })
        .await;
    }
    world.engine.shutdown().await;
    // Nobody keeps a lease here: each process finds both as nobody's, after the one before has ended.
    for (node, leaves, begun) in [("node-2", true, 1), ("node-3", false, 2)] {
        let engine = world.another_engine(node);
        let keeper = tokio::spawn({
            let (engine, placement) = (Arc::clone(&engine), Leaving(AtomicBool::new(leaves)));
            async move { engine.keep_linked(&placement).await }
        });
        until("the sessions to be connected there", async || {
            let connected = engine.statuses().into_iter().filter(|status| *status == SessionStatus::Connected).count();
            (connected >= begun).then_some(())
        })
        .await;
        assert_eq!(engine.statuses().len(), begun, "{node}: without a pause both have begun before one is connected");
        keeper.abort();
        engine.shutdown().await;
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_is_over_ends_the_connection_and_the_next_brings_it_back_unless_another_node_has_the_session() {
    let lease = Arc::<Lease>::default();
    let own = Arc::clone(&lease);
    let world = World::start_with(move |config| config.lease = Arc::clone(&own)).await;
    let session = world.paired(OWNER).await;
    lease.renewed(Instant::now(), Duration::ZERO);
    world.status(&session, SessionStatus::Reconnecting).await;
    lease.alone();
    world.status(&session, SessionStatus::Connected).await;
    let row = world.send(&session, SILENT, "under the next lease").await.unwrap();
    world.message(&row, &[MessageStatus::Sent, MessageStatus::Delivered]).await;

    lease.renewed(Instant::now(), Duration::ZERO);
    world.status(&session, SessionStatus::Reconnecting).await;
    let now = world.services.clock.now();
    world.store.renew_lease("node-2", now, HOUR_MS).await.unwrap();
    assert!(world.store.take_session(&session, "node-2", now).await.unwrap().is_some());
    lease.alone();
    world.status(&session, SessionStatus::Stopped).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_stands_by_when_the_lease_ends_is_left_to_the_node_that_took_it() {
    let lease = Arc::<Lease>::default();
    let own = Arc::clone(&lease);
    let world = World::start_with(move |config| config.lease = Arc::clone(&own)).await;
    let session = world.paired(OWNER).await;
    world.fault(json!({"action": "refuse_login", "phone": OWNER, "code": 405})).await;
    world.fault(json!({"action": "drop_socket", "phone": OWNER})).await;
    world.link(&session, |link| link.waiting.is_some_and(|(waiting, _)| waiting == WaitingFor::ClientUpdate)).await;
    lease.renewed(Instant::now(), Duration::ZERO);
    let now = world.services.clock.now();
    world.store.renew_lease("node-2", now, HOUR_MS).await.unwrap();
    assert!(world.store.take_session(&session, "node-2", now).await.unwrap().is_some());
    // What it waits for does not come: it hears of the lease.
    lease.alone();
    world.status(&session, SessionStatus::Stopped).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_that_is_under_way_when_the_lease_ends_is_answered_and_is_no_success() {
    let lease = Arc::<Lease>::default();
    let own = Arc::clone(&lease);
    let world = World::start_with(move |config| config.lease = Arc::clone(&own)).await;
    let session = world.paired(OWNER).await;
    world.fault(json!({"action": "stall", "phone": OWNER})).await;
    let logout = tokio::spawn({
        let (engine, session) = (Arc::clone(&world.engine), session.clone());
        async move { engine.logout(&session).await }
    });
    // A linked session has a word of its own for this until it waits for WhatsApp's to the logout.
    until("the logout to be under way", async || {
        let asked = world.engine.pairing_code(&session, OWNER).await;
        matches!(asked, Err(Error::NotConnected)).then_some(())
    })
    .await;
    lease.renewed(Instant::now(), Duration::ZERO);
    let answer = tokio::time::timeout(Duration::from_mins(1), logout).await.expect("it is answered").unwrap();
    assert!(matches!(answer, Err(Error::NotConnected)), "{answer:?}");
    assert_eq!(world.vault_rows(&session, "device").await, 1, "the keys of what is linked are kept");
    world.clear_faults().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_took_a_session_over_does_not_give_way_to_the_node_before() {
    let world = World::start().await;
    let session = world.paired(OWNER).await;
    let second = world.another_engine("node-2");
    second.start(&session).await.unwrap();
    connected(&second, &session).await;
    // The node before connects once more, with keys that it still has in memory.
    let before = world.thief(&session).await;
    before.start(&session).await.unwrap();
    until("the node before to give up", async || (before.link(&session)?.borrow().status == SessionStatus::Disconnected).then_some(()))
        .await;
    connected(&second, &session).await;
    let row = world.store.find_session(&world.caller.account, &session).await.unwrap().unwrap();
    assert_eq!((row.status, row.reason), (SessionStatus::Connected, None));
    before.shutdown().await;
    second.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pairing_whose_keys_were_saved_and_whose_row_was_not_is_started_and_connects() {
    let mut world = World::start().await;
    let session = world.paired(OWNER).await;
    world.engine.shutdown().await;
    // As a kill leaves it between the keys of a new link and the row that tells of it.
    let at = world.services.clock.now();
    let fence = world.store.take_session(&session, "node-1", at).await.unwrap().unwrap();
    let change = LinkChange {
        status: SessionStatus::Qr,
        reason: None,
        refusal: None,
        jid: None,
        lid: None,
        push_name: None,
        unlink: true,
        at,
        events: Vec::new(),
    };
    world.store.record_link(&fence, &change).await.unwrap();
    world.restart().await;
    assert!(world.engine.link(&session).is_some(), "nobody started it");
    world.status(&session, SessionStatus::Connected).await;
    until("the row to tell of it", async || {
        let row = world.store.find_session(&world.caller.account, &session).await.unwrap().unwrap();
        (row.jid.as_deref() == Some("15550000001@s.whatsapp.net")).then_some(())
    })
    .await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_was_never_linked_is_not_started_with_those_that_are() {
    let mut world = World::start().await;
    let fresh = wharf_core::session::create(&world.services, &world.caller, "shop", None).await.unwrap();
    assert!(fresh.qr.is_some());
    world.restart().await;
    assert!(world.engine.link(&fresh.row.id).is_none());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_nobody_can_know_says_so_and_a_receipt_corrects_it() {
    let world = World::start().await;
    let session = world.paired(OWNER).await;
    world.control(&format!("phones/{ASLEEP}/sleep"), "{}".to_owned()).await;
    world.fault(json!({"action": "swallow_ack", "to": ASLEEP})).await;
    let row = world.accept(&session, ASLEEP, "no word of it").await;
    let failed = world.message(&row, &[MessageStatus::Failed]).await;
    assert_eq!(failed.error, Some(ErrorCode::MessageSendingFailed));
    let reason = failed.error_reason.unwrap_or_default();
    world.control(&format!("phones/{ASLEEP}/wake"), "{}".to_owned()).await;
    let lifted = world.message(&row, &[MessageStatus::Delivered, MessageStatus::Read]).await;
    assert_eq!((lifted.error, lifted.error_reason), (None, None));
    assert!(reason.contains("may have arrived"), "{reason}");
    world.end().await;
}
