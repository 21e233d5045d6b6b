use futures::future::join_all;
use wharf_api::types::message::MessageStatus::{Delivered, Received};
use wharf_api::types::message::{Content, Marks, Reference};
use wharf_core::store::{ChatStore, Error, Inbound, MessageFilter, MessageRow, MessageStore, PageRequest, Receipt, ReceiptKind};

use crate::harness::{Db, both_backends};
use crate::tenant::{ALL, NOW, Tenant, sent};

both_backends!(
    an_incoming_message_is_stored_and_announced,
    a_repeat_is_stored_and_announced_once,
    the_same_id_from_another_sender_chat_or_session_is_another_message,
    a_message_without_a_sender_is_stored_once_too,
    repeats_that_come_at_once_are_stored_once,
    an_outgoing_message_with_the_same_id_does_not_hide_an_incoming_one,
    what_would_not_read_back_is_refused_before_it_is_written,
    a_row_that_cannot_be_read_is_shown_as_one_and_holds_nothing_up,
    what_comes_late_keeps_what_was_said_of_it_before,
    a_message_and_its_changes_are_the_same_in_whatever_order_they_come,
    what_was_said_and_taken_back_with_an_emoji_is_the_same_in_whatever_order_it_comes,
    what_could_not_be_decrypted_is_listed_until_it_is_there_or_old,
    of_hundreds_of_changes_that_came_before_their_message_none_is_lost,
    a_deletion_silences_hundreds_of_edits,
);

async fn what_could_not_be_decrypted_is_listed_until_it_is_there_or_old(db: &Db) {
    let (tenant, other) = (Tenant::new(db).await, Tenant::new(db).await);
    let unread = |id: &str| MessageRow { content: Content::Undecryptable {}, ..tenant.incoming("1@lid", id) };
    let rows = [unread("A"), unread("B"), tenant.incoming("1@lid", "C")];
    db.store.record_inbound(&tenant.fence, &rows).await.unwrap();
    let listed = async |session, since| {
        let rows = db.store.undecryptable_messages(session, NOW.plus_millis(since), 10).await.unwrap();
        rows.into_iter().map(|row| row.wa_id).collect::<Vec<_>>()
    };
    assert_eq!(listed(&tenant.session, -1).await, ["B", "A"]);
    assert_eq!(db.store.undecryptable_messages(&tenant.session, NOW.plus_millis(-1), 1).await.unwrap().len(), 1);
    assert!(listed(&tenant.session, 0).await.is_empty() && listed(&other.session, -1).await.is_empty());
    db.store.record_inbound(&tenant.fence, &[tenant.incoming("1@lid", "B")]).await.unwrap();
    assert_eq!(listed(&tenant.session, -1).await, ["A"]);
}

async fn an_incoming_message_is_stored_and_announced(db: &Db) {
    let tenant = Tenant::new(db).await;
    let row = tenant.incoming("1@lid", "A");
    let inbound = db.store.record_inbound(&tenant.fence, std::slice::from_ref(&row)).await.unwrap();
    assert_eq!(inbound, Inbound { inserted: vec![row.id.clone()] });
    assert_eq!(db.store.find_message(&tenant.account, &row.id).await.unwrap(), Some(row.clone()));
    assert_eq!(tenant.line(db, &row.id).await, [Received]);
    assert_eq!(db.kinds("TRUE").await, ["message.received"]);
}

async fn a_repeat_is_stored_and_announced_once(db: &Db) {
    let tenant = Tenant::new(db).await;
    let (a, b) = (tenant.incoming("1@lid", "A"), tenant.incoming("1@lid", "B"));
    let again = tenant.incoming("1@lid", "A");
    let inbound = db.store.record_inbound(&tenant.fence, &[a.clone(), again.clone(), b.clone()]).await.unwrap();
    assert_eq!(inbound.inserted, [a.id.clone(), b.id.clone()]);
    let inbound = db.store.record_inbound(&tenant.fence, &[again.clone(), a.clone()]).await.unwrap();
    assert!(inbound.inserted.is_empty());
    assert!(db.store.find_message(&tenant.account, &again.id).await.unwrap().is_none());
    assert_eq!(db.ints("SELECT COUNT(*) FROM messages").await, [2]);
    assert_eq!(db.ints("SELECT sequence FROM events ORDER BY number").await, [1, 2]);
}

