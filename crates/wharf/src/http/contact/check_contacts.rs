use wharf_api::limits;
use wharf_api::types::contact::CheckContacts;
use wharf_core::contact;

use crate::http::envelope::{Reply, invalid};
use crate::http::{Answer, Call};

pub(in crate::http) async fn check_contacts(call: Call) -> Answer {
    let request: CheckContacts = call.json()?;
    if request.phone_numbers.is_empty() {
        return Err(invalid("at least one phone number is expected").field("phoneNumbers").into());
    }
    if request.phone_numbers.len() > limits::CONTACTS_PER_CHECK {
        let (limit, actual) = (limits::CONTACTS_PER_CHECK as u64, request.phone_numbers.len() as u64);
        return Err(invalid("too many phone numbers").field("phoneNumbers").limit(limit, actual).into());
    }
    Reply::whole(contact::check(call.services(), call.caller(), &request.session_id, &request.phone_numbers).await?)
}
