//! Paths that are nearly one of ours: a slash too many, a base address that holds the version already, other letters. Whoever asked is told
//! what was meant; nobody is sent on, for a request that was not understood is not to be repeated elsewhere.

use wharf_api::ApiError;
use wharf_api::ErrorCode;
use wharf_api::ops;

/// The longest path that is shown again.
const SHOWN: usize = 200;

/// What is said of a path that is none.
pub(super) fn refusal(path: &str) -> ApiError {
    let refusal = ApiError::new(ErrorCode::ResourceNotFound);
    match of(path) {
        Some(meant) => refusal.reason(format!("there is no such path; did you mean {meant}?")),
        None => refusal.reason("there is no such path"),
    }
}

/// The path that was meant, where it is one of ours.
fn of(path: &str) -> Option<String> {
    if path.len() > SHOWN {
        return None;
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    // What stands before the version belongs to an address that somebody put together.
    let version = parts.iter().rposition(|part| part.eq_ignore_ascii_case("v1"));
    let versioned = ["v1"].into_iter().chain(parts[version.map_or(0, |at| at + 1)..].iter().copied()).collect::<Vec<_>>();
    [versioned, parts].iter().find_map(|parts| ops::ALL.iter().find_map(|operation| fitted(operation.path, parts)))
}

/// The path as an operation has it, with the parts that are the caller's own.
fn fitted(known: &str, parts: &[&str]) -> Option<String> {
    let known: Vec<&str> = known.split('/').skip(1).collect();
    if known.len() != parts.len() {
        return None;
    }
    let mut path = String::new();
    for (known, part) in known.iter().zip(parts) {
        let own = known.starts_with('{');
        if !own && !known.eq_ignore_ascii_case(part) {
            return None;
        }
        path.push('/');
        path.push_str(if own { part } else { known });
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_nearly_one_is_known_and_another_is_not() {
        for (path, meant) in [
            ("//v1/account/", Some("/v1/account")),
            ("/wa/V1/Messages/Text", Some("/v1/messages/text")),
            ("/v1/v1/messages/msg_X", Some("/v1/messages/msg_X")),
            ("/messages/text", Some("/v1/messages/text")),
            ("/API/whatsapp/sessions/", Some("/api/whatsapp/sessions")),
            ("/v1/accounts", None),
            ("/v1", None),
            ("/", None),
        ] {
            assert_eq!(of(path).as_deref(), meant, "{path}");
        }
        assert_eq!(of(&format!("/v1/messages/{}/", "x".repeat(SHOWN))), None);
    }

    #[test]
    fn no_path_of_ours_is_taken_for_another_of_ours() {
        for operation in ops::ALL {
            assert_eq!(of(&format!("{}/", operation.path)).as_deref(), Some(operation.path));
        }
    }
}
