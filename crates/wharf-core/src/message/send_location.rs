//! Sending a place.

use wharf_api::limits;
use wharf_api::types::message::Content;

use super::shape::{Shape, within};
use super::{Envelope, Error, Sent, post};
use crate::caller::Caller;
use crate::engine::Body;
use crate::services::Services;
use crate::store::Claim;

#[derive(Clone, Debug)]
pub struct Command {
    pub envelope: Envelope,
    pub latitude: f64,
    pub longitude: f64,
    pub name: Option<String>,
    pub address: Option<String>,
}

/// Checks the shape of a command.
pub fn check(command: &Command) -> Result<(), Error> {
    command.envelope.check()?;
    for (field, degrees, most) in [("latitude", command.latitude, 90.0), ("longitude", command.longitude, 180.0)] {
        if !degrees.is_finite() || degrees.abs() > most {
            return Err(Shape::new(field, format!("not between -{most} and {most} degrees")).into());
        }
    }
    for (field, text) in [("name", &command.name), ("address", &command.address)] {
        within(field, text.as_deref().unwrap_or_default(), 0, limits::PLACE_CHARS)?;
    }
    Ok(())
}

/// Sends a place; see [`super::send`].
pub async fn send_location(services: &Services, caller: &Caller, command: Command, claim: Option<Claim>) -> Result<Sent, Error> {
    check(&command)?;
    let Command { envelope, latitude, longitude, name, address } = command;
    let body = Body::Location { latitude, longitude, name: name.clone(), address: address.clone() };
    post(services, caller, &envelope, (body, Content::Location { latitude, longitude, name, address }), claim).await
}
