use wharf_api::types::message::{Content, Direction, MessageStatus, Reference};
use wharf_core::store::{MessageFilter, MessageRow, MessageStore, OwnerStore, PageRequest};

use crate::harness::{Db, both_backends};
use crate::tenant::{ALL, NOW, Tenant, sent, session};

both_backends!(
    pages_show_every_message_once_newest_first,
    messages_that_come_between_pages_disturb_nothing,
    filters_keep_what_they_name,
    a_kind_is_found_by_its_own_name_alone_whichever_release_wrote_the_row,
    a_chat_is_found_by_any_of_its_ids,
    a_chat_is_one_list_whatever_sessions_and_ways_it_has,
    a_bound_key_sees_only_its_sessions,
    another_account_lists_nothing_whatever_it_asks,
);

async fn ids(db: &Db, tenant: &Tenant, filter: &MessageFilter) -> Vec<MessageRow> {
    let page = db.store.list_messages(&tenant.account, filter, ALL).await.unwrap();
    assert_eq!(page.next, None);
    page.rows
}

fn kept(rows: &[MessageRow], keeps: impl Fn(&MessageRow) -> bool) -> Vec<MessageRow> {
    rows.iter().filter(|row| keeps(row)).cloned().collect()
}

/// What all pages show, and how many there are.
async fn pages(db: &Db, tenant: &Tenant, filter: &MessageFilter, limit: u32) -> (Vec<MessageRow>, u32) {
    let (mut seen, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = db.store.list_messages(&tenant.account, filter, PageRequest { after, limit }).await.unwrap();
        assert!(page.rows.len() <= limit as usize);
        seen.extend(page.rows);
        pages += 1;
        after = page.next;
        if after.is_none() {
            return (seen, pages);
        }
    }
}

async fn pages_show_every_message_once_newest_first(db: &Db) {
    let tenant = Tenant::new(db).await;
    let mut wanted = Vec::new();
    for number in 0..7 {
        wanted.insert(0, tenant.send(db, &number.to_string()).await);
    }
    for limit in [1, 2, 3, 7, 8] {
        let (seen, count) = pages(db, &tenant, &MessageFilter::default(), limit).await;
        assert_eq!(seen, wanted);
        assert_eq!(count, 7_u32.div_ceil(limit), "no empty page at the end");
    }
}

async fn messages_that_come_between_pages_disturb_nothing(db: &Db) {
    let tenant = Tenant::new(db).await;
    let (a, b) = (tenant.send(db, "a").await, tenant.send(db, "b").await);
    let first = PageRequest { after: None, limit: 1 };
    let page = db.store.list_messages(&tenant.account, &MessageFilter::default(), first).await.unwrap();
    tenant.send(db, "c").await;
    let next = PageRequest { after: page.next, limit: 9 };
    let rest = db.store.list_messages(&tenant.account, &MessageFilter::default(), next).await.unwrap();
    assert_eq!((page.rows, rest.rows), (vec![b], vec![a]));
}

async fn filters_keep_what_they_name(db: &Db) {
    let tenant = Tenant::new(db).await;
    let other = Tenant { session: session(db, &tenant.account).await, ..Tenant::new(db).await };
    let other = Tenant { account: tenant.account.clone(), ..other };
    let (a, b, c) = (tenant.send(db, "a").await, tenant.send(db, "b").await, other.send(db, "c").await);
    let incoming = tenant.incoming("1@lid", "IN");
    db.store.record_inbound(&tenant.fence, std::slice::from_ref(&incoming)).await.unwrap();
    db.store.record_outcomes(&tenant.fence, &[sent(&a.id)]).await.unwrap();
    let a = MessageRow { status: MessageStatus::Sent, ..a };

    let none = MessageFilter::default();
    assert_eq!(ids(db, &tenant, &none).await, [incoming.clone(), c.clone(), b.clone(), a.clone()]);
    let by_session = MessageFilter { session: Some(tenant.session.clone()), ..none.clone() };
    assert_eq!(ids(db, &tenant, &by_session).await, [incoming.clone(), b.clone(), a.clone()]);
    let outgoing = MessageFilter { direction: Some(Direction::Outgoing), ..by_session.clone() };
    assert_eq!(ids(db, &tenant, &outgoing).await, [b.clone(), a.clone()]);
    let is_sent = MessageFilter { status: Some(MessageStatus::Sent), ..none.clone() };
    assert_eq!(ids(db, &tenant, &is_sent).await, std::slice::from_ref(&a));
    let chat = MessageFilter { chat: Some(c.chat.clone()), session: Some(other.session.clone()), ..none };
    assert_eq!(ids(db, &tenant, &chat).await, [c]);
}

