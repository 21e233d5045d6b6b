use wharf_core::chance::SystemChance;
use wharf_core::engine::Key;

use super::*;

const OWN: &str = "15550000001@s.whatsapp.net";

fn frozen(draft: &Draft) -> (Composed, wa::Message) {
    frozen_to("15550001001", draft)
}

fn frozen_to(to: &str, draft: &Draft) -> (Composed, wa::Message) {
    let to = Recipient::parse(to).unwrap();
    let composed = compose(&SystemChance, OWN, &to, draft, Timestamp::from_millis(1_800_000_000_000));
    let message = read(&composed.payload).unwrap();
    (composed, message)
}

fn text(text: &str) -> Draft {
    Draft::new(Body::Text { text: text.to_owned(), preview: None, background: None })
}

#[test]
fn a_frozen_text_thaws_with_its_words_and_its_secret() {
    let (one, message) = frozen(&text("grüße 👋"));
    assert_eq!(message.conversation.as_deref(), Some("grüße 👋"));
    let secret = message.message_context_info.as_option().and_then(|info| info.message_secret.clone()).unwrap();
    assert_eq!(secret.len(), 32);
    assert_eq!(one.wa_id.len(), 22);
    assert!(one.wa_id.starts_with("3EB0"));
    assert!(one.wa_id[4..].bytes().all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b)));
    assert_ne!(one, frozen(&text("grüße 👋")).0);
}

#[test]
fn a_reply_names_the_author_of_what_it_answers() {
    let quote = |from_me, sender: Option<&str>| Quote {
        key: Key { wa_id: "3EB0AA".to_owned(), from_me, sender: sender.map(str::to_owned) },
        content: wharf_api::types::message::Content::text("before"),
        view_once: false,
        elsewhere: None,
    };
    for (quote, author) in
        [(quote(true, None), OWN), (quote(false, None), "15550001001@s.whatsapp.net"), (quote(false, Some("987@lid")), "987@lid")]
    {
        let (_, message) = frozen(&Draft { reply: Some(quote), ..text("after") });
        let extended = message.extended_text_message.as_option().unwrap();
        let context = extended.context_info.as_option().unwrap();
        assert_eq!(context.participant.as_deref(), Some(author));
        assert_eq!(context.stanza_id.as_deref(), Some("3EB0AA"));
        assert_eq!(context.quoted_message.as_option().unwrap().conversation.as_deref(), Some("before"));
    }
}

#[test]
fn a_frozen_message_still_tells_which_feature_it_needs() {
    let target = || Key { wa_id: "3EB0AA".to_owned(), from_me: true, sender: None };
    let media = |kind, voice, view_once| {
        let file = wharf_core::engine::Uploaded {
            url: String::new(),
            direct_path: String::new(),
            media_key: [0; 32],
            file_sha256: [0; 32],
            file_enc_sha256: [0; 32],
            size: 0,
            key_at_secs: 0,
            sidecar: None,
        };
        Body::Media(Box::new(wharf_core::engine::Media {
            kind,
            file,
            mime_type: "x/y".to_owned(),
            caption: None,
            file_name: None,
            voice,
            view_once,
            width: None,
            height: None,
            seconds: None,
            thumbnail: None,
        }))
    };
    let card = |name: &str| wharf_api::types::message::ContactCard {
        name: name.to_owned(),
        phone_numbers: vec!["15550001001".to_owned()],
        organization: None,
    };
    let poll = |selectable_count| Body::Poll { question: "q".to_owned(), options: vec!["a".to_owned(), "b".to_owned()], selectable_count };
    let mut bodies = vec![
        text("x").body,
        Body::Location { latitude: 1.0, longitude: 2.0, name: None, address: None },
        Body::Contact { contacts: vec![card("a")] },
        Body::Contact { contacts: vec![card("a"), card("b")] },
        poll(1),
        poll(2),
        Body::Reaction { target: target(), emoji: "x".to_owned() },
        Body::Edit { target: target(), text: "x".to_owned(), captioned: None },
        Body::Revoke { target: target() },
    ];
    for kind in wharf_api::types::media::MediaKind::ALL {
        bodies.extend([media(*kind, false, false), media(*kind, false, true)]);
    }
    for body in bodies {
        let (_, message) = frozen(&Draft::new(body.clone()));
        assert_eq!(feature(&message), wharf_core::switches::feature_of(&body), "{body:?}");
    }
    let preview = wharf_core::engine::Preview {
        link: wharf_api::types::message::LinkPreview { url: "u".to_owned(), title: "t".to_owned(), description: None },
        thumbnail: None,
    };
    let (_, message) = frozen(&Draft::new(Body::Text { text: "x".to_owned(), preview: Some(preview), background: None }));
    assert_eq!(feature(&message), wharf_api::types::switches::Feature::Texts);
}

