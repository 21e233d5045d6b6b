//! What is frozen when a message is accepted: its id on the wire and its plaintext with the message secret.
//!
//! The library would make up a secret at the first try and remember it only after the bytes are out; a repeat after a
//! crash would then carry another secret, and votes, edits and reactions on the message would not decrypt.

use waproto::buffa::{Message as _, MessageField};
use waproto::whatsapp as wa;
use wharf_core::Chance;
use wharf_core::engine::Composed;

/// A text with a fresh id and a fresh secret.
pub(crate) fn text(chance: &dyn Chance, text: &str) -> Composed {
    let mut secret = vec![0; 32];
    chance.fill(&mut secret);
    let message = wa::Message {
        conversation: Some(text.to_owned()),
        message_context_info: MessageField::some(wa::MessageContextInfo { message_secret: Some(secret), ..Default::default() }),
        ..Default::default()
    };
    Composed { wa_id: wa_id(chance), payload: message.encode_to_vec() }
}

/// The message in a frozen payload; `None` where it is damaged.
pub(crate) fn thaw(payload: &[u8]) -> Option<wa::Message> {
    wa::Message::decode_from_slice(payload).ok()
}

/// An id as WhatsApp Web makes them: `3EB0` and 18 upper-case hexadecimal digits.
fn wa_id(chance: &dyn Chance) -> String {
    use std::fmt::Write as _;
    let mut bytes = [0; 9];
    chance.fill(&mut bytes);
    bytes.iter().fold(String::from("3EB0"), |mut id, byte| {
        let _ = write!(id, "{byte:02X}");
        id
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wharf_core::chance::SystemChance;

    #[test]
    fn a_frozen_text_thaws_with_its_words_and_its_secret() {
        let one = text(&SystemChance, "grüße 👋");
        let message = thaw(&one.payload).unwrap();
        assert_eq!(message.conversation.as_deref(), Some("grüße 👋"));
        let secret = message.message_context_info.as_option().and_then(|info| info.message_secret.clone()).unwrap();
        assert_eq!(secret.len(), 32);
        assert_eq!(one.wa_id.len(), 22);
        assert!(one.wa_id.starts_with("3EB0"));
        assert!(one.wa_id[4..].bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b)));
        let two = text(&SystemChance, "grüße 👋");
        assert_ne!(one, two);
    }

    #[test]
    fn damaged_bytes_are_no_message() {
        assert!(thaw(&[0xff, 0xff, 0xff]).is_none());
    }
}
