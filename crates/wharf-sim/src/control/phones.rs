//! Phones and their people: what they saw, and what they do now.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};
use waproto::buffa::MessageField;
use waproto::whatsapp as wa;

use super::answer::{self, Answer, Failure};
use super::media;
use crate::account::Account;
use crate::network::Net;
use crate::phone::draft::{self, Draft};
use crate::phone::ledger::Entry;
use crate::phone::person;
use crate::router::{self, Copies};
use crate::{keys, pairing, status};

#[derive(Deserialize)]
pub(super) struct LedgerQuery {
    id: Option<String>,
    chat: Option<String>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadBody {
    chat: Option<String>,
    #[serde(default)]
    ids: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct React {
    id: String,
    emoji: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogoutBody {
    device: Option<u16>,
}

pub(super) async fn list(State(net): State<Arc<Net>>) -> Answer {
    let phones: Vec<Value> = net.accounts().iter().map(|a| describe(a)).collect();
    answer::ok(phones)
}

pub(super) async fn show(State(net): State<Arc<Net>>, Path(number): Path<String>) -> Answer {
    let account = answer::account(&net, &number)?;
    let mut shown = describe(&account);
    shown["online"] = json!(net.presences.is_online(account.number));
    shown["announced"] = json!(net.presences.announced(account.number));
    answer::ok(shown)
}

fn describe(account: &Account) -> Value {
    let (awake, waiting, messages) = {
        let phone = account.phone();
        (phone.awake, phone.inbox.len(), phone.ledger.len())
    };
    let devices: Vec<Value> = account
        .registry()
        .devices
        .values()
        .map(|device| {
            json!({
                "device": device.id,
                "platform": device.platform,
                "keyIndex": device.key_index,
                "connected": device.handle.is_some(),
                "active": device.active,
                "available": device.available,
                "pending": device.pending.len(),
                "oneTimeKeys": device.one_time.len(),
            })
        })
        .collect();
    json!({
        "number": account.number.to_string(),
        "name": account.name(),
        "behaviour": account.behaviour.name(),
        "jid": account.number.jid().to_string(),
        "lid": account.number.lid().to_string(),
        "awake": awake,
        "waiting": waiting,
        "messages": messages,
        "devices": devices,
    })
}

pub(super) async fn messages(State(net): State<Arc<Net>>, Path(number): Path<String>, Query(wanted): Query<LedgerQuery>) -> Answer {
    let account = answer::account(&net, &number)?;
    let chat = wanted.chat.as_deref().map(answer::number).transpose()?;
    let mut entries: Vec<Entry> = {
        let phone = account.phone();
        let wanted = phone
            .ledger
            .iter()
            .filter(|entry| wanted.id.as_ref().is_none_or(|id| *id == entry.id))
            .filter(|entry| chat.is_none_or(|chat| chat == entry.chat));
        wanted.cloned().collect()
    };
    if let Some(limit) = wanted.limit {
        entries.drain(..entries.len().saturating_sub(limit));
    }
    // Files are opened for it, which takes its time.
    let shown = tokio::task::spawn_blocking(move || entries.iter().map(|entry| self::entry(&net, entry)).collect::<Vec<_>>()).await;
    answer::ok(shown.unwrap_or_default())
}

fn entry(net: &Net, entry: &Entry) -> Value {
    let mut shown = json!({
        "id": entry.id,
        "chat": entry.chat.to_string(),
        "sender": entry.sender.to_string(),
        "senderDevice": entry.sender_device,
        "fromMe": entry.from_me,
        "type": entry.kind,
        "text": entry.text,
        "sha256": entry.sha256,
        "media": media::shown(net, entry),
        "sentAt": entry.sent_at_secs,
        "firstAtMs": entry.first_at_ms,
        "lastAtMs": entry.last_at_ms,
        "copies": entry.copies,
        "shown": 1,
        "delivered": entry.delivered,
        "deliveredAtMs": entry.delivered_at_ms,
        "readAtMs": entry.read_at_ms,
    });
    for (name, value) in &entry.fields {
        shown[name] = value.clone();
    }
    shown
}

/// The push notices that went out to the phone.
pub(super) async fn notices(State(net): State<Arc<Net>>, Path(number): Path<String>) -> Answer {
    let account = answer::account(&net, &number)?;
    let notices = account.phone().notices.clone().into_iter().map(|notice| {
        let (chat, sender) = (notice.chat.to_string(), notice.sender.to_string());
        json!({"id": notice.id, "chat": chat, "sender": sender, "atMs": notice.at_ms})
    });
    answer::ok(notices.collect::<Vec<_>>())
}

pub(super) async fn send(State(net): State<Arc<Net>>, Path(number): Path<String>, text: String) -> Answer {
    let sender = answer::account(&net, &number)?;
    let asked: Value = answer::body(&text)?;
    if media::is_meant(&asked) {
        return media::send(&net, &sender, asked).await;
    }
    let wanted: Draft = answer::body(&text)?;
    let to = answer::number(&wanted.to)?;
    let id = wanted.id.clone().unwrap_or_else(keys::message_id);
    let message = wanted.message(&sender.phone(), to).map_err(Failure::invalid)?;
    if to.is_status() {
        let audience = answer::numbers(&wanted.audience)?;
        status::post(&net, &sender, &audience, &id, &message)?;
    } else {
        let copies = match (wanted.garbled, wanted.missing) {
            (true, _) => Copies::Garbled,
            (false, true) => Copies::Missing,
            (false, false) => Copies::Good,
        };
        router::send_from_phone(&net, &sender, to, &id, &message, copies)?;
    }
    answer::ok(json!({"id": id, "to": to.to_string()}))
}

pub(super) async fn read(State(net): State<Arc<Net>>, Path(number): Path<String>, text: String) -> Answer {
    let wanted: ReadBody = answer::body(&text)?;
    let account = answer::account(&net, &number)?;
    let chat = wanted.chat.as_deref().map(answer::number).transpose()?;
    let ids = person::read_all(&net, &account, chat, &wanted.ids);
    answer::ok(json!({"read": ids}))
}

pub(super) async fn react(State(net): State<Arc<Net>>, Path(number): Path<String>, text: String) -> Answer {
    let wanted: React = answer::body(&text)?;
    let account = answer::account(&net, &number)?;
    let target = account
        .phone()
        .ledger
        .find(&wanted.id)
        .cloned()
        .ok_or_else(|| Failure::missing("no_such_message", "this phone has no such message"))?;
    let message = wa::Message {
        reaction_message: MessageField::some(wa::message::ReactionMessage {
            key: draft::key(&target, target.chat),
            text: Some(wanted.emoji),
            sender_timestamp_ms: i64::try_from(crate::clock::now_ms()).ok(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let id = keys::message_id();
    if target.chat.is_status() {
        status::react(&net, &account, target.sender, &id, &message)?;
    } else {
        router::send_from_phone(&net, &account, target.chat, &id, &message, Copies::Good)?;
    }
    answer::ok(json!({"id": id}))
}

pub(super) async fn logout(State(net): State<Arc<Net>>, Path(number): Path<String>, text: String) -> Answer {
    let wanted: LogoutBody = answer::body(&text)?;
    let account = answer::account(&net, &number)?;
    let devices: Vec<u16> = match wanted.device {
        Some(device) => vec![device],
        None => account.registry().devices.keys().copied().collect(),
    };
    let gone: Vec<u16> = devices.into_iter().filter(|device| pairing::unlink(&net, &account, *device)).collect();
    if let (Some(device), true) = (wanted.device, gone.is_empty()) {
        let message = format!("no device {device} is linked");
        return Err(Failure::missing("no_such_device", message));
    }
    answer::ok(json!({"unlinked": gone}))
}

pub(super) async fn sleep(State(net): State<Arc<Net>>, Path(number): Path<String>) -> Answer {
    let account = answer::account(&net, &number)?;
    person::set_awake(&net, &account, false);
    answer::ok(describe(&account))
}

pub(super) async fn wake(State(net): State<Arc<Net>>, Path(number): Path<String>) -> Answer {
    let account = answer::account(&net, &number)?;
    person::set_awake(&net, &account, true);
    answer::ok(describe(&account))
}

/// The phone cannot open what comes in chats of many until it is told the keys again.
pub(super) async fn forget_sender_keys(State(net): State<Arc<Net>>, Path(number): Path<String>) -> Answer {
    let account = answer::account(&net, &number)?;
    account.phone().keyring.groups.forget_theirs();
    net.save(&account);
    answer::ok(describe(&account))
}
