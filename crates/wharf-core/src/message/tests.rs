use std::collections::HashSet;

use wharf_api::types::message::Reference;

use super::*;
use crate::samples::{ADA, incoming, outgoing};

fn kinds(row: &MessageRow) -> Vec<EventKind> {
    events_of(row).iter().map(|event| event.kind).collect()
}

/// The changes, each with the event that announces it.
fn changes() -> [(Content, EventKind); 4] {
    let target = Reference::default;
    [
        (Content::Reaction { emoji: "👍".to_owned(), target: target() }, EventKind::MessageReaction),
        (Content::PollVote { options: Vec::new(), target: target() }, EventKind::PollVote),
        (Content::Edit { text: "bye".to_owned(), target: target() }, EventKind::MessageEdited),
        (Content::Deletion { target: target() }, EventKind::MessageDeleted),
    ]
}

#[test]
fn what_comes_in_is_announced_once_and_by_its_own_kind() {
    assert_eq!(kinds(&incoming(Content::text("hello"))), [EventKind::MessageReceived]);
    let status = MessageRow { chat: STATUS_CHAT.to_owned(), ..incoming(Content::text("hello")) };
    assert_eq!(kinds(&status), [EventKind::StatusReceived]);
    assert!(kinds(&incoming(Content::Undecryptable {})).is_empty(), "what cannot be read is announced when it can");
    for (change, kind) in changes() {
        assert_eq!(kinds(&incoming(change.clone())), [kind]);
        let on_status = MessageRow { chat: STATUS_CHAT.to_owned(), ..incoming(change) };
        assert_eq!(kinds(&on_status), [kind], "a change of a status is no status");
    }
}

#[test]
fn each_step_of_what_goes_out_is_told_under_the_umbrella_and_under_its_own_kind_where_it_has_one() {
    let text = |status| MessageRow { status, ..outgoing(Content::text("hello")) };
    for (status, own) in [
        (MessageStatus::Queued, None),
        (MessageStatus::Sent, Some(EventKind::MessageSent)),
        (MessageStatus::Delivered, Some(EventKind::MessageDelivered)),
        (MessageStatus::Read, Some(EventKind::MessageRead)),
        (MessageStatus::Played, None),
        (MessageStatus::Failed, Some(EventKind::MessageFailed)),
    ] {
        let expected: Vec<EventKind> = [EventKind::MessageStatus].into_iter().chain(own).collect();
        assert_eq!(kinds(&text(status)), expected, "{}", status.as_str());
        assert!(own.is_none_or(|own| own.umbrella() == Some(EventKind::MessageStatus)));
    }
}

#[test]
fn a_change_that_goes_out_takes_effect_when_whatsapp_has_it_and_at_no_other_step() {
    for (change, kind) in changes() {
        for status in MessageStatus::ALL.iter().copied().filter(|status| *status != MessageStatus::Received) {
            let told = kinds(&MessageRow { status, ..outgoing(change.clone()) });
            assert_eq!(told.contains(&kind), status == MessageStatus::Sent, "{} at {}", change.kind(), status.as_str());
            assert_eq!(told[0], EventKind::MessageStatus);
        }
    }
}

#[test]
fn no_step_is_told_twice_under_one_kind_and_all_kinds_of_a_step_tell_the_same() {
    let contents = changes().map(|(content, _)| content).into_iter().chain([Content::text("hello"), Content::Deleted {}]);
    for content in contents {
        for status in MessageStatus::ALL {
            let events = events_of(&MessageRow { status: *status, ..outgoing(content.clone()) });
            let different: HashSet<EventKind> = events.iter().map(|event| event.kind).collect();
            assert_eq!(different.len(), events.len(), "{} at {}", content.kind(), status.as_str());
            assert!(events.windows(2).all(|two| two[0].data == two[1].data));
        }
    }
}

