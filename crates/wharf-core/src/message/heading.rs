//! What every new message says besides its content: from where, to whom, in answer to what.

use wharf_api::recipient::is_shared;
use wharf_api::types::message::{Content, Direction, Marks, Reference};
use wharf_api::{Recipient, limits};

use super::manner::Manner;
use super::shape::Shape;
use super::{Error, Parcel, Sent, audience, change, find_living_row, send};
use crate::caller::Caller;
use crate::engine::{Body, Draft, Key, Quote};
use crate::services::Services;
use crate::store::{MessageRow, SessionRow};
use crate::{contact, session};

/// A heading in the words of its request.
#[derive(Clone, Copy, Debug)]
pub(super) struct RawHeading<'a> {
    pub(super) session: &'a str,
    pub(super) to: &'a str,
    /// Whom a status is for; `None` for what cannot be a status.
    pub(super) audience: Option<&'a [String]>,
    /// A message of the same chat.
    pub(super) reply_to: Option<&'a str>,
    /// Phone numbers or LIDs.
    pub(super) mentions: &'a [String],
    pub(super) forwarded: bool,
    pub(super) asynchronous: bool,
    pub(super) reference: Option<&'a str>,
    pub(super) dry_run: bool,
}

/// The members that every request for a new message has.
macro_rules! raw {
    ($request:expr) => {
        $crate::message::heading::RawHeading {
            session: &$request.session_id,
            to: &$request.to,
            audience: None,
            reply_to: $request.reply_to.as_deref(),
            mentions: &[],
            forwarded: false,
            asynchronous: $request.asynchronous,
            reference: $request.reference.as_deref(),
            dry_run: $request.dry_run,
        }
    };
}
pub(super) use raw;

/// A heading whose shape is good.
#[derive(Clone, Debug)]
pub struct Heading {
    pub(super) session: String,
    pub(super) to: Recipient,
    pub(super) audience: Vec<Recipient>,
    pub(super) reply_to: Option<String>,
    pub(super) mentions: Vec<Recipient>,
    pub(super) forwarded: bool,
    pub(super) manner: Manner,
}

impl RawHeading<'_> {
    /// What can be said without looking anything up.
    pub(super) fn parse(self) -> Result<Heading, Error> {
        let to = Recipient::parse(self.to).map_err(Error::InvalidRecipient)?;
        let manner = Manner::parse(self.asynchronous, self.reference, self.dry_run)?;
        if self.mentions.len() > limits::MENTIONS {
            return Err(Shape::new("mentions", "too many are mentioned").limit(limits::MENTIONS, self.mentions.len()).into());
        }
        let mention = |(index, text): (usize, &String)| {
            Recipient::parse_person(text).map_err(|reason| Error::InvalidNumber { field: format!("mentions[{index}]"), reason })
        };
        let mentions = self.mentions.iter().enumerate().map(mention).collect::<Result<_, _>>()?;
        let audience = self.audience(&to)?;
        let (session, reply_to) = (self.session.to_owned(), self.reply_to.map(str::to_owned));
        Ok(Heading { session, to, audience, reply_to, mentions, forwarded: self.forwarded, manner })
    }

    /// Whom it is for, where it is a status.
    fn audience(&self, to: &Recipient) -> Result<Vec<Recipient>, Error> {
        if *to != Recipient::Status {
            return match self.audience {
                Some(listed) if !listed.is_empty() => Err(Error::Unfit { field: "audience", reason: "only a status has one" }),
                _ => Ok(Vec::new()),
            };
        }
        let listed = self.audience.ok_or(Error::Unsupported("a status is a text, an image, a video or a voice note"))?;
        if self.reply_to.is_some() {
            return Err(Error::Unfit { field: "replyTo", reason: "a status answers nothing" });
        }
        if !self.mentions.is_empty() {
            return Err(Error::Unfit { field: "mentions", reason: "a status mentions nobody" });
        }
        audience::check(listed)
    }
}

/// A heading whose session and whose answered message were found: everything of a message but its content.
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

impl Heading {
    /// The heading of a message that answers nothing and mentions nobody.
    pub(crate) fn plain(session: String, to: Recipient) -> Self {
        let manner = Manner::default();
        Self { session, to, audience: Vec::new(), reply_to: None, mentions: Vec::new(), forwarded: false, manner }
    }

    pub(super) fn is_status(&self) -> bool {
        self.to == Recipient::Status
    }

    /// Looks up what the heading names.
    pub(super) async fn address(self, services: &Services, caller: &Caller) -> Result<Addressed, Error> {
        let Self { session, mut to, audience, reply_to, mentions, forwarded, manner } = self;
        // What would only be tried is not accepted, and nobody looks again.
        let session = if manner.dry_run {
            session::find(services, caller, &session).await?
        } else {
            session::recall(services, caller, &session).await?
        };
        let answered = match reply_to {
            Some(id) => {
                let row = find_living_row(services, caller, &id).await?;
                if !change::stands_in(&row, &to) && session::require_connected(services, &session).is_ok() {
                    // The chat may go by another spelling of the number.
                    to = contact::known(services, &session.id, to.clone()).await.unwrap_or(to);
                }
                Some(answered(row, &session, &to)?)
            }
            None => None,
        };
        let mentions = mentions.into_iter().map(|person| contact::remembered(services, person).jid()).collect();
        Ok(Addressed { session, to, audience, answered, mentions, forwarded, manner })
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

    /// The whole message, for [`super::send()`].
    pub(super) fn pack(self, (body, content): (Body, Content)) -> Parcel {
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
        parcel
    }
}

/// The name of a stored message on the wire. Groups know people by their LIDs.
pub(super) fn key(row: &MessageRow) -> Key {
    let sender = if is_shared(&row.chat) { row.sender_lid.clone().or_else(|| row.sender.clone()) } else { row.sender.clone() };
    Key { wa_id: row.wa_id.clone(), from_me: row.direction == Direction::Outgoing, sender }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: &str = "+15550000001";

    fn to(recipient: &str) -> RawHeading<'_> {
        RawHeading {
            session: "s",
            to: recipient,
            audience: Some(&[]),
            reply_to: None,
            mentions: &[],
            forwarded: false,
            asynchronous: false,
            reference: None,
            dry_run: false,
        }
    }

    #[test]
    fn a_heading_is_refused_for_the_first_of_its_members_that_cannot_be() {
        let (nobody, ada) = (["nobody".to_owned()], [ADA.to_owned()]);
        for (heading, refusal) in [
            (RawHeading { reference: Some(""), ..to("nobody") }, "not a recipient: "),
            (RawHeading { reference: Some(""), mentions: &nobody, ..to(ADA) }, "reference: "),
            (RawHeading { mentions: &nobody, audience: Some(&ada), ..to(ADA) }, "mentions[0] is "),
            (RawHeading { audience: Some(&ada), ..to(ADA) }, "audience: "),
            (RawHeading { audience: None, ..to("status") }, "unsupported: "),
            (RawHeading { audience: Some(&ada), reply_to: Some("m"), ..to("status") }, "replyTo: "),
            (RawHeading { audience: Some(&ada), mentions: &ada, ..to("status") }, "mentions: "),
            (to("status"), "audience: "),
        ] {
            let error = heading.parse().unwrap_err().to_string();
            assert!(error.starts_with(refusal), "{heading:?}: {error}");
        }
        let heading = RawHeading { audience: Some(&ada), ..to("status") }.parse().unwrap();
        assert!(heading.is_status());
        assert_eq!(heading.audience, [Recipient::Phone("15550000001".to_owned())]);
    }
}
