//! What the event of a text tells, packed by its shape: the ids, numbers and times as bytes, the words as they are, and none of the names
//! between them.

use std::str::FromStr;

use wharf_api::Timestamp;

/// The first byte of what is packed in this way.
pub(super) const WAY: u8 = 2;

/// The places of these words are what rows have: they never change, and others come behind them.
const DIRECTIONS: [&str; 2] = ["outgoing", "incoming"];
const STATUSES: [&str; 7] = ["queued", "sent", "delivered", "read", "played", "failed", "received"];
const DOMAINS: [&str; 3] = ["@s.whatsapp.net", "@g.us", "@lid"];

/// Where the ids of messages on the wire begin, and how many digits follow in most of them.
const WIRE: &str = "3EB0";
const WIRE_DIGITS: usize = 18;
const ID_DIGITS: usize = 32;
const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

const BEFORE_CREATED: &str = r#"","createdAt":""#;
const LAST: &str = r#""}"#;
/// The time, as it is written in these years.
const CREATED: usize = "2026-12-01T00:00:00.000Z".len();

/// Who wrote it: nobody else than we, the one whose chat it is, or somebody in a group.
const NOBODY: u8 = 0;
const THE_CHAT: u8 = 1;
const A_MEMBER: u8 = 2;

/// How a phone number or a LID beside an id is known.
const MISSING: u8 = 0;
const AS_THE_ID: u8 = 1;
const ITS_OWN: u8 = 2;

/// A chat or a person by numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
struct PackedParty {
    domain: u8,
    digits: u64,
    phone: Option<u64>,
    lid: Option<u64>,
}

