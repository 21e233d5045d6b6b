//! Circles of files: which files of a crate cannot be read without one another; and names that several types have.
//!
//! An arrow goes from a file to each file of the same crate that its `use` lines and full paths name. A parent that names its own child is
//! not counted: that is how a noun shows its parts. A circle is a set of files each of which leads to each other one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::{cargo, heads};

/// The modules of a crate by their paths, each with the modules that it names.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// How many files of a crate are in circles; of a crate that is not named, none. A number here only falls: people of the pretend network
/// answer each other, and that is its matter.
const HELD: &[(&str, usize)] = &[("wharf-sim", 6)];

/// How many names several types have, over all crates. It only falls too: a new type that others meet in the same day takes a name of its
/// own.
const HOMONYMS: usize = 128;

/// Prints the circles of each crate, largest first, and how many names several types have. Fails where the files in circles, or those
/// names, are not as many as are held: more are new ones, and where fewer are left, fewer are held. The heads of
/// comments are counted with them.
pub fn run() -> Result<()> {
    let crates = cargo::root().join("crates");
    let mut names: Vec<_> = fs::read_dir(&crates)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    let mut types = BTreeMap::<String, usize>::new();
    let mut wrong = Vec::new();
    println!("{:<16} {:>5} {:>7}  files in circles", "crate", "files", "circles");
    for name in names {
        let mut texts = BTreeMap::new();
        let source = crates.join(&name).join("src");
        read(&source, &source, &mut texts).with_context(|| name.clone())?;
        for text in texts.values() {
            for kind in defined(text) {
                *types.entry(kind.to_owned()).or_default() += 1;
            }
        }
        let mut circles = circles(&graph(&texts));
        circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
        let sizes: Vec<_> = circles.iter().map(|circle| circle.len().to_string()).collect();
        println!("{name:<16} {:>5} {:>7}  {}", texts.len(), circles.len(), sizes.join("+"));
        for circle in &circles {
            println!("{:>30}  {}", "", circle.join(", "));
        }
        let found: usize = circles.iter().map(Vec::len).sum();
        if found != held(&name) {
            wrong.push(format!("{name} has {found} files in circles, and {} are held", held(&name)));
        }
    }
    let mut shared: Vec<_> = types.iter().filter(|(name, count)| **count > 1 && !matches!(name.as_str(), "Error" | "Config")).collect();
    shared.sort_by_key(|(name, count)| (std::cmp::Reverse(**count), (*name).clone()));
    let most: Vec<_> = shared.iter().take(20).map(|(name, count)| format!("{name} {count}")).collect();
    println!(
        "\n{} names of {} types; {} names are more than one's: {}",
        types.len(),
        types.values().sum::<usize>(),
        shared.len(),
        most.join(", ")
    );
    if shared.len() != HOMONYMS {
        wrong.push(format!("{} names are more than one type's, and {HOMONYMS} are held", shared.len()));
    }
    ensure!(wrong.is_empty(), "{}; the number stands in xtask/src/circles.rs and only falls", wrong.join("; "));
    heads::run()
}

fn held(name: &str) -> usize {
    HELD.iter().find(|(known, _)| *known == name).map_or(0, |(_, files)| *files)
}

/// Every module's text without its tests.
fn read(root: &Path, folder: &Path, texts: &mut BTreeMap<String, String>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read(root, &path, texts)?;
        } else if path.extension().is_some_and(|ext| ext == "rs") && !path.ends_with("tests.rs") {
            let module = path.strip_prefix(root)?.with_extension("").to_string_lossy().replace('/', "::");
            let text = fs::read_to_string(&path)?;
            let own = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let code: Vec<_> = own.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
            texts.insert(if module == "lib" || module == "main" { String::new() } else { module }, code.join("\n"));
        }
    }
    Ok(())
}

fn graph(texts: &BTreeMap<String, String>) -> Graph {
    let arrows = |(module, text): (&String, &String)| {
        let named = paths(text).into_iter().filter_map(|path| target(&path, module, texts));
        // Neither to itself, nor from a parent to its child.
        let own = |other: &String| other == module || module.is_empty() || other.is_empty() || other.starts_with(&format!("{module}::"));
        (module.clone(), named.filter(|other| !own(other)).collect())
    };
    texts.iter().map(arrows).collect()
}

/// Every path in the text that begins in the crate, with the trees of `use` spelled out.
fn paths(text: &str) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some(at) = ["crate::", "super::", "self::"].iter().filter_map(|start| rest.find(start)).min() {
        let whole = rest[..at].chars().next_back().is_none_or(|before| !before.is_alphanumeric() && before != '_' && before != ':');
        let after = &rest[at..];
        let consumed = if whole { tree(after, &[], &mut all) } else { 1 };
        rest = &after[consumed.max(1)..];
    }
    all
}

