//! The `name` that people give to things.

use wharf_api::ApiError;

use super::envelope::invalid;

/// The name without spaces around it, if it has 1 to `max` characters and none of them is a control character.
pub(super) fn checked(name: &str, max: usize) -> Result<&str, ApiError> {
    let name = name.trim();
    let chars = name.chars().count();
    if name.is_empty() {
        return Err(invalid("the name is empty").field("name"));
    }
    if chars > max {
        return Err(invalid(format!("a name has at most {max} characters")).field("name").limit(max as u64, chars as u64));
    }
    if name.chars().any(char::is_control) {
        return Err(invalid("a name has no control characters").field("name"));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_to_max_characters_whatever_their_bytes() {
        assert_eq!(checked(" é ", 1).unwrap(), "é");
        assert_eq!(checked("👋👋", 1).unwrap_err().details.actual, Some(2));
        for bad in ["", "  ", "a\nb"] {
            assert!(checked(bad, 100).is_err(), "{bad:?}");
        }
    }
}