async fn a_chat_is_found_by_any_of_its_ids(db: &Db) {
    let tenant = Tenant::new(db).await;
    let out = tenant.send(db, "a").await;
    let incoming = tenant.incoming("1@lid", "IN");
    let group = MessageRow { chat: "120363@g.us".to_owned(), chat_phone: None, chat_lid: None, ..tenant.incoming("1@lid", "IN2") };
    let bare = MessageRow {
        chat: "888@lid".to_owned(),
        chat_phone: None,
        chat_lid: Some("888@lid".to_owned()),
        ..tenant.incoming("1@lid", "IN3")
    };
    db.store.record_inbound(&tenant.fence, &[incoming.clone(), group.clone(), bare.clone()]).await.unwrap();
    let cases = [
        ("491701234567", &out),
        ("491701234567@s.whatsapp.net", &out),
        ("491709999999", &incoming),
        ("491709999999@s.whatsapp.net", &incoming),
        ("77700012345@lid", &incoming),
        ("120363@g.us", &group),
        ("888@lid", &bare),
    ];
    for (chat, wanted) in cases {
        let filter = MessageFilter { chat: Some(chat.to_owned()), ..MessageFilter::default() };
        assert_eq!(ids(db, &tenant, &filter).await, std::slice::from_ref(wanted), "{chat}");
    }
    let nobody = MessageFilter { chat: Some("4917".to_owned()), ..MessageFilter::default() };
    assert!(ids(db, &tenant, &nobody).await.is_empty());
}

async fn a_chat_is_one_list_whatever_sessions_and_ways_it_has(db: &Db) {
    let mut tenants = vec![Tenant::new(db).await];
    let account = tenants[0].account.clone();
    for _ in 0..3 {
        let session = session(db, &account).await;
        let fence = db.store.take_session(&session, "node", NOW).await.unwrap().unwrap();
        tenants.push(Tenant { account: account.clone(), session, fence });
    }
    let mut wanted: Vec<MessageRow> = Vec::new();
    for (place, of) in [0, 1, 2, 3, 0, 0, 0, 2, 2, 1, 3, 3, 3, 1, 0, 2].into_iter().enumerate() {
        let (tenant, wa_id) = (&tenants[of], format!("IN{place}"));
        let elsewhere = tenant.incoming("1@lid", &format!("OTHER{place}"));
        let row = if place % 3 == 0 {
            let chat = tenant.outgoing("").row;
            let incoming = tenant.incoming(&chat.chat, &wa_id);
            MessageRow { chat: chat.chat, chat_phone: chat.chat_phone, chat_lid: None, ..incoming }
        } else {
            tenant.send(db, &wa_id).await
        };
        let came = if place % 3 == 0 { vec![elsewhere, row.clone()] } else { vec![elsewhere] };
        db.store.record_inbound(&tenant.fence, &came).await.unwrap();
        wanted.insert(0, row);
    }
    let all = MessageFilter { chat: Some("491701234567".to_owned()), ..MessageFilter::default() };
    for limit in [1, 2, 3, 5, 16, 17] {
        let (seen, count) = pages(db, &tenants[0], &all, limit).await;
        assert_eq!(seen, wanted, "{limit} a page");
        assert_eq!(count, 16_u32.div_ceil(limit), "no empty page at the end");
    }
    for direction in [Direction::Incoming, Direction::Outgoing] {
        let filter = MessageFilter { direction: Some(direction), ..all.clone() };
        assert_eq!(ids(db, &tenants[0], &filter).await, kept(&wanted, |row| row.direction == direction));
    }
    for status in [MessageStatus::Received, MessageStatus::Queued, MessageStatus::Sent] {
        let filter = MessageFilter { status: Some(status), ..all.clone() };
        assert_eq!(ids(db, &tenants[0], &filter).await, kept(&wanted, |row| row.status == status));
    }
    for tenant in &tenants {
        let filter = MessageFilter { session: Some(tenant.session.clone()), ..all.clone() };
        let own = kept(&wanted, |row| row.session == tenant.session);
        for limit in [1, 2, 9] {
            assert_eq!(pages(db, tenant, &filter, limit).await.0, own);
        }
    }
    let bound = vec![tenants[1].session.clone(), tenants[3].session.clone()];
    let filter = MessageFilter { sessions: Some(bound.clone()), ..all.clone() };
    assert_eq!(ids(db, &tenants[0], &filter).await, kept(&wanted, |row| bound.contains(&row.session)));
    let filter = MessageFilter { text: Some("IN1".to_owned()), ..all };
    assert_eq!(ids(db, &tenants[0], &filter).await, kept(&wanted, |row| row.content.says("IN1")));
}

