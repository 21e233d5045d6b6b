//! Sending contact cards.

use wharf_api::types::message::{ContactCard, Content};
use wharf_api::{limits, recipient};

use super::shape::{count, within};
use super::{Envelope, Error, Sent, post};
use crate::caller::Caller;
use crate::engine::Body;
use crate::services::Services;
use crate::store::Claim;

#[derive(Clone, Debug)]
pub struct Command {
    pub envelope: Envelope,
    pub contacts: Vec<ContactCard>,
}

/// Checks the shape of a command.
pub fn check(command: &Command) -> Result<(), Error> {
    command.envelope.check()?;
    cards(&command.contacts).map(drop)
}

/// The cards with their numbers in one spelling.
fn cards(contacts: &[ContactCard]) -> Result<Vec<ContactCard>, Error> {
    count("contacts", contacts.len(), 1..=limits::CONTACTS_PER_MESSAGE)?;
    contacts.iter().enumerate().map(|(index, card)| one(&format!("contacts[{index}]"), card)).collect()
}

fn one(path: &str, card: &ContactCard) -> Result<ContactCard, Error> {
    within(&format!("{path}.name"), card.name.trim(), 1, limits::CONTACT_NAME_CHARS)?;
    if let Some(organization) = &card.organization {
        within(&format!("{path}.organization"), organization.trim(), 1, limits::CONTACT_NAME_CHARS)?;
    }
    count(&format!("{path}.phoneNumbers"), card.phone_numbers.len(), 1..=limits::PHONES_PER_CONTACT)?;
    let number = |(place, text): (usize, &String)| {
        recipient::on_card(text).map_err(|reason| Error::InvalidNumber { field: format!("{path}.phoneNumbers[{place}]"), reason })
    };
    let phones = card.phone_numbers.iter().enumerate().map(number).collect::<Result<_, _>>()?;
    Ok(ContactCard {
        name: card.name.trim().to_owned(),
        phone_numbers: phones,
        organization: card.organization.as_deref().map(str::trim).map(str::to_owned),
    })
}

/// Sends contact cards; see [`super::send`].
pub async fn send_contact(services: &Services, caller: &Caller, command: Command, claim: Option<Claim>) -> Result<Sent, Error> {
    check(&command)?;
    let contacts = cards(&command.contacts)?;
    let body = Body::Contact { contacts: contacts.clone() };
    post(services, caller, &command.envelope, (body, Content::Contact { contacts }), claim).await
}