async fn the_same_id_from_another_sender_chat_or_session_is_another_message(db: &Db) {
    let (tenant, stranger) = (Tenant::new(db).await, Tenant::new(db).await);
    let first = tenant.incoming("1@lid", "A");
    let sender = tenant.incoming("2@lid", "A");
    let chat = MessageRow { chat: "120363@g.us".to_owned(), ..tenant.incoming("1@lid", "A") };
    let inbound = db.store.record_inbound(&tenant.fence, &[first, sender, chat]).await.unwrap();
    assert_eq!(inbound.inserted.len(), 3);
    let inbound = db.store.record_inbound(&stranger.fence, &[stranger.incoming("1@lid", "A")]).await.unwrap();
    assert_eq!(inbound.inserted.len(), 1);
}

async fn a_message_without_a_sender_is_stored_once_too(db: &Db) {
    let tenant = Tenant::new(db).await;
    let row = || MessageRow { sender: None, ..tenant.incoming("", "A") };
    let inbound = db.store.record_inbound(&tenant.fence, &[row(), row()]).await.unwrap();
    assert_eq!(inbound.inserted.len(), 1);
}

async fn repeats_that_come_at_once_are_stored_once(db: &Db) {
    let tenant = Tenant::new(db).await;
    let batches: Vec<Vec<MessageRow>> = (0..10).map(|_| ["A", "B", "C"].map(|wa_id| tenant.incoming("1@lid", wa_id)).to_vec()).collect();
    let results = join_all(batches.iter().map(|batch| db.store.record_inbound(&tenant.fence, batch))).await;
    let inserted: usize = results.into_iter().map(|result| result.unwrap().inserted.len()).sum();
    assert_eq!(inserted, 3);
    assert_eq!(db.ints("SELECT COUNT(*) FROM messages").await, [3]);
    assert_eq!(db.ints("SELECT COUNT(*) FROM events").await, [3]);
}

async fn an_outgoing_message_with_the_same_id_does_not_hide_an_incoming_one(db: &Db) {
    let tenant = Tenant::new(db).await;
    let outgoing = tenant.send(db, "to myself").await;
    let echo = MessageRow { chat: outgoing.chat.clone(), ..tenant.incoming("1@lid", &outgoing.wa_id) };
    let inbound = db.store.record_inbound(&tenant.fence, &[echo]).await.unwrap();
    assert_eq!(inbound.inserted.len(), 1);
}

async fn what_would_not_read_back_is_refused_before_it_is_written(db: &Db) {
    let tenant = Tenant::new(db).await;
    let place = |latitude: f64| MessageRow {
        content: Content::Location { latitude, longitude: 2.0, name: None, address: None },
        ..tenant.incoming("1@lid", &latitude.to_string())
    };
    for latitude in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let refused = db.store.record_inbound(&tenant.fence, &[tenant.incoming("1@lid", "beside"), place(latitude)]).await;
        assert!(matches!(refused, Err(Error::Corrupt(_))), "{latitude}: {refused:?}");
    }
    assert_eq!(db.ints("SELECT COUNT(*) FROM messages").await, [0]);
    let good = place(1.5);
    db.store.record_inbound(&tenant.fence, std::slice::from_ref(&good)).await.unwrap();
    assert_eq!(db.store.find_message(&tenant.account, &good.id).await.unwrap(), Some(good));
}