async fn a_bound_key_sees_only_its_sessions(db: &Db) {
    let tenant = Tenant::new(db).await;
    let second = session(db, &tenant.account).await;
    let third = session(db, &tenant.account).await;
    let fence = tenant.fence.clone();
    let at =
        |session: &wharf_api::ids::SessionId| Tenant { account: tenant.account.clone(), session: session.clone(), fence: fence.clone() };
    let a = tenant.send(db, "a").await;
    let b = at(&second).send(db, "b").await;
    let c = at(&third).send(db, "c").await;
    let bound = |sessions: &[&MessageRow]| MessageFilter {
        sessions: Some(sessions.iter().map(|row| row.session.clone()).collect()),
        ..MessageFilter::default()
    };
    assert_eq!(ids(db, &tenant, &bound(&[&a, &c])).await, [c.clone(), a.clone()]);
    assert!(ids(db, &tenant, &bound(&[])).await.is_empty());
    let foreign = MessageFilter { session: Some(second.clone()), ..bound(&[&a]) };
    assert!(ids(db, &tenant, &foreign).await.is_empty());
    let own = MessageFilter { session: Some(second), ..bound(&[&a, &b]) };
    assert_eq!(ids(db, &tenant, &own).await, [b]);
}

async fn another_account_lists_nothing_whatever_it_asks(db: &Db) {
    let (tenant, stranger) = (Tenant::new(db).await, Tenant::new(db).await);
    let row = tenant.send(db, "a").await;
    let any = MessageFilter::default();
    let filters = [
        any.clone(),
        MessageFilter { session: Some(tenant.session.clone()), ..any.clone() },
        MessageFilter { sessions: Some(vec![tenant.session.clone()]), ..any.clone() },
        MessageFilter { chat: Some(row.chat.clone()), ..any.clone() },
        MessageFilter { chat: Some("77700012345@lid".to_owned()), session: Some(tenant.session.clone()), ..any },
    ];
    for filter in filters {
        assert!(ids(db, &stranger, &filter).await.is_empty(), "{filter:?}");
    }
}

async fn a_kind_is_found_by_its_own_name_alone_whichever_release_wrote_the_row(db: &Db) {
    let tenant = Tenant::new(db).await;
    let target = || Reference { whatsapp_id: "3EB0".to_owned(), ..Reference::default() };
    let poll = Content::Poll { question: "When?".to_owned(), options: Vec::new(), selectable_count: 1, results: Vec::new() };
    // What one says may look like how another one begins, and one kind may begin like another.
    let said = [
        Content::text(r#"{"type":"poll","question":"When?"}"#),
        poll,
        Content::PollVote { options: Vec::new(), target: target() },
        Content::unsupported("poll"),
        Content::Undecryptable {},
        Content::Edit { text: "poll".to_owned(), target: target() },
        Content::Deletion { target: target() },
        Content::Reaction { emoji: "x".to_owned(), target: target() },
    ];
    let mut rows = Vec::new();
    for (place, content) in said.into_iter().enumerate() {
        rows.push(MessageRow { content, ..tenant.incoming("1@lid", &format!("IN{place}")) });
    }
    rows.push(MessageRow { content: Content::unsupported("poll_vote"), ..tenant.incoming("1@lid", "OLDER") });
    assert_eq!(db.store.record_inbound(&tenant.fence, &rows).await.unwrap().inserted.len(), rows.len());
    db.execute(r#"UPDATE messages SET content = '{"type":"unsupported","kind":"poll_vote"}' WHERE wa_id = 'OLDER'"#).await;
    rows.reverse();
    let of_kind = |kind: &str| MessageFilter { kind: Some(kind.to_owned()), ..MessageFilter::default() };
    for kind in Content::TYPES {
        let wanted: Vec<_> = rows.iter().filter(|row| row.content.kind() == *kind).cloned().collect();
        assert_eq!(ids(db, &tenant, &of_kind(kind)).await, wanted, "{kind}");
    }
    for other in ["", "%", "pol", "pol_", "poll%", "poll-vote", "POLL"] {
        assert!(ids(db, &tenant, &of_kind(other)).await.is_empty(), "{other:?}");
    }
}
