//! What the protocol remembers besides keys: who has which sender key, which LID is which number, devices, tokens,
//! messages sent and messages received but not yet committed.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use wacore::store::error::{Result, StoreError};
use wacore::store::traits::{DeviceListRecord, LidPnMappingEntry, PendingInboundKey, PendingInboundRow, ProtocolStore, TcTokenEntry};
use wharf_core::store::VaultOp;

use super::{Backend, PENDING, SEALED_VOTE, dated, from_json, join, to_json, undate};
use crate::shelf::FoundList;
use crate::vault::{Halt, Vault};

pub(super) const SENDER_KEY_DEVICE: &str = "sender_key_device";
const LID: &str = "lid";
const PHONE: &str = "phone";
pub(super) const BASE_KEY: &str = "base_key";
const DEVICES: &str = "devices";
const GROUP: &str = "group";
const TOKEN: &str = "tc_token";
const SENT: &str = "sent";
/// What came in and gets no row on purpose: a repeat of it is one.
const LEFT_OUT: &str = "left_out";

/// Nobody has this number. With a message from it the library tries the buffer of each client before that begins.
const NOBODY: &str = "0@s.whatsapp.net";
const TRY: &str = "__wa_durability_probe_";

/// How long what came in and was not committed is kept, and a vote without its poll: as long as WhatsApp keeps messages, and more.
pub(super) const KEPT_SECS: i64 = 60 * 24 * 60 * 60;
/// How often the buffering of a received message is tried before its client is given up.
const BUFFER_TRIES: u32 = 3;

impl Backend {
    /// Whether the library only tries the buffer. That the database takes writes showed when the session was taken: each start would wait
    /// for two more commits, of nothing.
    fn is_try(&self, chat: &str, sender: &str, id: &str) -> bool {
        chat == NOBODY && sender == NOBODY && id.starts_with(TRY) && !self.vault.is_shut()
    }

    fn tried(&self) -> MutexGuard<'_, Option<Vec<u8>>> {
        self.tried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mapping(&self, entry: &LidPnMappingEntry, old: Option<&LidPnMappingEntry>) -> Result<Vec<VaultOp>> {
        let mut ops = Vec::with_capacity(3);
        if let Some(old) = old.filter(|old| old.phone_number != entry.phone_number) {
            ops.push(Vault::delete(PHONE, old.phone_number.clone()));
        }
        ops.push(self.vault.put(LID, entry.lid.clone(), &to_json(entry)?));
        ops.push(self.vault.put(PHONE, entry.phone_number.clone(), entry.lid.as_bytes()));
        Ok(ops)
    }

    /// Writes rows to the buffer of received messages. When that fails for good the vault shuts: the client has
    /// advanced its ratchet in memory, and only if that is never saved can the redelivered message be read.
    async fn buffer(&self, ops: Vec<VaultOp>) -> Result<()> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.vault.apply(ops.clone()).await {
                Ok(()) => return Ok(()),
                Err(error) if tries >= BUFFER_TRIES || self.vault.is_shut() => {
                    self.vault.shut(Halt::Unbuffered);
                    return Err(error);
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(100) * tries).await,
            }
        }
    }

    /// What came through the API and was sent to the chat under this id.
    async fn accepted(&self, chat: &str, wa_id: &str) -> Result<Option<Vec<u8>>> {
        let found = self.vault.store().sent_payload(&self.vault.fence().session, chat, wa_id).await;
        match found.map_err(|error| StoreError::Database(Box::new(error)))? {
            Some(stored) => {
                let payload = self.vault.open_payload(wa_id, stored)?;
                Ok(Some(self.timers.put_again(&self.vault, chat, payload).await))
            }
            None => Ok(None),
        }
    }

    /// What was sent to the chat under this id, whichever of its names the library has for the chat.
    pub(super) async fn accepted_by_any_id(&self, chat_jid: &str, message_id: &str) -> Result<Option<Vec<u8>>> {
        if let Some(found) = self.accepted(chat_jid, message_id).await? {
            return Ok(Some(found));
        }
        // The name that hits is taken for the one whose Signal session is to be mended. It is the LID wherever one is known, and what
        // was sent to a number is stored under the number.
        let Some(lid) = chat_jid.strip_suffix("@lid") else { return Ok(None) };
        match self.get_lid_mapping(lid).await? {
            Some(known) => self.accepted(&format!("{}@s.whatsapp.net", known.phone_number), message_id).await,
            None => Ok(None),
        }
    }

    fn pending(&self, row: &PendingInboundRow<'_>) -> VaultOp {
        let key = join(&[row.chat, row.sender, row.id]);
        self.vault.put(PENDING, key, &dated(self.clock.now().as_secs(), row.message))
    }

    async fn change_token(&self, jid: &str, change: impl FnOnce(Option<TcTokenEntry>) -> Option<TcTokenEntry> + Send) -> Result<()> {
        let _order = self.order.lock().await;
        let Some(entry) = change(self.get_json(TOKEN, jid).await?) else { return Ok(()) };
        self.changing_tokens(self.put_json(TOKEN, jid, &entry)).await
    }

    /// Makes a change of privacy tokens; none is taken from memory meanwhile.
    async fn changing_tokens<T>(&self, change: impl Future<Output = Result<T>> + Send) -> Result<T> {
        self.tokens.begin();
        let changed = change.await;
        self.tokens.end();
        changed
    }

    /// Makes a change of the users' device lists; none of these is taken from memory meanwhile. A change that cannot be made leaves them
    /// unknown, and the library asks WhatsApp for them anew.
    async fn changing_lists(&self, users: &[String], change: impl Future<Output = Result<()>> + Send) -> Result<()> {
        self.lists.begin(users);
        let changed = change.await;
        self.lists.end(users, changed.is_ok());
        changed
    }
}

