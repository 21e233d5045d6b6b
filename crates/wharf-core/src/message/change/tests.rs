use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use wharf_api::types::message::Reference;

use super::*;
use crate::samples::{ADA, at, incoming, outgoing};

const BOB: &str = "15550000002@s.whatsapp.net";
const GROUP: &str = "120363000000000001@g.us";

fn reaction(emoji: &str) -> Content {
    Content::Reaction { emoji: emoji.to_owned(), target: Reference::default() }
}

fn edit_to(text: &str) -> Content {
    Content::Edit { text: text.to_owned(), target: Reference::default() }
}

fn deletion() -> Content {
    Content::Deletion { target: Reference::default() }
}

/// An admin's deletion, which names whose message it is.
fn deletion_for(from: &str) -> Content {
    Content::Deletion { target: Reference { from: Some(from.to_owned()), ..Reference::default() } }
}

fn by(person: &str, row: MessageRow) -> MessageRow {
    MessageRow { sender: Some(person.to_owned()), ..row }
}

fn in_group(row: MessageRow) -> MessageRow {
    MessageRow { chat: GROUP.to_owned(), ..row }
}

fn later(millis: i64, row: MessageRow) -> MessageRow {
    MessageRow { created_at: at(millis), ..row }
}

fn hello() -> Content {
    Content::text("hello")
}

#[test]
fn everybody_edits_and_deletes_the_own_messages_and_nobody_elses() {
    for change in [edit_to("bye"), deletion()] {
        assert!(may(&incoming(hello()), &incoming(change.clone())), "{change:?}");
        assert!(may(&outgoing(hello()), &outgoing(change.clone())), "{change:?}");
        assert!(!may(&incoming(hello()), &outgoing(change.clone())), "{change:?}");
        assert!(!may(&outgoing(hello()), &incoming(change.clone())), "{change:?}");
        let (ada, bob) = (in_group(incoming(hello())), in_group(by(BOB, incoming(change.clone()))));
        assert!(!may(&ada, &bob), "{change:?}");
        assert!(!may(&incoming(hello()), &in_group(incoming(change.clone()))), "from another chat: {change:?}");
    }
}

#[test]
fn an_admin_deletes_for_others_in_a_group_where_it_says_whose_and_in_no_chat_of_two() {
    let (ada, ours) = (in_group(incoming(hello())), in_group(outgoing(hello())));
    assert!(may(&ada, &in_group(by(BOB, incoming(deletion_for(ADA))))));
    assert!(may(&ours, &in_group(by(BOB, incoming(deletion_for(BOB))))), "the session's own message too");
    assert!(!may(&outgoing(hello()), &incoming(deletion_for(ADA))));
    let edit = Content::Edit { text: "bye".to_owned(), target: Reference { from: Some(ADA.to_owned()), ..Reference::default() } };
    assert!(!may(&ada, &in_group(by(BOB, incoming(edit)))), "nobody edits for others");
}

#[test]
fn an_author_is_known_by_any_name_that_both_messages_tell_and_by_none_that_neither_tells() {
    let lid = Some("98765432101234@lid".to_owned());
    let one = MessageRow { sender_lid: lid.clone(), ..in_group(incoming(hello())) };
    let change = MessageRow { sender_lid: lid, ..in_group(by("98765432101234@lid", incoming(edit_to("bye")))) };
    assert!(may(&one, &change));
    let nameless = |content| MessageRow { sender: None, ..in_group(incoming(content)) };
    assert!(!may(&nameless(hello()), &nameless(edit_to("bye"))), "two whom nobody names are not one");
}

#[test]
fn a_chat_is_one_under_each_of_its_names() {
    let by_phone = MessageRow { chat_phone: Some("15550000001".into()), ..incoming(hello()) };
    let by_lid = MessageRow { chat: "98765432101234@lid".into(), chat_phone: Some("15550000001".into()), ..incoming(hello()) };
    assert!(same_chat(&by_phone, &by_lid) && same_chat(&by_lid, &by_phone));
    let stranger = MessageRow { chat: BOB.into(), ..incoming(hello()) };
    assert!(!same_chat(&by_phone, &stranger) && !same_chat(&incoming(hello()), &stranger), "names that are not told are not equal");
    assert!(stands_in(&by_lid, &Recipient::Phone("15550000001".into())) && !stands_in(&stranger, &Recipient::Phone("15550000001".into())));
}

#[test]
fn a_deleted_message_says_nothing_any_more_and_nothing_changes_it() {
    let mut target = incoming(hello());
    target.marks.reference = Some("mine".to_owned());
    target.marks.mentions = vec![BOB.to_owned()];
    assert!(apply(&mut target, &incoming(reaction("👍"))));
    assert!(apply(&mut target, &later(5, incoming(deletion()))));
    let silent = Marks { reference: Some("mine".to_owned()), deleted_at: Some(at(5)), ..Marks::default() };
    assert_eq!((&target.content, &target.marks), (&Content::Deleted {}, &silent));
    let before = target.clone();
    for change in [reaction("👍"), edit_to("bye"), deletion()] {
        assert!(!apply(&mut target, &later(9, incoming(change))));
    }
    assert!(!mark_deleted(&mut target, &later(9, incoming(deletion()))));
    assert_eq!(target, before);
}

