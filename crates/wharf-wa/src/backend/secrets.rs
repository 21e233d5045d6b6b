//! The secrets of messages: what later votes, edits and reactions are decrypted with.

use async_trait::async_trait;
use wacore::store::error::{Result, StoreError};
use wacore::store::traits::{MsgSecretEntry, MsgSecretStore, merge_msg_secret_expiry, merge_msg_secret_message_ts};

use super::{Backend, join};

const SECRET: &str = "msg_secret";
const SECRET_LEN: usize = 32;

/// A stored secret: 32 bytes, then when it may be forgotten and when its message was written, in seconds.
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

#[async_trait]
impl MsgSecretStore for Backend {
    async fn put_msg_secrets(&self, entries: Vec<MsgSecretEntry>) -> Result<usize> {
        let _order = self.order.lock().await;
        let stored = entries.len();
        let keys: Vec<String> = entries.iter().map(|entry| join(&[&entry.chat, &entry.sender, &entry.msg_id])).collect();
        let mut rows = std::collections::HashMap::new();
        for (key, plain) in self.vault.get_many(SECRET, &keys).await? {
            rows.insert(key, Row::decode(&plain)?);
        }
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
            rows.insert(key.clone(), merged);
        }
        // A key may stand twice in one batch; it is written once.
        let ops = rows.iter().map(|(key, row)| self.vault.put(SECRET, key.clone(), &row.encode())).collect();
        self.vault.apply(ops).await?;
        Ok(stored)
    }

    async fn get_msg_secret(&self, chat: &str, sender: &str, msg_id: &str) -> Result<Option<Vec<u8>>> {
        Ok(self.get_msg_secret_with_ts(chat, sender, msg_id).await?.map(|(secret, _)| secret))
    }

    async fn get_msg_secret_with_ts(&self, chat: &str, sender: &str, msg_id: &str) -> Result<Option<(Vec<u8>, i64)>> {
        let Some(plain) = self.vault.get(SECRET, &join(&[chat, sender, msg_id])).await? else { return Ok(None) };
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