/// Reads one path or tree of paths, and tells how many bytes it has.
fn tree(text: &str, before: &[String], all: &mut Vec<Vec<String>>) -> usize {
    let mut path = before.to_vec();
    let mut at = 0;
    loop {
        let word: String = text[at..].chars().take_while(|c| c.is_alphanumeric() || *c == '_' || *c == '*').collect();
        at += word.len();
        path.push(word);
        if !text[at..].starts_with("::") {
            break;
        }
        at += 2;
        if text[at..].starts_with('{') {
            return at + branches(&text[at..], &path, all);
        }
    }
    all.push(path);
    at
}

fn branches(text: &str, before: &[String], all: &mut Vec<Vec<String>>) -> usize {
    let mut at = 1;
    while at < text.len() && !text[at..].starts_with('}') {
        let next = text[at..].chars().next().unwrap_or('}');
        if next.is_alphanumeric() || next == '_' || next == '*' {
            at += tree(&text[at..], before, all).max(1);
        } else {
            at += next.len_utf8();
        }
    }
    at + 1
}

/// The module that a path in `module` leads to: the longest beginning of it that is one.
fn target(path: &[String], module: &str, texts: &BTreeMap<String, String>) -> Option<String> {
    let mut at: Vec<&str> = module.split("::").filter(|part| !part.is_empty()).collect();
    for (number, word) in path.iter().enumerate() {
        match word.as_str() {
            "crate" if number == 0 => at.clear(),
            "super" => {
                at.pop();
            }
            "self" => {}
            word => {
                at.push(word);
                if !texts.contains_key(&at.join("::")) {
                    at.pop();
                    break;
                }
            }
        }
    }
    let found = at.join("::");
    texts.contains_key(&found).then_some(found)
}

/// The sets of modules that lead to one another.
fn circles(graph: &Graph) -> Vec<Vec<String>> {
    let reach: BTreeMap<&String, BTreeSet<&String>> = graph.keys().map(|from| (from, reachable(graph, from))).collect();
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for module in graph.keys() {
        if seen.contains(module) || !reach[module].contains(module) {
            continue;
        }
        let circle: Vec<_> = graph.keys().filter(|other| reach[module].contains(other) && reach[other].contains(module)).cloned().collect();
        seen.extend(circle.iter().cloned());
        all.push(circle);
    }
    all
}

fn reachable<'a>(graph: &'a Graph, from: &String) -> BTreeSet<&'a String> {
    let mut found = BTreeSet::new();
    let mut next: Vec<_> = graph[from].iter().collect();
    while let Some(module) = next.pop() {
        if found.insert(module) {
            next.extend(&graph[module]);
        }
    }
    found
}

/// The names of the types that a text defines.
fn defined(text: &str) -> impl Iterator<Item = &str> {
    // What is indented belongs to a trait or to a function.
    text.lines().filter(|line| !line.starts_with(' ')).filter_map(|line| {
        let mut words = line.split_whitespace().skip_while(|word| word.starts_with("pub"));
        // `pub(in crate::x) struct` is one word more.
        let kind = words.find(|word| !word.contains("crate") && !word.ends_with(')'))?;
        let name = words.next().filter(|_| matches!(kind, "struct" | "enum" | "trait" | "type"))?;
        let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
        Some(&name[..end]).filter(|name| name.starts_with(char::is_uppercase))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        circles(&graph(&files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()))
    }

    #[test]
    fn two_files_that_name_each_other_are_a_circle_and_a_parent_with_its_child_is_none() {
        let two = [("a", "use crate::b::{c::D, E};"), ("b", "fn f() { crate::a::g() }"), ("b::c", "")];
        assert_eq!(of(&two), [vec!["a", "b"]], "a path inside a function counts too; what b::c is named for is only b::c's");
        assert_eq!(of(&[("a", "use self::b::C;"), ("a::b", "use super::D;")]), Vec::<Vec<String>>::new());
        assert_eq!(of(&[("a", "use crate::b::X;"), ("b", "use std::a::Y; use my_crate::a::Z;")]), Vec::<Vec<String>>::new());
    }

    #[test]
    fn a_type_is_found_by_its_definition() {
        let text = "pub struct A<T> {\npub(in crate::x) enum B {\npub(super) trait C: D {\n    type E = F;\nfn type_of() {";
        assert_eq!(defined(text).collect::<Vec<_>>(), ["A", "B", "C"]);
    }
}