#[async_trait]
impl ProtocolStore for Backend {
    async fn get_sender_key_devices(&self, group_jid: &str) -> Result<Vec<(String, bool)>> {
        let prefix = join(&[group_jid, ""]);
        let rows = self.vault.list(SENDER_KEY_DEVICE, &prefix).await?;
        Ok(rows.into_iter().map(|(key, has)| (key[prefix.len()..].to_owned(), has == [1])).collect())
    }

    async fn set_sender_key_status(&self, group_jid: &str, entries: &[(&str, bool)]) -> Result<()> {
        let given = self.flight.keyed.given(group_jid, entries);
        let put =
            |((device, _), has): (&(&str, bool), bool)| self.vault.put(SENDER_KEY_DEVICE, join(&[group_jid, device]), &[u8::from(has)]);
        self.vault.apply(entries.iter().zip(given).map(put).collect()).await
    }

    async fn clear_sender_key_devices(&self, group_jid: &str) -> Result<()> {
        let _order = self.order.lock().await;
        let rows = self.vault.list(SENDER_KEY_DEVICE, &join(&[group_jid, ""])).await?;
        self.vault.apply(rows.into_iter().map(|(key, _)| Vault::delete(SENDER_KEY_DEVICE, key)).collect()).await
    }

    async fn delete_sender_key_device_rows(&self, device_jids: &[&str]) -> Result<()> {
        let _order = self.order.lock().await;
        let rows = self.vault.list(SENDER_KEY_DEVICE, "").await?;
        let named = |key: &str| key.split_once('|').is_some_and(|(_, device)| device_jids.contains(&device));
        let gone = rows.into_iter().filter(|(key, _)| named(key));
        self.vault.apply(gone.map(|(key, _)| Vault::delete(SENDER_KEY_DEVICE, key)).collect()).await
    }

    async fn clear_all_sender_key_devices(&self) -> Result<()> {
        self.vault.apply(vec![VaultOp::Clear { space: SENDER_KEY_DEVICE }]).await
    }

    async fn get_lid_mapping(&self, lid: &str) -> Result<Option<LidPnMappingEntry>> {
        self.get_json(LID, lid).await
    }

    async fn get_pn_mapping(&self, phone: &str) -> Result<Option<LidPnMappingEntry>> {
        let Some(lid) = self.vault.get(PHONE, phone).await? else { return Ok(None) };
        let lid = String::from_utf8(lid).map_err(|error| StoreError::Serialization(Box::new(error)))?;
        self.get_json(LID, &lid).await
    }

    async fn put_lid_mapping(&self, entry: &LidPnMappingEntry) -> Result<()> {
        self.put_lid_mappings(std::slice::from_ref(entry)).await
    }

    async fn put_lid_mappings(&self, entries: &[LidPnMappingEntry]) -> Result<()> {
        let _order = self.order.lock().await;
        let lids: Vec<String> = entries.iter().map(|entry| entry.lid.clone()).collect();
        let mut known = std::collections::HashMap::new();
        for (lid, plain) in self.vault.get_many(LID, &lids).await? {
            known.insert(lid, from_json::<LidPnMappingEntry>(&plain)?);
        }
        let mut ops = Vec::with_capacity(entries.len() * 2);
        for entry in entries {
            ops.extend(self.mapping(entry, known.get(&entry.lid))?);
            known.insert(entry.lid.clone(), entry.clone());
        }
        self.vault.apply(ops).await
    }

