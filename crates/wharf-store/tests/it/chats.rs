use serde_json::json;
use wharf_api::types::group::Group;
use wharf_api::types::message::{Content, Reference};
use wharf_core::store::{ChatStore, Error, Fence, Member, MemberReceipt, MessageRow, MessageStore, PageRequest, ReceiptKind};

use crate::harness::{Db, both_backends};
use crate::tenant::{ALL, NOW, Tenant};

both_backends!(
    chats_are_listed_by_their_newest_message_with_what_was_not_read,
    a_chat_is_read_up_to_a_message_and_never_back,
    what_another_device_has_read_is_read_up_to_it_once_by_the_owner_alone,
    a_status_makes_no_chat_and_a_page_begins_where_the_last_one_ended,
    people_are_those_who_wrote_or_were_written_to_each_once,
    receipts_of_members_add_up_and_the_first_of_a_kind_counts,
    who_does_not_own_the_session_records_no_receipt_of_a_member,
    groups_are_kept_as_they_were_seen_last,
    nothing_of_another_account_is_seen,
);

const GROUP: &str = "120363000000000001@g.us";

/// An incoming message of a chat of its own, or of the group.
fn heard(tenant: &Tenant, from: &str, group: bool, wa_id: &str) -> MessageRow {
    let id = format!("{from}@s.whatsapp.net");
    MessageRow {
        chat: if group { GROUP.to_owned() } else { id.clone() },
        chat_phone: (!group).then(|| from.to_owned()),
        chat_lid: None,
        sender: Some(id),
        sender_phone: Some(from.to_owned()),
        sender_lid: Some(format!("77{from}@lid")),
        sender_name: Some(format!("Name of {from}")),
        content: Content::Text { text: wa_id.to_owned(), link_preview: None },
        ..tenant.incoming("x", wa_id)
    }
}

async fn take_in(db: &Db, tenant: &Tenant, rows: &[MessageRow]) {
    db.store.record_inbound(&tenant.fence, rows).await.unwrap();
}

async fn listed(db: &Db, tenant: &Tenant) -> Vec<(String, u64)> {
    let page = db.store.list_chats(&tenant.account, &tenant.session, ALL).await.unwrap();
    page.rows.into_iter().map(|chat| (chat.last.wa_id, chat.unread)).collect()
}

async fn chats_are_listed_by_their_newest_message_with_what_was_not_read(db: &Db) {
    let tenant = Tenant::new(db).await;
    let sent = tenant.send(db, "out").await;
    let rows = [heard(&tenant, "4911", false, "A1"), heard(&tenant, "4911", true, "G1"), heard(&tenant, "4912", true, "G2")];
    take_in(db, &tenant, &rows).await;
    take_in(db, &tenant, &[heard(&tenant, "4911", false, "A2")]).await;
    assert_eq!(listed(db, &tenant).await, [("A2".to_owned(), 2), ("G2".to_owned(), 2), (sent.wa_id, 0)]);

    // A reaction is no message to be read.
    let target = Reference { message_id: None, whatsapp_id: "A2".to_owned(), from: None, ..Reference::default() };
    let reaction = MessageRow { content: Content::Reaction { emoji: "x".to_owned(), target }, ..heard(&tenant, "4911", false, "A3") };
    take_in(db, &tenant, &[reaction]).await;
    assert_eq!(listed(db, &tenant).await[0].1, 2);
    assert_eq!(db.store.unread(&tenant.account, &tenant.session, "4911", 10).await.unwrap().rows.len(), 2);

    let one = PageRequest { after: None, limit: 1 };
    let first = db.store.list_chats(&tenant.account, &tenant.session, one).await.unwrap();
    let second = db.store.list_chats(&tenant.account, &tenant.session, PageRequest { after: first.next, limit: 1 }).await.unwrap();
    assert_eq!((first.rows[0].unread, second.rows[0].last.wa_id.as_str()), (2, "G2"));
}

