//! Sending contact cards.

use wharf_api::types::message::{ContactCard, Content, SendContact};
use wharf_api::{limits, recipient};

use super::shape::{count, within};
use super::{Error, Finished, heading};
use crate::engine::Body;

/// What can be said without looking anything up.
pub fn parse(request: &SendContact) -> Result<Finished, Error> {
    let heading = heading::raw!(request).parse()?;
    let contacts = cards(&request.contacts)?;
    Ok(Finished { heading, said: (Body::Contact { contacts: contacts.clone() }, Content::Contact { contacts }) })
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
