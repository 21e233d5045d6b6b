//! Keeping files: the rows of what was taken in, how long it stays, and what is swept away.

use wharf_api::ids::{MediaId, SessionId};
use wharf_api::{Timestamp, limits, time};

use super::intake::FilePlace;
use super::{Error, Intake};
use crate::caller::Caller;
use crate::services::Services;
use crate::settle::settled;
use crate::store::{MediaRow, Plan};

/// How many files one run of the sweep looks at in one step.
const STEP: u32 = 200;
/// The longest end of a name that is taken for an extension.
const EXTENSION_BYTES: usize = 8;

/// How long a taken file stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stay {
    /// As long as the plan says.
    Plan,
    /// Until a message takes it over, or a while.
    Unused,
}

/// Makes the file durable, and then its row. A death between the two leaves a file without a row, which [`sweep`] removes.
pub async fn keep(
    services: &Services,
    caller: &Caller,
    session: Option<SessionId>,
    mut intake: Intake,
    file_name: Option<String>,
    stay: Stay,
) -> Result<(MediaRow, super::Facts), Error> {
    let id = services.chance.media_id();
    let share = intake.take_share();
    let taken = intake.finish(&id).await?;
    fail::fail_point!("M1-stored");
    let at = services.clock.now();
    let expires_at = match stay {
        Stay::Plan => until(&caller.plan, at),
        Stay::Unused => at + limits::MEDIA_UNUSED,
    };
    let place = FilePlace { id, account: caller.account.clone(), session, file_name: file_name.as_deref().map(tidy), at, expires_at };
    let row = taken.row(place);
    let there = || async { Ok(services.store.find_media(&row.account, &row.id).await?.map(drop)) };
    let stored = async { settled(services.store.insert_media(&row), there).await.map_err(Error::from) };
    let stored = match &share {
        Some(share) => share.land(services, &row.account, stored).await,
        None => stored.await,
    };
    if let Err(error @ Error::NoRoom { .. }) = stored {
        discard(services, &row.id).await;
        return Err(error);
    }
    stored?;
    fail::fail_point!("M2-recorded");
    Ok((row, taken.facts))
}

/// When a file goes that came, or was sent, at that time.
pub fn until(plan: &Plan, at: Timestamp) -> Timestamp {
    at + time::days(plan.media_days)
}

/// Nobody took the file over: it goes now, and where that fails its time is over soon.
pub async fn discard(services: &Services, id: &MediaId) {
    let removed = services.files.remove(id).await.map_err(Error::from);
    let forgotten = services.store.delete_media(std::slice::from_ref(id)).await.map_err(Error::from);
    if let Err(error) = removed.and(forgotten) {
        tracing::warn!(%error, "a file that no message has stays for a while");
    }
}

/// A name to show: no path, no control characters, not blank, not too long. What a long one ends in stays: by that the file is opened.
pub fn tidy(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|c| !c.is_control()).collect();
    let tidy = if plain.chars().count() <= limits::FILE_NAME_CHARS { plain } else { shortened(&plain) };
    if tidy.trim().is_empty() { "file".to_owned() } else { tidy }
}

fn shortened(name: &str) -> String {
    let (_, end) = name.rsplit_once('.').filter(|(_, end)| end.len() <= EXTENSION_BYTES).unwrap_or_default();
    let end = if end.is_empty() { String::new() } else { format!(".{end}") };
    let stem: String = name.chars().take(limits::FILE_NAME_CHARS - end.chars().count()).collect();
    stem + &end
}

/// Removes files whose time is over, the row first: a message that keeps its file longer comes before or finds none. A file that cannot be
/// removed, or that a death leaves behind, has no row, and [`sweep`] tries again.
pub async fn expire(services: &Services) -> Result<u64, Error> {
    let mut removed = 0;
    loop {
        let now = services.clock.now();
        if !services.steady.believes(now) {
            return Ok(removed);
        }
        let over = services.store.expire_media(now, STEP).await?;
        if over.is_empty() {
            return Ok(removed);
        }
        for id in &over {
            removed += u64::from(gone(services, id).await);
        }
    }
}