#[test]
fn damaged_bytes_are_no_message() {
    assert!(read(&[0xff, 0xff, 0xff]).is_none());
}

/// The members of a message by their numbers, `6.17.3` for one inside of others, as deep as `wanted` looks.
fn members(bytes: &[u8], place: &str, wanted: &[&str], seen: &mut std::collections::BTreeSet<String>) {
    let mut rest = bytes;
    let number = |rest: &mut &[u8]| {
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let (first, others) = rest.split_first().unwrap();
            *rest = others;
            value |= u64::from(first & 0x7f) << shift;
            shift += 7;
            if first & 0x80 == 0 {
                return value;
            }
        }
    };
    while !rest.is_empty() {
        let tag = number(&mut rest);
        let path = if place.is_empty() { (tag >> 3).to_string() } else { format!("{place}.{}", tag >> 3) };
        let length = match tag & 7 {
            0 => {
                number(&mut rest);
                0
            }
            1 => 8,
            5 => 4,
            _ => usize::try_from(number(&mut rest)).unwrap(),
        };
        let (own, others) = rest.split_at(length);
        rest = others;
        if wanted.iter().any(|wanted| wanted.starts_with(&format!("{path}."))) {
            members(own, &path, wanted, seen);
        } else {
            seen.insert(path);
        }
    }
}

/// docs/real-whatsapp.md has the same table in words, beside what other clients write.
#[test]
fn every_act_says_what_the_table_of_members_has_and_nothing_else() {
    let target = || Key { wa_id: "3EB0AA".to_owned(), from_me: true, sender: None };
    let quote = Quote { key: target(), content: wharf_api::types::message::Content::text("before"), view_once: false, elsewhere: None };
    let poll = |selectable_count| Body::Poll { question: "q".to_owned(), options: vec!["a".to_owned(), "b".to_owned()], selectable_count };
    let cards = |count: usize| {
        let card = || wharf_api::types::message::ContactCard { name: "a".to_owned(), phone_numbers: vec![], organization: None };
        Body::Contact { contacts: (0..count).map(|_| card()).collect() }
    };
    let place = |name: Option<&str>| Body::Location { latitude: 1.0, longitude: 2.0, name: name.map(str::to_owned), address: None };
    let edit = |captioned| Body::Edit { target: target(), text: "x".to_owned(), captioned };
    let acts: &[(&str, Draft, &[&str])] = &[
        ("text", text("x"), &["1", "35.3"]),
        ("answer", Draft { reply: Some(quote), ..text("x") }, &["6.1", "6.17.1", "6.17.2", "6.17.3.1", "35.3"]),
        ("mention", Draft { mentions: vec!["1@lid".to_owned()], ..text("x") }, &["6.1", "6.17.15", "35.3"]),
        ("forward", Draft { forwarded: true, ..text("x") }, &["6.1", "6.17.21", "6.17.22", "35.3"]),
        ("place", Draft::new(place(None)), &["5.1", "5.2", "35.3"]),
        ("named place", Draft::new(place(Some("here"))), &["5.1", "5.2", "5.3", "35.3"]),
        ("card", Draft::new(cards(1)), &["4.1", "4.16", "35.3"]),
        ("cards", Draft::new(cards(2)), &["13.1", "13.2.1", "13.2.16", "35.3"]),
        ("poll of one", Draft::new(poll(1)), &["64.2", "64.3.1", "64.4", "64.6", "35.3"]),
        ("poll of two", Draft::new(poll(2)), &["49.2", "49.3.1", "49.4", "49.6", "35.3"]),
        (
            "reaction",
            Draft::new(Body::Reaction { target: target(), emoji: "x".to_owned() }),
            &["46.1.1", "46.1.2", "46.1.3", "46.2", "46.4"],
        ),
        ("edit", Draft::new(edit(None)), &["12.1.1", "12.1.2", "12.1.3", "12.2", "12.14.1", "12.15"]),
        (
            "caption's edit",
            Draft::new(edit(Some(wharf_api::types::media::MediaKind::Image))),
            &["12.1.1", "12.1.2", "12.1.3", "12.2", "12.14.3.3", "12.15"],
        ),
        ("deletion", Draft::new(Body::Revoke { target: target() }), &["12.1.1", "12.1.2", "12.1.3", "12.2"]),
    ];
    for (act, draft, wanted) in acts {
        says(act, &frozen(draft).0, wanted);
    }
}

