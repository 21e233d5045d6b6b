//! Numbers as people write them: what is read is what stands there, and what is refused says what was seen.

use std::fmt::Write as _;

use wharf_api::{Recipient, recipient};

/// A source of chances that gives the same ones each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % sides
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.roll(all.len())]
    }
}

/// How numbers are written in several countries: a digit for each `d`, one from 2 to 9 for each `n`.
const CONVENTIONS: &[&str] = &[
    "+1 (ndd) ndd-dddd",
    "+1-ndd-ndd-dddd",
    "1 ndd ndd dddd",
    "+1.nddndddddd",
    "1.ndd.ndd.dddd",
    "+49 1nd nddddddd",
    "+49 (1nd) ndd dd dd-d",
    "+49 30 ndddd-0",
    "+44 7ndd ndd ndd",
    "+44 (20) nddd dddd",
    "+33 n dd dd dd dd",
    "+33.n.dd.dd.dd.dd",
    "+33n-dd-dd-dd-dd",
    "+39 06 nddd dddd",
    "+39 3nd ndd dddd",
    "+55 (11) 9nddd-dddd",
    "+55 11 9nddd - dddd",
    "+52 1 ndd ndd dddd",
    "+54 9 11 nddd-dddd",
    "+81-90-nddd-dddd",
    "+91 9ndd-ndd-ddd",
    "+91 9dddd ddddd",
    "+86 13d nddd dddd",
    "+225 07 dd dd dd dd",
    "+(49) 1nd nddddddd",
    "4915nnddddddd",
    "+7 9nd ndd-dd-dd",
    "1ndd5550100@s.whatsapp.net",
    "49151nddddddd@c.us",
    "+34\u{a0}6nd\u{202f}ndd\u{a0}ddd",
    "+1 ndd\u{2011}ndd\u{2013}dddd",
];

/// What slips into numbers: signs, and the endings that programs give them.
const SLIPS: &[&str] = &[
    ".0", ".00", ",0", "e+10", "E10", "(0)", "(0", ")", "(", "--", "..", " - ", "+", "++", "x12", ";ext=5", "/", ", ", " ", "  ", "   ",
    "-", ".", "'", "\"", "0", "00", "٣", "３", "o", "\u{200b}", "\n", "\t", ":4", "%2B", "(5)", "#", "*", "_", "{{n}}", "=",
];

fn written(convention: &str, dice: &mut Dice) -> String {
    let digit = |c: char, dice: &mut Dice| match c {
        'd' => char::from(b'0' + u8::try_from(dice.roll(10)).unwrap()),
        'n' => char::from(b'2' + u8::try_from(dice.roll(8)).unwrap()),
        other => other,
    };
    let (number, server) = convention.split_once('@').map_or((convention, ""), |(number, _)| (number, &convention[number.len()..]));
    number.chars().map(|c| digit(c, dice)).collect::<String>() + server
}

fn digits_of(text: &str) -> String {
    text.split('@').next().unwrap().chars().filter(char::is_ascii_digit).collect()
}

#[test]
fn every_countrys_way_of_writing_a_number_is_read_as_its_digits() {
    let mut dice = Dice(20_261_129);
    for round in 0..100 {
        for convention in CONVENTIONS {
            let text = written(convention, &mut dice);
            assert_eq!(Recipient::parse(&text), Ok(Recipient::Phone(digits_of(&text))), "{round}: {text:?} ({convention})");
        }
    }
}

#[test]
fn ten_thousand_spellings_are_read_as_they_stand_or_refused() {
    let mut dice = Dice(15_550_001_002);
    let (mut read, mut refused) = (0, 0);
    for round in 0..10_000 {
        let convention: &str = dice.pick::<&str>(CONVENTIONS);
        let mut text = written(convention, &mut dice);
        for _ in 0..dice.roll(3) {
            let slip: &str = dice.pick::<&str>(SLIPS);
            let places: Vec<_> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let at = *dice.pick(&places);
            text.insert_str(at, slip);
        }
        match Recipient::parse(&text) {
            Ok(Recipient::Phone(digits)) => {
                read += 1;
                holds_nothing_else(&text, &digits, round);
            }
            Ok(other) => panic!("{round}: {text:?} is no {other:?}"),
            Err(reason) => {
                refused += 1;
                assert!(!reason.is_empty());
            }
        }
    }
    assert!(read > 1_000 && refused > 1_000, "{read} were read and {refused} refused");
}

