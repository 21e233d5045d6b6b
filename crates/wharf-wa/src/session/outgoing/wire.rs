//! One message on the wire: hand it to the library, wait for the server's word.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use wacore_binary::{Jid, JidExt as _};
use waproto::whatsapp as wa;
use wharf_api::types::switches::Feature;
use wharf_core::message::hold::is_personal;
use wharf_core::session::user_part;
use wharf_core::store::Outgoing;
use wharf_core::switches;
use whatsapp_rust::cache::Freshness;
use whatsapp_rust::client::Client;
use whatsapp_rust::features::{StatusPrivacySetting, StatusSendOptions};
use whatsapp_rust::request::IqError;
use whatsapp_rust::send::{SendError, SendOptions, SendResult};
use whatsapp_rust::{ChatStateType, ClientError, ErrorChainExt as _, NodeFilter};

use super::verdict::Verdict;
use crate::compose;
use crate::session::Own;
use crate::session::flight::{Answer, FlightSilence};
use crate::session::{online, timers};
use crate::task;

/// What each person whom a status or a group's message is for may add to it: their devices are looked up and get the key of it.
const WRITE_LIMIT_EACH: Duration = Duration::from_millis(50);
/// The longest for a group. The library gives up by itself then.
const WRITE_LIMIT_GROUP: Duration = Duration::from_mins(1);
/// How long the members of a group may be looked for that should be known already.
const GROUP_LIMIT: Duration = Duration::from_secs(1);
/// How long the library may take to notice that its connection is gone.
const LOST_LIMIT: Duration = Duration::from_secs(1);

/// `again` where an earlier try had no good end: what is remembered of a group or of somebody's devices may be why.
pub(super) async fn send(
    own: &Arc<Own>,
    client: &Arc<Client>,
    message: &Outgoing,
    again: bool,
    typing: Option<Duration>,
    gone: &CancellationToken,
) -> Verdict {
    let content = compose::thaw(&own.ctx.seal, own.session(), &message.wa_id, message.payload.clone());
    let (Ok(to), Some(mut content)) = (message.chat.parse::<Jid>(), content) else {
        tracing::error!(message = %message.id, "an accepted message cannot be read back");
        return Verdict::Failed("the stored message cannot be read".to_owned());
    };
    let features = features(&to, &content);
    if let Some(off) = features.iter().find_map(|feature| own.ctx.config.switches.require(*feature).err()) {
        return Verdict::Failed(off.to_string());
    }
    if let Some(time) = typing.filter(|_| {
        !again && is_personal(&message.chat) && features == [Feature::Texts] && !own.ctx.config.switches.is_off(Feature::Typing)
    }) {
        tokio::select! {
            () = show_typing(own, client, &message.chat, &to, time) => {}
            () = gone.cancelled() => {}
        }
    }
    timers::of(own, client, &to).await.put(&mut content);
    // A node of an earlier release reads the secret of a poll where it was always kept.
    if !features.contains(&Feature::Polls) && content.message_context_info.as_option().is_some_and(|info| info.message_secret.is_some()) {
        own.flight.note_frozen(&message.wa_id);
    }
    let mut awaited = own.flight.expect(&message.wa_id);
    let stanza = client.wait_for_sent_node(NodeFilter::tag("message").attr("id", message.wa_id.as_str()));
    let watched = own.flight.keyed.watch(&message.chat, stanza);
    let personal = to.is_pn() || to.is_lid();
    // As close before the write as the library lets us: it encrypts and writes in one call.
    fail::fail_point!("S2-encrypted");
    let group = to.is_group().then(|| to.clone());
    let mut write = std::pin::pin!(AssertUnwindSafe(write(client, message, again, to, content)).catch_unwind());
    let written = tokio::select! {
        written = in_time(own.ctx.config.write_limit, client, message, group.as_ref(), &mut write) => written,
        // Only the library knows whether the message was on the connection by then.
        () = gone.cancelled() => match tokio::time::timeout(LOST_LIMIT, &mut write).await {
            // The server's word may have come although the library does not return.
            Err(_) if awaited.come() == Some(Answer::Acknowledged) => return Verdict::Sent,
            Err(_) => return Verdict::Again { chat_rests: false },
            written => written,
        },
    };
    match written {
        Ok(Ok(Ok(_))) => {}
        Ok(Ok(Err(error))) => return refused_by_library(&error),
        Ok(Err(_)) => {
            tracing::error!(message = %message.id, "the library panicked over a message");
            return Verdict::Again { chat_rests: true };
        }
        Err(_) => {
            tracing::warn!(message = %message.id, "a message was not written in time");
            return Verdict::Again { chat_rests: true };
        }
    }
    fail::fail_point!("S3-written");
    let (devices, missed) = watched.end();
    let unkeyed = personal && devices.is_some_and(|devices| is_for_nobody(client, message, &devices));
    own.ctx.meter().devices_unkeyed.add(missed + u64::from(unkeyed));
    let answer = match awaited.answer_before(gone, own.ctx.config.send_ack_timeout).await {
        Ok(answer) => answer,
        Err(FlightSilence::Gone) => return Verdict::Again { chat_rests: false },
        Err(FlightSilence::Late) => {
            tracing::warn!(message = %message.id, "no acknowledgement came in time");
            return Verdict::Again { chat_rests: true };
        }
    };
    fail::fail_point!("S4-acked");
    match answer {
        Answer::Acknowledged if unkeyed => {
            tracing::warn!(message = %message.id, "WhatsApp gave no keys of the recipient's devices");
            Verdict::Unkeyed
        }
        Answer::Acknowledged => Verdict::Sent,
        Answer::Refused(code) => {
            tracing::info!(message = %message.id, code, "WhatsApp refused a message");
            note_refusal(own, &features, &code);
            Verdict::of_refusal(&code)
        }
    }
}

