//! Who gets a message: its recipient, or everybody whom a status is for.

use std::collections::HashSet;

use wharf_api::{Recipient, limits};

use super::Error;
use super::shape::count;
use crate::contact;
use crate::group::known;
use crate::services::Services;
use crate::store::{MessageRow, SessionRow};

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

/// Whom a message reaches, as WhatsApp names them.
pub(super) struct Reached {
    pub(super) to: Recipient,
    /// The recipient's LID, where it is known.
    pub(super) lid: Option<String>,
    pub(super) audience: Vec<Recipient>,
}

/// Whom it reaches without asking anybody: what is not remembered is taken as it is written.
pub(super) fn assumed(services: &Services, to: &Recipient, audience: &[Recipient]) -> Reached {
    let to = contact::remembered(services, to.clone());
    let lid = matches!(to, Recipient::Lid(_)).then(|| to.jid());
    let mut seen = HashSet::new();
    let people = audience.iter().map(|person| contact::remembered(services, person.clone()));
    Reached { to, lid, audience: people.filter(|person| seen.insert(person.clone())).collect() }
}

/// Finds out by which names WhatsApp knows them; refuses a message to somebody who is not there, and to a group that shows the session
/// nothing.
pub(super) async fn reached(services: &Services, row: &SessionRow, to: &Recipient, audience: &[Recipient]) -> Result<Reached, Error> {
    let session = &row.id;
    if matches!(to, Recipient::Group(_)) && known::is_outside(services, row, &to.jid()).await? {
        return Err(Error::Unsupported("the session is not in this group"));
    }
    let mut reached = Reached { to: to.clone(), lid: None, audience: audience.to_vec() };
    if matches!(to, Recipient::Lid(_)) {
        reached.lid = Some(to.jid());
        reached.to = contact::by_number(services, session, to.clone()).await;
    }
    // One person stands there once, by whichever name.
    for person in &mut reached.audience {
        if matches!(person, Recipient::Lid(_)) {
            *person = contact::by_number(services, session, person.clone()).await;
        }
    }
    let named = audience.iter().enumerate().map(|(index, person)| (Some(index), person)).chain([(None, to)]);
    let asked: Vec<(Option<usize>, String)> = named.filter_map(|(place, person)| Some((place, person.phone()?.to_owned()))).collect();
    for part in asked.chunks(ASKED_AT_ONCE) {
        let numbers: Vec<String> = part.iter().map(|(_, phone)| phone.clone()).collect();
        for ((place, _), found) in part.iter().zip(contact::registrations(services, session, &numbers).await?) {
            let field = || place.map_or_else(|| "to".to_owned(), |index| format!("audience[{index}]"));
            if !found.registered {
                return Err(Error::NotOnWhatsapp { field: field() });
            }
            if let Some(index) = place {
                reached.audience[*index] = Recipient::Phone(found.known);
            } else {
                (reached.to, reached.lid) = (Recipient::Phone(found.known), found.lid);
            }
        }
    }
    // Two spellings may be one person.
    let mut seen = HashSet::new();
    reached.audience.retain(|person| seen.insert(person.clone()));
    Ok(reached)
}