async fn a_chat_is_read_up_to_a_message_and_never_back(db: &Db) {
    let tenant = Tenant::new(db).await;
    take_in(db, &tenant, &[heard(&tenant, "4911", false, "A1"), heard(&tenant, "4911", false, "A2")]).await;
    let unread = db.store.unread(&tenant.account, &tenant.session, "4911@s.whatsapp.net", 10).await.unwrap();
    assert_eq!(unread.rows.iter().map(|row| row.wa_id.as_str()).collect::<Vec<_>>(), ["A1", "A2"]);
    let newest = db.store.unread(&tenant.account, &tenant.session, "4911", 1).await.unwrap();
    assert_eq!((newest.rows.len(), newest.until), (1, unread.until));
    for until in [unread.until, unread.until - 1] {
        db.store.mark_read(&tenant.account, &tenant.session, "4911@s.whatsapp.net", until).await.unwrap();
        assert!(db.store.unread(&tenant.account, &tenant.session, "4911", 10).await.unwrap().rows.is_empty());
    }
    take_in(db, &tenant, &[heard(&tenant, "4911", false, "A3")]).await;
    assert_eq!(listed(db, &tenant).await, [("A3".to_owned(), 1)]);

    // What changes another message counts on neither side of what was read, and what we say never does.
    let target = || Reference { whatsapp_id: "A3".to_owned(), ..Reference::default() };
    let changes = [
        Content::Reaction { emoji: "x".to_owned(), target: target() },
        Content::Edit { text: "A3, but better".to_owned(), target: target() },
        Content::PollVote { options: Vec::new(), target: target() },
    ];
    for (place, content) in changes.into_iter().enumerate() {
        take_in(db, &tenant, &[MessageRow { content, ..heard(&tenant, "4911", false, &format!("C{place}")) }]).await;
        assert_eq!(listed(db, &tenant).await[0].1, 1, "{place}");
    }
    take_in(db, &tenant, &[heard(&tenant, "4911", false, "A4")]).await;
    assert_eq!(listed(db, &tenant).await, [("A4".to_owned(), 2)]);
    let unread = db.store.unread(&tenant.account, &tenant.session, "4911", 10).await.unwrap();
    assert_eq!(unread.rows.len(), 2);
    db.store.mark_read(&tenant.account, &tenant.session, "4911", unread.until).await.unwrap();
    assert_eq!(listed(db, &tenant).await, [("A4".to_owned(), 0)]);
}

async fn people_are_those_who_wrote_or_were_written_to_each_once(db: &Db) {
    let tenant = Tenant::new(db).await;
    take_in(db, &tenant, &[heard(&tenant, "4911", true, "G1"), heard(&tenant, "4912", true, "G2")]).await;
    tenant.send(db, "out").await;
    take_in(db, &tenant, &[heard(&tenant, "4911", false, "A1")]).await;
    let people = db.store.list_contacts(&tenant.account, &tenant.session, ALL).await.unwrap().rows;
    let phones: Vec<_> = people.iter().map(|person| person.phone.clone().unwrap()).collect();
    assert_eq!(phones, ["4911", "491701234567", "4912"]);
    assert_eq!((people[0].name.as_deref(), people[0].lid.as_deref()), (Some("Name of 4911"), Some("774911@lid")));
    assert_eq!((people[1].id.as_str(), people[1].name.as_deref()), ("491701234567@s.whatsapp.net", None));
    for name in ["4912", "774912@lid", "4912@s.whatsapp.net"] {
        let found = db.store.find_contact(&tenant.account, &tenant.session, name).await.unwrap();
        assert_eq!(found.as_ref(), Some(&people[2]), "{name}");
    }
    assert_eq!(db.store.find_contact(&tenant.account, &tenant.session, "4913").await.unwrap(), None);
}

