//! What a person writes on a phone: from the words of the control API to a message of the protocol.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde::Deserialize;
use wacore::poll;
use waproto::buffa::{Message as _, MessageField};
use waproto::whatsapp as wa;
use waproto::whatsapp::message as m;
use waproto::whatsapp::message::protocol_message::Type;

use super::Phone;
use super::ledger::Entry;
use crate::address::Number;
use crate::media::letter;
use crate::{clock, keys};

/// One message as the control API spells it: its `type`, and the members that the type asks for.
#[expect(clippy::struct_excessive_bools, reason = "each is a member of a request")]
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Draft {
    pub(crate) to: String,
    /// Of a status: whom it is for.
    pub(crate) audience: Vec<String>,
    pub(crate) id: Option<String>,
    /// `text` where nothing is said.
    r#type: Option<String>,
    text: Option<String>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    address: Option<String>,
    /// Of a place or a person.
    name: Option<String>,
    phone: Option<String>,
    question: Option<String>,
    options: Option<Vec<String>>,
    selectable_count: Option<u32>,
    emoji: Option<String>,
    /// The id of the message that a reaction, a vote, an edit or a deletion is about.
    target: Option<String>,
    /// The id of the message that this one answers.
    reply_to: Option<String>,
    /// Phone numbers.
    mentions: Vec<String>,
    forwarded: bool,
    /// The timer of the chat, in seconds: of a message that carries it, and of `timer`, which sets it.
    expiration: Option<u32>,
    /// A deletion pretends that the message is the phone's own.
    forged: bool,
    /// Of `raw`: any protobuf, as Base64.
    protobuf: Option<String>,
    /// The first copies cannot be decrypted, so that devices ask for the message again.
    pub(crate) garbled: bool,
    /// Linked devices of the recipient get no copy, only word of it.
    pub(crate) missing: bool,
}

/// What is wrong with a draft, in a sentence.
type Fault = String;

impl Draft {
    /// The message that the phone sends to `chat`.
    pub(crate) fn message(&self, phone: &Phone, chat: Number) -> Result<wa::Message, Fault> {
        let mut context = context(phone, chat, self.reply_to.as_deref(), &self.mentions, self.forwarded)?;
        if let Some(seconds) = self.expiration {
            context.get_or_insert_default().expiration = Some(seconds);
        }
        let kind = self.r#type.as_deref().unwrap_or("text");
        let mut message = match kind {
            "text" => words(need(self.text.as_ref(), "text")?, context),
            "location" => wa::Message {
                location_message: MessageField::some(m::LocationMessage {
                    degrees_latitude: Some(*need(self.latitude.as_ref(), "latitude")?),
                    degrees_longitude: Some(*need(self.longitude.as_ref(), "longitude")?),
                    name: self.name.clone(),
                    address: self.address.clone(),
                    context_info: context,
                    ..Default::default()
                }),
                ..Default::default()
            },
            "contact" => self.contact(context)?,
            "poll" => self.poll(context)?,
            "reaction" => wa::Message {
                reaction_message: MessageField::some(m::ReactionMessage {
                    key: key(self.about(phone)?, chat),
                    text: Some(need(self.emoji.as_ref(), "emoji")?.clone()),
                    sender_timestamp_ms: i64::try_from(clock::now_ms()).ok(),
                    ..Default::default()
                }),
                ..Default::default()
            },
            "vote" => self.vote(phone, chat)?,
            "edit" => {
                let (target, text) = (self.about(phone)?, need(self.text.as_ref(), "text")?);
                let edited = match &target.media {
                    Some(filed) => letter::caption(&filed.kind, text),
                    None => words(text, MessageField::none()),
                };
                protocol(m::ProtocolMessage {
                    key: key(target, chat),
                    r#type: Some(Type::MESSAGE_EDIT),
                    edited_message: MessageField::some(edited),
                    timestamp_ms: i64::try_from(clock::now_ms()).ok(),
                    ..Default::default()
                })
            }
            "delete" => {
                let target = self.about(phone)?;
                let key = if self.forged { key(&Entry { from_me: true, ..target.clone() }, chat) } else { key(target, chat) };
                protocol(m::ProtocolMessage { key, r#type: Some(Type::REVOKE), ..Default::default() })
            }
            "timer" => protocol(m::ProtocolMessage {
                r#type: Some(Type::EPHEMERAL_SETTING),
                ephemeral_expiration: Some(*need(self.expiration.as_ref(), "expiration")?),
                ephemeral_setting_timestamp: i64::try_from(clock::now_secs()).ok(),
                ..Default::default()
            }),
            "raw" => return raw(need(self.protobuf.as_ref(), "protobuf")?),
            other => return Err(format!("{other} is no type of message")),
        };
        if matches!(kind, "text" | "location" | "contact" | "poll") {
            let secret = Some(keys::random_bytes::<32>().to_vec());
            message.message_context_info = MessageField::some(wa::MessageContextInfo { message_secret: secret, ..Default::default() });
        }
        Ok(message)
    }

    fn contact(&self, context: MessageField<wa::ContextInfo>) -> Result<wa::Message, Fault> {
        let (name, phone) = (need(self.name.as_ref(), "name")?, need(self.phone.as_ref(), "phone")?);
        let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
        let vcard = format!(
            "BEGIN:VCARD\nVERSION:3.0\nN:;{name};;;\nFN:{name}\nitem1.TEL;waid={digits}:{phone}\nitem1.X-ABLabel:Mobile\nEND:VCARD"
        );
        Ok(wa::Message {
            contact_message: MessageField::some(m::ContactMessage {
                display_name: Some(name.clone()),
                vcard: Some(vcard),
                context_info: context,
                ..Default::default()
            }),
            ..Default::default()
        })
    }

    fn poll(&self, context: MessageField<wa::ContextInfo>) -> Result<wa::Message, Fault> {
        let option = |name: &String| m::poll_creation_message::Option { option_name: Some(name.clone()), ..Default::default() };
        let count = self.selectable_count.unwrap_or(1);
        let poll = MessageField::some(m::PollCreationMessage {
            name: Some(need(self.question.as_ref(), "question")?.clone()),
            options: need(self.options.as_ref(), "options")?.iter().map(option).collect(),
            selectable_options_count: Some(count),
            context_info: context,
            ..Default::default()
        });
        Ok(if count == 1 {
            wa::Message { poll_creation_message_v3: poll, ..Default::default() }
        } else {
            wa::Message { poll_creation_message: poll, ..Default::default() }
        })
    }

    /// A vote is sealed with the poll's secret, for the one who asked.
    fn vote(&self, phone: &Phone, chat: Number) -> Result<wa::Message, Fault> {
        let poll = self.about(phone)?;
        let secret = poll.secret.as_deref().and_then(keys::unhex).ok_or("the message is no poll")?;
        let hashes: Vec<_> = need(self.options.as_ref(), "options")?.iter().map(|name| poll::compute_option_hash(name).to_vec()).collect();
        let (creator, voter) = (poll.sender.jid().to_string(), phone.number.jid().to_string());
        let (payload, iv) =
            poll::encrypt_poll_vote_with_secret(&hashes, &secret, &poll.id, &creator, &voter).map_err(|error| error.to_string())?;
        Ok(wa::Message {
            poll_update_message: MessageField::some(m::PollUpdateMessage {
                poll_creation_message_key: key(poll, chat),
                vote: MessageField::some(m::PollEncValue { enc_payload: Some(payload), enc_iv: Some(iv.to_vec()) }),
                sender_timestamp_ms: i64::try_from(clock::now_ms()).ok(),
                ..Default::default()
            }),
            ..Default::default()
        })
    }

    fn about<'p>(&self, phone: &'p Phone) -> Result<&'p Entry, Fault> {
        phone.ledger.find(need(self.target.as_ref(), "target")?).ok_or_else(|| "this phone has no such message".to_owned())
    }
}

