//! Whether the page for contributors is true: each file and test that it names is there, and the decisions keep the width that it asks for.

use std::fs;
use std::path::{Path, PathBuf};

/// How wide a line of the decisions may be, in signs.
const WIDTH: usize = 120;

/// The words in back-quotes on the page that tells how to add an operation.
fn quoted(page: &str) -> Vec<&str> {
    let part = page.split("## Add an operation").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("the page has that heading");
    part.split('`').skip(1).step_by(2).collect()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            sources(&entry, found);
        } else if entry.extension().is_some_and(|ext| ext == "rs") {
            found.push(entry);
        }
    }
}

#[test]
fn every_file_and_every_test_that_the_page_about_operations_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("CONTRIBUTING.md")).unwrap();
    let mut files = Vec::new();
    sources(&root.join("crates"), &mut files);
    let all: Vec<_> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let mut looked = 0;
    for word in quoted(&page) {
        let is_file = word.contains(".rs") || word.contains(".md") || word.starts_with("crates/") || word.starts_with("docs/");
        let is_there = if let Some(end) = word.strip_prefix('…') {
            files.iter().any(|file| file.to_str().unwrap().ends_with(end))
        } else if is_file {
            root.join(word).exists() || files.iter().any(|file| file.ends_with(word))
        } else if word.matches('_').count() > 3 && word.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
            all.iter().any(|text| text.contains(&format!("fn {word}(")))
        } else {
            continue;
        };
        looked += 1;
        assert!(is_there, "the page names `{word}`, which is not there");
    }
    assert!(looked > 20, "{looked}");
}

#[test]
fn no_line_of_the_decisions_is_over_120_columns() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    assert!(fs::read_to_string(root.join("CONTRIBUTING.md")).unwrap().contains(&format!("no line over {WIDTH} columns")));
    let page = fs::read_to_string(root.join("docs/decisions.md")).unwrap();
    let wide: Vec<_> = page.lines().enumerate().filter(|(_, line)| line.chars().count() > WIDTH).map(|(at, _)| at + 1).collect();
    assert!(wide.is_empty(), "docs/decisions.md: lines {wide:?} are wider than {WIDTH} columns");
}
