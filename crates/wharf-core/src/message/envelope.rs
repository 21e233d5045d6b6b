//! What every new message says besides its content: from where, to whom, in answer to what.

use wharf_api::recipient::is_shared;
use wharf_api::types::message::{Content, Direction, Marks, Reference};
use wharf_api::{Recipient, limits};

use super::shape::{Shape, within};
use super::{Error, Parcel, Sent, audience, change, find_living_row, send};
use crate::caller::Caller;
use crate::engine::{Body, Draft, Key, Quote};
use crate::services::Services;
use crate::store::{Claim, MessageRow, SessionRow};
use crate::{contact, session};

#[derive(Clone, Debug, Default)]
pub struct Envelope {
    pub session: String,
    pub to: String,
    /// Whom a status is for; `None` for what cannot be a status.
    pub audience: Option<Vec<String>>,
    /// A message of the same chat.
    pub reply_to: Option<String>,
    /// Phone numbers or LIDs.
    pub mentions: Vec<String>,
    pub forwarded: bool,
    pub manner: Manner,
}

/// How it is sent, whatever it says.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// Answer as soon as the message is durable.
    pub asynchronous: bool,
    /// The caller's own name for it.
    pub reference: Option<String>,
    /// Say what would happen, and do nothing.
    pub dry_run: bool,
}

impl Manner {
    /// What can be said without looking anything up.
    pub fn check(&self) -> Result<(), Error> {
        let Some(reference) = &self.reference else { return Ok(()) };
        within("reference", reference, 1, limits::REFERENCE_CHARS)?;
        if reference.chars().any(char::is_control) {
            return Err(Shape::new("reference", "no control character is expected").into());
        }
        Ok(())
    }
}

/// An envelope whose shape is good.
#[derive(Clone, Debug)]
pub struct Address {
    pub to: Recipient,
    pub audience: Vec<Recipient>,
    pub mentions: Vec<Recipient>,
}

impl Envelope {
    /// What can be said without looking anything up.
    pub fn check(&self) -> Result<Address, Error> {
        let to = Recipient::parse(&self.to).map_err(Error::InvalidRecipient)?;
        self.manner.check()?;
        if self.mentions.len() > limits::MENTIONS {
            return Err(Shape::new("mentions", "too many are mentioned").limit(limits::MENTIONS, self.mentions.len()).into());
        }
        let mention = |(index, text): (usize, &String)| {
            Recipient::parse_person(text).map_err(|reason| Error::InvalidNumber { field: format!("mentions[{index}]"), reason })
        };
        let mentions = self.mentions.iter().enumerate().map(mention).collect::<Result<_, _>>()?;
        let audience = self.audience(&to)?;
        Ok(Address { to, audience, mentions })
    }

    /// Whom it is for, where it is a status.
    fn audience(&self, to: &Recipient) -> Result<Vec<Recipient>, Error> {
        if *to != Recipient::Status {
            return match &self.audience {
                Some(listed) if !listed.is_empty() => Err(Error::Unfit { field: "audience", reason: "only a status has one" }),
                _ => Ok(Vec::new()),
            };
        }
        let listed = self.audience.as_ref().ok_or(Error::Unsupported("a status is a text, an image, a video or a voice note"))?;
        if self.reply_to.is_some() {
            return Err(Error::Unfit { field: "replyTo", reason: "a status answers nothing" });
        }
        if !self.mentions.is_empty() {
            return Err(Error::Unfit { field: "mentions", reason: "a status mentions nobody" });
        }
        audience::check(listed)
    }

    pub(super) fn is_status(&self) -> bool {
        Recipient::parse(&self.to) == Ok(Recipient::Status)
    }
}

/// An envelope whose session and whose answered message were found: everything of a message but its content.
#[derive(Clone, Debug)]
pub(super) struct Addressed {
    pub(super) session: SessionRow,
    pub(super) to: Recipient,
    audience: Vec<Recipient>,
    answered: Option<MessageRow>,
    mentions: Vec<String>,
    forwarded: bool,
    manner: Manner,
}

