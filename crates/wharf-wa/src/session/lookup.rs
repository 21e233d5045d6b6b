//! Asking WhatsApp which numbers it knows.

pub(crate) mod batch;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use wacore_binary::Jid;
use wharf_core::engine::{Error, Registration};
use whatsapp_rust::ErrorChainExt as _;
use whatsapp_rust::client::Client;
use whatsapp_rust::features::ContactError;
use whatsapp_rust::request::IqError;

const LIMIT: Duration = Duration::from_secs(10);

/// One registration per number, in the order of `phones` (digits).
pub(super) async fn registrations(client: Arc<Client>, phones: Vec<String>) -> Result<Vec<Registration>, Error> {
    let jids: Vec<Jid> = phones.iter().map(|phone| Jid::pn(phone.as_str())).collect();
    let contacts = client.contacts();
    let found = match tokio::time::timeout(LIMIT, contacts.is_on_whatsapp(&jids)).await {
        Err(_) => return Err(Error::Timeout),
        Ok(Err(error)) => return Err(failure(&error)),
        Ok(Ok(found)) => found,
    };
    let mut by_phone: HashMap<String, (bool, Option<String>)> = HashMap::new();
    for contact in found {
        let (phone, lid) = if contact.jid.is_lid() { (contact.pn_jid, Some(contact.jid)) } else { (Some(contact.jid), contact.lid) };
        if let Some(phone) = phone {
            let lid = lid.filter(|_| contact.is_registered).map(|lid| lid.to_non_ad_string());
            by_phone.insert(phone.user_base().to_owned(), (contact.is_registered, lid));
        }
    }
    let registration = |phone: String| {
        let (registered, lid) = by_phone.remove(&phone).unwrap_or_default();
        Registration { phone, registered, lid }
    };
    Ok(phones.into_iter().map(registration).collect())
}

fn failure(error: &ContactError) -> Error {
    if let Some(rejection) = error.server_rejection() {
        if rejection.code == 429 {
            return Error::Throttled { retry_after_secs: rejection.backoff.map(u64::from) };
        }
        return Error::Refused(format!("code {}", rejection.code));
    }
    if error.is_transport_unavailable() {
        return Error::NotConnected;
    }
    match error {
        ContactError::Iq(IqError::Timeout) => Error::Timeout,
        ContactError::Iq(IqError::ParseError(_) | IqError::UnexpectedResponseType { .. }) => Error::Garbled,
        _ => Error::Refused("the look-up failed".to_owned()),
    }
}