/// What a message says of others, whatever it carries.
pub(crate) fn context(
    phone: &Phone,
    chat: Number,
    reply_to: Option<&str>,
    mentions: &[String],
    forwarded: bool,
) -> Result<MessageField<wa::ContextInfo>, Fault> {
    let mut context = wa::ContextInfo::default();
    for number in mentions {
        let number: u64 = number.parse().map_err(|_| format!("{number} is no number"))?;
        context.mentioned_jid.push(Number(number).jid().to_string());
    }
    if let Some(id) = reply_to {
        let answered = phone.ledger.find(id).ok_or("this phone has no message to answer")?;
        context.stanza_id = Some(id.to_owned());
        context.participant = Some(answered.sender.jid().to_string());
        context.remote_jid = (answered.chat != chat).then(|| answered.chat.jid().to_string());
        context.quoted_message = MessageField::some(wa::Message { conversation: answered.text.clone(), ..Default::default() });
    }
    if forwarded {
        context.is_forwarded = Some(true);
        context.forwarding_score = Some(1);
    }
    let said = reply_to.is_some() || forwarded || !mentions.is_empty();
    Ok(if said { MessageField::some(context) } else { MessageField::none() })
}

/// What the tester made up, as it is: whatever another client could write.
fn raw(base64: &str) -> Result<wa::Message, Fault> {
    let bytes = BASE64.decode(base64).map_err(|error| format!("protobuf is no Base64: {error}"))?;
    wa::Message::decode_from_slice(&bytes).map_err(|error| format!("protobuf is no message: {error}"))
}

fn need<'d, T>(member: Option<&'d T>, name: &str) -> Result<&'d T, Fault> {
    member.ok_or_else(|| format!("{name} is missing"))
}

fn words(text: &str, context: MessageField<wa::ContextInfo>) -> wa::Message {
    if context.is_unset() {
        return wa::Message { conversation: Some(text.to_owned()), ..Default::default() };
    }
    let extended = m::ExtendedTextMessage { text: Some(text.to_owned()), context_info: context, ..Default::default() };
    wa::Message { extended_text_message: MessageField::some(extended), ..Default::default() }
}

fn protocol(protocol: m::ProtocolMessage) -> wa::Message {
    wa::Message { protocol_message: MessageField::some(protocol), ..Default::default() }
}

/// The name of a message, as the one who reads it sees the chat. A status stands in no chat of two people.
pub(crate) fn key(target: &Entry, chat: Number) -> MessageField<wa::MessageKey> {
    let chat = if target.chat.is_status() { target.chat } else { chat };
    MessageField::some(wa::MessageKey {
        remote_jid: Some(chat.jid().to_string()),
        from_me: Some(target.from_me),
        id: Some(target.id.clone()),
        participant: (chat.is_shared() && !target.from_me).then(|| target.sender.jid().to_string()),
    })
}
