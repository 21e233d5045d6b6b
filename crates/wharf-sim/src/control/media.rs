//! Files: what a phone can open, and a person who sends one.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::answer::{self, Answer, Failure};
use crate::account::Account;
use crate::media::letter::{self, Filed, Sending};
use crate::network::Net;
use crate::phone::draft;
use crate::phone::ledger::Entry;
use crate::router::{self, Copies};
use crate::{keys, status};

/// What the ledger shows of a file. It is fetched and opened now: `sha256` is of what really was inside.
pub(super) fn shown(net: &Net, entry: &Entry) -> Value {
    let Some(filed) = &entry.media else { return Value::Null };
    let Filed { kind, mime_type, size, caption, file_name, seconds, width, height, voice, view_once, thumbnail, file_sha256, .. } = filed;
    let opened = letter::open(&net.media, filed);
    json!({
        "type": kind,
        "mimeType": mime_type,
        "size": size,
        "caption": caption,
        "fileName": file_name,
        "seconds": seconds,
        "width": width,
        "height": height,
        "voice": voice,
        "viewOnce": view_once,
        "thumbnail": thumbnail,
        "promisedSha256": file_sha256,
        "sha256": opened.as_ref().map(|(sha256, _)| sha256),
        "openedSize": opened.as_ref().map(|(_, size)| size),
    })
}

/// Whether a person is asked to send a file.
pub(super) fn is_meant(body: &Value) -> bool {
    body["type"].as_str().is_some_and(|kind| letter::media_type(kind).is_some())
}

pub(super) async fn send(net: &Arc<Net>, sender: &Arc<Account>, body: Value) -> Answer {
    let to = answer::number(body["to"].as_str().unwrap_or_default())?;
    let id = body["id"].as_str().map_or_else(keys::message_id, str::to_owned);
    let sending: Sending = serde_json::from_value(body).map_err(|error| Failure::invalid(error.to_string()))?;
    let data = sending.data.as_ref().map(|data| STANDARD.decode(data)).transpose();
    let data = data.map_err(|_| Failure::invalid("data is not Base64"))?;
    if data.is_none() && sending.size.is_none() {
        return Err(Failure::invalid("data or size is needed"));
    }
    let context = draft::context(&sender.phone(), to, sending.reply_to.as_deref(), &sending.mentions, sending.forwarded);
    let context = context.map_err(Failure::invalid)?;
    let audience = answer::numbers(&sending.audience)?;
    let (of, withheld) = (Arc::clone(net), sending.withheld);
    let written = tokio::task::spawn_blocking(move || letter::write(&of.media, &sending, data.as_deref(), context)).await;
    let written = written.map_err(|error| Failure::invalid(error.to_string()))?;
    let (message, sha256) = written.map_err(|error| Failure::invalid(error.to_string()))?;
    if to.is_status() {
        status::post(net, sender, &audience, &id, &message)?;
    } else {
        let copies = if withheld { Copies::ForPhones } else { Copies::Good };
        router::send_from_phone(net, sender, to, &id, &message, copies)?;
    }
    answer::ok(json!({"id": id, "to": to.to_string(), "sha256": sha256}))
}
