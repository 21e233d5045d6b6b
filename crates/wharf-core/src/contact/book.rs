//! The people of a session: those of its messages, and what WhatsApp tells about one of them.

use wharf_api::Recipient;
use wharf_api::types::contact::{Blocked, Contact, Picture, Presence};
use wharf_api::types::message::Party;
use wharf_api::types::switches::Feature;

use super::{Error, by_number, known, registrations};
use crate::caller::Caller;
use crate::services::Services;
use crate::session;
use crate::store::{ContactRow, Page, PageRequest, SessionRow};

/// A connected session of the caller, for a feature that is not switched off.
async fn able(services: &Services, caller: &Caller, session: &str, feature: Feature) -> Result<SessionRow, Error> {
    let row = session::find(services, caller, session).await?;
    services.switches.require(feature)?;
    session::require_connected(services, &row)?;
    Ok(row)
}

async fn connected(services: &Services, caller: &Caller, session: &str) -> Result<SessionRow, Error> {
    let row = session::find(services, caller, session).await?;
    session::require_answering(services, &row)?;
    Ok(row)
}

/// A person by phone number or LID.
fn person(text: &str) -> Result<Recipient, Error> {
    Recipient::parse_person(text).map_err(Error::InvalidId)
}

/// Somebody as the messages know them.
pub(crate) fn view(row: ContactRow) -> Contact {
    Contact {
        contact_id: row.id,
        phone_number: row.phone,
        lid: row.lid,
        name: row.name,
        last_message_at: Some(row.last_message_at),
        on_whatsapp: None,
        about: None,
        picture_id: None,
        business: None,
    }
}

/// `GET /v1/contacts`.
pub async fn list(services: &Services, caller: &Caller, session: &str, page: PageRequest) -> Result<Page<Contact>, Error> {
    let row = session::find_row(services, caller, session).await?;
    let found = services.store.list_contacts(&caller.account, &row.id, page).await?;
    Ok(Page { rows: found.rows.into_iter().map(view).collect(), next: found.next })
}

/// `GET /v1/contacts/{contactId}`.
pub async fn find(services: &Services, caller: &Caller, session: &str, id: &str) -> Result<Contact, Error> {
    let person = person(id)?;
    let row = able(services, caller, session, Feature::LookUps).await?;
    let jid = person.jid();
    let told = services.engine.person(&row.id, &jid).await?;
    let key = person.phone().unwrap_or(&jid);
    let mut known = services.store.find_contact(&caller.account, &row.id, key).await?;
    if let (None, Some(phone)) = (&known, &told.phone) {
        known = services.store.find_contact(&caller.account, &row.id, phone).await?;
    }
    if !told.on_whatsapp && known.is_none() {
        return Err(Error::NotFound);
    }
    let phone = told.phone.or_else(|| person.phone().map(str::to_owned));
    let id = phone.as_ref().map_or(jid, |phone| format!("{phone}@s.whatsapp.net"));
    let mut contact = known.map_or_else(|| Contact { contact_id: id, ..Contact::default() }, view);
    contact.phone_number = contact.phone_number.or(phone);
    contact.lid = contact.lid.or(told.lid);
    contact.on_whatsapp = Some(told.on_whatsapp);
    contact.about = told.about;
    contact.picture_id = told.picture_id;
    contact.business = Some(told.business);
    Ok(contact)
}

/// `GET /v1/contacts/{contactId}/picture`; a group has one too.
pub async fn picture(services: &Services, caller: &Caller, session: &str, id: &str, preview: bool) -> Result<Picture, Error> {
    let of = match Recipient::parse(id).map_err(Error::InvalidId)? {
        Recipient::Status => return Err(Error::NotFound),
        of => of,
    };
    let row = able(services, caller, session, Feature::LookUps).await?;
    services.engine.picture(&row.id, &of.jid(), preview).await?.ok_or(Error::NotFound)
}

/// `GET /v1/contacts/{contactId}/presence`.
pub async fn presence(services: &Services, caller: &Caller, session: &str, id: &str) -> Result<Presence, Error> {
    let person = person(id)?;
    let row = able(services, caller, session, Feature::Presence).await?;
    Ok(services.engine.presence(&row.id, &by_number(services, &row.id, person).await.jid()).await?)
}

/// Why the account's own number is not taken.
const SELF: &str = "this is the account itself, and nobody blocks oneself";

/// Blocks a person, or lets them write again.
pub async fn block(services: &Services, caller: &Caller, session: &str, id: &str, blocked: bool) -> Result<Blocked, Error> {
    let mut person = person(id)?;
    let row = connected(services, caller, session).await?;
    let own = |person: &Recipient| [&row.jid, &row.lid].into_iter().flatten().any(|own| *own == person.jid());
    if own(&person) {
        return Err(Error::InvalidId(SELF));
    }
    // WhatsApp wants the LID, which this look-up tells the engine.
    if let Some(phone) = person.phone() {
        let told = services.engine.person(&row.id, &person.jid()).await?;
        let found = registrations(services, &row.id, &[phone.to_owned()]).await?;
        if !told.on_whatsapp && !found.iter().any(|registration| registration.registered) {
            return Err(Error::NotOnWhatsapp);
        }
        person = known(services, &row.id, person).await?;
        // The number may have been written in another way.
        if own(&person) {
            return Err(Error::InvalidId(SELF));
        }
    }
    services.engine.set_blocked(&row.id, &person.jid(), blocked).await?;
    Ok(Blocked { contact_id: person.jid(), blocked })
}

/// `GET /v1/contacts/blocked`.
pub async fn blocked(services: &Services, caller: &Caller, session: &str) -> Result<Vec<Party>, Error> {
    let row = connected(services, caller, session).await?;
    Ok(services.engine.blocked(&row.id).await?)
}
