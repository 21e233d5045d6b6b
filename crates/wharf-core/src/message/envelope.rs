//! What every new message says besides its content: from where, to whom, in answer to what.

use wharf_api::types::message::{Content, Marks, Reference};
use wharf_api::{Recipient, limits};

use super::shape::Shape;
use super::{Error, Parcel, Sent, change, find_row, send};
use crate::caller::Caller;
use crate::engine::{Body, Draft, Key, Quote};
use crate::services::Services;
use crate::session;
use crate::store::{Claim, MessageRow};

#[derive(Clone, Debug, Default)]
pub struct Envelope {
    pub session: String,
    pub to: String,
    /// A message of the same chat.
    pub reply_to: Option<String>,
    /// Phone numbers or LIDs.
    pub mentions: Vec<String>,
    pub forwarded: bool,
    /// Answer as soon as the message is durable.
    pub asynchronous: bool,
}

/// An envelope whose shape is good.
#[derive(Clone, Debug)]
pub struct Address {
    pub to: Recipient,
    /// As WhatsApp writes ids.
    pub mentions: Vec<String>,
}

impl Envelope {
    /// What can be said without looking anything up.
    pub fn check(&self) -> Result<Address, Error> {
        let to = Recipient::parse(&self.to).map_err(Error::InvalidRecipient)?;
        if self.mentions.len() > limits::MENTIONS {
            return Err(Shape::new("mentions", "too many are mentioned").limit(limits::MENTIONS, self.mentions.len()).into());
        }
        let mention = |(index, text): (usize, &String)| match Recipient::parse(text) {
            Ok(Recipient::Group(_)) => {
                Err(Error::InvalidNumber { field: format!("mentions[{index}]"), reason: "a group cannot be mentioned" })
            }
            Ok(person) => Ok(person.jid()),
            Err(reason) => Err(Error::InvalidNumber { field: format!("mentions[{index}]"), reason }),
        };
        let mentions = self.mentions.iter().enumerate().map(mention).collect::<Result<_, _>>()?;
        Ok(Address { to, mentions })
    }
}

/// Sends a new message; see [`send`].
pub async fn post(
    services: &Services,
    caller: &Caller,
    envelope: &Envelope,
    (body, content): (Body, Content),
    claim: Option<Claim>,
) -> Result<Sent, Error> {
    let Address { to, mentions } = envelope.check()?;
    let session = session::find(services, caller, &envelope.session).await?;
    let mut draft = Draft { mentions: mentions.clone(), forwarded: envelope.forwarded, ..Draft::new(body) };
    let mut marks = Marks { mentions, forwarded: envelope.forwarded, ..Marks::default() };
    if let Some(id) = &envelope.reply_to {
        let answered = find_row(services, caller, id).await?;
        if answered.session != session.id || !change::stands_in(&answered, &to) {
            return Err(Shape::new("replyTo", "the message stands in another chat").into());
        }
        if answered.content.target().is_some() {
            return Err(Shape::new("replyTo", "this is a change of another message").into());
        }
        marks.reply_to =
            Some(Reference { message_id: Some(answered.id.clone()), whatsapp_id: answered.wa_id.clone(), from: answered.sender.clone() });
        draft.reply = Some(Quote { key: key(&answered), content: answered.content });
    }
    let mut parcel = Parcel::new(session, to, draft, content);
    parcel.marks = marks;
    parcel.asynchronous = envelope.asynchronous;
    send(services, caller, parcel, claim).await
}

/// The name of a stored message on the wire. Groups know people by their LIDs.
pub(super) fn key(row: &MessageRow) -> Key {
    let sender = if row.chat.ends_with("@g.us") { row.sender_lid.clone().or_else(|| row.sender.clone()) } else { row.sender.clone() };
    Key { wa_id: row.wa_id.clone(), from_me: row.direction == wharf_api::types::message::Direction::Outgoing, sender }
}