async fn a_row_that_cannot_be_read_is_shown_as_one_and_holds_nothing_up(db: &Db) {
    let tenant = Tenant::new(db).await;
    let (bad, good) = (tenant.send(db, "bad").await, tenant.send(db, "good").await);
    let (theirs, other) = (tenant.incoming("1@lid", "A"), tenant.incoming("1@lid", "B"));
    db.store.record_inbound(&tenant.fence, &[theirs.clone(), other.clone()]).await.unwrap();
    let nonsense = |id| format!("UPDATE messages SET content = '{{\"type\":\"of a newer program\"}}' WHERE id = '{id}'");
    for row in [&bad, &theirs] {
        db.execute(&nonsense(&row.id)).await;
    }
    let names = |whatsapp_id: &str, wa_id: &str, content: fn(Reference) -> Content| MessageRow {
        content: content(Reference { message_id: None, whatsapp_id: whatsapp_id.to_owned(), from: None, ..Reference::default() }),
        ..tenant.incoming("1@lid", wa_id)
    };
    let answer = MessageRow {
        marks: Marks {
            reply_to: Some(Reference { message_id: None, whatsapp_id: "A".to_owned(), from: None, ..Reference::default() }),
            ..Marks::default()
        },
        ..tenant.incoming("1@lid", "C")
    };
    let rows = [
        answer.clone(),
        names("A", "D", |target| Content::Edit { text: "words".to_owned(), target }),
        names("A", "E", |target| Content::Deletion { target }),
        names(&bad.wa_id, "F", |target| Content::Reaction { emoji: "👍".to_owned(), target }),
    ];
    assert_eq!(db.store.record_inbound(&tenant.fence, &rows).await.unwrap().inserted.len(), 4);
    assert_eq!(db.store.find_message(&tenant.account, &answer.id).await.unwrap(), Some(answer));
    assert!(db.store.messages_on_wire(&tenant.session, "A").await.unwrap().is_empty());
    assert_eq!(db.store.messages_on_wire(&tenant.session, "B").await.unwrap().len(), 1);

    // A receipt for both moves the one that can be read, a mark of the phone as well.
    db.store.record_outcomes(&tenant.fence, &[sent(&good.id)]).await.unwrap();
    let receipt = Receipt { kind: ReceiptKind::Delivered, wa_ids: vec![bad.wa_id.clone(), good.wa_id.clone()], at: NOW };
    assert_eq!(db.store.record_receipt(&tenant.fence, &receipt).await.unwrap().len(), 1);
    assert_eq!(tenant.status(db, &good.id).await, Delivered);
    let read = ["A".to_owned(), "B".to_owned(), "Z".to_owned()];
    assert_eq!(db.store.record_read_elsewhere(&tenant.fence, &read, NOW).await.unwrap(), ["Z"]);
    db.store.mark_message_read(&tenant.account, &theirs.id, NOW).await.unwrap();
    // Whoever looks sees that there is one.
    let shown = db.store.find_message(&tenant.account, &theirs.id).await.unwrap().unwrap();
    assert_eq!((shown.content, shown.marks), (Content::unsupported("unreadable"), theirs.marks));

    // Pages of one lead past it.
    let (mut seen, mut after) = (0, None);
    loop {
        let page = db.store.list_messages(&tenant.account, &MessageFilter::default(), PageRequest { after, limit: 1 }).await.unwrap();
        seen += page.rows.len();
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, 8);
    assert!(db.store.list_chats(&tenant.account, &tenant.session, ALL).await.is_ok());
    assert!(db.store.unread(&tenant.account, &tenant.session, &other.chat, 9).await.is_ok());

    // The end of its tries is written although nobody can be told what it said.
    db.store.record_outcomes(&tenant.fence, &[sent(&bad.id)]).await.unwrap();
    assert_eq!(db.texts(&format!("SELECT status FROM messages WHERE id = '{}'", bad.id)).await, ["sent"]);
}

