//! New messages for whose content nothing is to be looked up.

use wharf_api::types::message::Content;

use super::heading::Heading;
use super::{Error, Sent, send};
use crate::caller::Caller;
use crate::engine::Body;
use crate::services::Services;
use crate::store::Claim;

/// A new message whose shape is good, with all that it says.
#[derive(Clone, Debug)]
pub struct Finished {
    pub(crate) heading: Heading,
    /// What goes out, and what the row shows of it.
    pub(crate) said: (Body, Content),
}

/// Sends it; see [`super::send()`].
pub async fn post(services: &Services, caller: &Caller, message: Finished, claim: Option<Claim>) -> Result<Sent, Error> {
    let parcel = message.heading.address(services, caller).await?.pack(message.said);
    send(services, caller, parcel, claim).await
}
