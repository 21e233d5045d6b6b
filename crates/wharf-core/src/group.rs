//! Groups: what may be asked of them, in which order it is checked. WhatsApp itself keeps them.

pub mod known;

use wharf_api::types::group::{CreateGroup, Group, GroupInvite, GroupRequest, JoinedGroup, ParticipantResult, UpdateGroup};
use wharf_api::types::switches::Feature;
use wharf_api::{ApiError, ErrorCode, Recipient, limits};

use crate::caller::Caller;
use crate::engine::{self, Act, GroupEdit};
use crate::services::Services;
use crate::store::SessionRow;
use crate::{contact, session, store, switches};

const LINK: &str = "https://chat.whatsapp.com/";

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// WhatsApp does not know it, or the session is not in it.
    #[error("no such group")]
    NotFound,
    #[error("{field} has {chars} characters")]
    Length { field: &'static str, limit: usize, chars: usize },
    #[error("{field} is empty")]
    Empty { field: &'static str },
    #[error("too many participants")]
    TooMany { actual: usize },
    #[error("nothing is to be changed")]
    NothingToChange,
    #[error("participants[{index}] is nobody: {reason}")]
    InvalidPhone { index: usize, reason: &'static str },
    #[error("participants[{index}] is not on WhatsApp")]
    NotOnWhatsapp { index: usize },
    #[error("data is no picture: {0}")]
    Picture(&'static str),
    #[error("the picture has {bytes} bytes")]
    PictureSize { bytes: usize },
    #[error(transparent)]
    Session(#[from] session::Error),
    #[error(transparent)]
    Off(#[from] switches::Off),
    #[error(transparent)]
    Engine(#[from] engine::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    /// Whether it is known that nothing was done although it might be later.
    pub fn is_refusal(&self) -> bool {
        // The session is looked at before anything is done.
        matches!(self, Self::Session(_)) || matches!(self, Self::Engine(error) if error.is_refusal())
    }
}

impl From<&Error> for ApiError {
    fn from(error: &Error) -> Self {
        match error {
            Error::NotFound => ErrorCode::ResourceNotFound.into(),
            Error::Length { field, limit, chars } => {
                ApiError::new(ErrorCode::InvalidRequest).field(*field).reason("too long").limit(*limit as u64, *chars as u64)
            }
            Error::Empty { field } => ApiError::new(ErrorCode::InvalidRequest).field(*field).reason("it is empty"),
            Error::TooMany { actual } => ApiError::new(ErrorCode::InvalidRequest)
                .field("participants")
                .reason("too many participants")
                .limit(limits::GROUP_PARTICIPANTS_PER_CALL as u64, *actual as u64),
            Error::NothingToChange => ApiError::new(ErrorCode::InvalidRequest).reason("nothing is to be changed"),
            Error::InvalidPhone { index, reason } => {
                ApiError::new(ErrorCode::InvalidPhoneNumber).field(format!("participants[{index}]")).reason(*reason)
            }
            Error::NotOnWhatsapp { index } => ApiError::new(ErrorCode::RecipientNotOnWhatsapp).field(format!("participants[{index}]")),
            Error::Picture(reason) => ApiError::new(ErrorCode::InvalidRequest).field("data").reason(*reason),
            Error::PictureSize { bytes } => ApiError::new(ErrorCode::InvalidRequest)
                .field("data")
                .reason("the picture is too large")
                .limit(limits::GROUP_PICTURE_BYTES as u64, *bytes as u64),
            Error::Session(error) => error.into(),
            Error::Off(off) => off.into(),
            Error::Engine(error) => error.into(),
            Error::Store(error) => error.into(),
        }
    }
}

/// A connected session of the caller.
async fn connected(services: &Services, caller: &Caller, session: &str) -> Result<SessionRow, Error> {
    let row = session::find(services, caller, session).await?;
    session::require_answering(services, &row)?;
    Ok(row)
}

/// A connected session of the caller for what changes groups, while that is not switched off.
async fn writing(services: &Services, caller: &Caller, session: &str) -> Result<SessionRow, Error> {
    let row = session::find(services, caller, session).await?;
    services.switches.require(Feature::GroupWrites)?;
    session::require_connected(services, &row)?;
    Ok(row)
}

/// A group's id, with its server or without. What is no id is the id of no group.
fn group_id(text: &str) -> Result<String, Error> {
    let text = if text.contains('@') { text.to_owned() } else { format!("{text}@g.us") };
    match Recipient::parse(&text) {
        Ok(group @ Recipient::Group(_)) => Ok(group.jid()),
        _ => Err(Error::NotFound),
    }
}

fn people(participants: &[String]) -> Result<Vec<Recipient>, Error> {
    if participants.len() > limits::GROUP_PARTICIPANTS_PER_CALL {
        return Err(Error::TooMany { actual: participants.len() });
    }
    let person = |(index, text): (usize, &String)| Recipient::parse_person(text).map_err(|reason| Error::InvalidPhone { index, reason });
    participants.iter().enumerate().map(person).collect()
}

fn some_people(participants: &[String]) -> Result<Vec<Recipient>, Error> {
    if participants.is_empty() {
        return Err(Error::Empty { field: "participants" });
    }
    people(participants)
}

fn ids(people: &[Recipient]) -> Vec<String> {
    people.iter().map(Recipient::jid).collect()
}

fn checked(field: &'static str, text: &str, limit: usize) -> Result<(), Error> {
    let chars = text.chars().count();
    if chars > limit { Err(Error::Length { field, limit, chars }) } else { Ok(()) }
}

fn checked_subject(subject: &str) -> Result<(), Error> {
    if subject.trim().is_empty() {
        return Err(Error::Empty { field: "subject" });
    }
    checked("subject", subject, limits::GROUP_SUBJECT_CHARS)
}

/// `POST /v1/groups`.
pub async fn create(services: &Services, caller: &Caller, request: &CreateGroup) -> Result<Group, Error> {
    checked_subject(&request.subject)?;
    let description = request.description.as_deref().filter(|text| !text.is_empty());
    checked("description", description.unwrap_or_default(), limits::GROUP_DESCRIPTION_CHARS)?;
    let people = people(&request.participants)?;
    let row = writing(services, caller, &request.session_id).await?;
    let phones: Vec<(usize, String)> =
        people.iter().enumerate().filter_map(|(index, person)| Some((index, person.phone()?.to_owned()))).collect();
    let asked: Vec<String> = phones.iter().map(|(_, phone)| phone.clone()).collect();
    let found = contact::registrations(services, &row.id, &asked).await?;
    if let Some((missing, _)) = phones.iter().zip(&found).map(|((index, _), found)| (*index, found)).find(|(_, found)| !found.registered) {
        return Err(Error::NotOnWhatsapp { index: missing });
    }
    let mut people = people;
    for ((index, _), found) in phones.into_iter().zip(found) {
        people[index] = Recipient::Phone(found.known);
    }
    let group = services.engine.create_group(&row.id, &request.subject, &ids(&people), description).await?;
    known::keep(services, &row, std::slice::from_ref(&group)).await;
    Ok(group)
}

/// The groups that the session is in, by subject.
pub async fn list(services: &Services, caller: &Caller, session: &str) -> Result<Vec<Group>, Error> {
    let row = connected(services, caller, session).await?;
    let mut groups = services.engine.groups(&row.id).await?;
    known::keep(services, &row, &groups).await;
    groups.sort_by(|a, b| (&a.subject, &a.group_id).cmp(&(&b.subject, &b.group_id)));
    Ok(groups)
}

/// A group that the session left is shown as it was seen last.
pub async fn find(services: &Services, caller: &Caller, session: &str, group: &str) -> Result<Group, Error> {
    let row = connected(services, caller, session).await?;
    let group = group_id(group)?;
    match services.engine.group(&row.id, &group).await {
        Err(engine::Error::NotFound) => known::left(services, &row, &group).await?.ok_or(Error::NotFound),
        found => {
            let group = found?;
            known::keep(services, &row, std::slice::from_ref(&group)).await;
            Ok(group)
        }
    }
}

/// `PATCH /v1/groups/{groupId}`. The edits go to WhatsApp one by one; one that is refused ends it, and those before it stay.
pub async fn update(services: &Services, caller: &Caller, group: &str, request: &UpdateGroup) -> Result<Group, Error> {
    if let Some(subject) = &request.subject {
        checked_subject(subject)?;
    }
    if let Some(description) = &request.description {
        checked("description", description, limits::GROUP_DESCRIPTION_CHARS)?;
    }
    let edits: Vec<GroupEdit> = [
        request.subject.clone().map(GroupEdit::Subject),
        request.description.clone().map(|text| GroupEdit::Description(Some(text).filter(|text| !text.is_empty()))),
        request.announcement.map(GroupEdit::Announcement),
        request.locked.map(GroupEdit::Locked),
        request.approval_required.map(GroupEdit::ApprovalRequired),
        request.members_can_add.map(GroupEdit::MembersCanAdd),
        request.disappearing_seconds.map(GroupEdit::DisappearingSeconds),
    ]
    .into_iter()
    .flatten()
    .collect();
    if edits.is_empty() {
        return Err(Error::NothingToChange);
    }
    let row = writing(services, caller, &request.session_id).await?;
    let group = group_id(group)?;
    services.engine.edit_group(&row.id, &group, edits).await?;
    let group = services.engine.group(&row.id, &group).await?;
    known::keep(services, &row, std::slice::from_ref(&group)).await;
    Ok(group)
}

/// Does something to people of a group; one result each, in the order of `participants`.
pub async fn act(
    services: &Services,
    caller: &Caller,
    session: &str,
    group: &str,
    act: Act,
    participants: &[String],
) -> Result<Vec<ParticipantResult>, Error> {
    let people = some_people(participants)?;
    let row = writing(services, caller, session).await?;
    let people: Vec<Recipient> = people.into_iter().map(|person| contact::remembered(services, person)).collect();
    Ok(services.engine.act_on_people(&row.id, &group_id(group)?, act, &ids(&people)).await?)
}

/// Gives a group a picture, or takes it away. Tells the new one's id.
pub async fn set_picture(
    services: &Services,
    caller: &Caller,
    session: &str,
    group: &str,
    jpeg: Option<Vec<u8>>,
) -> Result<Option<String>, Error> {
    if let Some(jpeg) = &jpeg {
        if jpeg.len() > limits::GROUP_PICTURE_BYTES {
            return Err(Error::PictureSize { bytes: jpeg.len() });
        }
        if !jpeg.starts_with(&[0xff, 0xd8, 0xff]) {
            return Err(Error::Picture("a JPEG is expected"));
        }
    }
    let row = writing(services, caller, session).await?;
    Ok(services.engine.set_group_picture(&row.id, &group_id(group)?, jpeg).await?)
}

/// The invite link; `renew` makes a new one first, and the one before lets nobody in any more.
pub async fn invite(services: &Services, caller: &Caller, session: &str, group: &str, renew: bool) -> Result<GroupInvite, Error> {
    let row = if renew { writing(services, caller, session).await? } else { connected(services, caller, session).await? };
    let code = services.engine.group_invite(&row.id, &group_id(group)?, renew).await?;
    Ok(GroupInvite { link: format!("{LINK}{code}"), code })
}

/// Joins by an invite code or a whole link.
pub async fn join(services: &Services, caller: &Caller, session: &str, code: &str) -> Result<JoinedGroup, Error> {
    let code = code.trim().trim_start_matches(LINK).trim_matches('/');
    if code.is_empty() {
        return Err(Error::Empty { field: "code" });
    }
    checked("code", code, 200)?;
    let row = writing(services, caller, session).await?;
    Ok(services.engine.join_group(&row.id, code).await?)
}

pub async fn leave(services: &Services, caller: &Caller, session: &str, group: &str) -> Result<String, Error> {
    let row = writing(services, caller, session).await?;
    let group = group_id(group)?;
    services.engine.leave_group(&row.id, &group).await?;
    known::left(services, &row, &group).await?;
    Ok(group)
}

pub async fn requests(services: &Services, caller: &Caller, session: &str, group: &str) -> Result<Vec<GroupRequest>, Error> {
    let row = connected(services, caller, session).await?;
    Ok(services.engine.group_requests(&row.id, &group_id(group)?).await?)
}
