//! The timers of chats with disappearing messages: what is sent to such a chat carries its timer, or people see that it will stay.
//!
//! A group's timer is WhatsApp's to tell. That of two people is told in messages: one sets it, and those that follow carry it. The newest
//! word counts, and is kept, for WhatsApp says it once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wacore::proto_helpers::MessageExt as _;
use wacore::stanza::groups::GroupNotificationAction;
use wacore::types::events::InboundMessage;
use wacore_binary::{Jid, JidExt as _};
use waproto::whatsapp as wa;
use waproto::whatsapp::message::protocol_message::Type;
use wharf_core::store::VaultOp;
use whatsapp_rust::client::Client;

use super::recovered::other_name;
use super::{Own, convert};
use crate::vault::Vault;

const TIMER: &str = "timer";
/// Phones offer up to 90 days. Whoever says more than a year says something else.
const LONGEST_SECS: u32 = 366 * 24 * 60 * 60;
/// How many groups are remembered; of what is forgotten WhatsApp is asked again.
const GROUPS: usize = 4_096;
/// How many names of people are remembered, of which each has two; what is forgotten is read again. As many as a table of 512 places takes.
const PEOPLE: usize = 448;
/// How long a group may be asked after.
const GROUP_LIMIT: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Timer {
    /// 0: messages stay.
    seconds: u32,
    /// In seconds of the epoch; 0 where nobody says.
    set_at: i64,
}

/// The timers that one client knows, by the names of chats.
#[derive(Default)]
pub(crate) struct Timers {
    groups: Mutex<HashMap<String, Timer>>,
    people: Mutex<HashMap<String, Timer>>,
}

impl Timers {
    /// Those among which the name is.
    fn known(&self, name: &str) -> MutexGuard<'_, HashMap<String, Timer>> {
        let known = if is_group(name) { &self.groups } else { &self.people };
        known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, name: &str, timer: Timer) {
        put(&mut self.known(name), name, timer);
    }

    /// Remembers what was read or asked for, unless somebody has said another meanwhile; gives the one that counts.
    fn learn(&self, name: &str, timer: Timer) -> Timer {
        let mut known = self.known(name);
        if let Some(said) = known.get(name) {
            return *said;
        }
        put(&mut known, name, timer);
        timer
    }

    /// Somebody changed it: whoever sends next asks again.
    pub(crate) fn forget(&self, name: &str) {
        self.known(name).remove(name);
    }

    /// WhatsApp tells that a group's timer changed.
    pub(super) fn told(&self, group: &Jid, action: &GroupNotificationAction) {
        if let GroupNotificationAction::Ephemeral { expiration, .. } = action {
            self.remember(&group.to_non_ad_string(), Timer { seconds: *expiration, set_at: 0 });
        }
    }

    /// The timer of a chat of two people.
    async fn kept(&self, vault: &Vault, name: &str) -> Timer {
        let known = self.known(name).get(name).copied();
        if let Some(timer) = known {
            return timer;
        }
        // A message without its timer is better than none.
        let Ok(plain) = vault.get(TIMER, name).await else { return Timer::default() };
        let timer = plain.and_then(|plain| serde_json::from_slice(&plain).ok()).unwrap_or_default();
        self.learn(name, timer)
    }

    /// Puts the timer of the chat, as far as this client knows it, on a frozen message that is sent once more.
    pub(crate) async fn put_again(&self, vault: &Vault, chat: &str, payload: Vec<u8>) -> Vec<u8> {
        let timer = if is_group(chat) { self.known(chat).get(chat).copied().unwrap_or_default() } else { self.kept(vault, chat).await };
        let message = (timer.seconds > 0).then(|| crate::compose::read(&payload)).flatten();
        message.map_or(payload, |mut message| {
            timer.put(&mut message);
            waproto::buffa::Message::encode_to_vec(&message)
        })
    }
}

fn is_group(name: &str) -> bool {
    name.ends_with("@g.us")
}

