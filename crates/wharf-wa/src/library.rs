//! Which client library this program was built with, and how old that is: WhatsApp moves on, and a library that does not stops working.

/// The version of the client library.
pub const LIBRARY: &str = "0.7.0";
/// When it was published, in seconds since 1970: 6 August 2026.
pub const LIBRARY_RELEASED_SECS: i64 = 1_785_974_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_moves_to_another_library_says_here_which_and_of_when() {
        let lock = include_str!("../../../Cargo.lock");
        let built = format!("name = \"whatsapp-rust\"\nversion = \"{LIBRARY}\"");
        assert!(lock.contains(&built), "LIBRARY and its date are those of another version");
    }
}
