//! Contacts: which phone numbers are on WhatsApp. WhatsApp limits how often one may ask, so answers are remembered.

pub mod book;
pub(crate) mod cache;

use std::collections::HashMap;

use wharf_api::ids::SessionId;
use wharf_api::types::contact::CheckedContact;
use wharf_api::types::session::SessionStatus;
use wharf_api::types::switches::Feature;
use wharf_api::{ApiError, ErrorCode, Recipient, recipient};

use crate::caller::Caller;
use crate::engine::{self, Registration};
use crate::services::Services;
use crate::{session, store, switches};

pub use cache::Cache;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Session(#[from] session::Error),
    #[error("phoneNumbers[{index}] is no phone number: {reason}")]
    InvalidPhone { index: usize, reason: &'static str },
    #[error("not a contact: {0}")]
    InvalidId(&'static str),
    #[error("there is no such contact, or it is not shown")]
    NotFound,
    #[error("the person is not on WhatsApp")]
    NotOnWhatsapp,
    #[error(transparent)]
    Off(#[from] switches::Off),
    #[error(transparent)]
    Engine(#[from] engine::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<&Error> for ApiError {
    fn from(error: &Error) -> Self {
        match error {
            Error::Session(error) => error.into(),
            Error::InvalidPhone { index, reason } => {
                ApiError::new(ErrorCode::InvalidPhoneNumber).field(format!("phoneNumbers[{index}]")).reason(*reason)
            }
            Error::InvalidId(reason) => ApiError::new(ErrorCode::InvalidPhoneNumber).field("contactId").reason(*reason),
            Error::NotFound => ErrorCode::ResourceNotFound.into(),
            Error::NotOnWhatsapp => ApiError::new(ErrorCode::RecipientNotOnWhatsapp).field("contactId"),
            Error::Off(off) => off.into(),
            Error::Engine(error) => error.into(),
            Error::Store(error) => error.into(),
        }
    }
}

/// Looks numbers (digits) up: from memory where it is fresh, from WhatsApp otherwise. In the order of `phones`. While look-ups are
/// switched off, what is not remembered is taken to be there.
pub async fn registrations(services: &Services, session: &SessionId, phones: &[String]) -> Result<Vec<Registration>, engine::Error> {
    let now = services.clock.steady();
    let unknown: Vec<String> = phones.iter().filter(|phone| services.contacts.get(phone, now).is_none()).cloned().collect();
    let mut fresh = HashMap::new();
    if !unknown.is_empty() && services.switches.is_off(Feature::LookUps) {
        // Nobody is asked: what cannot be known is not held against the number.
        fresh.extend(unknown.into_iter().map(|phone| (phone.clone(), Registration { registered: true, ..Registration::absent(phone) })));
    } else if !unknown.is_empty() {
        for registration in services.engine.registrations(session, &unknown).await? {
            services.contacts.put(registration.clone(), now);
            fresh.insert(registration.phone.clone(), registration);
        }
    }
    Ok(phones
        .iter()
        .map(|phone| {
            fresh.get(phone).cloned().or_else(|| services.contacts.get(phone, now)).unwrap_or_else(|| Registration::absent(phone.clone()))
        })
        .collect())
}

/// The person by the number, where the session knows it: one person has one chat.
pub async fn by_number(services: &Services, session: &SessionId, person: Recipient) -> Recipient {
    if !matches!(person, Recipient::Lid(_)) {
        return remembered(services, person);
    }
    let connected = services.engine.link(session).is_some_and(|link| link.borrow().status == SessionStatus::Connected);
    if !connected {
        return person;
    }
    let phone = services.engine.phone_of(session, &person.jid()).await;
    phone.ok().flatten().map_or(person, Recipient::Phone)
}

/// The person as WhatsApp writes the number, as far as that is remembered.
pub fn remembered(services: &Services, person: Recipient) -> Recipient {
    let known = |phone: &str| Some(services.contacts.get(phone, services.clock.steady())?.known);
    match person.phone().and_then(known) {
        Some(known) => Recipient::Phone(known),
        None => person,
    }
}

/// The person as WhatsApp writes the number, and WhatsApp is asked where that is not remembered.
pub async fn known(services: &Services, session: &SessionId, person: Recipient) -> Result<Recipient, engine::Error> {
    let Some(phone) = person.phone() else { return Ok(by_number(services, session, person).await) };
    let found = registrations(services, session, &[phone.to_owned()]).await?;
    Ok(found.into_iter().next().map_or(person, |registration| Recipient::Phone(registration.known)))
}

/// `POST /v1/contacts/check`.
pub async fn check(services: &Services, caller: &Caller, session: &str, phones: &[String]) -> Result<Vec<CheckedContact>, Error> {
    let mut numbers = Vec::with_capacity(phones.len());
    for (index, phone) in phones.iter().enumerate() {
        numbers.push(recipient::phone(phone).map_err(|reason| Error::InvalidPhone { index, reason })?);
    }
    let row = session::find(services, caller, session).await?;
    services.switches.require(Feature::LookUps)?;
    session::require_answering(services, &row)?;
    // Its caller is no more patient than one that sends.
    let asked = tokio::time::timeout(caller.patience(), registrations(services, &row.id, &numbers)).await;
    let found = asked.unwrap_or(Err(engine::Error::Timeout))?;
    Ok(phones
        .iter()
        .zip(found)
        .map(|(asked, registration)| CheckedContact {
            phone_number: asked.clone(),
            on_whatsapp: registration.registered,
            contact_id: registration.registered.then(|| format!("{}@s.whatsapp.net", registration.known)),
            lid: registration.lid,
        })
        .collect())
}