async fn what_comes_late_keeps_what_was_said_of_it_before(db: &Db) {
    let tenant = Tenant::new(db).await;
    let unread = MessageRow { content: Content::Undecryptable {}, ..tenant.incoming("1@lid", "A") };
    let by = |sender: &str, wa_id: &str, content: fn(Reference) -> Content| MessageRow {
        content: content(Reference { message_id: None, whatsapp_id: "A".to_owned(), from: None, ..Reference::default() }),
        created_at: NOW.plus_millis(9),
        ..tenant.incoming(sender, wa_id)
    };
    let said = [
        unread.clone(),
        by("2@lid", "B", |target| Content::Reaction { emoji: "👍".to_owned(), target }),
        by("1@lid", "C", |target| Content::Edit { text: "their words".to_owned(), target }),
        // Not their own: nobody else may edit it.
        by("2@lid", "D", |target| Content::Edit { text: "forged".to_owned(), target }),
    ];
    db.store.record_inbound(&tenant.fence, &said).await.unwrap();
    db.store.record_read_elsewhere(&tenant.fence, &["A".to_owned()], NOW.plus_millis(10)).await.unwrap();
    let whole = MessageRow { content: Content::text("thier words"), ..tenant.incoming("1@lid", "A") };
    assert_eq!(db.store.record_inbound(&tenant.fence, &[whole]).await.unwrap().inserted, std::slice::from_ref(&unread.id));
    let row = db.store.find_message(&tenant.account, &unread.id).await.unwrap().unwrap();
    assert_eq!(row.content, Content::text("their words"));
    assert_eq!(row.marks.reactions.len(), 1, "{:?}", row.marks);
    assert_eq!((row.marks.read_at, row.marks.edited_at), (Some(NOW.plus_millis(10)), Some(NOW.plus_millis(9))));
}

/// All orders of so many things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = orders(count - 1);
    shorter.iter().flat_map(|order| (0..count).map(|place| [&order[..place], &[count - 1], &order[place..]].concat())).collect()
}

async fn a_message_and_its_changes_are_the_same_in_whatever_order_they_come(db: &Db) {
    let tenant = Tenant::new(db).await;
    let at = |row: MessageRow, millis: i64| MessageRow { created_at: NOW.plus_millis(millis), ..row };
    for (place, order) in orders(4).into_iter().enumerate() {
        for deleted in [false, true] {
            let name = format!("{place}{deleted}");
            let named = || Reference { message_id: None, whatsapp_id: name.clone(), from: None, ..Reference::default() };
            let change =
                if deleted { Content::Deletion { target: named() } } else { Content::Edit { text: "new".to_owned(), target: named() } };
            let whole = tenant.incoming("1@lid", &name);
            let rows = [
                MessageRow { content: Content::Undecryptable {}, ..whole.clone() },
                at(MessageRow { content: change, ..tenant.incoming("1@lid", &format!("{name}c")) }, 2),
                at(
                    MessageRow {
                        content: Content::Reaction { emoji: "👍".to_owned(), target: named() },
                        ..tenant.incoming("2@lid", &format!("{name}r"))
                    },
                    3,
                ),
                whole,
            ];
            let before = db.ints("SELECT COALESCE(MAX(number), 0) FROM events").await[0];
            for next in &order {
                db.store.record_inbound(&tenant.fence, std::slice::from_ref(&rows[*next])).await.unwrap();
            }
            let row = db.store.messages_on_wire(&tenant.session, &name).await.unwrap().pop().unwrap();
            let content = if deleted { Content::Deleted {} } else { Content::text("new") };
            assert_eq!(row.content, content, "{order:?}");
            assert_eq!(row.marks.reactions.len(), usize::from(!deleted), "{order:?}: {:?}", row.marks);
            let change = db.store.messages_on_wire(&tenant.session, &format!("{name}c")).await.unwrap().pop().unwrap();
            assert_eq!(change.content.target().and_then(|target| target.message_id.clone()), Some(row.id), "{order:?}");

            // The last word that the events have of it is what the row says.
            let told = db.told(&format!("number > {before} AND {} = 'message.received'", db.kind())).await;
            let undone = |told: &String| {
                told.contains("hello back") && order.iter().position(|next| *next == 1) < order.iter().position(|next| *next == 3)
            };
            assert!(!told.iter().any(undone) && told.len() <= 1, "{order:?}: {told:?}");
        }
    }
}

