//! A try to sign in, as it is counted before it is made.

use std::net::IpAddr;

use super::Error;
use crate::limit;
use crate::services::Services;

/// Counts a try from an address before it is made, or refuses it. The answer is what to take back where it was good.
pub(super) fn address(services: &Services, address: IpAddr) -> Result<IpAddr, Error> {
    let source = limit::source(address);
    services.doors.addresses.begin(source, parts(services), services.clock.steady()).map_err(Error::Throttled)?;
    Ok(source)
}

/// Counts a try of a name before it is made, or refuses it. The answer is what to take back where it was good.
pub(super) fn name(services: &Services, name: &str) -> Result<String, Error> {
    let mark = services.seal.mark(&["login", name]);
    services.doors.names.begin(mark.clone(), parts(services), services.clock.steady()).map_err(Error::Throttled)?;
    Ok(mark)
}

fn parts(services: &Services) -> u64 {
    match &services.shared {
        Some(shared) => shared.parts(),
        None => 1,
    }
}
