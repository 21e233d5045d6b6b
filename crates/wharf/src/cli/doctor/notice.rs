//! What the last update notice says of this release, as the database has it.

use std::path::Path;
use std::sync::Arc;

use wharf_api::types::update::{Standing, UpdateNotice};
use wharf_core::chance::SystemChance;
use wharf_core::update;
use wharf_store::OpenError;

use super::Finding::{self, Fail, Ok as Good, Warn};
use crate::config::Config;

pub(super) async fn update_notice(config: &Config) -> Finding {
    let url = config.database_url();
    let file = url.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path).to_owned());
    if file.is_some_and(|file| !Path::new(&file).exists()) {
        return judge(&UpdateNotice { checks: config.updates.is_some(), ..UpdateNotice::default() });
    }
    // Opening brings an older schema up to date.
    match wharf_store::glance(&url).await {
        Ok(seen) if seen.found == seen.own => {}
        _ => return Warn("it cannot be read from the database as it is".to_owned()),
    }
    let store = match wharf_store::open(wharf_store::Config::new(url, Arc::new(SystemChance))).await {
        Ok(store) => store,
        Err(OpenError::InUse(_)) => return Warn("the gateway that runs has it: GET /v1/admin/whatsapp/update-notice".to_owned()),
        // Another check says why.
        Err(_) => return Warn("it cannot be read from the database".to_owned()),
    };
    let known = update::known(&*store, config.updates.is_some()).await;
    store.close().await;
    known.map_or_else(|error| Warn(error.to_string()), |notice| judge(&notice))
}

fn judge(notice: &UpdateNotice) -> Finding {
    let notes = notice.notes.as_deref().map(|notes| format!(": {notes}")).unwrap_or_default();
    let newest = notice.newest.as_deref().unwrap_or_default();
    match (notice.standing, notice.checks) {
        (Some(Standing::Unsafe), _) => Fail(format!("this release is not safe any more or does not work; the newest is {newest}{notes}")),
        (Some(Standing::Outdated), _) => Warn(format!("the newest release is {newest}{notes}")),
        (Some(Standing::Current), _) => Good(format!("this release is the newest{notes}")),
        (None, true) => Good("none has come yet".to_owned()),
        (None, false) => Good("nobody is asked: updates.url is not set, or updates.check is false".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_that_is_not_safe_fails_and_a_newer_one_is_a_warning() {
        let notice = |standing, checks| UpdateNotice { standing, checks, newest: Some("9.0.0".to_owned()), ..UpdateNotice::default() };
        assert!(matches!(judge(&notice(Some(Standing::Unsafe), true)), Fail(text) if text.contains("9.0.0")));
        assert!(matches!(judge(&notice(Some(Standing::Outdated), true)), Warn(text) if text.contains("9.0.0")));
        assert!(matches!(judge(&notice(Some(Standing::Current), true)), Good(_)));
        assert!(matches!(judge(&notice(None, false)), Good(text) if text.contains("nobody is asked")));
    }
}