/// Where there are too many, the others are forgotten.
fn put(known: &mut HashMap<String, Timer>, name: &str, timer: Timer) {
    let most = if is_group(name) { GROUPS } else { PEOPLE };
    if known.len() >= most {
        known.clear();
    }
    known.insert(name.to_owned(), timer);
}

impl Timer {
    /// The message carries the timer. What changes another message carries none.
    pub(super) fn put(self, message: &mut wa::Message) {
        if self.seconds == 0 {
            return;
        }
        let wrapper =
            if message.view_once_message.is_set() { &mut message.view_once_message } else { &mut message.view_once_message_v2_extension };
        if let Some(inner) = wrapper.as_option_mut().and_then(|wrapper| wrapper.message.as_option_mut()) {
            return self.put(inner);
        }
        if !message.set_ephemeral_expiration(self.seconds) || self.set_at == 0 {
            return;
        }
        macro_rules! dated {
            ($($kind:ident),+ $(,)?) => {
                $(if let Some(context) = message.$kind.as_option_mut().and_then(|message| message.context_info.as_option_mut()) {
                    context.ephemeral_setting_timestamp = Some(self.set_at);
                })+
            };
        }
        dated!(
            extended_text_message,
            image_message,
            video_message,
            audio_message,
            document_message,
            sticker_message,
            location_message,
            contact_message,
            contacts_array_message,
            poll_creation_message,
            poll_creation_message_v3,
        );
    }
}

/// The timer that a message to the chat has to carry.
pub(super) async fn of(own: &Own, client: &Client, chat: &Jid) -> Timer {
    let name = chat.to_non_ad_string();
    if chat.is_status_broadcast() {
        return Timer::default();
    }
    if chat.is_group() {
        let known = own.timers.known(&name).get(&name).copied();
        if let Some(timer) = known {
            return timer;
        }
        let Ok(Ok(group)) = tokio::time::timeout(GROUP_LIMIT, Box::pin(client.groups().get_metadata(chat))).await else {
            return Timer::default();
        };
        let seconds = group.ephemeral.and_then(|settings| settings.expiration).unwrap_or_default();
        let timer = Timer { seconds, set_at: 0 };
        return own.timers.learn(&name, timer);
    }
    let timer = own.timers.kept(&own.vault, &name).await;
    match other_name(client, chat).await {
        Some(other) => newer(timer, own.timers.kept(&own.vault, &other.to_non_ad_string()).await),
        None => timer,
    }
}

fn newer(one: Timer, other: Timer) -> Timer {
    if other.set_at > one.set_at { other } else { one }
}

/// What a message that came in says of its chat's timer, as changes of the vault.
pub(super) async fn said(own: &Own, inbound: &InboundMessage) -> Vec<VaultOp> {
    let Some(timer) = word(&inbound.message, inbound.info.timestamp.timestamp()) else { return Vec::new() };
    let Ok(place) = convert::bare(own.fence(), own.ctx.chance.message_id(), &inbound.info, own.ctx.clock.now()) else { return Vec::new() };
    if wharf_api::recipient::is_shared(&place.chat) {
        return Vec::new();
    }
    let phone = place.chat_phone.map(|phone| Jid::pn(phone).to_non_ad_string()).filter(|phone| *phone != place.chat);
    let lid = place.chat_lid.filter(|lid| *lid != place.chat);
    let mut ops = Vec::new();
    for name in [Some(place.chat), phone, lid].into_iter().flatten() {
        let before = own.timers.kept(&own.vault, &name).await;
        if before.set_at > timer.set_at || before == timer {
            continue;
        }
        let plain = serde_json::to_vec(&timer).expect("two numbers can be written");
        ops.push(own.vault.put(TIMER, name.clone(), &plain));
        own.timers.remember(&name, timer);
    }
    ops
}

