use wacore::types::message::MessageSource;
use waproto::buffa::MessageField;
use wharf_api::ids::{AccountId, SessionId, Uuid};

use super::*;

fn fence() -> Fence {
    Fence {
        account: AccountId::from_uuid(Uuid::from_u128(1)),
        session: SessionId::from_uuid(Uuid::from_u128(2)),
        epoch: 1,
        taken_over: false,
    }
}

fn info(chat: &str, sender: &str, alt: Option<&str>) -> MessageInfo {
    let jid = |text: &str| -> Jid { text.parse().unwrap() };
    MessageInfo {
        id: "3EB0AA".to_owned(),
        push_name: "Ada".to_owned(),
        source: MessageSource { chat: jid(chat), sender: jid(sender), sender_alt: alt.map(jid), ..Default::default() },
        ..Default::default()
    }
}

fn convert(message: &wa::Message, info: &MessageInfo) -> Result<MessageRow, &'static str> {
    row(&fence(), MessageId::from_uuid(Uuid::from_u128(3)), message, info, Timestamp::from_millis(0))
}

fn text(text: &str) -> wa::Message {
    wa::Message { conversation: Some(text.to_owned()), ..Default::default() }
}

#[test]
fn a_chat_is_named_by_number_where_the_stanza_tells_it_and_has_both_names() {
    let by_lid = info("987@lid", "987:4@lid", Some("15550001:4@s.whatsapp.net"));
    let row = convert(&text("hi"), &by_lid).unwrap();
    assert_eq!(row.chat, "15550001@s.whatsapp.net");
    assert_eq!((row.chat_phone.as_deref(), row.chat_lid.as_deref()), (Some("15550001"), Some("987@lid")));
    assert_eq!(row.sender.as_deref(), Some("15550001@s.whatsapp.net"));
    assert_eq!(row.sender_name.as_deref(), Some("Ada"));
    assert_eq!(row.content, Content::text("hi"));

    let by_number = info("15550001@s.whatsapp.net", "15550001:4@s.whatsapp.net", Some("987:4@lid"));
    let same = convert(&text("hi"), &by_number).unwrap();
    assert_eq!((same.chat, same.chat_lid, same.sender), (row.chat, row.chat_lid, row.sender));

    let only_lid = convert(&text("hi"), &info("987@lid", "987@lid", None)).unwrap();
    assert_eq!((only_lid.chat.as_str(), only_lid.chat_phone), ("987@lid", None));
}

#[test]
fn a_group_keeps_its_id_and_its_sender() {
    let mut info = info("1203@g.us", "987:2@lid", Some("15550001@s.whatsapp.net"));
    info.source.is_group = true;
    let row = convert(&text("hi"), &info).unwrap();
    assert_eq!((row.chat.as_str(), row.chat_phone, row.chat_lid), ("1203@g.us", None, None));
    assert_eq!((row.sender.as_deref(), row.sender_phone.as_deref()), (Some("15550001@s.whatsapp.net"), Some("15550001")));
}

#[test]
fn wrapped_and_extended_texts_are_texts() {
    let extended = wa::Message {
        extended_text_message: MessageField::some(wa::message::ExtendedTextMessage { text: Some("link".to_owned()), ..Default::default() }),
        ..Default::default()
    };
    let wrapped = wa::Message {
        ephemeral_message: MessageField::some(wa::message::FutureProofMessage { message: MessageField::some(extended.clone()) }),
        ..Default::default()
    };
    let info = info("15550001@s.whatsapp.net", "15550001@s.whatsapp.net", None);
    for message in [extended, wrapped] {
        assert_eq!(convert(&message, &info).unwrap().content, Content::text("link"));
    }
}

#[test]
fn other_kinds_are_shown_by_name() {
    let info = info("15550001@s.whatsapp.net", "15550001@s.whatsapp.net", None);
    let event = wa::Message { event_message: MessageField::some(wa::message::EventMessage::default()), ..Default::default() };
    assert_eq!(convert(&event, &info).unwrap().content, Content::unsupported("event"));
    let comment = wa::Message { comment_message: MessageField::some(wa::message::CommentMessage::default()), ..Default::default() };
    assert_eq!(convert(&comment, &info).unwrap().content, Content::unsupported("unknown"));
}

