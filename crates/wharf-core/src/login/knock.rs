//! A try to sign in, as it is counted before it is made.

use std::net::IpAddr;

use super::Error;
use crate::limit::{self, CountedTry};
use crate::services::Services;

/// Counts a try from an address before it is made, or refuses it. The answer is what to take back where it was good.
pub(super) fn address(services: &Services, address: IpAddr) -> Result<CountedTry<IpAddr>, Error> {
    let source = limit::source(address);
    services.doors.addresses.begin(source, parts(services), services.clock.steady()).map_err(Error::Throttled)
}

/// Counts a try of a name before it is made, or refuses it. The answer is what to take back where it was good.
pub(super) fn name(services: &Services, name: &str) -> Result<CountedTry<String>, Error> {
    let mark = services.seal.mark(&["login", name]);
    services.doors.names.begin(mark, parts(services), services.clock.steady()).map_err(Error::Throttled)
}

fn parts(services: &Services) -> u64 {
    match &services.shared {
        Some(shared) => shared.parts(),
        None => 1,
    }
}