/// What must be switched on for a message to go out.
fn features(to: &Jid, content: &wa::Message) -> Vec<Feature> {
    let status = to.is_status_broadcast().then_some(Feature::Status);
    status.into_iter().chain([compose::feature(content)]).collect()
}

/// Notes a refusal that speaks of how the message is made. Enough of them, in several sessions, and its feature is marked.
fn note_refusal(own: &Arc<Own>, features: &[Feature], code: &str) {
    if !matches!(code, "400" | "479") {
        return;
    }
    let now = own.ctx.clock.now();
    for feature in features.iter().copied().filter(|feature| own.ctx.config.switches.note_refusal(*feature, own.session(), now)) {
        let ctx = Arc::clone(&own.ctx);
        task::spawn(async move {
            if let Err(error) = switches::degrade(&*ctx.store, &ctx.config.switches, feature, now).await {
                tracing::warn!(%error, feature = feature.as_str(), "a feature that WhatsApp refuses was not marked; the next refusal tries again");
            }
        });
    }
}

/// Waits for the write as long as it may take, key look-ups and encryption included; the library itself would wait for a minute. How many a
/// group has is looked up when the first seconds are over: the write has asked for its members by then.
async fn in_time<T>(
    limit: Duration,
    client: &Client,
    message: &Outgoing,
    group: Option<&Jid>,
    write: &mut (impl Future<Output = T> + Unpin),
) -> Result<T, Elapsed> {
    let each = |people: usize| WRITE_LIMIT_EACH.saturating_mul(u32::try_from(people).unwrap_or(u32::MAX));
    let began = Instant::now();
    let written = timeout_at(began + limit + each(message.audience.len()), &mut *write).await;
    let (Err(_), Some(group)) = (&written, group) else { return written };
    // In the cache, where the members were told; where they were not, the write had no chance.
    let told = tokio::time::timeout(GROUP_LIMIT, Box::pin(client.groups().query_info(group))).await;
    let Ok(Ok(group)) = told else { return written };
    let members = group.participants.len();
    timeout_at(began + (limit + each(members)).min(WRITE_LIMIT_GROUP), write).await
}

/// Whether the message went to the account's own devices alone, and is not for them.
fn is_for_nobody(client: &Client, message: &Outgoing, devices: &[Jid]) -> bool {
    let own = [client.pn(), client.lid()];
    let is_own = |user: &str| own.iter().flatten().any(|own| own.user_base() == user);
    !is_own(user_part(&message.chat)) && devices.iter().all(|device| is_own(device.user_base()))
}

