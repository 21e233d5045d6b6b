//! Build scripts that watch a file which they write themselves.
//!
//! Cargo compares the files that a build script watches with the time at which that script was started. A file that the script writes
//! while it runs is newer, so that the next build takes it for changed, and compiles its crate and all above it once more: with the
//! WhatsApp protocol's crate that is most of the program. After a build such files get the time of their script's start.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context, Result};

use crate::cargo::metadata;

/// Settles what the last build left in the folder of the own build. Returns how many files it was.
pub fn settle() -> Result<usize> {
    let metadata = metadata()?;
    let root = metadata.build_directory.unwrap_or(metadata.target_directory);
    let mut settled = 0;
    // One folder a profile, and one between for a target that was named: `debug/build`, `x86_64-…/debug/build`.
    for profile in folders(&root).into_iter().flat_map(|folder| [vec![folder.clone()], folders(&folder)].concat()) {
        for unit in folders(&profile.join("build")) {
            settled += settle_unit(&unit).with_context(|| format!("cannot settle {}", unit.display()))?;
        }
    }
    Ok(settled)
}

/// One run of a build script: its folder holds what it printed, at the time of its start, and `out`, where it writes.
fn settle_unit(unit: &Path) -> Result<usize> {
    let printed = unit.join("output");
    let Ok(text) = fs::read_to_string(&printed) else { return Ok(0) };
    let started = fs::metadata(&printed)?.modified()?;
    let own = unit.join("out");
    let mut settled = 0;
    for path in watched(&text).filter(|path| path.starts_with(&own)) {
        if modified(&path).is_some_and(|at| at > started) {
            File::options().write(true).open(&path)?.set_modified(started)?;
            settled += 1;
        }
    }
    Ok(settled)
}

/// What the script asked cargo to watch, in the older and the newer way to say it.
fn watched(output: &str) -> impl Iterator<Item = PathBuf> {
    let rest = |line: &str| {
        line.strip_prefix("cargo::").or_else(|| line.strip_prefix("cargo:"))?.strip_prefix("rerun-if-changed=").map(PathBuf::from)
    };
    output.lines().filter_map(rest)
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

/// The folders in a folder; none where there is no such folder.
fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A unit whose script started a minute ago, watches `paths`, and has written `out/made` since.
    fn unit(name: &str, watch: impl FnOnce(&Path) -> String) -> PathBuf {
        let unit = std::env::temp_dir().join(format!("xtask-settle-{}-{name}", std::process::id()));
        fs::create_dir_all(unit.join("out")).unwrap();
        fs::write(unit.join("output"), watch(&unit)).unwrap();
        fs::write(unit.join("out/made"), "made").unwrap();
        fs::write(unit.join("elsewhere"), "a person's").unwrap();
        let made = modified(&unit.join("out/made")).unwrap();
        File::options().write(true).open(unit.join("output")).unwrap().set_modified(made - Duration::from_mins(1)).unwrap();
        unit
    }

    #[test]
    fn a_file_that_its_own_script_wrote_and_watches_gets_the_time_of_the_start() {
        for word in ["cargo:", "cargo::"] {
            let unit = unit(&word.replace(':', "c"), |unit| format!("{word}rerun-if-changed={}\n", unit.join("out/made").display()));
            assert_eq!(settle_unit(&unit).unwrap(), 1);
            assert_eq!(modified(&unit.join("out/made")), modified(&unit.join("output")));
            assert_eq!(settle_unit(&unit).unwrap(), 0, "once is enough");
            fs::remove_dir_all(unit).unwrap();
        }
    }

    #[test]
    fn what_somebody_else_wrote_and_what_is_not_watched_keep_their_times() {
        let unit = unit("foreign", |unit| {
            format!("cargo:rerun-if-changed={}\ncargo:rerun-if-changed=build.rs\n", unit.join("elsewhere").display())
        });
        let times = || (modified(&unit.join("elsewhere")), modified(&unit.join("out/made")));
        let before = times();
        assert_eq!(settle_unit(&unit).unwrap(), 0);
        assert_eq!(times(), before);
        fs::remove_dir_all(unit).unwrap();
    }
}