#[test]
fn what_is_kept_although_it_was_deleted_is_marked_once_and_stays_as_it_was_said() {
    let mut target = incoming(hello());
    assert!(!mark_deleted(&mut target, &outgoing(deletion())), "it is nobody's but its author's to delete");
    assert!(mark_deleted(&mut target, &later(5, incoming(deletion()))));
    assert!(!mark_deleted(&mut target, &later(9, incoming(deletion()))));
    assert!(!apply(&mut target, &later(9, incoming(edit_to("bye")))));
    assert_eq!((target.content, target.marks.deleted_at), (hello(), Some(at(5))));
}

#[test]
fn an_edit_changes_words_alone_and_is_the_whole_message() {
    let mut target = incoming(hello());
    target.marks.mentions = vec![BOB.to_owned()];
    assert!(apply(&mut target, &later(5, incoming(edit_to("bye")))));
    assert_eq!((&target.content, target.marks.edited_at), (&Content::text("bye"), Some(at(5))));
    assert!(target.marks.mentions.is_empty(), "whom it does not mention again it does not mention");
    let mut card = incoming(Content::Contact { contacts: Vec::new() });
    assert!(!apply(&mut card, &incoming(edit_to("bye"))));
    assert_eq!(card.marks.edited_at, None);
}

#[test]
fn an_edit_of_a_deleted_message_is_silenced_and_nothing_else_is() {
    let mut change = incoming(edit_to("a secret"));
    assert!(silence(&mut change, Some(at(5))));
    assert_eq!((change.content, change.marks.deleted_at), (edit_to(""), Some(at(5))));
    let mut other = incoming(reaction("👍"));
    assert!(!silence(&mut other, Some(at(5))));
    assert_eq!(other, incoming(reaction("👍")));
}

const PEOPLE: [&str; 3] = ["a@lid", "b@lid", "c@lid"];
/// The empty one takes a reaction back.
const EMOJI: [&str; 3] = ["", "👍", "🎉"];
const OPTIONS: [&str; 3] = ["red", "green", "blue"];

proptest! {
    #[test]
    fn everybody_has_one_reaction_which_is_the_last_one(said in proptest::collection::vec((0_usize..3, 0_usize..3), 0..30)) {
        let mut target = in_group(incoming(hello()));
        let mut last: BTreeMap<&str, &str> = BTreeMap::new();
        for (place, (who, what)) in (0..).zip(said) {
            let (person, emoji) = (PEOPLE[who], EMOJI[what]);
            let changes = apply(&mut target, &later(place, in_group(by(person, incoming(reaction(emoji))))));
            prop_assert_eq!(changes, !emoji.is_empty() || last.contains_key(person));
            last.remove(person);
            last.extend((!emoji.is_empty()).then_some((person, emoji)));
        }
        let shown = &target.marks.reactions;
        let by_person: BTreeMap<_, _> = shown.iter().map(|known| (known.from.as_deref().unwrap_or_default(), known.emoji.as_str())).collect();
        prop_assert_eq!(shown.len(), by_person.len());
        prop_assert_eq!(by_person, last);
    }

    /// WhatsApp delivers them in any order.
    #[test]
    fn of_edits_and_reactions_that_overtake_each_other_the_latest_stays(times in Just((0_i64..8).collect::<Vec<_>>()).prop_shuffle()) {
        let mut target = incoming(hello());
        for time in &times {
            apply(&mut target, &later(*time, incoming(edit_to(&format!("edit {time}")))));
            apply(&mut target, &later(*time, incoming(reaction(&format!("emoji {time}")))));
        }
        prop_assert_eq!(&target.content, &Content::text("edit 7"));
        prop_assert_eq!(target.marks.edited_at, Some(at(7)));
        prop_assert_eq!(target.marks.reactions, [Reaction { from: Some(ADA.to_owned()), emoji: "emoji 7".to_owned(), at: at(7) }]);
    }

    #[test]
    fn a_poll_counts_the_last_vote_of_everybody_once(
        votes in proptest::collection::vec((0_usize..3, proptest::collection::vec(0_usize..3, 0..4)), 0..30),
    ) {
        let options = OPTIONS.map(str::to_owned).to_vec();
        let poll = Content::Poll { question: "which?".to_owned(), options, selectable_count: 0, results: Vec::new() };
        let (mut target, mut last) = (in_group(incoming(poll)), BTreeMap::new());
        for (who, chosen) in votes {
            let options = chosen.iter().map(|option| OPTIONS[*option].to_owned()).collect();
            let vote = Content::PollVote { options, target: Reference::default() };
            prop_assert!(apply(&mut target, &in_group(by(PEOPLE[who], incoming(vote)))));
            last.insert(PEOPLE[who], chosen);
        }
        let Content::Poll { results, .. } = &target.content else { panic!("{:?}", target.content) };
        prop_assert_eq!(results.len(), if last.is_empty() { 0 } else { OPTIONS.len() });
        for (place, result) in results.iter().enumerate() {
            let expected: BTreeSet<&str> = last.iter().filter(|(_, chosen)| chosen.contains(&place)).map(|(person, _)| *person).collect();
            let voters: BTreeSet<&str> = result.voters.iter().map(String::as_str).collect();
            prop_assert_eq!(result.option.as_str(), OPTIONS[place]);
            prop_assert_eq!((result.votes as usize, result.voters.len()), (expected.len(), expected.len()));
            prop_assert_eq!(voters, expected);
        }
    }
}