/// The timer that a message sets or carries. Nobody sets one in the future.
fn word(message: &wa::Message, sent_at: i64) -> Option<Timer> {
    let base = message.get_base_message();
    let (seconds, set_at) = match base.protocol_message.as_option() {
        Some(protocol) if protocol.r#type == Some(Type::EPHEMERAL_SETTING) => {
            (protocol.ephemeral_expiration.unwrap_or_default(), protocol.ephemeral_setting_timestamp)
        }
        Some(_) => return None,
        None => {
            let context = convert::context(base)?;
            (context.expiration?, context.ephemeral_setting_timestamp.filter(|at| *at > 0))
        }
    };
    (seconds <= LONGEST_SECS).then(|| Timer { seconds, set_at: set_at.unwrap_or(sent_at).min(sent_at) })
}

#[cfg(test)]
mod tests {
    use waproto::buffa::MessageField;

    use super::*;

    fn text(expiration: u32, set_at: i64) -> wa::Message {
        let context = wa::ContextInfo { expiration: Some(expiration), ephemeral_setting_timestamp: Some(set_at), ..Default::default() };
        let text = wa::message::ExtendedTextMessage { context_info: MessageField::some(context), ..Default::default() };
        wa::Message { extended_text_message: MessageField::some(text), ..Default::default() }
    }

    #[test]
    fn people_push_each_other_out_and_no_group() {
        let (timers, group) = (Timers::default(), "120363000000000001@g.us");
        let timer = Timer { seconds: 86_400, set_at: 50 };
        timers.remember(group, timer);
        for number in 0..=PEOPLE {
            timers.remember(&format!("{number}@s.whatsapp.net"), timer);
        }
        assert_eq!(timers.known("0@s.whatsapp.net").len(), 1);
        assert_eq!(timers.known(group).get(group), Some(&timer));
    }

    #[test]
    fn what_was_read_gives_way_to_what_was_said_meanwhile() {
        let (timers, read, said) = (Timers::default(), Timer { seconds: 0, set_at: 0 }, Timer { seconds: 86_400, set_at: 50 });
        for name in ["15550002001@s.whatsapp.net", "120363000000000001@g.us"] {
            timers.remember(name, said);
            assert_eq!(timers.learn(name, read), said, "{name}");
            assert_eq!(timers.known(name).get(name), Some(&said), "{name}");
            timers.forget(name);
            assert_eq!(timers.learn(name, read), read, "{name}");
            assert_eq!(timers.known(name).get(name), Some(&read), "{name}");
        }
    }

    #[test]
    fn the_word_on_a_timer_is_as_old_as_it_says_and_never_newer_than_its_message() {
        assert_eq!(word(&text(86_400, 50), 100), Some(Timer { seconds: 86_400, set_at: 50 }));
        for nonsense in [i64::MAX, 0, -5] {
            assert_eq!(word(&text(86_400, nonsense), 100), Some(Timer { seconds: 86_400, set_at: 100 }), "{nonsense}");
        }
        assert_eq!(word(&text(u32::MAX, 50), 100), None);
        assert_eq!(word(&wa::Message { conversation: Some("hi".to_owned()), ..Default::default() }, 100), None);
    }

    #[test]
    fn a_message_carries_the_timer_inside_its_envelope_and_a_change_carries_none() {
        let timer = Timer { seconds: 604_800, set_at: 7 };
        let image = wa::Message { image_message: MessageField::some(wa::message::ImageMessage::default()), ..Default::default() };
        let once = wa::message::FutureProofMessage { message: MessageField::some(image) };
        let mut once = wa::Message { view_once_message: MessageField::some(once), ..Default::default() };
        timer.put(&mut once);
        let context = convert::context(once.get_base_message()).unwrap();
        assert_eq!((context.expiration, context.ephemeral_setting_timestamp), (Some(604_800), Some(7)));
        let reaction = wa::Message { reaction_message: MessageField::some(wa::message::ReactionMessage::default()), ..Default::default() };
        for (timer, message) in
            [(timer, reaction), (Timer::default(), wa::Message { conversation: Some("hi".to_owned()), ..Default::default() })]
        {
            let mut put = message.clone();
            timer.put(&mut put);
            assert_eq!(put, message);
        }
    }
}