async fn a_status_makes_no_chat_and_a_page_begins_where_the_last_one_ended(db: &Db) {
    let tenant = Tenant::new(db).await;
    let status = MessageRow { chat: "status@broadcast".to_owned(), chat_phone: None, ..heard(&tenant, "4910", false, "S1") };
    take_in(db, &tenant, &[status]).await;
    assert_eq!(listed(db, &tenant).await, []);
    // The person is there all the same.
    let people = async |after| db.store.list_contacts(&tenant.account, &tenant.session, PageRequest { after, limit: 2 }).await.unwrap();
    assert_eq!(people(None).await.rows[0].phone.as_deref(), Some("4910"));
    let rows: Vec<_> =
        ["4913", "4911", "4912", "4911"].iter().enumerate().map(|(at, from)| heard(&tenant, from, false, &format!("A{at}"))).collect();
    take_in(db, &tenant, &rows).await;
    let (mut chats, mut found, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let page = db.store.list_chats(&tenant.account, &tenant.session, PageRequest { after, limit: 2 }).await.unwrap();
        chats.extend(page.rows.into_iter().map(|chat| chat.last.chat_phone.unwrap()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    loop {
        let page = people(after).await;
        found.extend(page.rows.into_iter().map(|person| person.phone.unwrap()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(chats, ["4911", "4912", "4913"]);
    assert_eq!(found, ["4911", "4912", "4913", "4910"]);
}

fn receipt(wa_id: &str, from: &str, kind: ReceiptKind, after_ms: i64) -> MemberReceipt {
    let member = Member { id: format!("{from}@s.whatsapp.net"), phone: Some(from.to_owned()), lid: None };
    MemberReceipt { wa_id: wa_id.to_owned(), member, kind, at: NOW.plus_millis(after_ms) }
}

async fn receipts_of_members_add_up_and_the_first_of_a_kind_counts(db: &Db) {
    let tenant = Tenant::new(db).await;
    let row = tenant.send(db, "to all").await;
    let told = [
        receipt(&row.wa_id, "4911", ReceiptKind::Delivered, 1),
        receipt(&row.wa_id, "4912", ReceiptKind::Read, 2),
        receipt(&row.wa_id, "4911", ReceiptKind::Delivered, 3),
        receipt("NOBODYS", "4911", ReceiptKind::Delivered, 4),
    ];
    db.store.record_member_receipts(&tenant.fence, &told).await.unwrap();
    let played = [receipt(&row.wa_id, "4911", ReceiptKind::Played, 5), receipt("not there yet", "4911", ReceiptKind::Read, 5)];
    assert_eq!(db.store.record_member_receipts(&tenant.fence, &played).await.unwrap(), ["not there yet"]);
    let states = db.store.member_states(&tenant.account, &row.id).await.unwrap();
    let at = |ms: i64| Some(NOW.plus_millis(ms));
    let shown: Vec<_> = states.iter().map(|state| (state.delivered_at, state.read_at, state.played_at)).collect();
    assert_eq!(shown, [(at(1), at(5), at(5)), (at(2), at(2), None)]);
    assert_eq!(states[0].member.phone.as_deref(), Some("4911"));
}

async fn who_does_not_own_the_session_records_no_receipt_of_a_member(db: &Db) {
    let tenant = Tenant::new(db).await;
    let row = tenant.send(db, "to all").await;
    let stale = Fence { epoch: tenant.fence.epoch - 1, ..tenant.fence.clone() };
    let refused = db.store.record_member_receipts(&stale, &[receipt(&row.wa_id, "4911", ReceiptKind::Read, 1)]).await;
    assert!(matches!(refused, Err(Error::Fenced)));
    assert!(db.store.member_states(&tenant.account, &row.id).await.unwrap().is_empty());
}

async fn groups_are_kept_as_they_were_seen_last(db: &Db) {
    let (tenant, other) = (Tenant::new(db).await, Tenant::new(db).await);
    take_in(db, &tenant, &[heard(&tenant, "4911", true, "G1")]).await;
    let ids = [GROUP.to_owned(), "120363000000000002@g.us".to_owned()];
    let known = async |of: &Tenant| db.store.known_groups(&of.account, &tenant.session, &ids).await.unwrap();
    assert_eq!(known(&tenant).await, []);
    let shown = json!({"groupId": GROUP, "subject": "crew\0", "announcement": false, "locked": false, "approvalRequired": false,
        "membersCanAdd": true, "disappearingSeconds": 0, "participants": [{"contactId": "1@lid", "role": "admin"}]});
    let seen: Group = serde_json::from_value(shown).unwrap();
    let left = Group { left_at: Some(NOW), ..seen.clone() };
    for group in [seen, left] {
        db.store.keep_groups(&tenant.account, &tenant.session, std::slice::from_ref(&group)).await.unwrap();
        assert_eq!(known(&tenant).await, std::slice::from_ref(&group));
        let chat = db.store.list_chats(&tenant.account, &tenant.session, ALL).await.unwrap().rows.remove(0);
        assert_eq!((chat.called.as_deref(), chat.left_at), (Some("crew\u{fffd}"), group.left_at));
        // Another account neither sees nor changes it.
        assert_eq!(known(&other).await, []);
        let taken = Group { subject: "mine".to_owned(), ..group.clone() };
        db.store.keep_groups(&other.account, &tenant.session, &[taken]).await.unwrap();
        assert_eq!(known(&tenant).await, [group]);
    }
}

async fn nothing_of_another_account_is_seen(db: &Db) {
    let (tenant, stranger) = (Tenant::new(db).await, Tenant::new(db).await);
    take_in(db, &tenant, &[heard(&tenant, "4911", false, "A1")]).await;
    let row = tenant.send(db, "to all").await;
    db.store.record_member_receipts(&tenant.fence, &[receipt(&row.wa_id, "4911", ReceiptKind::Read, 1)]).await.unwrap();
    assert!(db.store.list_chats(&stranger.account, &tenant.session, ALL).await.unwrap().rows.is_empty());
    assert!(db.store.list_contacts(&stranger.account, &tenant.session, ALL).await.unwrap().rows.is_empty());
    assert_eq!(db.store.find_contact(&stranger.account, &tenant.session, "4911").await.unwrap(), None);
    assert!(db.store.member_states(&stranger.account, &row.id).await.unwrap().is_empty());
    let unread = db.store.unread(&stranger.account, &tenant.session, "4911", 10).await.unwrap();
    assert!(unread.rows.is_empty());
    db.store.mark_read(&stranger.account, &tenant.session, "4911", i64::MAX).await.unwrap();
    assert_eq!(db.store.unread(&tenant.account, &tenant.session, "4911", 10).await.unwrap().rows.len(), 1);
}

async fn what_another_device_has_read_is_read_up_to_it_once_by_the_owner_alone(db: &Db) {
    let tenant = Tenant::new(db).await;
    let sent = tenant.send(db, "out").await;
    take_in(db, &tenant, &[heard(&tenant, "4911", false, "A1"), heard(&tenant, "4911", false, "A2"), heard(&tenant, "4911", true, "G1")])
        .await;
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let stale = Fence { epoch: tenant.fence.epoch - 1, ..tenant.fence.clone() };
    assert!(matches!(db.store.record_read_elsewhere(&stale, &ids(&["A1"]), NOW).await, Err(Error::Fenced)));
    let unknown = db.store.record_read_elsewhere(&tenant.fence, &ids(&["A1", "nobody's", &sent.wa_id]), NOW).await.unwrap();
    assert_eq!(unknown, ids(&["nobody's", &sent.wa_id]), "what was sent is not read by its sender");
    let later = NOW.plus_millis(1);
    assert_eq!(db.store.record_read_elsewhere(&tenant.fence, &ids(&["A1"]), later).await.unwrap(), ids(&[]));
    let read_at = async |wa_id: &str| db.store.messages_on_wire(&tenant.session, wa_id).await.unwrap()[0].marks.read_at;
    assert_eq!((read_at("A1").await, read_at("A2").await, read_at(&sent.wa_id).await), (Some(NOW), None, None));
    let unread = async |chat: &str| db.store.unread(&tenant.account, &tenant.session, chat, 10).await.unwrap().rows.len();
    assert_eq!((unread("4911").await, unread(GROUP).await), (1, 1));
    db.store.record_read_elsewhere(&tenant.fence, &ids(&["A2", "A1", "G1"]), later).await.unwrap();
    assert_eq!((unread("4911").await, unread(GROUP).await), (0, 0));
}
