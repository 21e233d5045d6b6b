//! What a gateway of this configuration would claim, for who looks from outside: a doctor has no database of its own.

use wharf_api::Timestamp;
use wharf_api::types::whatsapp::VersionSource;

use super::fetch::Sources;
use super::judge::judge;
use super::{built_in, built_in_as_of};
use crate::config::Config;

/// A version of WhatsApp Web, and where its number comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    pub revision: u32,
    pub source: VersionSource,
    /// When it was known to be current.
    pub current_at: Timestamp,
}

impl Claim {
    pub const fn version(&self) -> (u32, u32, u32) {
        (2, 3000, self.revision)
    }
}

/// The version that is set, or that WhatsApp's pages tell now, or that was built in.
pub async fn claim(config: &Config, now: Timestamp) -> Claim {
    if let Some(revision) = config.version {
        return Claim { revision, source: VersionSource::Setting, current_at: now };
    }
    let told = match Sources::new(config.server_url.as_ref(), config.version_url.clone()) {
        Ok(sources) => sources.ask(&|told| judge(told, built_in::REVISION, now), &|_, _| ()).await,
        Err(_) => None,
    };
    match told {
        Some((revision, source)) if revision >= built_in::REVISION => Claim { revision, source, current_at: now },
        _ => Claim { revision: built_in::REVISION, source: VersionSource::BuiltIn, current_at: built_in_as_of() },
    }
}
