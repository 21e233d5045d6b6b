//! The files' shapes. Owns the conversion between what lives and what is written; keys are base64 in JSON.

mod device;
mod phone;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use self::device::{DeviceFile, device_file, restore_device};
use self::phone::{PhoneFile, phone_file, restore_phone};
use crate::account::app_state::AppState;
use crate::account::{Account, Registry};
use crate::address::{Address, Number};
use crate::cast::{self, Behaviour};
use crate::keys;
use crate::noise::ServerIdentity;
use crate::phone::ledger::Entry;

type Result<T> = std::result::Result<T, String>;

#[derive(Serialize, Deserialize)]
struct NetworkFile {
    root: String,
    intermediate: String,
    server: String,
}

#[derive(Serialize, Deserialize)]
struct AccountFile {
    number: u64,
    name: String,
    phone: PhoneFile,
    raw_id: u32,
    next_device: u16,
    next_key_index: u32,
    watchers: Vec<u64>,
    devices: Vec<DeviceFile>,
    #[serde(default)]
    app_state: AppState,
}
pub(super) fn network(identity: &ServerIdentity) -> String {
    let private = |pair: &wacore_libsignal::protocol::KeyPair| encode(pair.private_key.serialize());
    json(&NetworkFile { root: private(&identity.root), intermediate: private(&identity.intermediate), server: private(&identity.server) })
}

pub(super) fn identity(text: &str) -> Result<ServerIdentity> {
    let file: NetworkFile = parse(text)?;
    let restore = |text: &str| keys::restore(&decode(text)?).map_err(|error| error.to_string());
    Ok(ServerIdentity::new(restore(&file.root)?, restore(&file.intermediate)?, restore(&file.server)?))
}

pub(super) fn line(entry: &Entry) -> String {
    let mut line = json(entry);
    line.push('\n');
    line
}

pub(super) fn account_file(account: &Account) -> String {
    let phone = phone_file(&account.phone());
    let app_state = account.app_state().clone();
    let registry = account.registry();
    let file = AccountFile {
        number: account.number.0,
        name: account.name(),
        phone,
        raw_id: registry.raw_id,
        next_device: registry.next_device,
        next_key_index: registry.next_key_index,
        watchers: registry.watchers.iter().map(|number| number.0).collect(),
        devices: registry.devices.values().map(device_file).collect(),
        app_state,
    };
    drop(registry);
    json(&file)
}

pub(super) fn account(text: &str) -> Result<Account> {
    let file: AccountFile = parse(text)?;
    let number = Number(file.number);
    let behaviour = cast::find(number).map_or(Behaviour::Owner, |(_, behaviour)| behaviour);
    let mut registry = Registry::new(file.raw_id);
    registry.next_device = file.next_device;
    registry.next_key_index = file.next_key_index;
    registry.watchers = file.watchers.into_iter().map(Number).collect();
    for device in file.devices {
        let device = restore_device(device)?;
        registry.devices.insert(device.id, device);
    }
    let phone = restore_phone(number, file.phone)?;
    Ok(Account::restore(number, file.name, behaviour, (registry, file.app_state), phone))
}

pub(super) fn list<T: serde::de::DeserializeOwned>(text: &str) -> Result<Vec<T>> {
    parse(text)
}

pub(super) fn list_file(entries: &[impl Serialize]) -> String {
    json(&entries)
}

fn pair(address: Address) -> (u64, u16) {
    (address.number.0, address.device)
}

fn address((number, device): (u64, u16)) -> Address {
    Address::new(Number(number), device)
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_STANDARD.encode(bytes)
}

fn decode(encoded: &str) -> Result<Vec<u8>> {
    BASE64_STANDARD.decode(encoded).map_err(text)
}

fn array<const N: usize>(encoded: &str) -> Result<[u8; N]> {
    decode(encoded)?.try_into().map_err(|_| "wrong length".to_owned())
}

fn parse<T: serde::de::DeserializeOwned>(source: &str) -> Result<T> {
    serde_json::from_str(source).map_err(text)
}

/// These shapes have string keys and no failing parts.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
