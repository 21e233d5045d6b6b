use wharf_core::chance::SystemChance;
use wharf_core::engine::Key;

use super::*;

const OWN: &str = "15550000001@s.whatsapp.net";

fn frozen(draft: &Draft) -> (Composed, wa::Message) {
    let to = Recipient::parse("15550001001").unwrap();
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