/// Whether the files are this installation's. Whose mark is the first, owns them.
async fn owns_files(services: &Services) -> Result<bool, Error> {
    let own = services.store.claim_installation(&services.chance.uuid().to_string()).await?;
    if services.files.owner().await?.is_none() {
        services.files.mark(&own).await?;
    }
    let owner = services.files.owner().await?;
    let owns = owner.as_ref() == Some(&own);
    if !owns {
        tracing::error!(
            ?owner,
            %own,
            "the file store bears the mark of another installation: files that this database does not know are not removed. Give each \
             database a store of its own; where the other database is gone for good, remove the mark `{}`",
            super::files::MARK
        );
    }
    Ok(owns)
}

/// Removes one file; one that cannot be removed holds up no other.
async fn gone(services: &Services, id: &MediaId) -> bool {
    let removed = services.files.remove(id).await;
    if let Err(error) = &removed {
        tracing::warn!(media = %id, %error, "a file whose time is over could not be removed; it is tried again");
    }
    removed.is_ok()
}

/// Removes files that no row knows: what a death left between file and row. Where the files are another installation's, none is removed:
/// what this database does not know may be in that one.
pub async fn sweep(services: &Services) -> Result<u64, Error> {
    // How old a file is, the clock says.
    if !services.steady.believes(services.clock.now()) || !owns_files(services).await? {
        return Ok(0);
    }
    let (mut after, mut removed) = (None, 0);
    loop {
        let files = services.files.list(after.as_ref(), STEP as usize).await?;
        let Some(last) = files.last().cloned() else { return Ok(removed) };
        let known = services.store.known_media(&files).await?;
        for id in files.iter().filter(|id| !known.contains(id)) {
            removed += u64::from(gone(services, id).await);
        }
        after = Some(last);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::samples::{at, plan};

    #[test]
    fn a_name_is_shown_without_its_folder_and_never_blank() {
        for (name, shown) in [
            ("report.pdf", "report.pdf"),
            ("C:\\Users\\ada\\report.pdf", "report.pdf"),
            ("../../etc/passwd", "passwd"),
            ("a\u{0}b\nc.pdf", "abc.pdf"),
            ("", "file"),
            ("folder/", "file"),
            ("   ", "file"),
            ("\u{7}", "file"),
        ] {
            assert_eq!(tidy(name), shown, "{name:?}");
        }
    }

    #[test]
    fn a_name_that_is_blank_where_it_is_cut_is_none() {
        assert_eq!(tidy(&format!("{}x", " ".repeat(limits::FILE_NAME_CHARS))), "file");
    }

    #[test]
    fn a_name_that_is_too_long_keeps_what_it_is_opened_with() {
        let long = |end: &str| format!("{}{end}", "é".repeat(limits::FILE_NAME_CHARS));
        for (end, kept) in [(".pdf", ".pdf"), (".tar.gz", ".gz"), ("", "é"), (".", "é"), (". and so on and on", "é")] {
            let shown = tidy(&long(end));
            assert_eq!(shown.chars().count(), limits::FILE_NAME_CHARS, "{end}");
            assert!(shown.starts_with('é') && shown.ends_with(kept), "{end}: {shown}");
        }
        let fits = format!("{}.pdf", "x".repeat(limits::FILE_NAME_CHARS - 4));
        assert_eq!(tidy(&fits), fits);
    }

    #[test]
    fn a_file_stays_for_its_plans_days_and_one_without_an_end_in_reach_for_ever() {
        let of = |days| until(&Plan { media_days: days, ..plan() }, at(0));
        assert_eq!(of(1), at(24 * 60 * 60 * 1000));
        assert_eq!(of(u64::MAX), Timestamp::from_millis(i64::MAX));
    }

    proptest! {
        #[test]
        fn what_is_shown_of_any_name_can_be_shown_once_more_as_it_is(name in r"[\x00-\x7Fé]{0,30}", again in 0_usize..40) {
            let shown = tidy(&name.repeat(again));
            prop_assert_eq!(tidy(&shown), shown.clone());
            prop_assert!((1..=limits::FILE_NAME_CHARS).contains(&shown.chars().count()));
            prop_assert!(!shown.contains(['/', '\\']) && !shown.chars().any(char::is_control) && !shown.trim().is_empty());
        }
    }
}