impl Envelope {
    /// Looks up what the envelope names.
    pub(super) async fn address(&self, services: &Services, caller: &Caller) -> Result<Addressed, Error> {
        let Address { mut to, audience, mentions } = self.check()?;
        let session = session::find(services, caller, &self.session).await?;
        let answered = match &self.reply_to {
            Some(id) => {
                let row = find_living_row(services, caller, id).await?;
                if !change::stands_in(&row, &to) && session::require_connected(services, &session).is_ok() {
                    // The chat may go by another spelling of the number.
                    to = contact::known(services, &session.id, to.clone()).await.unwrap_or(to);
                }
                Some(answered(row, &session, &to)?)
            }
            None => None,
        };
        let mentions = mentions.into_iter().map(|person| contact::remembered(services, person).jid()).collect();
        Ok(Addressed { session, to, audience, answered, mentions, forwarded: self.forwarded, manner: self.manner.clone() })
    }
}

/// The row, if a message to `to` can answer it.
fn answered(row: MessageRow, session: &SessionRow, to: &Recipient) -> Result<MessageRow, Error> {
    // Whoever answers a status writes to the one whose it is; a message of a group can be answered in private.
    let to_its_author = is_shared(&row.chat) && row.direction == Direction::Incoming && change::is_by(&row, to);
    if row.session != session.id || !(change::stands_in(&row, to) || to_its_author) {
        return Err(Shape::new("replyTo", "the message stands in another chat").into());
    }
    if row.content.target().is_some() {
        return Err(Shape::new("replyTo", "this is a change of another message").into());
    }
    Ok(row)
}

impl Addressed {
    /// What a send of this content would do.
    pub(super) async fn foresee(self, services: &Services, caller: &Caller, content: Content) -> Result<Sent, Error> {
        let (_, reached) = send::reach(services, &self.session, (&self.to, &self.audience), self.manner.asynchronous).await?;
        send::foresee(services, caller, &self.session.id, &reached, (content, self.manner)).await
    }

    /// Refuses what cannot be sent now, before work is done for it. Asked again when the message is accepted, from memory then.
    pub(super) async fn require_reachable(&self, services: &Services) -> Result<(), Error> {
        send::reach(services, &self.session, (&self.to, &self.audience), false).await.map(drop)
    }

    /// Sends the content; see [`send`].
    pub(super) async fn send(
        self,
        services: &Services,
        caller: &Caller,
        (body, content): (Body, Content),
        claim: Option<Claim>,
    ) -> Result<Sent, Error> {
        let view_once = matches!(&body, Body::Media(media) if media.view_once);
        let mut draft = Draft { mentions: self.mentions.clone(), forwarded: self.forwarded, ..Draft::new(body) };
        let mut marks = Marks { mentions: self.mentions, forwarded: self.forwarded, view_once, ..Marks::default() };
        if let Some(answered) = self.answered {
            let (message_id, whatsapp_id) = (Some(answered.id.clone()), answered.wa_id.clone());
            let elsewhere = (!change::stands_in(&answered, &self.to)).then(|| answered.chat.clone());
            marks.reply_to =
                Some(Reference { message_id, whatsapp_id, from: answered.sender.clone(), chat: elsewhere.clone(), quoted: None });
            draft.reply = Some(Quote { key: key(&answered), view_once: answered.marks.view_once, content: answered.content, elsewhere });
        }
        let file = content.media().map(|media| media.media_id.clone());
        let mut parcel = Parcel::new(self.session, self.to, draft, content);
        parcel.audience = self.audience;
        parcel.marks = marks;
        parcel.file = file;
        parcel.manner = self.manner;
        send::send(services, caller, parcel, claim).await
    }
}

/// Sends a new message; see [`send`].
pub async fn post(
    services: &Services,
    caller: &Caller,
    envelope: &Envelope,
    said: (Body, Content),
    claim: Option<Claim>,
) -> Result<Sent, Error> {
    envelope.address(services, caller).await?.send(services, caller, said, claim).await
}

/// The name of a stored message on the wire. Groups know people by their LIDs.
pub(super) fn key(row: &MessageRow) -> Key {
    let sender = if is_shared(&row.chat) { row.sender_lid.clone().or_else(|| row.sender.clone()) } else { row.sender.clone() };
    Key { wa_id: row.wa_id.clone(), from_me: row.direction == Direction::Outgoing, sender }
}