/// The text of such an event in few bytes; `None` where it has another shape, or would not be the same again.
pub(super) fn pack(session: &str, text: &str) -> Option<Vec<u8>> {
    let mut rest = text.strip_prefix(r#"{"messageId":"msg_"#)?;
    let id = digits_to_bytes(take(&mut rest, ID_DIGITS)?, LOWER)?;
    rest = rest.strip_prefix(r#"","sessionId":""#)?.strip_prefix(session)?.strip_prefix(r#"","whatsappId":""#)?;
    let wire = until(&mut rest, '"')?;
    rest = rest.strip_prefix(r#"","direction":""#)?;
    let direction = place_in(&DIRECTIONS, until(&mut rest, '"')?)?;
    rest = rest.strip_prefix(r#"","status":""#)?;
    let status = place_in(&STATUSES, until(&mut rest, '"')?)?;
    rest = rest.strip_prefix(r#"","chat":{"chatId":""#)?;
    let chat = party(&mut rest)?;
    rest = rest.strip_prefix('}')?;
    let mut from = None;
    if let Some(mut inner) = rest.strip_prefix(r#","from":{"contactId":""#) {
        let who = party(&mut inner)?;
        let name = match inner.strip_prefix(r#","name":""#) {
            Some(mut named) => {
                let name = until_end_of_text(&mut named)?;
                inner = named.strip_prefix('"')?;
                Some(name)
            }
            None => None,
        };
        rest = inner.strip_prefix('}')?;
        from = Some((who, name));
    }
    rest = rest.strip_prefix(r#","type":"text","text":""#)?;
    let (words, tail) = rest.split_at_checked(rest.len().checked_sub(BEFORE_CREATED.len() + CREATED + LAST.len())?)?;
    let created = tail.strip_prefix(BEFORE_CREATED)?.strip_suffix(LAST)?;
    let at = Timestamp::from_str(created).ok()?;
    if at.to_string() != created {
        return None;
    }

    let known_wire = wire.strip_prefix(WIRE).filter(|digits| digits.len() == WIRE_DIGITS).and_then(|digits| digits_to_bytes(digits, UPPER));
    let written_by = match &from {
        None => NOBODY,
        Some((who, _)) if *who == chat => THE_CHAT,
        Some(_) => A_MEMBER,
    };
    let named = from.as_ref().is_some_and(|(_, name)| name.is_some());
    let mut packed = Vec::with_capacity(64 + words.len());
    packed.extend([WAY, direction | status << 1 | u8::from(known_wire.is_some()) << 4 | written_by << 5 | u8::from(named) << 7]);
    packed.extend(&id);
    match &known_wire {
        Some(bytes) => packed.extend(bytes),
        None => put_text(&mut packed, wire),
    }
    put_party(&mut packed, chat);
    if let Some((who, name)) = from {
        if written_by == A_MEMBER {
            put_party(&mut packed, who);
        }
        if let Some(name) = name {
            put_text(&mut packed, name);
        }
    }
    // Ids begin with the time of their making, mostly this one.
    put_number(&mut packed, u64::try_from(at.as_millis()).ok()? ^ made_at(&id));
    packed.extend(words.as_bytes());
    Some(packed)
}

/// The text that was packed; `None` where it was not.
pub(super) fn unpack(session: &str, packed: &[u8]) -> Option<String> {
    let [WAY, head, rest @ ..] = packed else { return None };
    let mut rest = rest;
    let id = take_bytes(&mut rest, ID_DIGITS / 2)?;
    let wire = if head >> 4 & 1 == 1 {
        let mut wire = WIRE.to_owned();
        push_digits(&mut wire, take_bytes(&mut rest, WIRE_DIGITS / 2)?, UPPER);
        wire
    } else {
        take_text(&mut rest)?.to_owned()
    };
    let direction = DIRECTIONS[usize::from(head & 1)];
    let status = STATUSES.get(usize::from(head >> 1 & 7))?;
    let chat = take_party(&mut rest)?;
    let from = match head >> 5 & 3 {
        NOBODY => None,
        THE_CHAT => Some(chat),
        A_MEMBER => Some(take_party(&mut rest)?),
        _ => return None,
    };
    let name = if head >> 7 == 1 { Some(take_text(&mut rest)?) } else { None };
    let created = take_number(&mut rest)? ^ made_at(id);
    let words = std::str::from_utf8(rest).ok()?;

    let mut text = String::with_capacity(384 + words.len());
    text.push_str(r#"{"messageId":"msg_"#);
    push_digits(&mut text, id, LOWER);
    for part in [r#"","sessionId":""#, session, r#"","whatsappId":""#, &wire, r#"","direction":""#, direction] {
        text.push_str(part);
    }
    for part in [r#"","status":""#, status, r#"","chat":{"chatId":""#] {
        text.push_str(part);
    }
    push_party(&mut text, chat)?;
    text.push('}');
    if let Some(from) = from {
        text.push_str(r#","from":{"contactId":""#);
        push_party(&mut text, from)?;
        if let Some(name) = name {
            for part in [r#","name":""#, name, r#"""#] {
                text.push_str(part);
            }
        }
        text.push('}');
    }
    for part in [r#","type":"text","text":""#, words, BEFORE_CREATED] {
        text.push_str(part);
    }
    text.push_str(&Timestamp::from_millis(i64::try_from(created).ok()?).to_string());
    text.push_str(LAST);
    Some(text)
}

/// The time that an id begins with.
fn made_at(id: &[u8]) -> u64 {
    id.iter().take(6).fold(0, |millis, byte| millis << 8 | u64::from(*byte))
}

fn take<'t>(rest: &mut &'t str, length: usize) -> Option<&'t str> {
    let (taken, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(taken)
}

fn until<'t>(rest: &mut &'t str, end: char) -> Option<&'t str> {
    let length = rest.find(end)?;
    take(rest, length)
}

/// All of a JSON string up to the quote that ends it, which stays.
fn until_end_of_text<'t>(rest: &mut &'t str) -> Option<&'t str> {
    let mut escaped = false;
    let end = rest.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })?;
    take(rest, end)
}

fn place_in(words: &[&str], word: &str) -> Option<u8> {
    words.iter().position(|known| *known == word).and_then(|place| u8::try_from(place).ok())
}

fn digits_to_bytes(digits: &str, of: &[u8; 16]) -> Option<Vec<u8>> {
    let value = |digit: &u8| of.iter().position(|known| known == digit).and_then(|value| u8::try_from(value).ok());
    digits.as_bytes().chunks(2).map(|pair| Some(value(pair.first()?)? << 4 | value(pair.get(1)?)?)).collect()
}

fn push_digits(text: &mut String, bytes: &[u8], of: &[u8; 16]) {
    for byte in bytes {
        text.extend([byte >> 4, byte & 15].map(|value| char::from(of[usize::from(value)])));
    }
}

/// A number as JSON's texts have it here: no sign, and no zero in front, so that it comes back as it was.
fn number(digits: &str) -> Option<u64> {
    let plain = !digits.starts_with('0') && digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}

/// The rest of a chat or a person, behind the quote in which its id begins; up to what has another name.
fn party(rest: &mut &str) -> Option<PackedParty> {
    let id = until(rest, '"')?;
    let (digits, domain) = id.split_at_checked(id.find('@')?)?;
    let (domain, digits) = (place_in(&DOMAINS, domain)?, number(digits)?);
    *rest = rest.strip_prefix('"')?;
    let mut phone = None;
    if let Some(mut inner) = rest.strip_prefix(r#","phoneNumber":""#) {
        phone = Some(number(until(&mut inner, '"')?)?);
        *rest = inner.strip_prefix('"')?;
    }
    let mut lid = None;
    if let Some(mut inner) = rest.strip_prefix(r#","lid":""#) {
        lid = Some(number(until(&mut inner, '"')?.strip_suffix("@lid")?)?);
        *rest = inner.strip_prefix('"')?;
    }
    Some(PackedParty { domain, digits, phone, lid })
}

fn push_party(text: &mut String, party: PackedParty) -> Option<()> {
    let domain = DOMAINS.get(usize::from(party.domain))?;
    for part in [&*party.digits.to_string(), domain, r#"""#] {
        text.push_str(part);
    }
    if let Some(phone) = party.phone {
        for part in [r#","phoneNumber":""#, &phone.to_string(), r#"""#] {
            text.push_str(part);
        }
    }
    if let Some(lid) = party.lid {
        for part in [r#","lid":""#, &lid.to_string(), r#"@lid""#] {
            text.push_str(part);
        }
    }
    Some(())
}

fn put_party(packed: &mut Vec<u8>, party: PackedParty) {
    let known = |number: Option<u64>| match number {
        None => MISSING,
        Some(number) if number == party.digits => AS_THE_ID,
        Some(_) => ITS_OWN,
    };
    let (phone, lid) = (known(party.phone), known(party.lid));
    packed.push(party.domain | phone << 2 | lid << 4);
    put_number(packed, party.digits);
    for (number, _) in [(party.phone, phone), (party.lid, lid)].into_iter().filter(|(_, known)| *known == ITS_OWN) {
        put_number(packed, number.unwrap_or_default());
    }
}

fn take_party(rest: &mut &[u8]) -> Option<PackedParty> {
    let head = take_bytes(rest, 1)?[0];
    if head >> 6 != 0 {
        return None;
    }
    let digits = take_number(rest)?;
    let mut known = |known: u8| match known & 3 {
        MISSING => Some(None),
        AS_THE_ID => Some(Some(digits)),
        ITS_OWN => take_number(rest).map(Some),
        _ => None,
    };
    Some(PackedParty { domain: head & 3, digits, phone: known(head >> 2)?, lid: known(head >> 4)? })
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn put_number(packed: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        packed.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    packed.push(number.to_le_bytes()[0]);
}

fn take_number(rest: &mut &[u8]) -> Option<u64> {
    let mut number: u64 = 0;
    for place in 0..10 {
        let byte = take_bytes(rest, 1)?[0];
        let bits = u64::from(byte & 0x7f);
        number |= bits.checked_shl(7 * place).filter(|shifted| shifted >> (7 * place) == bits)?;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn put_text(packed: &mut Vec<u8>, text: &str) {
    put_number(packed, text.len() as u64);
    packed.extend(text.as_bytes());
}

fn take_text<'p>(rest: &mut &'p [u8]) -> Option<&'p str> {
    let length = usize::try_from(take_number(rest)?).ok()?;
    std::str::from_utf8(take_bytes(rest, length)?).ok()
}

fn take_bytes<'p>(rest: &mut &'p [u8], length: usize) -> Option<&'p [u8]> {
    let (taken, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "ses_01a22fb240a975d898bdf3c6d5a1cff0";
    const ID: &str = "msg_01a22fb2488672639a76499259c500bd";

    fn event(wire: &str, way: &str, chat: &str, from: &str, words: &str, created: &str) -> String {
        format!(
            r#"{{"messageId":"{ID}","sessionId":"{SESSION}","whatsappId":"{wire}",{way},"chat":{{"chatId":{chat}}},{from}"type":"text","text":"{words}","createdAt":"{created}"}}"#
        )
    }

    const WIRE_ID: &str = "3EB06C6C1E9CAA8A7315F4";
    const SENT: &str = r#""direction":"outgoing","status":"sent""#;
    const PERSON: &str = r#""15551000091@s.whatsapp.net","phoneNumber":"15551000091","lid":"7715551000091@lid""#;
    const AT: &str = "2026-12-01T03:42:22.854Z";

    fn usual() -> String {
        event(WIRE_ID, SENT, PERSON, "", "Your order is ready.", AT)
    }

    #[test]
    fn an_event_of_a_text_takes_its_ids_its_numbers_and_its_words() {
        let packed = pack(SESSION, &usual()).unwrap();
        assert_eq!(packed.len(), 2 + 16 + 9 + (1 + 5 + 7) + 1 + "Your order is ready.".len(), "{packed:?}");
        assert_eq!(unpack(SESSION, &packed), Some(usual()));
    }

    #[test]
    fn every_direction_status_chat_and_sender_of_a_text_reads_back() {
        let member = |name: &str| format!(r#""from":{{"contactId":"{}@lid","lid":"{}@lid"{name}}},"#, u64::MAX, u64::MAX);
        let person = format!(r#""from":{{"contactId":{PERSON},"name":"Ann \"\\\"B"}},"#);
        let ways = STATUSES.iter().flat_map(|status| DIRECTIONS.map(|way| format!(r#""direction":"{way}","status":"{status}""#)));
        for way in ways {
            for chat in [PERSON, r#""120363041234567890@g.us""#, r#""7715551000091@lid","phoneNumber":"1","lid":"7715551000091@lid""#] {
                for from in ["", &person, &member(""), &member(r#","name":"""#), &member(r#","name":"Zoë""#)] {
                    for wire in [WIRE_ID, "3EB0", "", "3eb06c6c1e9caa8a7315f4", "AC1234567890ABCDEF1234567890ABCD"] {
                        let text = event(wire, &way, chat, from, r#"\"Ω\" \u0001"#, "1999-12-31T23:59:59.999Z");
                        let packed = pack(SESSION, &text).unwrap_or_else(|| panic!("another shape: {text}"));
                        assert_eq!(unpack(SESSION, &packed), Some(text));
                    }
                }
            }
        }
    }

    #[test]
    fn what_would_come_back_as_another_text_is_not_packed() {
        let usual = usual();
        for (word, other) in [
            ("messageId", "messageID"),
            ("01a22fb2488672639a76499259c500bd", "01A22FB2488672639A76499259C500BD"),
            ("01a22fb2488672639a76499259c500bd", "+1a22fb2488672639a76499259c500bd"),
            ("ses_01", "ses_02"),
            ("outgoing", "sideways"),
            ("sent", "gone"),
            ("15551000091@s.whatsapp.net", "015551000091@s.whatsapp.net"),
            ("15551000091@s.whatsapp.net", "@s.whatsapp.net"),
            ("15551000091@s.whatsapp.net", "+15551000091@s.whatsapp.net"),
            ("15551000091@s.whatsapp.net", "99999999999999999999@s.whatsapp.net"),
            ("15551000091@s.whatsapp.net", "status@broadcast"),
            ("\"phoneNumber\":\"15551000091\"", "\"phoneNumber\":null"),
            ("7715551000091@lid", "7715551000091"),
            ("@lid\"}", "@lid\",\"name\":\"Ann\"}"),
            ("\"type\":\"text\"", "\"type\":\"image\""),
            ("03:42:22.854Z", "03:42:22.85Z"),
            ("03:42:22.854Z", "03:42:22.8541"),
            ("2026-12-01", "2026-13-01"),
            ("2026-12-01", "1969-12-01"),
            ("854Z\"}", "854Z\",\"x\":1}"),
            ("ready.\"", "ready.\",\"forwarded\":true"),
        ] {
            let text = usual.replacen(word, other, 1);
            assert_ne!(text, usual, "{word}");
            assert_eq!(pack(SESSION, &text), None, "{text}");
        }
        for cut in 0..usual.len() {
            assert_eq!(pack(SESSION, &usual[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn what_is_damaged_is_no_text_or_another_one_and_never_a_fault() {
        let packed = pack(SESSION, &usual()).unwrap();
        for place in 0..packed.len() {
            for bit in 0..8 {
                let mut other = packed.clone();
                other[place] ^= 1 << bit;
                assert_ne!(unpack(SESSION, &other), Some(usual()), "{place}, {bit}");
            }
        }
        for cut in 0..packed.len() {
            assert_ne!(unpack(SESSION, &packed[..cut]), Some(usual()), "{cut}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_bytes_there_are_they_are_read_or_refused(bytes in proptest::collection::vec(0_u8.., 0..120)) {
            let packed = [&[WAY], bytes.as_slice()].concat();
            if let Some(text) = unpack(SESSION, &packed) {
                proptest::prop_assert_eq!(text.chars().next(), Some('{'));
            }
        }

        #[test]
        fn whatever_words_a_text_has_it_reads_back(words in ".{0,200}", digits in 1_u64.., lid in 1_u64.., at in 0_i64..253_000_000_000_000) {
            let words = serde_json::Value::from(words).to_string();
            let chat = format!(r#""{digits}@s.whatsapp.net","phoneNumber":"{digits}","lid":"{lid}@lid""#);
            let text = event(WIRE_ID, SENT, &chat, "", &words[1..words.len() - 1], &Timestamp::from_millis(at).to_string());
            let packed = pack(SESSION, &text).expect("it has that shape");
            proptest::prop_assert_eq!(unpack(SESSION, &packed), Some(text));
        }
    }
}
