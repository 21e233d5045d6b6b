//! Every method of the library's storage, over the real vault.

use std::path::PathBuf;

use bytes::Bytes;
use futures::FutureExt as _;
use wacore::appstate::processor::AppStateMutationMAC;
use wacore::store::Device;
use wacore::store::traits::{
    AppStateSyncKey, AppSyncStore as _, DeviceInfo, DeviceListRecord, DeviceStore as _, LidPnMappingEntry, MsgSecretEntry,
    MsgSecretStore as _, PendingInboundKey, PendingInboundRow, ProtocolStore as _, SignalStore as _, TcTokenEntry,
};
use waproto::buffa::{Message as _, MessageField};
use waproto::whatsapp as wa;
use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, SessionId};
use wharf_api::types::message::{Content, Direction, Marks, MessageStatus};
use wharf_core::chance::SystemChance;
use wharf_core::store::{
    AccountStore as _, MessageRow, MessageStore as _, NewMessage, NewSession, OwnerStore as _, SessionStore as _, VaultStore as _,
};
use wharf_core::{Chance, Clock};
use wharf_store::SqlStore;

use super::protocol::KEPT_SECS;
use super::*;
use crate::vault::Halt;
use wharf_core::seal::Seal;

struct At(i64);

impl Clock for At {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0 * 1_000)
    }
}

struct Rig {
    store: Arc<SqlStore>,
    session: SessionId,
    folder: PathBuf,
}

impl Rig {
    async fn new() -> Self {
        let chance: &dyn Chance = &SystemChance;
        let folder = std::env::temp_dir().join(format!("wharf-wa-{}", chance.base62(16)));
        std::fs::create_dir_all(&folder).unwrap();
        let url = format!("sqlite:{}", folder.join("wharf.db").display());
        let store = wharf_store::open(wharf_store::Config::new(url, Arc::new(SystemChance))).await.unwrap();
        let (account, session): (AccountId, SessionId) = (chance.account_id(), chance.session_id());
        let at = Timestamp::from_millis(0);
        store.insert_account(&account, "test", "enterprise", at).await.unwrap();
        let row = NewSession {
            id: session.clone(),
            account,
            name: "s".into(),
            at,
            limit: None,
            claim: None,
            proxy: None,
            webhook: None,
            webhook_limit: 0,
        };
        store.insert_session(&row).await.unwrap();
        Self { store, session, folder }
    }

