//! Whether a stored file is still what was taken in. Disks fill up, copies are put back by halves, people replace files: what goes out is
//! held against its row, and a file that is not that one goes nowhere.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use sha2::{Digest as _, Sha256};

use super::Error;
use super::files::Reading;
use crate::meter::Meter;
use crate::services::Services;
use crate::store::MediaRow;

const GONE: &str = "the stored file is gone from the file store; bring it again";
const DAMAGED: &str = "the stored file is damaged; bring it again";

/// Refuses a file that is not there or has another size. Cheap: nothing is read.
pub async fn require_size(services: &Services, row: &MediaRow, field: Option<&'static str>) -> Result<(), Error> {
    match services.files.size(&row.id).await? {
        Some(size) if size == row.size => Ok(()),
        Some(size) => {
            tracing::error!(media = %row.id, size, expected = row.size, "a stored file has another size than what was taken in");
            services.meter.media_damaged.one();
            Err(Error::NotFound { field, reason: Some(DAMAGED) })
        }
        None => {
            tracing::error!(media = %row.id, "a stored file is gone from the file store");
            services.meter.media_damaged.one();
            Err(Error::NotFound { field, reason: Some(GONE) })
        }
    }
}

/// Refuses a file that was read and had another hash.
pub fn require_hash(services: &Services, row: &MediaRow, sha256: &[u8; 32], field: Option<&'static str>) -> Result<(), Error> {
    if is(row, sha256) {
        return Ok(());
    }
    report(&services.meter, row);
    Err(Error::NotFound { field, reason: Some(DAMAGED) })
}

/// The whole file as it is read. Its last bytes come only when all of them are what was taken in: else the answer breaks off.
pub fn checked(services: &Services, row: &MediaRow, reading: Reading) -> Reading {
    let begin = Check { reading, hash: Sha256::new(), held: None, row: row.clone(), meter: Arc::clone(&services.meter) };
    stream::try_unfold(begin, Check::next).boxed()
}

struct Check {
    reading: Reading,
    hash: Sha256,
    /// The newest bytes, until others come or all are checked.
    held: Option<Bytes>,
    row: MediaRow,
    meter: Arc<Meter>,
}

impl Check {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        while let Some(bytes) = self.reading.next().await.transpose()? {
            self.hash.update(&bytes);
            if let Some(before) = self.held.replace(bytes) {
                return Ok(Some((before, self)));
            }
        }
        let Some(last) = self.held.take() else { return Ok(None) };
        if is(&self.row, &self.hash.finalize_reset().into()) {
            return Ok(Some((last, self)));
        }
        report(&self.meter, &self.row);
        Err(io::ErrorKind::InvalidData.into())
    }
}

fn is(row: &MediaRow, sha256: &[u8; 32]) -> bool {
    row.sha256.as_ref().is_none_or(|kept| *kept == super::intake::hex(sha256))
}

fn report(meter: &Meter, row: &MediaRow) {
    tracing::error!(media = %row.id, "a stored file is not what was taken in: its hash is another one");
    meter.media_damaged.one();
}