fn says(act: &str, composed: &Composed, wanted: &[&str]) {
    let mut seen = std::collections::BTreeSet::new();
    members(&composed.payload, "", wanted, &mut seen);
    assert_eq!(seen, wanted.iter().map(|path| (*path).to_owned()).collect(), "{act}");
}

/// A file with all that a kind can say of it.
fn filled(kind: wharf_api::types::media::MediaKind, view_once: bool) -> Draft {
    let file = wharf_core::engine::Uploaded {
        url: "u".to_owned(),
        direct_path: "/p?q".to_owned(),
        media_key: [1; 32],
        file_sha256: [2; 32],
        file_enc_sha256: [3; 32],
        size: 4,
        key_at_secs: 5,
        sidecar: Some(vec![6]),
    };
    Draft::new(Body::Media(Box::new(wharf_core::engine::Media {
        kind,
        file,
        mime_type: "x/y".to_owned(),
        caption: Some("words".to_owned()),
        file_name: Some("n.x".to_owned()),
        voice: true,
        view_once,
        width: Some(7),
        height: Some(8),
        seconds: Some(9),
        thumbnail: Some(vec![10]),
    })))
}

#[test]
fn every_file_preview_status_and_change_of_anothers_says_what_the_table_of_members_has() {
    use wharf_api::types::media::MediaKind as Kind;
    let image = ["3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "3.7", "3.8", "3.9", "3.11", "3.12", "3.16", "35.3"];
    let video = ["9.1", "9.2", "9.3", "9.4", "9.5", "9.6", "9.7", "9.9", "9.10", "9.11", "9.13", "9.14", "9.16", "9.18", "35.3"];
    let audio = ["8.1", "8.2", "8.3", "8.4", "8.5", "8.6", "8.7", "8.8", "8.9", "8.10", "8.18", "35.3"];
    let document = ["7.1", "7.2", "7.3", "7.4", "7.5", "7.7", "7.8", "7.9", "7.10", "7.11", "7.20", "35.3"];
    let sticker = ["26.1", "26.2", "26.3", "26.4", "26.5", "26.6", "26.7", "26.8", "26.9", "26.10", "35.3"];
    let files: [(Kind, &[&str]); 5] =
        [(Kind::Image, &image), (Kind::Video, &video), (Kind::Audio, &audio), (Kind::Document, &document), (Kind::Sticker, &sticker)];
    for (kind, wanted) in files {
        says(&format!("{kind:?}"), &frozen(&filled(kind, false)).0, wanted);
    }
    // Opened once: the same file with its mark, inside the envelope of its kind.
    for (kind, envelope, mark) in [(Kind::Image, "37.1", "3.25"), (Kind::Video, "37.1", "9.20"), (Kind::Audio, "59.1", "8.21")] {
        let (_, file) = files.into_iter().find(|(known, _)| *known == kind).unwrap();
        let inside = file.iter().filter(|path| !path.starts_with("35.")).chain([&mark]);
        let wanted: Vec<String> = inside.map(|path| format!("{envelope}.{path}")).chain(["35.3".to_owned()]).collect();
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        says(&format!("{kind:?} once"), &frozen(&filled(kind, true)).0, &wanted);
    }

    let link = wharf_api::types::message::LinkPreview { url: "u".to_owned(), title: "t".to_owned(), description: Some("d".to_owned()) };
    let preview = Some(wharf_core::engine::Preview { link, thumbnail: Some(vec![1]) });
    let draft = Draft::new(Body::Text { text: "x".to_owned(), preview, background: None });
    says("link preview", &frozen(&draft).0, &["6.1", "6.2", "6.5", "6.6", "6.10", "6.16", "35.3"]);

    let status = Draft::new(Body::Text { text: "x".to_owned(), preview: None, background: Some(0x00_11_22) });
    says("status", &frozen_to("status", &status).0, &["6.1", "6.7", "6.8", "6.9", "35.3"]);
    says("picture as a status", &frozen_to("status", &filled(Kind::Image, false)).0, &image);

    let anothers = || Key { wa_id: "3EB0AA".to_owned(), from_me: false, sender: Some("987@lid".to_owned()) };
    let group = "120363000000000001@g.us";
    let key = ["12.1.1", "12.1.2", "12.1.3", "12.1.4", "12.2"];
    says("deletion of another's", &frozen_to(group, &Draft::new(Body::Revoke { target: anothers() })).0, &key);
    let reaction = Draft::new(Body::Reaction { target: anothers(), emoji: "x".to_owned() });
    says("reaction to another's", &frozen_to(group, &reaction).0, &["46.1.1", "46.1.2", "46.1.3", "46.1.4", "46.2", "46.4"]);
}
