//! The secrets of messages: what later votes, edits and reactions are decrypted with.

use async_trait::async_trait;
use wacore::msg_secret::{MsgSecretPolicy, MsgSecretRetention, classify, expires_at};
use wacore::proto_helpers::MessageExt as _;
use wacore::store::error::{Result, StoreError};
use wacore::store::traits::{MsgSecretEntry, MsgSecretStore, merge_msg_secret_expiry, merge_msg_secret_message_ts};

use wacore::types::message::MessageInfo;
use wacore_binary::JidExt as _;
use waproto::whatsapp as wa;
use wharf_core::store::VaultOp;

use super::{Backend, join};
use crate::compose;
use crate::vault::Vault;

const SECRET: &str = "msg_secret";
const SECRET_LEN: usize = 32;

/// The secret that a message which came in brings, as the library would keep it.
pub(crate) fn entry(message: &wa::Message, info: &MessageInfo) -> Option<MsgSecretEntry> {
    let secret = message.message_context_info.as_option()?.message_secret.as_deref()?;
    if message.is_forwarded() {
        return None;
    }
    let (policy, retention) = (MsgSecretPolicy::default(), MsgSecretRetention::default());
    let class = classify(message, info.source.chat.is_bot());
    let written_at = info.timestamp.timestamp();
    let expires_at = expires_at(policy, &retention, class, u64::try_from(written_at).ok(), wacore::time::now_secs());
    let secret = <[u8; SECRET_LEN]>::try_from(secret).ok()?;
    Some(MsgSecretEntry::new(&info.source.chat, &info.source.sender, &info.id, secret, expires_at, written_at))
}

/// The change that keeps it.
pub(crate) fn keep(vault: &Vault, entry: &MsgSecretEntry) -> VaultOp {
    let row = Row { secret: entry.secret, expires_at: entry.expires_at, message_ts: entry.message_ts };
    vault.put(SECRET, join(&[&entry.chat, &entry.sender, &entry.msg_id]), &row.encode())
}

/// A stored secret: 32 bytes, then when it may be forgotten and when its message was written, in seconds.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Row {
    secret: [u8; SECRET_LEN],
    expires_at: i64,
    message_ts: i64,
}

impl Row {
    fn encode(&self) -> Vec<u8> {
        [&self.secret[..], &self.expires_at.to_be_bytes(), &self.message_ts.to_be_bytes()].concat()
    }

    fn decode(plain: &[u8]) -> Result<Self> {
        let parts = || {
            let (secret, rest) = plain.split_first_chunk::<SECRET_LEN>()?;
            let (expires_at, rest) = rest.split_first_chunk::<8>()?;
            let (message_ts, _) = rest.split_first_chunk::<8>()?;
            Some(Self { secret: *secret, expires_at: i64::from_be_bytes(*expires_at), message_ts: i64::from_be_bytes(*message_ts) })
        };
        parts().ok_or_else(|| StoreError::Validation("a message secret is too short".to_owned()))
    }
}

impl Backend {
    async fn frozen_secret(&self, chat: &str, wa_id: &str) -> Result<Option<Vec<u8>>> {
        let Some(payload) = self.accepted_by_any_id(chat, wa_id).await? else { return Ok(None) };
        Ok(compose::read(&payload).and_then(|message| message.message_context_info.as_option()?.message_secret.clone()))
    }
}

#[async_trait]
impl MsgSecretStore for Backend {
    async fn put_msg_secrets(&self, entries: Vec<MsgSecretEntry>) -> Result<usize> {
        let stored = entries.len();
        // What came through the API has its secret frozen in its row, for longer than it would be kept here.
        let entries: Vec<MsgSecretEntry> = entries.into_iter().filter(|entry| !self.flight.take_frozen(&entry.msg_id)).collect();
        if entries.is_empty() {
            return Ok(stored);
        }
        let _order = self.order.lock().await;
        let keys: Vec<String> = entries.iter().map(|entry| join(&[&entry.chat, &entry.sender, &entry.msg_id])).collect();
        let mut rows = std::collections::HashMap::new();
        for (key, plain) in self.vault.get_many(SECRET, &keys).await? {
            rows.insert(key, Row::decode(&plain)?);
        }
        let mut changed = std::collections::HashSet::new();
        for (key, entry) in keys.iter().zip(&entries) {
            let fresh = Row { secret: entry.secret, expires_at: entry.expires_at, message_ts: entry.message_ts };
            let merged = match rows.get(key) {
                Some(old) => Row {
                    secret: fresh.secret,
                    expires_at: merge_msg_secret_expiry(old.expires_at, fresh.expires_at),
                    message_ts: merge_msg_secret_message_ts(old.message_ts, fresh.message_ts),
                },
                None => fresh,
            };
            // Most came in with their message's own commit.
            if rows.get(key) != Some(&merged) {
                changed.insert(key);
            }
            rows.insert(key.clone(), merged);
        }
        // A key may stand twice in one batch; it is written once.
        let changed = rows.iter().filter(|(key, _)| changed.contains(key));
        let ops = changed.map(|(key, row)| self.vault.put(SECRET, key.clone(), &row.encode())).collect();
        self.vault.apply(ops).await?;
        Ok(stored)
    }

    async fn get_msg_secret(&self, chat: &str, sender: &str, msg_id: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.get_msg_secret_with_ts(chat, sender, msg_id).await?.map(|(secret, _)| secret))
    }

    async fn get_msg_secret_with_ts(&self, chat: &str, sender: &str, msg_id: &str) -> Result<Option<(Vec<u8>, i64)>> {
        let Some(plain) = self.vault.get(SECRET, &join(&[chat, sender, msg_id])).await? else {
            // When it was written only matters for how long an answer to it is kept.
            return Ok(self.frozen_secret(chat, msg_id).await?.map(|secret| (secret, 0)));
        };
        let row = Row::decode(&plain)?;
        Ok(Some((row.secret.to_vec(), row.message_ts)))
    }

    async fn delete_expired_msg_secrets(&self, cutoff_timestamp: i64) -> Result<u32> {
        self.prune(SECRET, |plain| {
            let expires_at = Row::decode(plain)?.expires_at;
            Ok(expires_at == 0 || expires_at > cutoff_timestamp)
        })
        .await
    }
}
