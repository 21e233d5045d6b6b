//! Sending a place.

use wharf_api::limits;
use wharf_api::types::message::{Content, SendLocation};

use super::shape::{Shape, within};
use super::{Error, Finished, heading};
use crate::engine::Body;

/// What can be said without looking anything up.
pub fn parse(request: &SendLocation) -> Result<Finished, Error> {
    let heading = heading::raw!(request).parse()?;
    let (latitude, longitude) = (request.latitude, request.longitude);
    for (field, degrees, most) in [("latitude", latitude, 90.0), ("longitude", longitude, 180.0)] {
        if !degrees.is_finite() || degrees.abs() > most {
            return Err(Shape::new(field, format!("not between -{most} and {most} degrees")).into());
        }
    }
    for (field, text) in [("name", &request.name), ("address", &request.address)] {
        within(field, text.as_deref().unwrap_or_default(), 0, limits::PLACE_CHARS)?;
    }
    let (name, address) = (request.name.clone(), request.address.clone());
    let body = Body::Location { latitude, longitude, name: name.clone(), address: address.clone() };
    Ok(Finished { heading, said: (body, Content::Location { latitude, longitude, name, address }) })
}