#[test]
fn traffic_of_the_protocol_and_of_own_devices_gets_no_row() {
    let plain = info("15550001@s.whatsapp.net", "15550001@s.whatsapp.net", None);
    let protocol = wa::Message { protocol_message: MessageField::some(wa::message::ProtocolMessage::default()), ..Default::default() };
    let keys = wa::Message {
        sender_key_distribution_message: MessageField::some(wa::message::SenderKeyDistributionMessage::default()),
        ..Default::default()
    };
    assert!(convert(&protocol, &plain).is_err());
    assert!(convert(&keys, &plain).is_err());
    assert!(convert(&wa::Message::default(), &plain).is_err());

    let mut peer = plain.clone();
    peer.category = MessageCategory::Peer;
    assert!(convert(&text("hi"), &peer).is_err());
    assert!(convert(&text("hi"), &info("120363000000000001@newsletter", "15550001@s.whatsapp.net", None)).is_err());
}

#[test]
fn what_another_device_of_the_account_sent_is_an_outgoing_message() {
    let mut own = info("15550001@s.whatsapp.net", "15559999:2@s.whatsapp.net", None);
    own.source.is_from_me = true;
    own.source.recipient_alt = Some("987@lid".parse().unwrap());
    let row = convert(&text("hi"), &own).unwrap();
    assert_eq!((row.direction, row.status, row.sender.clone()), (Direction::Outgoing, MessageStatus::Sent, None));
    assert_eq!((row.chat.as_str(), row.chat_lid.as_deref()), ("15550001@s.whatsapp.net", Some("987@lid")));
    assert!(row.marks.from_other_device);
}

#[test]
fn what_can_be_opened_once_is_marked_in_whatever_it_travels() {
    use wa::message::{AudioMessage, FutureProofMessage, ImageMessage};
    let envelope = |inner: wa::Message| MessageField::some(FutureProofMessage { message: MessageField::some(inner) });
    let image = || wa::Message { image_message: MessageField::some(ImageMessage::default()), ..Default::default() };
    let audio = wa::Message { audio_message: MessageField::some(AudioMessage::default()), ..Default::default() };
    let marked = ImageMessage { view_once: Some(true), ..Default::default() };
    let info = info("15550001@s.whatsapp.net", "15550001@s.whatsapp.net", None);
    for (message, kind) in [
        (wa::Message { view_once_message: envelope(image()), ..Default::default() }, "image"),
        (wa::Message { view_once_message_v2: envelope(image()), ..Default::default() }, "image"),
        (wa::Message { view_once_message_v2_extension: envelope(audio), ..Default::default() }, "audio"),
        (wa::Message { image_message: MessageField::some(marked), ..Default::default() }, "image"),
    ] {
        let row = convert(&message, &info).unwrap();
        assert_eq!((row.content.media_kind().map(wharf_api::types::media::MediaKind::as_str), row.marks.view_once), (Some(kind), true));
    }
    assert!(!convert(&image(), &info).unwrap().marks.view_once);
}

#[test]
fn a_place_that_is_nowhere_is_shown_by_its_kind() {
    let place = |latitude: f64, longitude: f64| {
        let place =
            wa::message::LocationMessage { degrees_latitude: Some(latitude), degrees_longitude: Some(longitude), ..Default::default() };
        let message = wa::Message { location_message: MessageField::some(place), ..Default::default() };
        convert(&message, &info("987@lid", "987@lid", None)).unwrap().content
    };
    for (latitude, longitude) in [(f64::NAN, 1.0), (1.0, f64::INFINITY), (f64::NEG_INFINITY, 1.0)] {
        assert_eq!(place(latitude, longitude), Content::unsupported("location"));
    }
    assert!(matches!(place(1.5, -2.5), Content::Location { .. }));
}

#[test]
fn a_name_that_somebody_gave_a_file_is_no_path_and_of_bounded_length() {
    for (named, shown) in
        [("../../etc/cron.d/x".to_owned(), "x".to_owned()), ("n".repeat(30_000), "n".repeat(255)), ("a\nb".to_owned(), "ab".to_owned())]
    {
        let document = wa::message::DocumentMessage { file_name: Some(named), ..Default::default() };
        let message = wa::Message { document_message: MessageField::some(document), ..Default::default() };
        let row = convert(&message, &info("15550001@s.whatsapp.net", "15550001@s.whatsapp.net", None)).unwrap();
        let wharf_api::types::message::Content::Document(media) = row.content else { panic!("{:?}", row.content) };
        assert_eq!(media.file_name, Some(shown));
    }
}
