//! The heads of doc comments. «The same for a group» says nothing where it is read alone, above a name or in an editor's hint.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};

use crate::cargo;

/// How many doc comments begin with «The same». The number only falls.
const HELD: usize = 13;

/// Prints the doc comments of the crates that begin with «The same». Fails where they are not as many as are held: more are new ones, and
/// where fewer are left, fewer are held.
pub fn run() -> Result<()> {
    let mut found = Vec::new();
    let crates = cargo::root().join("crates");
    for room in fs::read_dir(&crates).with_context(|| format!("cannot read {}", crates.display()))? {
        look(&room?.path().join("src"), &mut found)?;
    }
    found.sort();
    println!("\n{} doc comments begin with «The same»:", found.len());
    for place in &found {
        println!("  {place}");
    }
    let count = found.len();
    ensure!(
        count == HELD,
        "{count} doc comments begin with «The same», and {HELD} are held; the number stands in xtask/src/heads.rs and only falls"
    );
    Ok(())
}

fn look(folder: &Path, found: &mut Vec<String>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            look(&path, found)?;
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let place = path.strip_prefix(cargo::root()).unwrap_or(&path).display();
            found.extend(empty_heads(&text).map(|line| format!("{place}:{line}")));
        }
    }
    Ok(())
}

/// The lines, from 1, at which a doc comment says «The same» first; a later line of it may.
fn empty_heads(text: &str) -> impl Iterator<Item = usize> {
    let mut before = None;
    text.lines().enumerate().filter_map(move |(at, line)| {
        let line = line.trim_start();
        let doc = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
        let is_first = std::mem::replace(&mut before, doc).is_none_or(str::is_empty);
        (is_first && doc?.trim_start().starts_with("The same")).then_some(at + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_that_begins_with_the_same_is_found_and_one_that_goes_on_with_it_is_not() {
        let text =
            "//! The same.\n\n/// A key.\n/// The same key is here once.\nstruct A;\n    /// The same for a list.\n    // The same.\n";
        assert_eq!(empty_heads(text).collect::<Vec<_>>(), [1, 6]);
    }
}
