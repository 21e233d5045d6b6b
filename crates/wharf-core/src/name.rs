//! The names that people give to things, whichever way they come in.

use wharf_api::{ApiError, ErrorCode, limits};

/// Why a name is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Bad {
    #[error("the name is empty")]
    Empty,
    #[error("a name has at most {max} characters")]
    Long { max: usize, chars: usize },
    #[error("a name has no control characters")]
    Control,
    #[error("a plan's name has 1 to {max} lower-case letters, digits, - and _")]
    Plan { max: usize },
}

impl From<&Bad> for ApiError {
    fn from(bad: &Bad) -> Self {
        let error = Self::new(ErrorCode::InvalidRequest).reason(bad.to_string()).field("name");
        match bad {
            Bad::Long { max, chars } => error.limit(*max as u64, *chars as u64),
            Bad::Empty | Bad::Control | Bad::Plan { .. } => error,
        }
    }
}

/// The name without spaces around it, if it has 1 to `max` characters and none of them is a control character.
pub fn checked(name: &str, max: usize) -> Result<&str, Bad> {
    let name = name.trim();
    let chars = name.chars().count();
    if name.is_empty() {
        return Err(Bad::Empty);
    }
    if chars > max {
        return Err(Bad::Long { max, chars });
    }
    if name.chars().any(char::is_control) {
        return Err(Bad::Control);
    }
    Ok(name)
}

/// The name of a plan: it stands in URLs.
pub fn plan(name: &str) -> Result<&str, Bad> {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    let max = limits::PLAN_NAME_CHARS;
    if (1..=max).contains(&name.len()) && name.bytes().all(good) { Ok(name) } else { Err(Bad::Plan { max }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_to_max_characters_whatever_their_bytes() {
        assert_eq!(checked(" é ", 1), Ok("é"));
        assert_eq!(checked("👋👋", 1), Err(Bad::Long { max: 1, chars: 2 }));
        assert_eq!(checked("  ", 100), Err(Bad::Empty));
        assert_eq!(checked("a\nb", 100), Err(Bad::Control));
    }

    #[test]
    fn a_plans_name_can_stand_in_a_url() {
        assert_eq!(plan("pro-2_x"), Ok("pro-2_x"));
        for bad in ["", "Pro", "a b", "a/b", &"x".repeat(51)] {
            assert!(plan(bad).is_err(), "{bad:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_taken_as_a_name_is_taken_as_it_is_once_more(text in ".{0,40}", max in 1_usize..40) {
            if let Ok(name) = checked(&text, max) {
                proptest::prop_assert_eq!(checked(name, max), Ok(name));
                proptest::prop_assert!(!name.is_empty() && name.chars().count() <= max && !name.chars().any(char::is_control));
            }
        }
    }
}
