//! Death on purpose: a test names a gap of the send protocol in a file, and the process kills itself when it gets there.
//!
//! A file rather than a setting, so that a process can be armed while it runs; the gap is taken out of the file first, so
//! that one arming is one death.

use std::path::PathBuf;

use nix::sys::signal::{Signal, raise};

/// The fail points of the gateway, as they are named where they stand.
const GAPS: &[&str] = &[
    "S0-accepted",
    "S1-claimed",
    "S2-encrypted",
    "S3-written",
    "S4-acked",
    "S5-stored",
    "inbound-before-commit",
    "inbound-after-commit",
    "receipt-before-commit",
    "unread-before-commit",
    "unread-after-commit",
    "notice-before-commit",
    "notice-after-commit",
    "M1-stored",
    "M2-recorded",
    "M3-uploaded",
    "M4-fetched",
    "M5-kept",
    "D1-file",
    "D2-part",
    "version-fetched",
];

/// The variable that names the file.
const VARIABLE: &str = "WHARF_KILL_FILE";

/// Watches the file that the environment names, if it names one.
pub fn arm() -> anyhow::Result<()> {
    let Some(file) = std::env::var_os(VARIABLE).map(PathBuf::from) else { return Ok(()) };
    for gap in GAPS {
        let file = file.clone();
        let reached = move || {
            if std::fs::read_to_string(&file).is_ok_and(|armed| armed == *gap) && std::fs::remove_file(&file).is_ok() {
                // As `kill -9` would: no destructor, no flush, no goodbye.
                let _ = raise(Signal::SIGKILL);
            }
        };
        fail::cfg_callback(*gap, reached).map_err(anyhow::Error::msg)?;
    }
    Ok(())
}