/// The rule, said another way than the reader says it.
fn holds_nothing_else(text: &str, digits: &str, round: usize) {
    let told = || format!("{round}: {text:?} was read as {digits}");
    assert_eq!(digits_of(text), digits, "{}", told());
    assert!((7..=15).contains(&digits.len()) && !digits.starts_with('0'), "{}", told());
    let number = text.split('@').next().unwrap();
    let (first, last) = (number.find(|c: char| c.is_ascii_digit()).unwrap(), number.rfind(|c: char| c.is_ascii_digit()).unwrap());
    let before = number[..first].trim().replace([' ', '\u{a0}'], "");
    assert!(["", "+", "+("].contains(&before.as_str()), "{}", told());
    let known = "0123456789 -.()\u{a0}\u{202f}\u{2011}\u{2013}";
    let inside = &number[first..=last];
    assert!(inside.chars().all(|c| known.contains(c)), "{}", told());
    let plain: String = inside.chars().map(|c| if c.is_ascii_digit() || "-.()".contains(c) { c } else { ' ' }).collect();
    for never in ["--", "..", "-.", ".-", "()", "(0", "((", "))", "( ", " )", "   "] {
        assert!(!plain.contains(never), "{}", told());
    }
    assert!(plain.matches(')').count() <= 1 && number.matches('(').count() == number.matches(')').count(), "{}", told());
    // One digit behind a dot is a decimal, and so are zeros behind the only one.
    if let Some((whole, end)) = plain.rsplit_once('.').filter(|(_, end)| end.bytes().all(|b| b.is_ascii_digit())) {
        assert!(end.len() > 1, "{}", told());
        assert!(whole.contains('.') || end.bytes().any(|b| b != b'0') || end.len() > 3, "{}", told());
    }
}

