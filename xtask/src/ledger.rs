//! What the tests really provoked through the API, against what the contract declares.
//!
//! The harnesses write one line per answer, `operation status code`, under the target folder. A code of the catalogue
//! that nobody met is a promise without proof; an answer that no row declares is a promise broken.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use wharf_api::error::ErrorCode;
use wharf_api::ops::{self, COMMON_CODES, Operation, UNROUTED_CODES};

/// A code, and why no test can provoke it yet. Whoever builds the missing part takes its codes off this list.
type Awaited = (ErrorCode, &'static str);

const AWAITED: &[Awaited] = &[];

/// One answer that a test got. `-` stands for no operation, and for no code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    operation: String,
    status: u16,
    code: String,
}

/// Forgets what earlier tests saw.
pub fn empty(target: &Path) -> Result<()> {
    match fs::remove_dir_all(folder(target)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error).context("cannot empty the ledger"),
        _ => Ok(()),
    }
}

/// Fails where the last tests and the contract disagree.
pub fn run(target: &Path) -> Result<()> {
    let seen = read(&folder(target))?;
    ensure!(!seen.is_empty(), "the ledger is empty: run the tests first");
    let proven = seen.iter().filter(|seen| is_own(seen)).count();
    let own: usize = ops::ALL.iter().map(|op| op.own_codes().count()).sum();
    println!("{} kinds of answers seen; {proven} of the {own} codes that operations declare as their own were provoked there", seen.len());
    let faults = faults(&seen, ErrorCode::ALL, AWAITED);
    if faults.is_empty() {
        return Ok(());
    }
    bail!("{}", faults.join("\n"))
}

fn folder(target: &Path) -> std::path::PathBuf {
    target.join("tmp").join("ledger")
}

fn read(folder: &Path) -> Result<BTreeSet<Seen>> {
    let mut seen = BTreeSet::new();
    let files = fs::read_dir(folder).with_context(|| format!("no ledger in {}: run the tests first", folder.display()))?;
    for file in files {
        let path = file?.path();
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for line in text.lines() {
            seen.insert(parse(line).with_context(|| format!("not a line of the ledger: {line}"))?);
        }
    }
    Ok(seen)
}

fn parse(line: &str) -> Option<Seen> {
    let mut words = line.split(' ');
    let (operation, status, code) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
    words.next().is_none().then(|| Seen { operation: operation.to_owned(), status, code: code.to_owned() })
}

fn faults(seen: &BTreeSet<Seen>, declared: &[ErrorCode], awaited: &[Awaited]) -> Vec<String> {
    let mut faults = Vec::new();
    for code in declared {
        let provoked = seen.iter().any(|seen| seen.code == code.name());
        match (provoked, awaited.iter().find(|(awaited, _)| awaited == code)) {
            (false, None) => faults.push(format!("{}: declared, and no test provokes it through the API", code.name())),
            (true, Some((_, why))) => {
                faults
                    .push(format!("{}: awaited ({why}), and a test provokes it: take it off the list in xtask/src/ledger.rs", code.name()));
            }
            _ => {}
        }
    }
    faults.extend(seen.iter().filter(|seen| !is_declared(seen)).map(|seen| {
        format!("{} answered {} {}: declare the code in wharf-api/src/ops.rs, or do not answer it", seen.operation, seen.status, seen.code)
    }));
    faults
}

/// Whether the contract says that this answer can come.
fn is_declared(seen: &Seen) -> bool {
    let operation = operation(seen);
    let Some(code) = ErrorCode::parse(&seen.code) else {
        return seen.code == "-" && operation.is_some_and(|op| op.may_succeed_with(seen.status));
    };
    let declared = match operation {
        Some(op) => op.codes().any(|declared| declared == code),
        None => seen.operation == "-" && (UNROUTED_CODES.contains(&code) || COMMON_CODES.contains(&code)),
    };
    declared && code.status() == seen.status
}

fn is_own(seen: &Seen) -> bool {
    operation(seen).is_some_and(|op| op.own_codes().any(|code| code.name() == seen.code))
}

fn operation(seen: &Seen) -> Option<&'static Operation> {
    ops::ALL.iter().find(|op| op.id == seen.operation).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(lines: &[&str]) -> BTreeSet<Seen> {
        lines.iter().map(|line| parse(line).unwrap()).collect()
    }

    const DECLARED: &[ErrorCode] = &[ErrorCode::SessionNotFound, ErrorCode::InvalidWebhookUrl];
    const NO_WEBHOOKS: &[Awaited] = &[(ErrorCode::InvalidWebhookUrl, "no webhooks yet")];

    #[test]
    fn a_declared_code_that_nothing_provoked_fails_unless_it_is_awaited() {
        let all = seen(&["get_session 404 session_not_found", "get_session 200 -"]);
        assert_eq!(faults(&all, DECLARED, NO_WEBHOOKS), [""; 0]);
        let broken = faults(&all, DECLARED, &[]);
        assert_eq!(broken, ["invalid_webhook_url: declared, and no test provokes it through the API"]);
        assert_eq!(faults(&seen(&["get_session 200 -"]), DECLARED, NO_WEBHOOKS).len(), 1);
    }

    #[test]
    fn an_awaited_code_that_was_provoked_fails() {
        let all = seen(&["get_session 404 session_not_found"]);
        let broken = faults(&all, &DECLARED[..1], &[(ErrorCode::SessionNotFound, "so")]);
        assert!(broken.len() == 1 && broken[0].starts_with("session_not_found: awaited (so), and a test provokes it"), "{broken:?}");
    }

    #[test]
    fn an_answer_that_is_not_declared_fails() {
        for line in [
            "get_session 404 message_not_found",
            "get_session 400 session_not_found",
            "get_session 201 -",
            "get_session 404 -",
            "get_session 206 -",
            "- 200 -",
            "get_session 404 session_lost",
            "no_such_operation 200 -",
            "- 401 invalid_api_key",
        ] {
            let broken = faults(&seen(&[line]), &[], &[]);
            assert!(broken.len() == 1 && broken[0].contains("answered"), "{line}: {broken:?}");
        }
        let good = seen(&[
            "get_health 200 -",
            "get_media 206 -",
            "get_media 304 -",
            "- 404 resource_not_found",
            "- 503 service_unavailable",
            "send_text 201 -",
        ]);
        assert_eq!(faults(&good, &[], &[]), [""; 0]);
    }

    #[test]
    fn a_line_that_is_none_is_refused() {
        for line in ["", "a", "a b c", "a 200", "a 200 - x"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }
}
