//! What an event tells, as SQLite keeps it: that of a text by its shape, any other by what nearly all events have in common, where that makes it
//! shorter.

use wharf_core::store::Error;

use super::{of_message, shape};
use crate::sql::{Arg, TextOrBytes, corrupt};

/// The first byte of what is packed in this way: another dictionary would be another way.
const WAY: u8 = 1;
/// Before what is packed: the way, and how long the text is.
const HEAD: usize = 3;
/// How long a text may be: a page takes rows by what they have as they stand, and must not become many times as long where it is read.
const LONGEST: usize = 4_096;
/// How long one may be that is packed by its shape.
const LONGEST_BY_SHAPE: usize = 1_024;

/// What the events of messages have in common, before the session's id and behind it. What was packed by these words opens by no others:
/// a test knows their sum.
const BEFORE: &str = r#""}],"media":{"mediaId":"med_01","mimetype":"application/pdf","fileName":"image/jpeg","fileSize":,"sha256":"audio/ogg; codecs=opus","duration":,"url":"https://","caption":"","latitude":,"longitude":,"status":"failed","error":{"code":"","reason":"","contacts":[{"name":"","quoted":{"messageId":"msg_01","fromId":"","target":{"fromId":"@s.whatsapp.net","messageId":"msg_01","whatsappId":"3EB0"},"type":"reaction","emoji":""type":"edit","text":""type":"deletion","mentions":["@g.us","phoneNumber":null,"forwarded":true,"edited":true,"qr":"https://wa.me/settings/linked_devices#2@","qrExpiresAt":""},"status":"connected"},"status":"qr"},"status":"disconnected","reason":"{"messageId":"msg_01","sessionId":""#;
const BEHIND: &str = r#"","whatsappId":"3EB0","direction":"incoming","status":"received","chat":{"chatId":"","direction":"outgoing","status":"played","chat":{"chatId":"","direction":"outgoing","status":"failed","chat":{"chatId":"","direction":"outgoing","status":"read","chat":{"chatId":"","direction":"outgoing","status":"delivered","chat":{"chatId":"","direction":"outgoing","status":"sent","chat":{"chatId":"","direction":"outgoing","status":"queued","chat":{"chatId":"@s.whatsapp.net","phoneNumber":"","lid":"@lid"},"from":{"contactId":"@lid","name":"@lid"},"type":"text","text":"","createdAt":"2026-1"#;

fn dictionary(session: &str) -> Vec<u8> {
    [BEFORE, session, BEHIND].concat().into_bytes()
}

/// A text as a row has it.
pub(super) enum Told<'t> {
    /// The message's row tells it.
    OfMessage(i64),
    Plain(&'t str),
    Packed(Vec<u8>),
}

impl<'t> Told<'t> {
    pub fn of(session: &str, text: &'t str) -> Self {
        pack(session, text).map_or(Self::Plain(text), Self::Packed)
    }
}

impl<'t> From<&'t Told<'_>> for Arg<'t> {
    fn from(told: &'t Told<'_>) -> Self {
        match told {
            Told::OfMessage(number) => Self::Int(Some(*number)),
            Told::Plain(text) => Self::from(*text),
            Told::Packed(bytes) => Self::from(bytes),
        }
    }
}

/// The text packed, where it is not too long, and shorter then.
fn pack(session: &str, text: &str) -> Option<Vec<u8>> {
    let length = u16::try_from(text.len()).ok().filter(|_| text.len() <= LONGEST)?;
    // Events of an account have nothing of this in common.
    if session.is_empty() || text.contains('\0') {
        return None;
    }
    // Of longer words some come again, and are not written twice in the other way.
    if text.len() <= LONGEST_BY_SHAPE
        && let Some(packed) = shape::pack(session, text)
    {
        return Some(packed);
    }
    let packed = lz4_flex::block::compress_with_dict(text.as_bytes(), &dictionary(session));
    (packed.len() + HEAD < text.len()).then(|| [&[WAY], length.to_le_bytes().as_slice(), &packed].concat())
}

/// The text that was packed for an event of this session; `None` where it was not.
pub fn told_in(session: &str, packed: &[u8]) -> Option<String> {
    // Without a session nothing is packed: that one's row is gone, and by other words another text would come of it.
    if session.is_empty() {
        return None;
    }
    match packed.first() {
        Some(&shape::WAY) => return shape::unpack(session, packed),
        Some(&of_message::WAY) => return of_message::read(session, packed),
        _ => {}
    }
    let [WAY, low, high, block @ ..] = packed else { return None };
    let length = usize::from(u16::from_le_bytes([*low, *high]));
    let text = lz4_flex::block::decompress_with_dict(block, length, &dictionary(session)).ok()?;
    (text.len() == length).then(|| String::from_utf8(text).ok())?
}

