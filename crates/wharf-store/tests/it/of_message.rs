//! Events that tell what their message's row tells: they tell it still when the text says something else, and no longer than the log goes back.

use wharf_api::Timestamp;
use wharf_api::types::event::EventKind;
use wharf_api::types::message::{Content, Direction, Marks, MessageStatus, Reference};
use wharf_core::Clock as _;
use wharf_core::clock::SystemClock;
use wharf_core::message::view;
use wharf_core::store::{EraseStore, EventFilter, EventStore, MessageRow, MessageStore, Outcome, Receipt, ReceiptKind, StatusChange};

use crate::harness::{Db, both_backends};
use crate::tenant::Tenant;
use crate::twice::unreadable;

both_backends!(
    an_event_tells_what_it_told_whatever_becomes_of_its_text,
    a_text_that_came_and_was_changed_in_one_go_is_told_as_it_came,
    what_a_text_said_first_goes_with_the_last_event_that_tells_it,
    a_text_stays_for_as_long_as_the_log_tells_of_it,
    what_is_told_late_or_of_something_else_has_its_own_words,
    an_event_whose_message_is_missing_takes_no_other_along,
    a_text_of_every_shape_is_told_as_it_was,
);

const NEVER: Timestamp = Timestamp::from_millis(i64::MAX / 2);

fn now() -> Timestamp {
    SystemClock.now()
}

/// A text that is accepted now.
async fn send(db: &Db, tenant: &Tenant, content: Content, marks: Marks) -> MessageRow {
    let mut message = tenant.outgoing("");
    message.row = MessageRow { content, marks, created_at: now(), ..message.row };
    message.expires_at = now().plus_millis(60_000);
    db.store.accept_message(&message).await.unwrap();
    message.row
}

async fn send_text(db: &Db, tenant: &Tenant, words: &str) -> MessageRow {
    send(db, tenant, Content::text(words), Marks::default()).await
}

async fn sent(db: &Db, tenant: &Tenant, row: &MessageRow) {
    let change = StatusChange { id: row.id.clone(), outcome: Outcome::Sent, at: now() };
    assert_eq!(db.store.record_outcomes(&tenant.fence, &[change]).await.unwrap().len(), 1);
}

async fn receipt(db: &Db, tenant: &Tenant, row: &MessageRow, kind: ReceiptKind) {
    let receipt = Receipt { kind, wa_ids: vec![row.wa_id.clone()], at: now() };
    assert_eq!(db.store.record_receipt(&tenant.fence, &receipt).await.unwrap().len(), 1);
}

fn named(row: &MessageRow) -> Reference {
    Reference { whatsapp_id: row.wa_id.clone(), ..Reference::default() }
}

/// Our own change of a text, in effect.
async fn change(db: &Db, tenant: &Tenant, content: Content) {
    let row = send(db, tenant, content, Marks::default()).await;
    sent(db, tenant, &row).await;
}

