//! The version of WhatsApp Web that is built into the program: fetched from WhatsApp's own page, and written down with its day.
//!
//! WhatsApp refuses versions that are some four months old, so a release begins with a fresh number.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use wharf_api::Timestamp;

/// The page that tells the newest version.
pub const PAGE: &str = "https://web.whatsapp.com/sw.js";
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
/// How old the number of a release may be.
const DAYS: i64 = 14;
const DAY_SECS: i64 = 24 * 60 * 60;

/// The generated file.
pub fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../crates/wharf-wa/src/version/built_in.rs")
}

/// Fetches the number and writes the file.
pub fn write(page: &str, file: &Path) -> Result<()> {
    let known = fs::read_to_string(file).ok().and_then(|text| read(&text));
    let revision = revision(&fetch(page)?).with_context(|| format!("{page} tells no version"))?;
    if let Some((known, _)) = known {
        ensure!(revision >= known, "{page} tells 2.3000.{revision}, which is lower than the 2.3000.{known} that is known");
    }
    fs::write(file, text(revision, now_secs()?)).with_context(|| format!("cannot write {}", file.display()))?;
    println!("wrote 2.3000.{revision} to {}", file.display());
    Ok(())
}

/// Refuses a number that is too old for a release.
pub fn check(file: &Path) -> Result<()> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let (revision, as_of) = read(&text).with_context(|| format!("{} is not what `cargo xtask version` writes", file.display()))?;
    let days = (now_secs()? - as_of) / DAY_SECS;
    ensure!(days <= DAYS, "2.3000.{revision} is {days} days old: a release wants one of at most {DAYS}; run `cargo xtask version`");
    println!("2.3000.{revision} is {days} days old");
    Ok(())
}

/// The page as a browser gets it that comes from nowhere; others are answered with 400.
fn fetch(page: &str) -> Result<String> {
    let asked = Command::new("curl")
        .args(["--silent", "--show-error", "--fail", "--max-time", "20", "--max-filesize", "2097152"])
        .args(["--header", "Sec-Fetch-Site: none", "--user-agent", BROWSER, page])
        .output()
        .context("curl is not there")?;
    ensure!(asked.status.success(), "{page} cannot be read: {}", String::from_utf8_lossy(&asked.stderr).trim());
    Ok(String::from_utf8_lossy(&asked.stdout).into_owned())
}

/// The number behind the word that names it, however it is quoted.
fn revision(page: &str) -> Option<u32> {
    let (_, rest) = page.split_once("client_revision")?;
    digits(rest).filter(|revision| *revision > 0)
}

/// The first number of a text, without the marks that Rust puts into it.
fn digits<N: std::str::FromStr>(text: &str) -> Option<N> {
    let from = text.find(|letter: char| letter.is_ascii_digit())?;
    let number: String =
        text[from..].chars().take_while(|letter| letter.is_ascii_digit() || *letter == '_').filter(|letter| *letter != '_').collect();
    number.parse().ok()
}

/// The number and its time out of the file.
fn read(text: &str) -> Option<(u32, i64)> {
    let value = |name: &str| text.split_once(&format!("const {name}: "))?.1.split_once('=').map(|(_, value)| value);
    Some((digits(value("REVISION")?)?, digits(value("AS_OF_SECS")?)?))
}

fn text(revision: u32, as_of: i64) -> String {
    let day = Timestamp::from_millis(as_of * 1000).to_string();
    let day = day.split('T').next().unwrap_or_default();
    let (revision, as_of) = (grouped(revision.into()), grouped(as_of));
    format!(
        "//! Made by `cargo xtask version`: the version of WhatsApp Web that was current when the program was made.\n\n\
         /// Its last number.\npub const REVISION: u32 = {revision};\n\
         /// The day on which it was current, in seconds since the Unix epoch: {day}.\npub(crate) const AS_OF_SECS: i64 = {as_of};\n"
    )
}

/// As Rust writes long numbers.
fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let parts: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    parts.join("_")
}

#[expect(clippy::disallowed_methods, reason = "how old a number is depends on today")]
fn now_secs() -> Result<i64> {
    Ok(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_says_what_was_put_into_it() {
        let written = text(1_045_649_367, 1_787_184_000);
        assert_eq!(read(&written), Some((1_045_649_367, 1_787_184_000)));
        assert!(written.contains("u32 = 1_045_649_367;") && written.contains(": 2026-08-20."), "{written}");
        let committed = fs::read_to_string(file()).unwrap();
        let (revision, as_of) = read(&committed).unwrap();
        assert_eq!(committed, text(revision, as_of), "the file is written by the command, not by hand");
    }

    #[test]
    fn a_page_tells_the_number_in_the_scripts_quotes_and_not_a_zero() {
        assert_eq!(revision(r#"JSON.parse("{\"client_revision\":1052000000,\"x\":1}")"#), Some(1_052_000_000));
        assert_eq!((revision(r#""client_revision":0"#), revision("<html>")), (None, None));
    }
}