/// What a cell of an event's row tells.
pub(super) fn read(session: &str, cell: TextOrBytes) -> Result<String, Error> {
    match cell {
        TextOrBytes::Text(text) => Ok(text),
        TextOrBytes::Bytes(bytes) => told_in(session, &bytes).ok_or_else(|| corrupt("an event whose data cannot be unpacked")),
    }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    const SESSION: &str = "ses_01a22fb240a975d898bdf3c6d5a1cff0";

    fn picture(caption: &str) -> String {
        event("sent", caption).replacen(r#""type":"text","text""#, r#""type":"image","caption""#, 1)
    }

    fn event(status: &str, text: &str) -> String {
        format!(
            r#"{{"messageId":"msg_01a22fb2488672639a76499259c500bd","sessionId":"{SESSION}","whatsappId":"3EB06C6C1E9CAA8A7315F4","direction":"outgoing","status":"{status}","chat":{{"chatId":"15551000091@s.whatsapp.net","phoneNumber":"15551000091","lid":"7715551000091@lid"}},"type":"text","text":"{text}","createdAt":"2026-12-01T03:42:22.854Z"}}"#
        )
    }

    #[test]
    fn an_event_of_a_text_takes_a_quarter_of_its_letters_and_one_of_a_picture_half_and_both_read_back() {
        for status in ["queued", "sent", "delivered", "read", "failed"] {
            let text = event(status, "Your order is ready.");
            let packed = pack(SESSION, &text).unwrap();
            assert!(packed.len() * 4 < text.len(), "{status}: {} of {}", packed.len(), text.len());
            assert_eq!((packed[0], told_in(SESSION, &packed)), (shape::WAY, Some(text)));
        }
        let text = picture("Your order is ready.");
        let packed = pack(SESSION, &text).unwrap();
        assert!(packed.len() * 2 < text.len(), "{} of {}", packed.len(), text.len());
        assert_eq!((packed[0], told_in(SESSION, &packed)), (WAY, Some(text)));
    }

    #[test]
    fn long_words_are_packed_by_what_comes_again_in_them() {
        let [shortest, longest] = [1, 900].map(|length| event("sent", &"ab".repeat(length)));
        for (text, way) in [(shortest, shape::WAY), (longest, WAY)] {
            let packed = pack(SESSION, &text).unwrap();
            assert_eq!((packed[0], told_in(SESSION, &packed)), (way, Some(text)));
        }
    }

    #[test]
    fn what_gets_no_shorter_stays_as_it_is() {
        let digits: String = (0..40_u32).map(|n| char::from(b'!' + (n * 37 % 90) as u8)).collect();
        for (session, text) in [("", &*event("sent", "")), (SESSION, ""), (SESSION, "{}"), (SESSION, &digits)] {
            assert!(matches!(Told::of(session, text), Told::Plain(plain) if plain == text), "{text}");
        }
        let (longest, longer) = ("a".repeat(LONGEST), "a".repeat(LONGEST + 1));
        assert_eq!(told_in(SESSION, &pack(SESSION, &longest).unwrap()), Some(longest));
        assert_eq!(pack(SESSION, &longer), None);
    }

    #[test]
    fn what_is_damaged_or_of_another_session_is_no_text_of_this_one() {
        let text = picture("Your order is ready.");
        let packed = pack(SESSION, &text).unwrap();
        assert_ne!(told_in("ses_01a22fb240a975d898bdf3c6d5a1cff1", &packed), Some(text.clone()));
        assert_eq!(told_in("", &packed), None);
        for cut in 0..packed.len() {
            assert_eq!(told_in(SESSION, &packed[..cut]), None, "{cut}");
        }
        for place in 0..packed.len() {
            let mut other = packed.clone();
            other[place] ^= 0x80;
            assert_ne!(told_in(SESSION, &other), Some(text.clone()), "{place}");
        }
    }

    #[test]
    fn the_words_by_which_events_are_packed_are_those_of_all_databases_that_there_are() {
        let sum = Sha256::digest(dictionary(SESSION)).iter().fold(String::new(), |sum, byte| format!("{sum}{byte:02x}"));
        assert_eq!(
            sum, "ba9c79dacfdb2715ae0726e69a1ec54cec0d1805c76a3b7734f7693aa7e0fd13",
            "other words are another way, with a number of its own"
        );
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_packed_reads_back(text in ".{0,600}") {
            if let Some(packed) = pack(SESSION, &text) {
                proptest::prop_assert_eq!(told_in(SESSION, &packed), Some(text));
            }
        }
    }
}