/// What the log tells of a message, by the kinds of its events.
async fn told(db: &Db, tenant: &Tenant, of: &MessageRow) -> Vec<(EventKind, String)> {
    let rows = db.store.list_events(&tenant.account, &EventFilter::default(), 0, 1_000).await.unwrap().rows;
    let begins = format!(r#"{{"messageId":"{}""#, of.id);
    rows.into_iter().filter(|event| event.data.starts_with(&begins)).map(|event| (event.kind, event.data)).collect()
}

fn in_status(row: &MessageRow, status: MessageStatus) -> String {
    serde_json::to_string(&view(&MessageRow { status, ..row.clone() })).unwrap()
}

/// How many events' rows leave what they tell to their message.
async fn that_refer(db: &Db) -> i64 {
    if db.is_sqlite() { db.ints("SELECT COUNT(*) FROM events WHERE typeof(data) = 'integer'").await[0] } else { -1 }
}

async fn originals(db: &Db) -> i64 {
    db.ints("SELECT COUNT(*) FROM originals").await[0]
}

fn on_sqlite(db: &Db, count: i64) -> i64 {
    if db.is_sqlite() { count } else { -1 }
}

async fn an_event_tells_what_it_told_whatever_becomes_of_its_text(db: &Db) {
    use EventKind::{MessageDelivered, MessageEdited, MessageRead, MessageSent, MessageStatus as Step};
    use MessageStatus::{Delivered, Queued, Read, Sent};
    let tenant = Tenant::new(db).await;
    let (edited, deleted) = (send_text(db, &tenant, "At 9 \"sharp\".").await, send_text(db, &tenant, "Never said.").await);
    for row in [&edited, &deleted] {
        sent(db, &tenant, row).await;
        receipt(db, &tenant, row, ReceiptKind::Delivered).await;
    }
    assert_eq!(that_refer(db).await, on_sqlite(db, 2 * 3), "the second of two for each step but the first");
    let until_then = |row: &MessageRow| {
        [(Step, Queued), (Step, Sent), (MessageSent, Sent), (Step, Delivered), (MessageDelivered, Delivered)]
            .map(|(kind, status)| (kind, in_status(row, status)))
    };
    for row in [&edited, &deleted] {
        assert_eq!(told(db, &tenant, row).await, until_then(row));
    }

    for words in ["At 10.", "At 11."] {
        change(db, &tenant, Content::Edit { text: words.to_owned(), target: named(&edited) }).await;
    }
    change(db, &tenant, Content::Deletion { target: named(&deleted) }).await;
    let now_said = db.store.find_message(&tenant.account, &edited.id).await.unwrap().unwrap();
    assert_eq!((now_said.content.clone(), now_said.marks.edited_at.is_some()), (Content::text("At 11."), true));
    for row in [&edited, &deleted] {
        receipt(db, &tenant, row, ReceiptKind::Read).await;
        let told = told(db, &tenant, row).await;
        assert_eq!(told[..5], until_then(row));
        let after: Vec<_> = told[5..].iter().filter(|(kind, _)| *kind != MessageEdited).map(|(kind, _)| *kind).collect();
        assert_eq!(after, [Step, MessageRead]);
    }
    assert!(told(db, &tenant, &edited).await.contains(&(MessageRead, in_status(&now_said, Read))));
    assert_eq!(originals(db).await, if db.is_sqlite() { 2 } else { 0 }, "what each said first");
}

async fn a_text_that_came_and_was_changed_in_one_go_is_told_as_it_came(db: &Db) {
    let tenant = Tenant::new(db).await;
    let came = |wa_id: &str, content: Content| MessageRow { content, created_at: now(), ..tenant.incoming("1@lid", wa_id) };
    for (place, before) in [false, true].into_iter().enumerate() {
        if before {
            send_text(db, &tenant, "something that the log tells").await;
        }
        let row = came(&format!("A{place}"), Content::text("thier"));
        let edit = came(&format!("B{place}"), Content::Edit { text: "their".to_owned(), target: named(&row) });
        db.store.record_inbound(&tenant.fence, &[row.clone(), edit]).await.unwrap();
        let told = told(db, &tenant, &row).await;
        assert_eq!(told[0], (EventKind::MessageReceived, in_status(&row, MessageStatus::Received)));
        assert_eq!(db.store.find_message(&tenant.account, &row.id).await.unwrap().unwrap().content, Content::text("their"));
    }
    // The same one after the other.
    let row = came("C", Content::text("thier"));
    db.store.record_inbound(&tenant.fence, std::slice::from_ref(&row)).await.unwrap();
    let referred = that_refer(db).await;
    assert_eq!(referred, on_sqlite(db, 2), "the text that went out, and this one");
    db.store.record_inbound(&tenant.fence, &[came("D", Content::Edit { text: "their".to_owned(), target: named(&row) })]).await.unwrap();
    assert_eq!(told(db, &tenant, &row).await[0], (EventKind::MessageReceived, in_status(&row, MessageStatus::Received)));
}

async fn what_a_text_said_first_goes_with_the_last_event_that_tells_it(db: &Db) {
    let tenant = Tenant::new(db).await;
    let [deleted, edited] = [send_text(db, &tenant, "one").await, send_text(db, &tenant, "two").await];
    for row in [&deleted, &edited] {
        sent(db, &tenant, row).await;
    }
    change(db, &tenant, Content::Deletion { target: named(&deleted) }).await;
    let kept = i64::from(db.is_sqlite());
    assert_eq!(db.store.expire_events(&tenant.account, now().plus_millis(-60_000)).await.unwrap(), 0);
    assert_eq!(originals(db).await, kept);
    // The log goes, and with it what it told: afterwards nobody tells it, and nothing is kept of a change.
    assert!(db.store.expire_events(&tenant.account, NEVER).await.unwrap() > 0);
    assert_eq!(originals(db).await, 0);
    db.execute("DELETE FROM events").await;
    change(db, &tenant, Content::Edit { text: "three".to_owned(), target: named(&edited) }).await;
    db.execute(&format!("UPDATE messages SET content = '{{\"type\":\"text\",\"text\":\"four\"}}' WHERE id = '{}'", edited.id)).await;
    let first = db.texts("SELECT content FROM originals").await;
    assert!(first.iter().all(|content| content.contains("two") || content.contains("three")), "{first:?}");

    // Of an account that goes nothing stays.
    let erased = db.store.begin_erasure(&tenant.account, now()).await.unwrap();
    assert!(erased.is_some());
    while db.store.erase_some(&tenant.account).await.unwrap() > 0 {}
    assert_eq!((originals(db).await, db.ints("SELECT COUNT(*) FROM messages").await[0]), (0, 0));
}

async fn a_text_stays_for_as_long_as_the_log_tells_of_it(db: &Db) {
    let tenant = Tenant::new(db).await;
    let row = send_text(db, &tenant, "Hello").await;
    sent(db, &tenant, &row).await;
    change(db, &tenant, Content::Edit { text: "Hello!".to_owned(), target: named(&row) }).await;
    let removed = async || db.store.remove_messages(&tenant.account, NEVER, 0).await.unwrap().messages;
    if db.is_sqlite() {
        assert_eq!(removed().await, 0);
        assert_eq!(told(db, &tenant, &row).await[2], (EventKind::MessageSent, in_status(&row, MessageStatus::Sent)));
    }
    assert!(db.store.expire_events(&tenant.account, NEVER).await.unwrap() > 0);
    assert_eq!(removed().await, 2);
    assert_eq!(originals(db).await, 0);

    // What is older than the oldest event by more than an event may be late goes while the log is there.
    let old = tenant.send(db, "of long ago").await;
    db.store.record_outcomes(&tenant.fence, &[crate::tenant::sent(&old.id)]).await.unwrap();
    assert_eq!(that_refer(db).await, on_sqlite(db, 0), "it is told late");
    assert_eq!(removed().await, 1);
    assert_eq!(told(db, &tenant, &old).await.len(), 3);
}

async fn what_is_told_late_or_of_something_else_has_its_own_words(db: &Db) {
    let tenant = Tenant::new(db).await;
    let reply = Marks { reply_to: Some(Reference { whatsapp_id: "A".to_owned(), ..Reference::default() }), ..Marks::default() };
    let rows = [
        send(db, &tenant, Content::text("an answer"), reply).await,
        send(
            db,
            &tenant,
            Content::Poll { question: "When?".to_owned(), options: vec!["Now".to_owned()], selectable_count: 1, results: vec![] },
            Marks::default(),
        )
        .await,
        tenant.send(db, "late").await,
    ];
    let liked = send_text(db, &tenant, "liked").await;
    sent(db, &tenant, &liked).await;
    assert_eq!(that_refer(db).await, on_sqlite(db, 2));
    let like = Content::Reaction { emoji: "👍".to_owned(), target: named(&liked) };
    let like = MessageRow { content: like, created_at: now(), ..tenant.incoming("491701234567@s.whatsapp.net", "L") };
    db.store.record_inbound(&tenant.fence, &[MessageRow { chat: liked.chat.clone(), ..like }]).await.unwrap();
    receipt(db, &tenant, &liked, ReceiptKind::Delivered).await;
    let failed = send_text(db, &tenant, "failed").await;
    db.store.record_outcomes(&tenant.fence, &[StatusChange { at: now(), ..crate::tenant::failed(&failed.id) }]).await.unwrap();
    assert_eq!(that_refer(db).await, on_sqlite(db, 2 + 1), "that it was queued, of the one that failed");

    for row in &rows {
        assert_eq!(told(db, &tenant, row).await, [(EventKind::MessageStatus, in_status(row, MessageStatus::Queued))]);
    }
    let told_of_liked = told(db, &tenant, &liked).await;
    let then = (EventKind::MessageSent, in_status(&liked, MessageStatus::Sent));
    assert_eq!(told_of_liked[2], then, "nobody liked it then");
    let liked = db.store.find_message(&tenant.account, &liked.id).await.unwrap().unwrap();
    assert_eq!(liked.marks.reactions.len(), 1);
    assert!(told_of_liked.contains(&(EventKind::MessageDelivered, in_status(&liked, MessageStatus::Delivered))));
    let told_of_failed = told(db, &tenant, &failed).await;
    assert_eq!(told_of_failed[0].1, in_status(&failed, MessageStatus::Queued));
    assert!(told_of_failed[2].1.contains("nack 479"), "{told_of_failed:?}");
}

async fn an_event_whose_message_is_missing_takes_no_other_along(db: &Db) {
    let tenant = Tenant::new(db).await;
    let [gone, broken, whole] =
        [send_text(db, &tenant, "gone").await, send_text(db, &tenant, "broken").await, send_text(db, &tenant, "whole").await];
    db.execute(&format!("DELETE FROM messages WHERE id = '{}'", gone.id)).await;
    db.execute(&format!("UPDATE messages SET marks = '{{' WHERE id = '{}'", broken.id)).await;
    let page = db.store.list_events(&tenant.account, &EventFilter::default(), 0, 1_000).await.unwrap();
    let is_there = |row: &MessageRow| page.rows.iter().any(|event| event.data == in_status(row, MessageStatus::Queued));
    let own_words = !db.is_sqlite();
    assert_eq!([is_there(&gone), is_there(&broken), is_there(&whole)], [own_words, own_words, true]);
    assert_eq!(page.position, db.store.latest_event(&tenant.account).await.unwrap(), "it is read past");
    assert_eq!(unreadable(db).await.len(), if own_words { 0 } else { 2 });
}

async fn a_text_of_every_shape_is_told_as_it_was(db: &Db) {
    let tenant = Tenant::new(db).await;
    let words = ["", "\"\\\u{1}\u{2028}", "ä 👍🏽 \u{0}?", "[1]", &"long ".repeat(800)];
    let marks = [
        Marks::default(),
        Marks { reference: Some("order \"7\"".to_owned()), mentions: vec!["1@lid".to_owned()], forwarded: true, ..Marks::default() },
        Marks { view_once: true, from_other_device: true, ..Marks::default() },
    ];
    let mut rows = Vec::new();
    for words in words {
        for marks in &marks {
            rows.push(send(db, &tenant, Content::text(words), marks.clone()).await);
        }
    }
    for (place, sender) in ["77700012345@lid", "1@lid"].into_iter().enumerate() {
        for (name, group) in [(None, false), (Some("A \"B\" \u{1} C".to_owned()), true)] {
            let mut row = MessageRow { sender_name: name, created_at: now(), ..tenant.incoming(sender, &format!("{place}{group}")) };
            if group {
                row = MessageRow {
                    chat: "120363041234567890@g.us".to_owned(),
                    chat_phone: None,
                    chat_lid: None,
                    sender_phone: Some("1".to_owned()),
                    ..row
                };
            }
            db.store.record_inbound(&tenant.fence, std::slice::from_ref(&row)).await.unwrap();
            rows.push(row);
        }
    }
    for row in &rows {
        let as_told = told(db, &tenant, row).await;
        let kind = if row.direction == Direction::Incoming { EventKind::MessageReceived } else { EventKind::MessageStatus };
        assert_eq!(as_told, [(kind, in_status(row, row.status))]);
    }
    assert_eq!(that_refer(db).await, on_sqlite(db, i64::try_from(rows.len()).unwrap()));
}