/// Spellings and what their writers are told. A person reads this table.
const REFUSED: &[(&str, &str)] = &[
    ("1555000200.0", "it ends in .0: is this a number out of a spreadsheet?"),
    ("+1555000200.00", "it ends in .0: is this a number out of a spreadsheet?"),
    ("1.555.000.200.0", "it ends in .0: is this a number out of a spreadsheet?"),
    ("1555000200.0@s.whatsapp.net", "it ends in .0: is this a number out of a spreadsheet?"),
    ("155500020.25", "it is a decimal number: is this a number out of a spreadsheet?"),
    ("1.4155552671", "it is a decimal number: is this a number out of a spreadsheet?"),
    ("1.555 000 200.5", "it is a decimal number: is this a number out of a spreadsheet?"),
    ("1.5550002E+10", "it is in scientific notation: a spreadsheet rounded it, and digits are lost"),
    ("15550002e3", "it is in scientific notation: a spreadsheet rounded it, and digits are lost"),
    ("1,5550002E10", "it is in scientific notation: a spreadsheet rounded it, and digits are lost"),
    ("1555000200,0", "it holds a comma: is it a decimal comma, or are these two numbers? One number goes into one field"),
    ("15550001002,15550001003", "it holds a comma: is it a decimal comma, or are these two numbers? One number goes into one field"),
    (
        "15550001002; 15550001003",
        "it holds a tab, a line break or one of ; | & \\: are these several numbers? One number goes into one field",
    ),
    (
        "15550001002\n15550001003",
        "it holds a tab, a line break or one of ; | & \\: are these several numbers? One number goes into one field",
    ),
    ("15550001002\t42", "it holds a tab, a line break or one of ; | & \\: are these several numbers? One number goes into one field"),
    ("+49 151 1234567/8", "it holds a slash: are these two numbers? One number goes into one field, without a slash"),
    ("+15550001002 +15550001003", "a + stands only once, before everything else: are these two numbers?"),
    ("(+1) 555 000 1002", "a + stands only once, before everything else: are these two numbers?"),
    ("++15550001002", "a + stands only once, before everything else: are these two numbers?"),
    ("'+15550001002", "it begins with an apostrophe: is this a text cell out of a spreadsheet? Leave the apostrophe out"),
    ("=\"15550001002\"", "it begins with =: is this a formula out of a spreadsheet?"),
    ("\"15550001002\"", "it holds quotation marks: write the number without them"),
    (
        "+1 (0) 555 000 1002",
        "a 0 in brackets is dialled only inside the country: leave it out (or the brackets, where the 0 is part of the number)",
    ),
    (
        "+49 (0151) 1234567",
        "a 0 in brackets is dialled only inside the country: leave it out (or the brackets, where the 0 is part of the number)",
    ),
    ("+49 0151 1234567", "the 0 after this country code is dialled only inside the country: leave it out"),
    ("4407911123456", "the 0 after this country code is dialled only inside the country: leave it out"),
    ("+1 1 415 555 2671", "after the country code 1 comes an area code, which begins with 2 to 9"),
    ("0049 151 1234567", "it begins with 00: write + in its place"),
    ("+0049 151 1234567", "it begins with 00: write + in its place"),
    ("0151 1234567", "international format begins with a country code, never with 0"),
    ("011 49 151 1234567", "international format begins with a country code, never with 0"),
    ("(415) 555-2671", "it begins with an area code in brackets: the country code is missing"),
    ("(41) 98765-4321", "it begins with an area code in brackets: the country code is missing"),
    ("+1 415 555 2671 x12", "it ends in an extension: WhatsApp knows only the number before it"),
    ("+1 415 555 2671 ext. 12", "it ends in an extension: WhatsApp knows only the number before it"),
    ("+14155552671;ext=12", "it ends in an extension: WhatsApp knows only the number before it"),
    ("+1 415 555 2671 (12)", "it ends in brackets: is this a second number or an extension?"),
    ("+1 800 FLOWERS", "it holds letters: write every digit"),
    ("1415555267l", "it holds letters: write every digit"),
    ("*100#", "* and # stand in service codes, not in phone numbers"),
    ("tel:+1-415-555-2671", "write the number alone, without the word and the colon before it"),
    ("whatsapp:+14155552671", "write the number alone, without the word and the colon before it"),
    ("https://wa.me/14155552671", "it is a link: write the number that stands in it"),
    ("wa.me/14155552671", "it is a link: write the number that stands in it"),
    ("14155552671:12@s.whatsapp.net", "a colon and what follows name one device: leave them out"),
    ("１４１５５５５２６７１", "it holds digits of another script: write 0 to 9"),
    ("+٤٩١٥١١٢٣٤٥٦٧", "it holds digits of another script: write 0 to 9"),
    ("%2B14155552671", "it is percent-encoded: decode it before it is sent"),
    ("{{phone}}", "it holds one of { } < > [ ] $: was a placeholder left unfilled, or is this a list?"),
    ("[14155552671]", "it holds one of { } < > [ ] $: was a placeholder left unfilled, or is this a list?"),
    ("undefined", "it is a program's word for nothing: the number was not filled in"),
    ("NaN", "it is a program's word for nothing: the number was not filled in"),
    ("", "it is empty"),
    ("  ", "it is empty"),
    ("-14155552671", "it begins with a separator: is this a negative number?"),
    ("14155552671.", "it ends in a separator: was something cut off?"),
    ("1415--5552671", "its separators do not stand as in a phone number: one space, - or . between two groups of digits"),
    ("1 (415 555 2671", "brackets stand once, around 1 to 5 digits"),
    ("1 (415) (555) 2671", "brackets stand once, around 1 to 5 digits"),
    ("1415\u{200b}5552671", "it holds an invisible character, as copied text does: type the number"),
    ("\u{202a}+14155552671\u{202c}", "it holds an invisible character, as copied text does: type the number"),
    ("1415_5552671", "only digits, one leading + and the separators space - . ( ) may stand in a phone number"),
    ("123456", "fewer than 7 digits"),
    ("1234567890123456", "more than 15 digits"),
    ("120363144038483540@newsletter", "a channel cannot be sent to"),
    ("1234@broadcast", "a broadcast list cannot be sent to"),
    ("ada@example.com", "not a phone number, a group id or a LID"),
];

#[test]
fn a_refusal_says_what_was_seen() {
    let mut wrong = String::new();
    for (text, reason) in REFUSED {
        let told = Recipient::parse(text);
        if told != Err(*reason) {
            let _ = writeln!(wrong, "{text:?}: {told:?}, expected {reason:?}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn a_card_keeps_numbers_that_people_dial_and_refuses_what_is_none() {
    for (text, kept) in [
        ("+1 (415) 555-2671", "+14155552671"),
        (" 190 ", "190"),
        ("0800 123 4567", "0800 123 4567"),
        ("*100#", "*100#"),
        ("1-800-FLOWERS", "1-800-FLOWERS"),
        ("+49 (0) 151 1234567", "+49 (0) 151 1234567"),
        ("+1 415 555 2671 x12", "+1 415 555 2671 x12"),
    ] {
        assert_eq!(recipient::on_card(text).as_deref(), Ok(kept), "{text}");
    }
    for text in ["", "1555000200.0", "1.5E+10", "nobody", "{{phone}}", "190\n191", "１９０", &"1".repeat(51)] {
        assert!(recipient::on_card(text).is_err(), "{text}");
    }
}
