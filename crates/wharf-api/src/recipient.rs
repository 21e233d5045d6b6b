//! Where a message goes: what may stand in `to`.

mod number;

pub use number::{Misread, on_card, phone, read};

/// The chat that statuses stand in, as WhatsApp writes it.
pub const STATUS_CHAT: &str = "status@broadcast";

/// Whether a chat's id is a group's.
pub fn is_group(chat: &str) -> bool {
    chat.ends_with("@g.us")
}

/// Whether many people write in the chat, so that its id does not say who wrote.
pub fn is_shared(chat: &str) -> bool {
    is_group(chat) || chat == STATUS_CHAT
}

/// A recipient that is well formed; whether it exists is another question.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Recipient {
    /// A phone number in international format: digits only.
    Phone(String),
    /// A linked identity, as received messages name it: the digits before `@lid`.
    Lid(String),
    /// A group: the part before `@g.us`.
    Group(String),
    /// The statuses of the session, which those see whom each is for.
    Status,
}

impl Recipient {
    /// Reads a phone number (optional leading `+`, separators `space - . ( )` where people put them), a number with
    /// `@s.whatsapp.net` or `@c.us`, `…@lid`, `…@g.us`, or `status`. `Err` tells what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text == "status" || text == STATUS_CHAT {
            return Ok(Self::Status);
        }
        match text.split_once('@') {
            None => phone(text).map(Self::Phone),
            Some((user, "s.whatsapp.net" | "c.us")) => phone(user).map(Self::Phone),
            Some((user, "lid")) if digits(user, 1..=20) => Ok(Self::Lid(user.to_owned())),
            Some((user, "g.us")) if !user.is_empty() && user.len() <= 40 && user.bytes().all(|b| b.is_ascii_digit() || b == b'-') => {
                Ok(Self::Group(user.to_owned()))
            }
            Some((_, "newsletter")) => Err("a channel cannot be sent to"),
            Some((_, "broadcast")) => Err("a broadcast list cannot be sent to"),
            Some(_) => Err("not a phone number, a group id or a LID"),
        }
    }

    /// Reads one person: a phone number or a LID.
    pub fn parse_person(text: &str) -> Result<Self, &'static str> {
        match Self::parse(text)? {
            Self::Group(_) => Err("a group is no person"),
            Self::Status => Err("a status is no person"),
            person => Ok(person),
        }
    }

    /// The id as WhatsApp writes it (`user@server`), which is also the id of the chat.
    pub fn jid(&self) -> String {
        match self {
            Self::Phone(user) => format!("{user}@s.whatsapp.net"),
            Self::Lid(user) => format!("{user}@lid"),
            Self::Group(user) => format!("{user}@g.us"),
            Self::Status => STATUS_CHAT.to_owned(),
        }
    }

    /// The phone number, where the recipient is named by one.
    pub fn phone(&self) -> Option<&str> {
        match self {
            Self::Phone(digits) => Some(digits),
            Self::Lid(_) | Self::Group(_) | Self::Status => None,
        }
    }
}

fn digits(text: &str, len: std::ops::RangeInclusive<usize>) -> bool {
    len.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_spellings_of_one_number_are_one_recipient() {
        for text in
            ["14155552671", "+14155552671", "+1 (415) 555-2671", "1.415.555.2671", " 14155552671@s.whatsapp.net", "14155552671@c.us"]
        {
            assert_eq!(Recipient::parse(text), Ok(Recipient::Phone("14155552671".into())), "{text}");
        }
    }

    #[test]
    fn seven_to_fifteen_digits_are_a_number_and_one_less_or_more_is_not() {
        assert!(phone("1234567").is_ok());
        assert!(phone("123456").is_err());
        assert!(phone("123456789012345").is_ok());
        assert!(phone("1234567890123456").is_err());
    }

    #[test]
    fn what_is_no_international_number_is_refused() {
        for text in ["", "+", "0151234567", "++14155552671", "1415555abcd", "14155552671x", "1415555267+1", "14155552671@example.com"] {
            assert!(Recipient::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn groups_and_lids_are_recipients_under_their_own_ids() {
        assert_eq!(Recipient::parse("120363012345678901@g.us").unwrap().jid(), "120363012345678901@g.us");
        assert_eq!(Recipient::parse("98765432101234@lid").unwrap(), Recipient::Lid("98765432101234".into()));
        assert_eq!(Recipient::parse("status").unwrap().jid(), STATUS_CHAT);
        assert_eq!(Recipient::parse(STATUS_CHAT), Ok(Recipient::Status));
        assert!(Recipient::parse("statuses").is_err());
        assert!(Recipient::parse("@g.us").is_err());
        assert!(Recipient::parse("12a@lid").is_err());
    }

    #[test]
    fn a_channel_is_refused_by_its_name() {
        assert_eq!(Recipient::parse("120363144038483540@newsletter"), Err("a channel cannot be sent to"));
    }

    #[test]
    fn a_group_and_a_status_are_no_person() {
        assert!(Recipient::parse_person("14155552671").is_ok());
        assert!(Recipient::parse_person("98765432101234@lid").is_ok());
        assert!(Recipient::parse_person("120363012345678901@g.us").is_err());
        assert!(Recipient::parse_person("status").is_err());
    }

    const NUMBERS: &str = "[+]?[0-9]{1,5}([ .()-]{0,2}[0-9]{1,5}){0,3}[a-z\u{200e}]{0,1}";
    const IDS: &str = "([+]?[0-9]{5,16}|[0-9-]{1,20}|status)(@(lid|g[.]us|c[.]us|s[.]whatsapp[.]net|broadcast))?";

    proptest::proptest! {
        #[test]
        fn whatever_is_read_as_a_number_is_read_so_once_more_and_has_digits_only(text in NUMBERS) {
            if let Ok(Recipient::Phone(digits)) = Recipient::parse(&text) {
                proptest::prop_assert!(digits.bytes().all(|b| b.is_ascii_digit()) && crate::limits::PHONE_DIGITS.contains(&digits.len()));
                proptest::prop_assert_eq!(Recipient::parse(&digits), Ok(Recipient::Phone(digits.clone())));
            }
        }

        #[test]
        fn a_recipient_is_found_by_its_own_id(text in IDS) {
            if let Ok(recipient) = Recipient::parse(&text) {
                proptest::prop_assert_eq!(Recipient::parse(&recipient.jid()), Ok(recipient));
            }
        }
    }
}
