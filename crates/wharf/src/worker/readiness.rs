//! Looks every few seconds at what the node needs, so that `/readyz` and the metrics tell what is, and tell it at once.

use std::fs::File;
use std::time::Duration;

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

/// Sockets are taken from the same number.
fn descriptors() -> Unready {
    let error = File::open("/dev/null").err()?;
    Some(("too many files and sockets are open", error.to_string()))
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
