//! Passwords: what is taken for one, and how one is hashed and compared. Rules as NIST SP 800-63B wants them: a length, no common ones,
//! and no composition.

use argon2::Params;
use argon2::password_hash::CustomizedPasswordHasher as _;
use wharf_api::limits;

use super::Error;
use super::hasher::Hasher;
use crate::services::Services;

/// What stands in the place of the password of a name that nobody has: comparing costs as much as with a real one, and nothing fits.
pub(super) const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$d2hhcmYgaGFzIG5vYm9keQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
/// How many different characters a password has at the least.
const DIFFERENT: usize = 5;

/// Of the passwords that most people use, those that are long enough; in lower case and without spaces.
const COMMON: &[&str] = &[
    "123412341234",
    "1234567890123",
    "1234567890qwerty",
    "123456789abc",
    "123456qwerty",
    "1q2w3e4r5t6y",
    "1q2w3e4r5t6y7u",
    "1qaz2wsx3edc",
    "1qaz2wsx3edc4rfv",
    "abc123abc123",
    "abcd12345678",
    "adminadmin12",
    "adminadminadmin",
    "administrator",
    "administrator1",
    "asdfghjkl123",
    "asdfghjklqwerty",
    "changemechangeme",
    "changemenow1",
    "changethispassword",
    "correcthorsebatterystaple",
    "defaultpassword",
    "dragondragon",
    "football1234",
    "iloveyou1234",
    "iloveyouforever",
    "letmein123456",
    "letmeinletmein",
    "liverpool123",
    "manchesterunited",
    "mypassword123",
    "p@ssw0rd1234",
    "p@ssword1234",
    "passw0rd1234",
    "password!234",
    "password1234",
    "password12345",
    "password123456",
    "password123!",
    "passwordpassword",
    "princess1234",
    "q1w2e3r4t5y6",
    "qazwsxedcrfv",
    "qwerty123456",
    "qwerty1234567",
    "qwertyqwerty",
    "qwertyuiop12",
    "qwertyuiop123",
    "qwertyuiopasdf",
    "qwertyuiopasdfghjkl",
    "secretsecret",
    "sunshine1234",
    "superman1234",
    "trustno1trustno1",
    "welcome12345",
    "welcome123456",
    "whatsapp1234",
    "whatsapppassword",
    "whatsappwhatsapp",
    "zaq12wsxcde3",
];

/// Why a text is taken for no password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    #[error("a password has {} to {} characters", limits::PASSWORD_CHARS.start(), limits::PASSWORD_CHARS.end())]
    Length,
    #[error("many people use this password: it would be guessed")]
    Common,
    #[error("a password is not the name")]
    Name,
    #[error("a password has at least {DIFFERENT} different characters, and is no row of letters or digits")]
    Row,
}

/// Refuses what would be guessed.
pub(crate) fn check(password: &str, name: &str) -> Result<(), Weak> {
    if !limits::PASSWORD_CHARS.contains(&password.chars().count()) {
        return Err(Weak::Length);
    }
    let plain: String = password.to_lowercase().chars().filter(|letter| !letter.is_whitespace()).collect();
    if COMMON.contains(&plain.as_str()) {
        return Err(Weak::Common);
    }
    // The name, and digits or signs around it.
    let around = |letter: char| !letter.is_alphabetic();
    if plain == name || !name.is_empty() && plain.trim_matches(around) == name.trim_matches(around) {
        return Err(Weak::Name);
    }
    let mut letters: Vec<char> = plain.chars().collect();
    let steps = letters.windows(2).filter(|pair| (pair[0] as u32).abs_diff(pair[1] as u32) == 1).count();
    if steps + 3 >= letters.len() {
        return Err(Weak::Row);
    }
    letters.sort_unstable();
    letters.dedup();
    if letters.len() < DIFFERENT { Err(Weak::Row) } else { Ok(()) }
}

/// What is stored of a password. The password was checked before.
pub(crate) async fn hash(services: &Services, password: &str) -> Result<String, Error> {
    let mut salt = [0; 16];
    services.chance.fill(&mut salt);
    let password = password.to_owned();
    services
        .doors
        .turns
        .take(move || {
            Hasher
                .hash_password_with_params(password.as_bytes(), &salt, Params::default())
                .expect("a password of some hundred bytes can be hashed")
                .to_string()
        })
        .await
        .map_err(Error::from)
}

#[cfg(test)]
mod tests {
    use argon2::Argon2;
    use argon2::password_hash::PasswordHasher as _;
    use argon2::password_hash::phc::PasswordHash;

    use super::*;
    use crate::login::turns::Turns;

    #[test]
    fn long_passwords_are_good_whatever_they_are_made_of_and_guessable_ones_are_not() {
        for good in ["a long and quiet password", "zwölf Boxkämpfer", "0b7c2d9e4f1a", "ТихоеМорескажет"] {
            assert_eq!(check(good, "ada"), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("elevenchars", Weak::Length),
            (&*"x7".repeat(65), Weak::Length),
            ("Password1234", Weak::Common),
            ("correct horse battery staple", Weak::Common),
            ("ada@example.com", Weak::Name),
            ("ADA@example.com!1", Weak::Name),
            ("aaaaaaaaaaaaaaa", Weak::Row),
            ("abababababab", Weak::Row),
            ("abcdefghijklm", Weak::Row),
            ("987654321098", Weak::Row),
        ] {
            assert_eq!(check(bad, "ada@example.com"), Err(why), "{bad}");
        }
    }

    #[test]
    fn every_common_password_is_long_enough_to_be_listed() {
        for password in COMMON {
            assert!(limits::PASSWORD_CHARS.contains(&password.chars().count()), "{password}");
        }
    }

    #[tokio::test]
    async fn a_password_fits_what_was_made_of_it_and_nothing_fits_nobodys() {
        let stored = Argon2::default().hash_password_with_salt(b"a long and quiet password", &[7; 16]).unwrap().to_string();
        let own = Hasher.hash_password_with_params(b"a long and quiet password", &[7; 16], Params::default()).unwrap().to_string();
        assert_eq!(own, stored, "as the library makes it");
        // Whoever compares with nobody's takes as long: the same cost stands in both.
        let cost = |text: &str| text.split('$').take(4).collect::<Vec<_>>().join("$");
        assert_eq!(cost(&stored), cost(NOBODYS));
        let turns = Turns::default();
        assert!(turns.matches(&stored, "a long and quiet password").await.unwrap());
        assert!(!turns.matches(&stored, "a long and quiet passwore").await.unwrap());
        assert!(!turns.matches(NOBODYS, "a long and quiet password").await.unwrap());
        assert!(PasswordHash::new(NOBODYS).is_ok());
    }
}
