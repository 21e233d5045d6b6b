//! The library's contract: each thing that Wharf takes for granted of whatsapp-rust 0.7.0, by itself and with nothing of ours around it.
//! After a move to another revision this file tells in a minute what has changed; `docs/upstream.md` says what hangs on which test.

mod device;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::sync::Notify;
use wacore::store::in_memory::InMemoryBackend;
use wacore::store::traits::DeviceStore as _;
use wacore::types::events::{ConnectFailureReason, Event, EventKind, InboundMessage};
use whatsapp_rust::types::durability_hook::InboundDurabilityHook;
use whatsapp_rust::{Client, Jid};

use crate::harness::{OWNER, SILENT, World, until};
use device::{Device, Ways};

const FRIEND: &str = "15550000002";
const ABSENT: &str = "15550009999";

/// Whether the network got the acknowledgement of what `phone` sent first.
async fn acked(world: &World, phone: &str) -> Option<bool> {
    let acks = world.get(&format!("phones/{phone}/inbound-acks")).await;
    let messages = acks["messages"].as_array().unwrap().clone();
    let from: Vec<_> = messages.iter().filter(|message| message["from"].as_str().is_some_and(|from| from.contains(SILENT))).collect();
    from.last().map(|message| message["acked"].as_bool().unwrap_or(!message["ackedAtMs"].is_null()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_given_overrides_the_librarys_own_look_up() {
    let world = World::start().await;
    let device = Device::new(&world, Ways::default()).await;
    device.of_kind(EventKind::PairingQrCode).await;
    assert_eq!(device.asked.urls(), Vec::<String>::new(), "nothing was asked over HTTP");
    device.handle.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_version_a_look_up_that_fails_fails_the_connect() {
    let world = World::start().await;
    let device = Device::new(&world, Ways { version: false, ..Ways::default() }).await;
    until("two look-ups", async || (device.asked.urls().len() >= 2).then_some(())).await;
    assert!(device.asked.urls().iter().all(|url| url.contains("web.whatsapp.com")), "{:?}", device.asked.urls());
    assert_eq!(device.count(EventKind::PairingQrCode), 0);
    device.handle.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_code_is_good_for_a_minute_and_has_five_fields() {
    let world = World::start().await;
    let device = Device::new(&world, Ways::default()).await;
    let (code, timeout) = device
        .event("a QR code", |event| if let Event::PairingQrCode(qr) = event { Some((qr.code.clone(), qr.timeout)) } else { None })
        .await;
    assert_eq!(code.split(',').count(), 5, "{code}");
    // What is left of it when it is told.
    assert!(timeout <= Duration::from_mins(1) && timeout > Duration::from_secs(50), "{timeout:?}");
    device.handle.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_codes_ends_the_client_and_says_so() {
    let world = World::start().await;
    world.fault(json!({"action": "expire_qr"})).await;
    let device = Device::new(&world, Ways::default()).await;
    let disconnected = device
        .event("the codes to end", |event| if let Event::PairingQrCodesExhausted(ended) = event { Some(ended.disconnected) } else { None })
        .await;
    assert!(disconnected);
    device.handle.await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connected_comes_after_pair_success_and_once() {
    let world = World::start().await;
    let device = Device::linked(&world, OWNER, Ways::default()).await;
    let kinds = device.kinds();
    let at = |kind: EventKind| kinds.iter().position(|seen| *seen == kind).unwrap_or_else(|| panic!("{kind:?} in {kinds:?}"));
    assert!(at(EventKind::PairingQrCode) < at(EventKind::PairSuccess) && at(EventKind::PairSuccess) < at(EventKind::Connected));
    assert_eq!(device.count(EventKind::Connected), 1);
    assert!(device.client.is_connected() && device.client.is_logged_in() && device.client.pn().is_some());
    device.handle.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_goes_under_the_id_that_is_asked_for_also_a_second_time_and_the_servers_word_is_an_event() {
    let world = World::start().await;
    let device = Device::linked(&world, OWNER, Ways::default()).await;
    device.say(SILENT, "once", "3EB0C0FFEE01").await;
    assert_eq!(device.word_on("3EB0C0FFEE01").await, None);
    device.say(SILENT, "once", "3EB0C0FFEE01").await;
    until("the message with the person, once", async || {
        let shown: Vec<_> = world.ledger(SILENT).await.into_iter().filter(|entry| entry["id"] == "3EB0C0FFEE01").collect();
        (shown.len() == 1).then_some(())
    })
    .await;
    device.handle.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ok_of_a_send_is_no_acceptance_and_a_refusal_comes_as_an_event() {
    let world = World::start().await;
    let device = Device::linked(&world, OWNER, Ways::default()).await;
    world.fault(json!({"action": "nack", "to": SILENT, "code": 479})).await;
    device.say(SILENT, "refused", "3EB0C0FFEE02").await;
    assert_eq!(device.word_on("3EB0C0FFEE02").await.as_deref(), Some("479"));
    device.handle.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_is_not_on_whatsapp_is_told_by_the_look_up_and_not_by_the_send() {
    let world = World::start().await;
    let device = Device::linked(&world, OWNER, Ways::default()).await;
    let found = device.client.contacts().is_on_whatsapp(&[Jid::pn(ABSENT), Jid::pn(SILENT)]).await.unwrap();
    let is = |number: &str| found.iter().find(|entry| entry.jid.user == number).map(|entry| entry.is_registered);
    assert_eq!((is(ABSENT), is(SILENT)), (Some(false), Some(true)));
    device.say(ABSENT, "into the void", "3EB0C0FFEE03").await;
    assert_eq!(device.word_on("3EB0C0FFEE03").await.as_deref(), Some("404"));
    device.handle.shutdown().await;
    world.end().await;
}

/// Lets a message through when it is told to, or refuses it.
#[derive(Default)]
struct Doorkeeper {
    came: AtomicBool,
    open: Notify,
    refuses: AtomicBool,
}

#[async_trait::async_trait]
impl InboundDurabilityHook for Doorkeeper {
    async fn on_messages(&self, _client: Arc<Client>, batch: &[InboundMessage]) -> anyhow::Result<()> {
        if batch.iter().all(|message| message.info.source.is_from_me) {
            return Ok(());
        }
        self.came.store(true, Ordering::SeqCst);
        if self.refuses.load(Ordering::SeqCst) {
            anyhow::bail!("not now");
        }
        self.open.notified().await;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hook_runs_before_the_acknowledgement_and_before_the_event() {
    let world = World::start().await;
    let hook = Arc::new(Doorkeeper::default());
    let device = Device::linked(&world, OWNER, Ways { hook: Some(hook.clone()), ..Ways::default() }).await;
    let before = device.count(EventKind::Messages);
    world.phone_sends(SILENT, OWNER, "wait").await;
    until("the hook", async || hook.came.load(Ordering::SeqCst).then_some(())).await;
    assert_eq!((acked(&world, OWNER).await, device.count(EventKind::Messages)), (Some(false), before));
    hook.open.notify_one();
    until("the acknowledgement", async || acked(&world, OWNER).await.filter(|acked| *acked)).await;
    until("the event", async || (device.count(EventKind::Messages) > before).then_some(())).await;
    device.handle.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_hook_refuses_is_not_acknowledged_and_comes_again_on_the_next_connection() {
    let world = World::start().await;
    let hook = Arc::new(Doorkeeper::default());
    hook.refuses.store(true, Ordering::SeqCst);
    let device = Device::linked(&world, OWNER, Ways { hook: Some(hook.clone()), ..Ways::default() }).await;
    world.phone_sends(SILENT, OWNER, "again").await;
    until("the hook", async || hook.came.swap(false, Ordering::SeqCst).then_some(())).await;
    assert_eq!(acked(&world, OWNER).await, Some(false));
    hook.refuses.store(false, Ordering::SeqCst);
    hook.open.notify_one();
    world.fault(json!({"action": "drop_socket", "phone": OWNER})).await;
    until("the hook again", async || hook.came.load(Ordering::SeqCst).then_some(())).await;
    until("the acknowledgement", async || acked(&world, OWNER).await.filter(|acked| *acked)).await;
    device.handle.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_drops_is_told_and_opened_again_by_the_library() {
    let world = World::start().await;
    let device = Device::linked(&world, OWNER, Ways::default()).await;
    world.fault(json!({"action": "drop_socket", "phone": OWNER})).await;
    device.of_kind(EventKind::Disconnected).await;
    until("connected again", async || (device.count(EventKind::Connected) >= 2).then_some(())).await;
    device.handle.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_too_old_is_told_so_and_ends_for_good() {
    let world = World::start().await;
    let backend = Arc::new(InMemoryBackend::new());
    let device = Device::linked(&world, OWNER, Ways { backend: backend.clone(), ..Ways::default() }).await;
    device.handle.shutdown().await;
    world.fault(json!({"action": "refuse_login", "phone": OWNER, "code": 405})).await;
    let again = Device::new(&world, Ways { backend: backend.clone(), ..Ways::default() }).await;
    again.of_kind(EventKind::ClientOutdated).await;
    again.handle.await;
    assert!(backend.exists().await.unwrap(), "its keys stay");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_for_overload_is_an_event_with_its_code_and_the_library_goes_on_by_itself() {
    let world = World::start().await;
    let backend = Arc::new(InMemoryBackend::new());
    let device = Device::linked(&world, OWNER, Ways { backend: backend.clone(), ..Ways::default() }).await;
    device.handle.shutdown().await;
    world.fault(json!({"action": "refuse_login", "phone": OWNER, "code": 503, "times": 1})).await;
    let again = Device::new(&world, Ways { backend, ..Ways::default() }).await;
    let reason = again.event("the refusal", |event| if let Event::ConnectFailure(failure) = event { Some(failure.reason) } else { None });
    let reason: ConnectFailureReason = reason.await;
    assert_eq!((reason.code(), reason.should_reconnect()), (503, true));
    again.of_kind(EventKind::Connected).await;
    again.handle.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_from_the_phone_is_told_at_least_once_ends_the_client_and_wipes_no_keys() {
    let world = World::start().await;
    let backend = Arc::new(InMemoryBackend::new());
    let device = Device::linked(&world, OWNER, Ways { backend: backend.clone(), ..Ways::default() }).await;
    world.control(&format!("phones/{OWNER}/logout"), "{}".to_owned()).await;
    device.of_kind(EventKind::LoggedOut).await;
    device.handle.await;
    assert!(backend.exists().await.unwrap(), "whoever wipes them is us");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_replaced_by_another_client_with_the_same_keys_is_told() {
    let world = World::start().await;
    let backend = Arc::new(InMemoryBackend::new());
    let device = Device::linked(&world, OWNER, Ways { backend: backend.clone(), ..Ways::default() }).await;
    // Who has the keys is the device.
    device.client.persistence_manager().flush().await.unwrap();
    let thief = Device::new(&world, Ways { backend, ..Ways::default() }).await;
    device.of_kind(EventKind::StreamReplaced).await;
    device.handle.await;
    thief.handle.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stanzas_are_shown_while_a_lease_is_held_and_not_before_or_after() {
    let world = World::start().await;
    let device = Device::linked(&world, OWNER, Ways::default()).await;
    assert_eq!(device.count(EventKind::RawNode), 0);
    let lease = device.client.acquire_raw_node_forwarding();
    world.control(&format!("phones/{OWNER}/strange"), json!({"place": "tag"}).to_string()).await;
    let is_strange = |event: &Event| matches!(event, Event::RawNode(node) if node.get().tag.as_ref() == "hologram").then_some(());
    device.event("the strange stanza", is_strange).await;
    drop(lease);
    // One stanza may be under way while the lease is given back.
    let (settled, before) = (device.count(EventKind::RawNode), device.count(EventKind::Messages));
    world.phone_sends(SILENT, OWNER, "hello").await;
    until("the message", async || (device.count(EventKind::Messages) > before).then_some(())).await;
    assert!(device.count(EventKind::RawNode) <= settled + 1, "the lease is gone");
    device.handle.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_nobody_knows_end_no_connection() {
    let world = World::start().await;
    let device = Device::linked(&world, OWNER, Ways::default()).await;
    for place in ["tag", "notification", "ib", "enc", "iq"] {
        world.control(&format!("phones/{OWNER}/strange"), json!({"place": place}).to_string()).await;
    }
    device.of_kind(EventKind::Notification).await;
    device.say(SILENT, "still here", "3EB0C0FFEE04").await;
    assert_eq!(device.word_on("3EB0C0FFEE04").await, None);
    assert_eq!(device.count(EventKind::Disconnected), 0);
    device.handle.shutdown().await;
    world.end().await;
}

/// The texts that a device has got from others.
fn texts(device: &Device) -> Vec<String> {
    let seen = device.batches();
    seen.iter().flat_map(|batch| batch.iter()).filter_map(|inbound| inbound.message.conversation.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_list_that_nobody_signed_is_passed_over_and_the_phone_alone_is_written_to() {
    let world = World::start().await;
    let (device, linked) = (Device::linked(&world, OWNER, Ways::default()).await, Device::linked(&world, FRIEND, Ways::default()).await);
    world.fault(json!({"action": "unsigned_devices", "to": FRIEND})).await;
    device.say(FRIEND, "for the phone", "3EB0C0FFEE05").await;
    assert_eq!(device.word_on("3EB0C0FFEE05").await, None);
    until("the phone shows it", async || world.ledger(FRIEND).await.iter().any(|entry| entry["text"] == "for the phone").then_some(()))
        .await;
    world.clear_faults().await;
    device.say(FRIEND, "for all", "3EB0C0FFEE06").await;
    until("the linked device has what came afterwards", async || texts(&linked).contains(&"for all".to_owned()).then_some(())).await;
    assert_eq!(texts(&linked), ["for all"], "no device of an unsigned list is written to");
    device.handle.shutdown().await;
    linked.handle.shutdown().await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_signature_a_device_list_bears_is_looked_at_by_nobody() {
    let world = World::start().await;
    let (device, linked) = (Device::linked(&world, OWNER, Ways::default()).await, Device::linked(&world, FRIEND, Ways::default()).await);
    world.fault(json!({"action": "forged_devices", "to": FRIEND})).await;
    device.say(FRIEND, "for all", "3EB0C0FFEE07").await;
    until("the linked device has it all the same", async || texts(&linked).contains(&"for all".to_owned()).then_some(())).await;
    device.handle.shutdown().await;
    linked.handle.shutdown().await;
    world.end().await;
}

/// Compiles while the events are called so that Wharf hears.
#[test]
fn the_events_that_matter_exist_and_fit_into_one_interest() {
    let heard = [
        EventKind::PairingQrCode,
        EventKind::PairingQrCodesExhausted,
        EventKind::PairingCode,
        EventKind::PairingCodeError,
        EventKind::PairSuccess,
        EventKind::PairError,
        EventKind::PairPasskeyRequest,
        EventKind::PairPasskeyConfirmation,
        EventKind::PairPasskeyError,
        EventKind::Connected,
        EventKind::Disconnected,
        EventKind::OfflineSyncCompleted,
        EventKind::AppStateSyncFailed,
        EventKind::LoggedOut,
        EventKind::StreamReplaced,
        EventKind::StreamError,
        EventKind::TemporaryBan,
        EventKind::ClientOutdated,
        EventKind::ConnectFailure,
        EventKind::Messages,
        EventKind::UndecryptableMessage,
        EventKind::Receipt,
        EventKind::ServerAck,
        EventKind::MexNotification,
        EventKind::RawNode,
    ];
    let interest = wacore::types::events::EventInterest::of(&heard);
    assert!(heard.iter().all(|kind| interest.wants(*kind)) && !interest.wants(EventKind::PinUpdate));
}
