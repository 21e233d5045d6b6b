//! A phone's keys for groups: its own, whom it told them, and those that others told it. Every store answers at once.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use futures::FutureExt as _;
use wacore_libsignal::protocol::error::Result;
use wacore_libsignal::protocol::{
    SenderKeyDistributionMessage, SenderKeyName, SenderKeyRecord, SenderKeyStore, SignalProtocolError,
    create_sender_key_distribution_message, group_decrypt, group_encrypt, process_sender_key_distribution_message,
};

use crate::address::{Address, Number};
use crate::keys;

#[derive(Default)]
pub(crate) struct SenderKeys {
    pub(crate) records: Records,
    /// Devices that have this phone's key, by group.
    pub(crate) told: HashMap<Number, HashSet<Address>>,
}

#[derive(Default)]
pub(crate) struct Records(pub(crate) HashMap<String, SenderKeyRecord>);

impl SenderKeys {
    /// Forgets the own key of a group, so that the next message makes one and tells it to those who are there then.
    pub(crate) fn renew(&mut self, group: Number) {
        self.told.remove(&group);
        let own = format!("{group}:own");
        self.records.0.remove(&own);
    }

    /// After an unclean stop the saved chains may be behind what was sent.
    pub(crate) fn renew_all(&mut self) {
        self.told.clear();
        self.records.0.retain(|name, _| !name.ends_with(":own"));
    }

    /// Forgets what others told.
    pub(crate) fn forget_theirs(&mut self) {
        self.records.0.retain(|name, _| name.ends_with(":own"));
    }

    /// Those that lack the own key; all of them where there is none yet.
    pub(crate) fn untold(&self, group: Number, devices: &[Address]) -> Vec<Address> {
        let told = self.told.get(&group).filter(|_| self.records.0.contains_key(own(group).cache_key()));
        devices.iter().filter(|device| told.is_none_or(|told| !told.contains(device))).copied().collect()
    }

    pub(crate) fn mark_told(&mut self, group: Number, device: Address) {
        self.told.entry(group).or_default().insert(device);
    }

    pub(crate) fn forget_told(&mut self, group: Number, device: Address) {
        if let Some(told) = self.told.get_mut(&group) {
            told.remove(&device);
        }
    }

    /// The own key as others learn it; made when there is none.
    pub(crate) fn distribution(&mut self, group: Number) -> Result<Vec<u8>> {
        let message = ready(create_sender_key_distribution_message(&own(group), &mut self.records, &mut keys::chance()))?;
        Ok(message.serialized().to_vec())
    }

    pub(crate) fn encrypt(&mut self, group: Number, padded: &[u8]) -> Result<Vec<u8>> {
        let message = ready(group_encrypt(&mut self.records, &own(group), padded, &mut keys::chance()))?;
        Ok(message.serialized().to_vec())
    }

    pub(crate) fn learn(&mut self, group: Number, from: Address, bytes: &[u8]) -> Result<()> {
        let message = SenderKeyDistributionMessage::try_from(bytes)?;
        ready(process_sender_key_distribution_message(&theirs(group, from), &message, &mut self.records))
    }

    pub(crate) fn decrypt(&mut self, group: Number, from: Address, bytes: &[u8]) -> Result<Vec<u8>> {
        ready(group_decrypt(bytes, &mut self.records, &theirs(group, from)))
    }
}

fn own(group: Number) -> SenderKeyName {
    SenderKeyName::from_parts(&group.to_string(), "own")
}

fn theirs(group: Number, from: Address) -> SenderKeyName {
    SenderKeyName::from_parts(&group.to_string(), &from.to_string())
}

/// The stores answer at once, so their futures never wait.
pub(super) fn ready<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    future.now_or_never().unwrap_or_else(|| Err(SignalProtocolError::InvalidArgument("an in-memory store waited".to_owned())))
}

#[async_trait]
impl SenderKeyStore for Records {
    async fn store_sender_key(&mut self, name: &SenderKeyName, record: SenderKeyRecord) -> Result<()> {
        self.0.insert(name.cache_key().to_owned(), record);
        Ok(())
    }

    async fn load_sender_key(&self, name: &SenderKeyName) -> Result<Option<SenderKeyRecord>> {
        Ok(self.0.get(name.cache_key()).cloned())
    }
}