/// Shows for a moment what a person would show. The message ends it.
async fn show_typing(own: &Arc<Own>, client: &Arc<Client>, chat: &str, to: &Jid, time: Duration) {
    online::moment(own, client, chat, time + Duration::from_secs(1)).await;
    // Nothing depends on it.
    let _ = client.chatstate().send(to, ChatStateType::Composing).await;
    tokio::time::sleep(time).await;
    let _ = client.chatstate().send(to, ChatStateType::Paused).await;
}

/// The one call in which the library encrypts and writes.
async fn write(client: &Client, message: &Outgoing, again: bool, to: Jid, content: wa::Message) -> Result<SendResult, SendError> {
    // What is said of another's status goes to its author, whom it names.
    if !to.is_status_broadcast() || message.audience.is_empty() {
        let freshness = if again { Freshness::Refresh } else { Freshness::CachePreferred };
        let options = SendOptions::default()
            .with_message_id(message.wa_id.clone())
            .with_group_metadata_freshness(freshness)
            .with_device_freshness(freshness);
        return client.send_message_with_options(to, content, options).await;
    }
    // Boxed: it is rare and large.
    Box::pin(post(client, message, content)).await
}

async fn post(client: &Client, message: &Outgoing, content: wa::Message) -> Result<SendResult, SendError> {
    let people: Vec<Jid> = message.audience.iter().filter_map(|person| person.parse().ok()).collect();
    learn_lids(client, &people).await;
    let options = StatusSendOptions {
        message_id: Some(message.wa_id.clone()),
        privacy: StatusPrivacySetting::AllowList,
        ..StatusSendOptions::default()
    };
    client.status().send_raw(content, &people, options).await
}

/// A status goes to LIDs, and the library leaves out whoever's it does not know: after a new pairing that may be everybody.
async fn learn_lids(client: &Client, people: &[Jid]) {
    let mut unknown = Vec::new();
    for person in people.iter().filter(|person| person.is_pn()) {
        if !matches!(client.get_lid_pn_entry(person).await, Ok(Some(_))) {
            unknown.push(person.clone());
        }
    }
    if !unknown.is_empty()
        && let Err(error) = client.contacts().is_on_whatsapp(&unknown).await
    {
        tracing::warn!(code = error.server_rejection().map(|rejection| rejection.code), "the people of a status were not looked up");
    }
}

/// Whether the library failed over what it asks the server before it encrypts: whose devices there are, and their keys.
fn is_of_a_question(error: &SendError) -> bool {
    std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source())
        .any(|error| error.downcast_ref::<IqError>().is_some())
}

/// What an error of the library means. Its words may hold numbers: only its kind is logged.
fn refused_by_library(error: &SendError) -> Verdict {
    let rejection = error.server_rejection().map(|rejection| rejection.code);
    let (kind, verdict) = match error {
        _ if matches!(rejection, Some(429 | 500..=599)) => ("overload", Verdict::HoldAll),
        // Before a message to a group is encrypted its members are asked for.
        _ if rejection == Some(406) => ("no keys", Verdict::Unkeyed),
        _ if matches!(rejection, Some(401 | 403 | 404)) => {
            ("not a member", Verdict::Failed("WhatsApp does not show this chat to the session: it is not in the group".to_owned()))
        }
        SendError::NotLoggedIn | SendError::Client(ClientError::NotConnected) => ("not connected", Verdict::Unwritten),
        _ if error.is_transport_unavailable() && is_of_a_question(error) => ("not connected", Verdict::Unwritten),
        _ if error.is_transport_unavailable() => ("cut off", Verdict::Again { chat_rests: false }),
        SendError::InvalidRequest(_) => ("invalid", Verdict::Failed("the message cannot be sent to this recipient".to_owned())),
        SendError::Iq(_) => ("query", Verdict::Again { chat_rests: true }),
        _ => ("internal", Verdict::Again { chat_rests: true }),
    };
    tracing::warn!(kind, code = rejection, "a message was not written");
    verdict
}