#[test]
fn a_message_shows_who_wrote_it_where_that_is_not_the_session_itself() {
    let named = MessageRow { sender_name: Some("Ada".into()), ..incoming(Content::text("hello")) };
    let from = view(&named).from.unwrap();
    assert_eq!((from.id.as_str(), from.name.as_deref()), (ADA, Some("Ada")));
    let own = MessageRow { sender: Some(ADA.into()), ..outgoing(Content::text("hello")) };
    assert_eq!(view(&own).from, None);
}

#[test]
fn a_failed_message_shows_its_code_as_the_catalogue_spells_it_and_a_good_one_none() {
    let failed = MessageRow {
        status: MessageStatus::Failed,
        error: Some(ErrorCode::MessageSendingFailed),
        error_reason: Some("why".into()),
        ..outgoing(Content::text("hello"))
    };
    let error = view(&failed).error.unwrap();
    assert_eq!((error.code.as_str(), error.reason.as_deref()), (ErrorCode::MessageSendingFailed.name(), Some("why")));
    assert_eq!(view(&outgoing(Content::text("hello"))).error, None);
}

#[test]
fn a_group_is_a_first_contact_for_the_pace_alone_and_a_status_is_none() {
    use wharf_api::types::hold::HoldReason;
    for reason in HoldReason::ALL {
        for person in [ADA, "98765432101234@lid"] {
            assert!(hold::is_contact(person, *reason), "{person} {}", reason.as_str());
        }
        assert_eq!(hold::is_contact("120363000000000001@g.us", *reason), *reason == HoldReason::Pace);
        assert!(!hold::is_contact(STATUS_CHAT, *reason));
    }
}

#[test]
fn an_audience_has_each_person_once_however_the_number_is_written() {
    let people = |texts: &[&str]| audience::check(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
    let two = people(&["+1 415 555 2671", "98765432101234@lid"]).unwrap();
    assert_eq!(two, [Recipient::Phone("14155552671".into()), Recipient::Lid("98765432101234".into())]);
    let field = |error: Error| ApiError::from(&error).details.field.clone();
    assert_eq!(field(people(&["98765432101234@lid", "14155552671", "+1 (415) 555-2671"]).unwrap_err()).as_deref(), Some("audience[2]"));
    assert_eq!(field(people(&["14155552671", "120363000000000001@g.us"]).unwrap_err()).as_deref(), Some("audience[1]"));
    assert_eq!(field(people(&[]).unwrap_err()).as_deref(), Some("audience"));
    let numbers: Vec<String> = (0..=*limits::STATUS_AUDIENCE.end()).map(|number| (14_155_550_000 + number).to_string()).collect();
    assert!(audience::check(&numbers[1..]).is_ok(), "as many as may be");
    let refusal = ApiError::from(&audience::check(&numbers).unwrap_err());
    assert_eq!((refusal.details.limit, refusal.details.actual), (Some(1024), Some(1025)));
}

#[test]
fn a_text_is_measured_in_characters_and_a_list_in_members_at_both_ends() {
    assert!(shape::within("text", "", 0, 2).is_ok() && shape::within("text", "", 1, 2).is_err());
    assert!(shape::within("text", "👋👋", 1, 2).is_ok(), "eight bytes are two characters");
    let refusal = ApiError::from(&shape::within("text", "👋👋👋", 1, 2).unwrap_err());
    assert_eq!((refusal.details.limit, refusal.details.actual), (Some(2), Some(3)));
    assert_eq!([1, 2, 12, 13].map(|members| shape::count("options", members, 2..=12).is_ok()), [false, true, true, false]);
}

#[test]
fn an_end_of_which_nobody_knows_says_that_it_may_have_arrived() {
    use crate::store::{MAY_HAVE_ARRIVED, Outcome};
    let Outcome::Unknown { code, reason } = overdue::unlinked(true) else { panic!("it is known") };
    assert_eq!(code, ErrorCode::SessionDisconnected);
    assert!(reason.ends_with(MAY_HAVE_ARRIVED), "{reason}");
    let Outcome::Failed { reason, .. } = overdue::unlinked(false) else { panic!("it is not known") };
    assert!(!reason.contains(MAY_HAVE_ARRIVED), "{reason}");
}