    async fn get_all_lid_mappings(&self) -> Result<Vec<LidPnMappingEntry>> {
        let rows = self.vault.list(LID, "").await?;
        rows.iter().map(|(_, plain)| from_json(plain)).collect()
    }

    async fn save_base_key(&self, address: &str, message_id: &str, base_key: &[u8]) -> Result<()> {
        self.put(BASE_KEY, &join(&[address, message_id]), base_key).await
    }

    async fn has_same_base_key(&self, address: &str, message_id: &str, current_base_key: &[u8]) -> Result<bool> {
        Ok(self.vault.get(BASE_KEY, &join(&[address, message_id])).await?.is_some_and(|saved| saved == current_base_key))
    }

    async fn delete_base_key(&self, address: &str, message_id: &str) -> Result<()> {
        self.delete(BASE_KEY, &join(&[address, message_id])).await
    }

    async fn update_device_list(&self, record: DeviceListRecord) -> Result<()> {
        self.update_device_lists(vec![record]).await
    }

    async fn update_device_lists(&self, records: Vec<DeviceListRecord>) -> Result<()> {
        let put = |record: &DeviceListRecord| Ok(self.vault.put(DEVICES, record.user.clone(), &to_json(record)?));
        let ops = records.iter().map(put).collect::<Result<_>>()?;
        let users: Vec<String> = records.into_iter().map(|record| record.user).collect();
        self.changing_lists(&users, self.vault.apply(ops)).await
    }

    async fn get_devices(&self, user: &str) -> Result<Option<DeviceListRecord>> {
        let count = match self.lists.find(user) {
            FoundList::Known(plain) => return plain.map(|plain| from_json(&plain)).transpose(),
            FoundList::Lost => return Ok(None),
            FoundList::Unread(count) => count,
        };
        let plain = self.vault.get(DEVICES, user).await?;
        self.lists.keep(user, plain.as_deref(), count);
        plain.map(|plain| from_json(&plain)).transpose()
    }

    // Asked at every login, for the other name of the own account, under which nothing is kept any more: a look costs less than a commit.
    async fn delete_devices(&self, user: &str) -> Result<()> {
        let _order = self.order.lock().await;
        if matches!(self.vault.get(DEVICES, user).await, Ok(None)) {
            return Ok(());
        }
        self.changing_lists(&[user.to_owned()], self.delete(DEVICES, user)).await
    }

    async fn get_group_metadata(&self, group_jid: &str) -> Result<Option<Vec<u8>>> {
        self.vault.get(GROUP, group_jid).await
    }

    async fn put_group_metadata(&self, group_jid: &str, blob: &[u8]) -> Result<()> {
        self.put(GROUP, group_jid, blob).await
    }

    async fn delete_group_metadata(&self, group_jid: &str) -> Result<()> {
        self.delete(GROUP, group_jid).await
    }

    async fn get_tc_token(&self, jid: &str) -> Result<Option<TcTokenEntry>> {
        match self.tokens.find(jid) {
            Ok(entry) => Ok(entry),
            Err(changes) => {
                let entry: Option<TcTokenEntry> = self.get_json(TOKEN, jid).await?;
                self.tokens.keep(jid.to_owned(), entry.clone(), changes);
                Ok(entry)
            }
        }
    }

    async fn put_tc_token(&self, jid: &str, entry: &TcTokenEntry) -> Result<()> {
        self.change_token(jid, |_| Some(entry.clone())).await
    }

    async fn delete_tc_token(&self, jid: &str) -> Result<()> {
        self.changing_tokens(self.delete(TOKEN, jid)).await
    }

    async fn get_all_tc_token_jids(&self) -> Result<Vec<String>> {
        Ok(self.vault.list(TOKEN, "").await?.into_iter().map(|(jid, _)| jid).collect())
    }

    async fn delete_expired_tc_tokens(&self, token_cutoff: i64, sender_cutoff: i64) -> Result<u32> {
        let pruned = self.prune(TOKEN, |plain| {
            let entry: TcTokenEntry = from_json(plain)?;
            let token_lives = !entry.token.is_empty() && entry.token_timestamp >= token_cutoff;
            Ok(token_lives || entry.sender_timestamp.is_some_and(|at| at >= sender_cutoff))
        });
        self.changing_tokens(pruned).await
    }

