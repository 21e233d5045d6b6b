//! Looks every few seconds at what the node needs, so that `/readyz` and the metrics tell what is, and tell it at once.

use std::io;
use std::time::Duration;

use nix::errno::Errno;
use wharf_core::readiness::Part;
use wharf_core::{Services, store};

use crate::identity::KeyFiles;

pub(super) const PERIOD: Duration = Duration::from_secs(3);
/// How long one look may take.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) async fn run(services: &Services, keys: Option<&KeyFiles>) -> Result<(), store::Error> {
    let (tables, files) = tokio::join!(tables(services), files(services));
    note(services, Part::Tables, tables);
    let descriptors = descriptors();
    let may_read = descriptors.is_none();
    // Looked at after the files and told before them: it is why they fail.
    note(services, Part::Descriptors, descriptors);
    note(services, Part::Files, files);
    // Without a descriptor no file can be read, and the key may be as well as before.
    if may_read {
        note(services, Part::Key, keys.and_then(key_files));
    }
    Ok(())
}

type Unready = Option<(&'static str, String)>;

async fn tables(services: &Services) -> Unready {
    let error = match tokio::time::timeout(PATIENCE, services.store.look()).await {
        Ok(Ok(())) => return None,
        Ok(Err(error)) => error,
        Err(slow) => store::Error::Unavailable(slow.into()),
    };
    let fault = match &error {
        store::Error::Unavailable(_) => "the database takes no writes; the log says why",
        _ => "the database is damaged, or another one than at the start; the log says which",
    };
    Some((fault, format!("{:#}", anyhow::Error::from(error))))
}

async fn files(services: &Services) -> Unready {
    let error = match tokio::time::timeout(PATIENCE, services.files.ready()).await {
        Ok(Ok(())) => return None,
        Ok(Err(error)) => error.to_string(),
        Err(slow) => slow.to_string(),
    };
    Some(("the file store takes no files; the log says why", error))
}

/// All goes on with the keys in memory; but whoever starts this node anew is refused, and the day on which that is seen is a bad one.
fn key_files(keys: &KeyFiles) -> Unready {
    let cause = keys.fault()?;
    Some(("the file of the master key is away, or another one: no start after this one succeeds; the log says which", cause))
}

/// Files, sockets and pipes are taken from the same number. A pipe has no name and no owner, so that nothing else is in its way.
fn descriptors() -> Unready {
    let error = io::pipe().err()?;
    Some((short_of(&error), error.to_string()))
}

/// What there is none left of.
fn short_of(error: &io::Error) -> &'static str {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EMFILE) => "too many files and sockets are open",
        Some(Errno::ENFILE) => "the machine has too many files and sockets open",
        _ => "no file and no socket can be opened; the log says why",
    }
}

/// One line when it begins and one when it is over.
fn note(services: &Services, part: Part, found: Unready) {
    let (fault, cause) = found.unzip();
    match (services.readiness.found(part, fault), fault, cause) {
        (true, Some(fault), Some(cause)) => tracing::error!(?part, cause, "not ready: {fault}"),
        (true, ..) => tracing::info!(?part, "ready again"),
        (false, ..) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lack_of_descriptors_is_told_as_one() {
        for (fault, told) in [
            (Errno::EMFILE, "too many files and sockets are open"),
            (Errno::ENFILE, "the machine has too many files and sockets open"),
            (Errno::EACCES, "no file and no socket can be opened; the log says why"),
            (Errno::ENOMEM, "no file and no socket can be opened; the log says why"),
        ] {
            assert_eq!(short_of(&io::Error::from(fault)), told, "{fault}");
        }
    }

    #[test]
    fn a_process_that_has_descriptors_left_is_short_of_none() {
        assert_eq!(descriptors(), None);
    }
}
