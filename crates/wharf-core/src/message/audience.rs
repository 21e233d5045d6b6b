//! Who gets a message: its recipient, or everybody whom a status is for.

use wharf_api::ids::SessionId;
use wharf_api::{Recipient, limits};

use super::Error;
use super::shape::count;
use crate::contact;
use crate::services::Services;
use crate::store::MessageRow;

/// How many numbers WhatsApp is asked about at once.
const ASKED_AT_ONCE: usize = 250;

/// The people whom a status is for, each once.
pub(super) fn check(listed: &[String]) -> Result<Vec<Recipient>, Error> {
    count("audience", listed.len(), limits::STATUS_AUDIENCE)?;
    let mut people = Vec::with_capacity(listed.len());
    for (index, text) in listed.iter().enumerate() {
        let person = Recipient::parse_person(text);
        let person = person.map_err(|reason| Error::InvalidNumber { field: format!("audience[{index}]"), reason })?;
        if people.contains(&person) {
            return Err(Error::InvalidNumber { field: format!("audience[{index}]"), reason: "this person stands there before" });
        }
        people.push(person);
    }
    Ok(people)
}

/// Whom a status of this session was for.
pub(super) async fn of(services: &Services, status: &MessageRow) -> Result<Vec<Recipient>, Error> {
    let listed = services.store.audience(&status.session, &status.wa_id).await?;
    if listed.is_empty() {
        return Err(Error::Unsupported("whom the status was for is not known here"));
    }
    Ok(listed.iter().filter_map(|person| Recipient::parse_person(person).ok()).collect())
}

/// Refuses a message to somebody who is not on WhatsApp.
pub(super) async fn require_registered(
    services: &Services,
    session: &SessionId,
    to: &Recipient,
    audience: &[Recipient],
) -> Result<(), Error> {
    let named = audience.iter().enumerate().map(|(index, person)| (format!("audience[{index}]"), person));
    let phones = |(field, person): (String, &Recipient)| Some((field, person.phone()?.to_owned()));
    let asked: Vec<(String, String)> = named.chain([("to".to_owned(), to)]).filter_map(phones).collect();
    for part in asked.chunks(ASKED_AT_ONCE) {
        let numbers: Vec<String> = part.iter().map(|(_, phone)| phone.clone()).collect();
        let found = contact::registrations(services, session, &numbers).await?;
        let absent = part.iter().zip(found).find(|(_, registration)| !registration.registered);
        if let Some(((field, _), _)) = absent {
            return Err(Error::NotOnWhatsapp { field: field.clone() });
        }
    }
    Ok(())
}