    /// A backend under a new epoch, as every client gets one.
    async fn backend(&self, now_secs: i64) -> Backend {
        let fence = self.store.take_session(&self.session, "node", Timestamp::from_millis(0)).await.unwrap().unwrap();
        let seal = Arc::new(Seal::new(&[1; 32], Arc::new(SystemChance)));
        Backend::new(Arc::new(Vault::new(self.store.clone(), seal, fence)), Arc::new(At(now_secs)), Arc::default())
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test]
async fn identities_sessions_and_keys_come_back_as_they_were() {
    let rig = Rig::new().await;
    let b = rig.backend(0).await;
    b.put_identity("1@c.us.0", [1; 32]).await.unwrap();
    b.put_identities_batch(&[("2:3@lid.0".into(), [2; 32])]).await.unwrap();
    assert_eq!(b.load_identity("1@c.us.0").await.unwrap(), Some([1; 32]));
    assert_eq!(b.load_identity("2:3@lid.0").await.unwrap(), Some([2; 32]));
    b.delete_identity("1@c.us.0").await.unwrap();
    assert_eq!(b.load_identity("1@c.us.0").await.unwrap(), None);

    b.put_session("1@c.us.0", b"one").await.unwrap();
    b.put_sessions_batch(&[("1@c.us.0".into(), Bytes::from_static(b"two")), ("4@c.us.0".into(), Bytes::from_static(b"four"))])
        .await
        .unwrap();
    assert_eq!(b.get_session("1@c.us.0").await.unwrap(), Some(Bytes::from_static(b"two")));
    assert!(b.has_session("4@c.us.0").await.unwrap());
    assert!(b.has_signal_state_for_user("4").await.unwrap());
    assert!(b.has_signal_state_for_user("2").await.unwrap());
    assert!(!b.has_signal_state_for_user("").await.unwrap());
    b.delete_session("4@c.us.0").await.unwrap();
    assert!(!b.has_session("4@c.us.0").await.unwrap());

    b.store_prekey(7, b"seven", false).await.unwrap();
    b.store_prekeys_batch(&[(300, Bytes::from_static(b"x")), (16, Bytes::from_static(b"y"))], true).await.unwrap();
    assert_eq!(b.load_prekey(7).await.unwrap(), Some(Bytes::from_static(b"seven")));
    assert_eq!(b.load_prekeys_batch(&[16, 17, 300]).await.unwrap(), [(16, Bytes::from_static(b"y")), (300, Bytes::from_static(b"x"))]);
    assert_eq!(b.get_max_prekey_id().await.unwrap(), 300);
    b.remove_prekey(300).await.unwrap();
    b.mark_prekeys_uploaded(&[300, 16]).await.unwrap();
    assert_eq!(b.load_prekey(300).await.unwrap(), None, "a used key never comes back");
    assert_eq!(b.get_max_prekey_id().await.unwrap(), 16);

    b.store_signed_prekey(1, b"signed").await.unwrap();
    assert_eq!(b.load_signed_prekey(1).await.unwrap().as_deref(), Some(&b"signed"[..]));
    assert_eq!(b.load_all_signed_prekeys().await.unwrap(), [(1, b"signed".to_vec())]);
    b.remove_signed_prekey(1).await.unwrap();
    assert!(b.load_all_signed_prekeys().await.unwrap().is_empty());

    b.put_sender_key("g|1", b"a").await.unwrap();
    b.put_sender_keys_batch(&[("g|2".into(), Bytes::from_static(b"b"))]).await.unwrap();
    assert_eq!(b.get_sender_key("g|2").await.unwrap().as_deref(), Some(&b"b"[..]));
    b.delete_sender_key("g|1").await.unwrap();
    assert_eq!(b.get_sender_key("g|1").await.unwrap(), None);
}

#[tokio::test]
async fn a_device_is_written_when_something_of_it_has_changed() {
    let rig = Rig::new().await;
    let b = rig.backend(0).await;
    b.create().await.unwrap();
    // Every write has a nonce of its own.
    let row = async || rig.store.vault_get(&rig.session, "device", "self").await.unwrap();
    let (b, first) = (rig.backend(0).await, row().await);
    assert!(b.exists().await.unwrap());
    let mut device = b.load().await.unwrap().unwrap();
    b.save(&device).await.unwrap();
    device.app_version_last_fetched_ms += 1;
    b.save(&device).await.unwrap();
    assert_eq!(row().await, first, "nothing that counts has changed");
    for name in ["Ada", "Bea", "Ada"] {
        let before = row().await;
        device.push_name = name.into();
        b.save(&device).await.unwrap();
        let after = row().await;
        assert_ne!(after, before, "{name}");
        b.save(&device).await.unwrap();
        assert_eq!(row().await, after, "{name} once more");
        assert_eq!(b.load().await.unwrap().unwrap().push_name, name);
    }
    // What was begun anew is no more what was saved before.
    b.begin_anew().await.unwrap();
    b.save(&device).await.unwrap();
    assert_eq!(b.load().await.unwrap().unwrap().next_pre_key_id, device.next_pre_key_id);
    b.vault.shut(Halt::Ended);
    assert!(b.save(&device).await.is_err(), "what is shut takes nothing");
}

#[tokio::test]
async fn the_device_and_the_shared_settings_come_back_as_they_were() {
    let rig = Rig::new().await;
    let b = rig.backend(0).await;
    assert!(!b.exists().await.unwrap());
    assert!(b.load().await.unwrap().is_none());
    b.create().await.unwrap();
    let mut device = b.load().await.unwrap().unwrap();
    device.push_name = "Ada".into();
    device.next_pre_key_id = 31;
    b.save(&device).await.unwrap();
    let again: Device = rig.backend(0).await.load().await.unwrap().unwrap();
    assert_eq!(serde_json::to_value(&again).unwrap(), serde_json::to_value(&device).unwrap());
    let stored = rig.store.vault_get(&rig.session, "device", "self").await.unwrap().unwrap();
    assert!(!stored.windows(3).any(|part| part == b"Ada"), "what the database holds is sealed");

    let b = rig.backend(0).await;
    let key = AppStateSyncKey { key_data: vec![1], fingerprint: vec![2], timestamp: 3 };
    b.set_sync_key(&[9, 9], key.clone()).await.unwrap();
    assert_eq!(b.get_sync_key(&[9, 9]).await.unwrap().unwrap().key_data, key.key_data);
    assert_eq!(b.get_latest_sync_key_id().await.unwrap(), Some(vec![9, 9]));
    assert_eq!(b.get_version("critical").await.unwrap().version, 0);
    let mut state = b.get_version("critical").await.unwrap();
    state.version = 4;
    state.hash[127] = 5;
    b.set_version("critical", state).await.unwrap();
    let state = b.get_version("critical").await.unwrap();
    assert_eq!((state.version, state.hash[127]), (4, 5));

    let mac = |index: u8| AppStateMutationMAC { index_mac: vec![index; 32], value_mac: vec![index] };
    b.put_mutation_macs("critical", 1, &[mac(1), mac(2)]).await.unwrap();
    b.put_mutation_macs("critical_block", 1, &[mac(1)]).await.unwrap();
    let found = b.get_mutation_macs("critical", &[[1; 32], [2; 32], [3; 32]]).await.unwrap();
    assert_eq!((found.len(), found.get(&[2; 32])), (2, Some(&vec![2])));
    b.delete_mutation_macs("critical", &[vec![2; 32]]).await.unwrap();
    assert_eq!(b.get_mutation_mac("critical", &[2; 32]).await.unwrap(), None);
    b.clear_mutation_macs("critical").await.unwrap();
    assert_eq!(b.get_mutation_mac("critical", &[1; 32]).await.unwrap(), None);
    assert!(b.get_mutation_mac("critical_block", &[1; 32]).await.unwrap().is_some());
}

#[tokio::test]
async fn what_the_protocol_remembers_comes_back_as_it_was() {
    let rig = Rig::new().await;
    let b = rig.backend(0).await;
    b.set_sender_key_status("g1", &[("1:1@lid", true), ("2:0@lid", false)]).await.unwrap();
    b.set_sender_key_status("g2", &[("1:1@lid", true)]).await.unwrap();
    assert_eq!(b.get_sender_key_devices("g1").await.unwrap(), [("1:1@lid".into(), true), ("2:0@lid".into(), false)]);
    b.delete_sender_key_device_rows(&["1:1@lid"]).await.unwrap();
    assert_eq!(b.get_sender_key_devices("g1").await.unwrap(), [("2:0@lid".into(), false)]);
    assert!(b.get_sender_key_devices("g2").await.unwrap().is_empty());
    b.clear_sender_key_devices("g1").await.unwrap();
    b.clear_all_sender_key_devices().await.unwrap();
    assert!(b.get_sender_key_devices("g1").await.unwrap().is_empty());

    let mapping = |lid: &str, phone: &str| LidPnMappingEntry {
        lid: lid.into(),
        phone_number: phone.into(),
        created_at: 1,
        updated_at: 2,
        learning_source: "usync".into(),
    };
    b.put_lid_mappings(&[mapping("l1", "p1"), mapping("l2", "p2")]).await.unwrap();
    b.put_lid_mapping(&mapping("l1", "p3")).await.unwrap();
    assert_eq!(b.get_lid_mapping("l1").await.unwrap().unwrap().phone_number, "p3");
    assert!(b.get_pn_mapping("p1").await.unwrap().is_none(), "the number has moved on");
    assert_eq!(b.get_pn_mapping("p3").await.unwrap().unwrap().lid, "l1");
    assert_eq!(b.get_all_lid_mappings().await.unwrap().len(), 2);

    b.save_base_key("a", "m", b"key").await.unwrap();
    assert!(b.has_same_base_key("a", "m", b"key").await.unwrap());
    assert!(!b.has_same_base_key("a", "m", b"other").await.unwrap());
    b.delete_base_key("a", "m").await.unwrap();
    assert!(!b.has_same_base_key("a", "m", b"key").await.unwrap());

    let list = |user: &str| DeviceListRecord {
        user: user.into(),
        devices: vec![DeviceInfo::new(3, Some(1))],
        timestamp: 5,
        phash: None,
        raw_id: Some(7),
    };
    b.update_device_list(list("u1")).await.unwrap();
    b.update_device_lists(vec![list("u2"), list("u3")]).await.unwrap();
    assert_eq!(b.get_devices("u3").await.unwrap().unwrap().devices[0].device_id, 3);
    b.delete_devices("u1").await.unwrap();
    assert!(b.get_devices("u1").await.unwrap().is_none());

    b.put_group_metadata("g", b"blob").await.unwrap();
    assert_eq!(b.get_group_metadata("g").await.unwrap().as_deref(), Some(&b"blob"[..]));
    b.delete_group_metadata("g").await.unwrap();
    assert!(b.get_group_metadata("g").await.unwrap().is_none());
}

#[tokio::test]
async fn tokens_only_move_forward_and_die_when_both_sides_are_old() {
    let rig = Rig::new().await;
    let b = rig.backend(0).await;
    b.touch_tc_token_sender_timestamp("a", 10).await.unwrap();
    b.touch_tc_token_sender_timestamp("a", 5).await.unwrap();
    b.store_received_tc_token("a", b"new", 20).await.unwrap();
    b.store_received_tc_token("a", b"old", 15).await.unwrap();
    let token = b.get_tc_token("a").await.unwrap().unwrap();
    assert_eq!((token.token.as_slice(), token.token_timestamp, token.sender_timestamp), (&b"new"[..], 20, Some(10)));
    b.put_tc_token("b", &TcTokenEntry { token: vec![1], token_timestamp: 1, sender_timestamp: None }).await.unwrap();
    assert_eq!(b.get_all_tc_token_jids().await.unwrap(), ["a", "b"]);
    assert_eq!(b.delete_expired_tc_tokens(2, 11).await.unwrap(), 1);
    assert!(b.get_tc_token("b").await.unwrap().is_none());
    b.delete_tc_token("a").await.unwrap();
    assert!(b.get_tc_token("a").await.unwrap().is_none());
}

#[tokio::test]
async fn what_is_too_old_goes_from_a_space_of_many_pages() {
    let rig = Rig::new().await;
    let (old, new) = (rig.backend(100).await, PRUNED_AT_ONCE * 2 + 1);
    let rows = |from: u32, to: u32| (from..to).map(|number| number.to_string()).collect::<Vec<_>>();
    let store = async |b: &Backend, ids: &[String]| {
        let rows: Vec<_> = ids.iter().map(|id| PendingInboundRow { chat: "c", sender: "s", id, message: b"x" }).collect();
        b.store_pending_inbound_batch(&rows).await.unwrap();
    };
    store(&old, &rows(0, new)).await;
    let b = rig.backend(200 + KEPT_SECS).await;
    store(&b, &rows(new, new + 3)).await;
    assert_eq!(b.delete_expired_pending_inbound(200 + KEPT_SECS).await.unwrap(), new);
    assert_eq!(b.delete_expired_pending_inbound(200 + KEPT_SECS).await.unwrap(), 0);
    for id in rows(new, new + 3) {
        assert!(b.get_pending_inbound("c", "s", &id).await.unwrap().is_some(), "{id}");
    }
}

#[tokio::test]
async fn sent_received_and_secret_things_are_kept_for_their_time() {
    let rig = Rig::new().await;
    let b = rig.backend(100).await;
    b.store_sent_message("c", "m", b"payload").await.unwrap();
    assert_eq!(b.delete_expired_sent_messages(100).await.unwrap(), 0);
    assert_eq!(b.take_sent_message("c", "m").await.unwrap().as_deref(), Some(&b"payload"[..]));
    assert!(b.take_sent_message("c", "m").await.unwrap().is_none());
    let waiting = b.flight.expect("ours");
    b.store_sent_message("c", "ours", b"payload").await.unwrap();
    assert!(b.take_sent_message("c", "ours").await.unwrap().is_none(), "the store has it already");
    drop(waiting);

    b.store_pending_inbound("c", "s", "1", b"one").await.unwrap();
    let row = |id: &'static str| PendingInboundRow { chat: "c", sender: "s", id, message: b"more" };
    b.store_pending_inbound_batch(&[row("2"), row("3")]).await.unwrap();
    assert_eq!(b.get_pending_inbound("c", "s", "1").await.unwrap().as_deref(), Some(&b"one"[..]));
    b.delete_pending_inbound("c", "s", "1").await.unwrap();
    b.delete_pending_inbound_batch(&[PendingInboundKey { chat: "c", sender: "s", id: "2" }]).await.unwrap();
    assert!(b.get_pending_inbound("c", "s", "2").await.unwrap().is_none());
    assert_eq!(b.delete_expired_pending_inbound(101).await.unwrap(), 0);
    assert_eq!(b.get_pending_inbound("c", "s", "3").await.unwrap().as_deref(), Some(&b"more"[..]));

    let secret = |id: &str, expires_at, message_ts| MsgSecretEntry {
        chat: "c".into(),
        sender: "s".into(),
        msg_id: id.into(),
        secret: [7; 32],
        expires_at,
        message_ts,
    };
    assert_eq!(b.put_msg_secrets(vec![secret("1", 50, 3), secret("2", 0, 0), secret("1", 40, 0)]).await.unwrap(), 3);
    b.put_msg_secret("c", "s", "3", &[8; 32]).await.unwrap();
    assert_eq!(b.get_msg_secret_with_ts("c", "s", "1").await.unwrap(), Some((vec![7; 32], 3)));
    assert_eq!(b.get_msg_secret("c", "s", "3").await.unwrap(), Some(vec![8; 32]));
    assert_eq!(b.delete_expired_msg_secrets(49).await.unwrap(), 0, "the later deadline counts");
    assert_eq!(b.delete_expired_msg_secrets(50).await.unwrap(), 1);
    assert!(b.get_msg_secret("c", "s", "2").await.unwrap().is_some(), "no deadline is for ever");
}

const PHONE_OF_CHAT: &str = "491701234567";

/// A message that came through the API, under the id `3EB0A`.
async fn accept(rig: &Rig, b: &Backend, payload: &[u8]) {
    let (chance, phone): (&dyn Chance, _) = (&SystemChance, PHONE_OF_CHAT);
    let row = MessageRow {
        id: chance.message_id(),
        account: b.vault.fence().account.clone(),
        session: rig.session.clone(),
        wa_id: "3EB0A".to_owned(),
        direction: Direction::Outgoing,
        status: MessageStatus::Queued,
        chat: format!("{phone}@s.whatsapp.net"),
        chat_phone: Some(phone.to_owned()),
        chat_lid: None,
        sender: None,
        sender_phone: None,
        sender_lid: None,
        sender_name: None,
        content: Content::text("hello"),
        marks: Marks::default(),
        error: None,
        error_reason: None,
        created_at: Timestamp::from_millis(0),
    };
    let expires_at = Timestamp::from_millis(1_000);
    let (payload, audience) = (payload.to_vec(), Vec::new());
    let new = NewMessage { row, payload, audience, expires_at, daily_limit: None, claim: None, keeps: None, claimed: false };
    rig.store.accept_message(&new).await.unwrap();
}

#[tokio::test]
async fn the_secret_of_what_came_through_the_api_is_read_from_its_row_and_kept_nowhere_else() {
    let rig = Rig::new().await;
    let b = rig.backend(100).await;
    let context = wa::MessageContextInfo { message_secret: Some(vec![5; 32]), ..Default::default() };
    let message =
        wa::Message { conversation: Some("hello".to_owned()), message_context_info: MessageField::some(context), ..Default::default() };
    accept(&rig, &b, &message.encode_to_vec()).await;
    let (chat, own) = (format!("{PHONE_OF_CHAT}@s.whatsapp.net"), "15550000001@s.whatsapp.net");
    let entry = |id: &str| MsgSecretEntry {
        chat: chat.as_str().into(),
        sender: own.into(),
        msg_id: id.into(),
        secret: [7; 32],
        expires_at: 0,
        message_ts: 0,
    };
    b.flight.note_frozen("3EB0A");
    assert_eq!(b.put_msg_secrets(vec![entry("3EB0A")]).await.unwrap(), 1);
    assert!(b.vault.list("msg_secret", "").await.unwrap().is_empty());
    assert_eq!(b.get_msg_secret(&chat, own, "3EB0A").await.unwrap(), Some(vec![5; 32]));
    assert!(b.get_msg_secret(&chat, own, "3EB0B").await.unwrap().is_none());
    b.put_msg_secrets(vec![entry("3EB0B")]).await.unwrap();
    assert_eq!(b.get_msg_secret(&chat, own, "3EB0B").await.unwrap(), Some(vec![7; 32]), "what another device sent");
}

#[tokio::test]
async fn what_was_sent_to_a_number_is_found_under_the_lid_that_is_known_for_it() {
    let rig = Rig::new().await;
    let b = rig.backend(100).await;
    let phone = PHONE_OF_CHAT;
    accept(&rig, &b, b"payload").await;
    assert!(b.take_sent_message("777@lid", "3EB0A").await.unwrap().is_none(), "nobody knows whose it is");
    let known = |lid: &str, phone: &str| LidPnMappingEntry {
        lid: lid.into(),
        phone_number: phone.into(),
        created_at: 1,
        updated_at: 2,
        learning_source: "usync".into(),
    };
    b.put_lid_mappings(&[known("777", phone), known("888", "491709999999")]).await.unwrap();
    assert_eq!(b.take_sent_message("777@lid", "3EB0A").await.unwrap().as_deref(), Some(&b"payload"[..]));
    assert!(b.take_sent_message("888@lid", "3EB0A").await.unwrap().is_none(), "another person");
    assert!(b.take_sent_message("777@lid", "3EB0B").await.unwrap().is_none(), "another message");
}

#[tokio::test]
async fn a_new_owner_shuts_the_old_one_out() {
    let rig = Rig::new().await;
    let old = rig.backend(0).await;
    old.put_session("a", b"old").await.unwrap();
    let new = rig.backend(0).await;
    new.put_session("a", b"new").await.unwrap();
    assert!(old.put_session("a", b"late").await.is_err());
    assert_eq!(old.vault.halted(), Some(Halt::Fenced));
    assert!(old.vault.shuts().now_or_never().is_some(), "whoever asks only then hears of it too");
    assert!(new.vault.shuts().now_or_never().is_none());
    assert_eq!(new.get_session("a").await.unwrap(), Some(Bytes::from_static(b"new")));
}

#[tokio::test]
async fn a_received_message_that_cannot_be_buffered_ends_all_writing() {
    let rig = Rig::new().await;
    let b = rig.backend(0).await;
    rig.store.close().await;
    assert!(b.store_pending_inbound("c", "s", "1", b"one").await.is_err());
    assert_eq!(b.vault.halted(), Some(Halt::Unbuffered));
    assert!(b.put_session("a", b"ratchet").await.is_err());
}

#[tokio::test]
async fn another_master_key_opens_nothing() {
    let rig = Rig::new().await;
    rig.backend(0).await.create().await.unwrap();
    let fence = rig.store.take_session(&rig.session, "node", Timestamp::from_millis(0)).await.unwrap().unwrap();
    let seal = Arc::new(Seal::new(&[2; 32], Arc::new(SystemChance)));
    let other = Backend::new(Arc::new(Vault::new(rig.store.clone(), seal, fence)), Arc::new(At(0)), Arc::default());
    assert!(other.load().await.is_err());
}

#[tokio::test]
async fn what_the_library_tries_the_buffer_with_is_not_written_and_what_anybody_sent_is() {
    let rig = Rig::new().await;
    let b = rig.backend(0).await;
    let (nobody, id) = ("0@s.whatsapp.net", "__wa_durability_probe_1_0__");
    let rows = async || b.vault.list("pending_inbound", "").await.unwrap().len();
    b.store_pending_inbound(nobody, nobody, id, b"probe").await.unwrap();
    assert_eq!(b.get_pending_inbound(nobody, nobody, id).await.unwrap(), Some(b"probe".to_vec()));
    assert_eq!(rows().await, 0);
    b.delete_pending_inbound(nobody, nobody, id).await.unwrap();
    assert_eq!(b.get_pending_inbound(nobody, nobody, id).await.unwrap(), None);
    for (chat, sender, id) in [("1@lid", "1@lid", id), (nobody, "1@lid", id), ("1@lid", nobody, id), (nobody, nobody, "3EB0")] {
        b.store_pending_inbound(chat, sender, id, b"one").await.unwrap();
        assert_eq!(rows().await, 1, "{chat} {sender} {id}");
        b.delete_pending_inbound(chat, sender, id).await.unwrap();
    }
    b.vault.shut(Halt::Ended);
    assert!(b.store_pending_inbound(nobody, nobody, id, b"probe").await.is_err(), "what is shut takes nothing");
}

#[tokio::test]
async fn what_was_not_committed_is_kept_for_sixty_days_whatever_the_library_asks() {
    let rig = Rig::new().await;
    let day = 24 * 60 * 60;
    rig.backend(0).await.store_pending_inbound("c", "s", "1", b"uncommitted").await.unwrap();
    let at = |days: i64| rig.backend(days * day);
    // The library's week.
    assert_eq!(at(60).await.delete_expired_pending_inbound(53 * day).await.unwrap(), 0);
    assert_eq!(at(60).await.get_pending_inbound("c", "s", "1").await.unwrap(), Some(b"uncommitted".to_vec()));
    assert_eq!(at(61).await.delete_expired_pending_inbound(54 * day).await.unwrap(), 1);
}

fn device_list(user: &str, device: u32) -> DeviceListRecord {
    DeviceListRecord { user: user.into(), devices: vec![DeviceInfo::new(device, Some(1))], timestamp: 5, phash: None, raw_id: None }
}

#[tokio::test]
async fn a_device_list_is_the_one_that_was_written_last_and_none_where_that_failed() {
    let rig = Rig::new().await;
    let b = rig.backend(0).await;
    let read = async || b.get_devices("u").await.unwrap().map(|list| list.devices[0].device_id);
    for device in [1, 2] {
        b.update_device_list(device_list("u", device)).await.unwrap();
        assert_eq!((read().await, read().await), (Some(device), Some(device)), "from the vault, and from memory");
    }
    b.delete_devices("u").await.unwrap();
    assert_eq!(read().await, None);
    b.update_device_lists(vec![device_list("u", 3), device_list("v", 1)]).await.unwrap();
    assert_eq!(read().await, Some(3));
    b.vault.shut(Halt::Ended);
    assert!(b.update_device_list(device_list("u", 4)).await.is_err());
    assert_eq!(read().await, None, "WhatsApp is to be asked");
    assert!(b.get_devices("v").await.unwrap().is_some(), "others are as they were");
}

#[tokio::test]
async fn a_device_list_that_was_read_is_not_read_again_and_is_its_own_clients_alone() {
    let rig = Rig::new().await;
    let shelf = Arc::default();
    let (b, other) = (rig.backend(0).await.sharing(&shelf), rig.backend(0).await.sharing(&shelf));
    other.update_device_list(device_list("u", 3)).await.unwrap();
    assert!(b.get_devices("u").await.unwrap().is_some());
    assert!(b.get_devices("v").await.unwrap().is_none());
    assert!(other.get_devices("w").await.unwrap().is_none());
    other.update_device_list(device_list("w", 4)).await.unwrap();
    assert_eq!(other.get_devices("w").await.unwrap().unwrap().devices[0].device_id, 4, "what was missing is there");
    rig.store.close().await;
    assert_eq!(b.get_devices("u").await.unwrap().unwrap().devices[0].device_id, 3);
    assert!(b.get_devices("v").await.unwrap().is_none(), "nobody looks again for what is missing");
    assert!(other.get_devices("u").await.is_err());
}