async fn what_was_said_and_taken_back_with_an_emoji_is_the_same_in_whatever_order_it_comes(db: &Db) {
    let tenant = Tenant::new(db).await;
    for (place, order) in orders(4).into_iter().enumerate() {
        let name = place.to_string();
        let says = |sender: &str, emoji: &str, at: i64| MessageRow {
            content: Content::Reaction {
                emoji: emoji.to_owned(),
                target: Reference { message_id: None, whatsapp_id: name.clone(), from: None, ..Reference::default() },
            },
            created_at: NOW.plus_millis(at),
            ..tenant.incoming(sender, &format!("{name}{sender}{at}"))
        };
        let rows = [tenant.incoming("1@lid", &name), says("2@lid", "👍", 1), says("2@lid", "", 2), says("3@lid", "👍", 1)];
        for next in &order {
            db.store.record_inbound(&tenant.fence, std::slice::from_ref(&rows[*next])).await.unwrap();
        }
        let row = db.store.messages_on_wire(&tenant.session, &name).await.unwrap().pop().unwrap();
        let left: Vec<_> = row.marks.reactions.iter().map(|reaction| reaction.from.as_deref()).collect();
        assert_eq!(left, [Some("3@lid")], "{order:?}");
    }
}

/// So many changes of the message `A`, each a moment after the one before, stored before it is there.
async fn changes_before(db: &Db, tenant: &Tenant, changes: Vec<(String, Content)>) {
    let rows = changes.into_iter().zip(1..).map(|((sender, content), at)| MessageRow {
        content,
        created_at: NOW.plus_millis(at),
        ..tenant.incoming(&sender, &format!("change {at}"))
    });
    let rows: Vec<_> = rows.collect();
    for part in rows.chunks(32) {
        assert_eq!(db.store.record_inbound(&tenant.fence, part).await.unwrap().inserted.len(), part.len());
    }
}

fn of_a() -> Reference {
    Reference { whatsapp_id: "A".to_owned(), ..Reference::default() }
}

async fn of_hundreds_of_changes_that_came_before_their_message_none_is_lost(db: &Db) {
    let tenant = Tenant::new(db).await;
    let like = |n: usize| (format!("{n}@lid"), Content::Reaction { emoji: "👍".to_owned(), target: of_a() });
    let edit = |n: usize| ("1@lid".to_owned(), Content::Edit { text: format!("words {n}"), target: of_a() });
    let changes: Vec<_> = (1_000..1_350).map(like).chain((1..=260).map(edit)).collect();
    let count = changes.len();
    changes_before(db, &tenant, changes).await;
    let whole = tenant.incoming("1@lid", "A");
    db.store.record_inbound(&tenant.fence, std::slice::from_ref(&whole)).await.unwrap();
    let row = db.store.find_message(&tenant.account, &whole.id).await.unwrap().unwrap();
    assert_eq!((row.content, row.marks.reactions.len()), (Content::text("words 260"), 350));
    let said = db.texts("SELECT content FROM messages WHERE target_wa_id = 'A'").await;
    assert_eq!(said.iter().filter(|content| content.contains(whole.id.as_str())).count(), count, "each knows which message it changes");
}

async fn a_deletion_silences_hundreds_of_edits(db: &Db) {
    for deletion_first in [false, true] {
        let edit = |n: usize| ("1@lid".to_owned(), Content::Edit { text: format!("words {n}"), target: of_a() });
        let deletion = ("1@lid".to_owned(), Content::Deletion { target: of_a() });
        let mut changes: Vec<_> = (0..320).map(edit).collect();
        changes.insert(if deletion_first { 0 } else { 320 }, deletion);
        let tenant = Tenant::new(db).await;
        changes_before(db, &tenant, changes).await;
        let whole = tenant.incoming("1@lid", "A");
        db.store.record_inbound(&tenant.fence, std::slice::from_ref(&whole)).await.unwrap();
        let row = db.store.find_message(&tenant.account, &whole.id).await.unwrap().unwrap();
        assert_eq!(row.content, Content::Deleted {});
    }
    let said = db.texts("SELECT content FROM messages WHERE target_wa_id = 'A'").await;
    assert_eq!(said.iter().filter(|content| content.contains("words")).count(), 0, "of {}", said.len());
}
