use proptest::prelude::*;

use super::*;

#[test]
fn what_is_no_number_is_told_what_it_is_instead() {
    for (text, misread) in [
        ("  ", Misread::Empty),
        ("https://wa.me/14155552671", Misread::Link),
        ("wa.me/14155552671", Misread::Link),
        ("tel:+14155552671", Misread::Scheme),
        ("=14155552671", Misread::Formula),
        ("'14155552671", Misread::Apostrophe),
        ("\"14155552671\"", Misread::Quotes),
        ("{{phone}}", Misread::Placeholder),
        ("[14155552671]", Misread::Placeholder),
        ("null", Misread::Nothing),
        ("#N/A", Misread::Nothing),
        ("%2B14155552671", Misread::Encoded),
        ("*100#", Misread::ServiceCode),
        ("١٤١٥٥٥٥٢٦٧١", Misread::OtherDigits),
        ("4.91511E+11", Misread::Scientific),
        ("+1 415 555 2671 ext. 5", Misread::Extension),
        ("14155552671x5", Misread::Extension),
        ("1-800-FLOWERS", Misread::Letters),
        ("14155552671,14155552672", Misread::Comma),
        ("14155552671/72", Misread::Slash),
        ("14155552671;14155552672", Misread::Several),
        ("14155552671\n14155552672", Misread::Several),
        ("1+4155552671", Misread::Plus),
        ("14155552671:3", Misread::Device),
        ("\u{200e}14155552671", Misread::Invisible),
        ("14155552671!", Misread::OtherSign),
        ("-14155552671", Misread::Leading),
        ("14155552671-", Misread::Trailing),
        ("1415--5552671", Misread::Separators),
        ("1(415555)2671", Misread::Brackets),
        ("(415) 555-2671", Misread::BracketsFirst),
        ("1415555(2671)", Misread::BracketsLast),
        ("+44 (0)20 7946 0958", Misread::ZeroInBrackets),
        ("14155552671.0", Misread::Spreadsheet),
        ("1415555.2671", Misread::Decimal),
        ("0014155552671", Misread::DoubleZero),
        ("0151234567", Misread::Zero),
        ("+4901511234567", Misread::TrunkZero),
        ("+1015551234", Misread::NoAreaCode),
        ("+", Misread::Short),
        ("123456", Misread::Short),
        ("1234567890123456", Misread::Long),
    ] {
        assert_eq!(read(text), Err(misread), "{text:?}");
        assert_eq!(phone(text), Err(misread.reason()), "{text:?}");
    }
}

#[test]
fn a_number_is_read_as_registries_print_shops_and_phones_write_it() {
    for (text, digits) in [
        ("+49 151 1234567", "491511234567"),
        ("+49.1511234567", "491511234567"),
        ("+49\u{a0}151\u{a0}1234567", "491511234567"),
        ("+49\u{2013}151\u{2013}1234567", "491511234567"),
        ("+1 (415) 555-2671", "14155552671"),
        ("\t14155552671\n", "14155552671"),
        // In Italy the 0 belongs to the number.
        ("+39 06 1234567", "39061234567"),
    ] {
        assert_eq!(read(text).as_deref(), Ok(digits), "{text:?}");
    }
}

#[test]
fn a_card_keeps_what_people_dial_as_it_is_written_and_no_mistake() {
    for (text, shown) in [
        ("+1 (415) 555-2671", "+14155552671"),
        (" 112 ", "112"),
        ("*100#", "*100#"),
        ("1-800-FLOWERS", "1-800-FLOWERS"),
        ("030 1234567", "030 1234567"),
        ("14155552671x5", "14155552671x5"),
    ] {
        assert_eq!(on_card(text).as_deref(), Ok(shown), "{text:?}");
    }
    let long = format!("1-800-{}", "A".repeat(limits::CARD_NUMBER_CHARS));
    for text in ["", "ABC", "4.91511E+11", "https://wa.me/14155552671", "1234567890123456", "14155552671.0", long.as_str()] {
        assert!(on_card(text).is_err(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn separators_between_groups_change_no_digit(
        groups in prop::collection::vec("[1-9][0-9]{2,3}", 2..4),
        separator in prop::sample::select(vec![" ", "-", ".", " - ", "\u{a0}", "\u{2010}"]),
    ) {
        let text = format!("+49{separator}{}", groups.join(separator));
        prop_assert_eq!(read(&text), Ok(format!("49{}", groups.concat())));
    }

    /// What a card shows is shown once more as it is: a card that is forwarded does not change.
    #[test]
    fn what_stands_on_a_card_stands_there_as_it_is(text in "[+]?[0-9A-F*#/]{1,8}([ .()-]{0,2}[0-9x]{1,6}){0,3}") {
        if let Ok(shown) = on_card(&text) {
            prop_assert_eq!(on_card(&shown), Ok(shown.clone()));
            prop_assert!(shown.bytes().any(|b| b.is_ascii_digit()) && shown.chars().count() <= limits::CARD_NUMBER_CHARS);
        }
    }
}