    async fn touch_tc_token_sender_timestamp(&self, jid: &str, sender_timestamp: i64) -> Result<()> {
        self.change_token(jid, |known| {
            let mut entry = known.unwrap_or(TcTokenEntry { token: Vec::new(), token_timestamp: sender_timestamp, sender_timestamp: None });
            entry.sender_timestamp = entry.sender_timestamp.max(Some(sender_timestamp));
            Some(entry)
        })
        .await
    }

    async fn store_received_tc_token(&self, jid: &str, token: &[u8], token_timestamp: i64) -> Result<()> {
        self.change_token(jid, |known| {
            let fresher = known.as_ref().is_some_and(|known| !known.token.is_empty() && known.token_timestamp > token_timestamp);
            let sender_timestamp = known.and_then(|known| known.sender_timestamp);
            (!fresher).then(|| TcTokenEntry { token: token.to_vec(), token_timestamp, sender_timestamp })
        })
        .await
    }

    // A message that came through the API is in the store already, for longer than the library would keep it.
    async fn store_sent_message(&self, chat_jid: &str, message_id: &str, payload: &[u8]) -> Result<()> {
        if self.flight.carries(message_id) {
            return Ok(());
        }
        self.put(SENT, &join(&[chat_jid, message_id]), &dated(self.clock.now().as_secs(), payload)).await
    }

    async fn take_sent_message(&self, chat_jid: &str, message_id: &str) -> Result<Option<Vec<u8>>> {
        let key = join(&[chat_jid, message_id]);
        let _order = self.order.lock().await;
        if let Some(plain) = self.vault.get(SENT, &key).await? {
            self.delete(SENT, &key).await?;
            return Ok(Some(undate(&plain)?.1.to_vec()));
        }
        self.accepted_by_any_id(chat_jid, message_id).await
    }

    async fn delete_expired_sent_messages(&self, cutoff_timestamp: i64) -> Result<u32> {
        self.prune(SENT, |plain| Ok(undate(plain)?.0 >= cutoff_timestamp)).await
    }

    async fn store_pending_inbound(&self, chat: &str, sender: &str, id: &str, message: &[u8]) -> Result<()> {
        if self.is_try(chat, sender, id) {
            *self.tried() = Some(message.to_vec());
            return Ok(());
        }
        self.buffer(vec![self.pending(&PendingInboundRow { chat, sender, id, message })]).await
    }

    async fn get_pending_inbound(&self, chat: &str, sender: &str, id: &str) -> Result<Option<Vec<u8>>> {
        if self.is_try(chat, sender, id) {
            return Ok(self.tried().clone());
        }
        let key = join(&[chat, sender, id]);
        if let Some(plain) = self.vault.get(PENDING, &key).await? {
            return Ok(Some(undate(&plain)?.1.to_vec()));
        }
        // «None» has it acknowledged as a repeat; of what, only the log can say.
        if self.vault.get(LEFT_OUT, &key).await?.is_none() {
            self.strays.look_at(chat, sender, id).await.map_err(|error| StoreError::Database(Box::new(error)))?;
        }
        Ok(None)
    }

    async fn delete_pending_inbound(&self, chat: &str, sender: &str, id: &str) -> Result<()> {
        if self.is_try(chat, sender, id) {
            *self.tried() = None;
            return Ok(());
        }
        self.delete_pending_inbound_batch(&[PendingInboundKey { chat, sender, id }]).await
    }

    // The library's own week is too short: a gateway that was off for longer finds the network's copy a repeat of nothing.
    async fn delete_expired_pending_inbound(&self, cutoff_timestamp: i64) -> Result<u32> {
        let cutoff = cutoff_timestamp.min(self.clock.now().as_secs() - KEPT_SECS);
        self.prune(LEFT_OUT, |plain| Ok(undate(plain)?.0 >= cutoff)).await?;
        self.prune(SEALED_VOTE, |plain| Ok(undate(plain)?.0 >= cutoff)).await?;
        self.prune(PENDING, |plain| Ok(undate(plain)?.0 >= cutoff)).await
    }

    async fn store_pending_inbound_batch(&self, rows: &[PendingInboundRow<'_>]) -> Result<()> {
        self.buffer(rows.iter().map(|row| self.pending(row)).collect()).await
    }

    async fn delete_pending_inbound_batch(&self, keys: &[PendingInboundKey<'_>]) -> Result<()> {
        let mut ops = Vec::with_capacity(keys.len());
        for key in keys {
            let key = join(&[key.chat, key.sender, key.id]);
            if self.strays.take_left_out(&key) {
                ops.push(self.vault.put(LEFT_OUT, key.clone(), &dated(self.clock.now().as_secs(), &[])));
            }
            ops.push(Vault::delete(PENDING, key));
        }
        self.vault.apply(ops).await
    }
}
