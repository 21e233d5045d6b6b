use wharf_api::Timestamp;
use wharf_api::ids::{MessageId, Uuid};
use wharf_api::types::message::{Content, Direction, MessageStatus, Reference};
use wharf_core::store::{ChatStore, MessageFilter, MessageRow, MessageStore, OwnerStore, PageRequest};

use crate::harness::{Db, both_backends};
use crate::tenant::{ALL, NOW, Tenant, failed, sent, session};

both_backends!(
    pages_show_every_message_once_newest_first,
    messages_that_come_between_pages_disturb_nothing,
    filters_keep_what_they_name,
    a_kind_is_found_by_its_own_name_alone_whichever_release_wrote_the_row,
    a_chat_is_found_by_any_of_its_ids,
    a_chat_is_one_list_whatever_sessions_and_ways_it_has,
    a_bound_key_sees_only_its_sessions,
    another_account_lists_nothing_whatever_it_asks,
    a_time_is_from_then_on_and_before_then_to_the_millisecond,
    where_ids_of_a_time_are_in_another_order_the_log_is_listed_as_a_whole,
    what_failed_and_what_is_queued_is_listed_page_by_page,
    words_are_looked_for_in_part_of_a_long_log_and_the_next_page_goes_on,
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

/// A time in the log.
fn minute(number: i64) -> Timestamp {
    NOW.plus_millis(number * 60_000)
}

/// A message that came in at the one time and was made at the other.
fn came(tenant: &Tenant, place: i64, at: Timestamp, made_at: Timestamp) -> MessageRow {
    let (millis, place) = (u128::try_from(at.as_millis()).unwrap(), u128::try_from(place).unwrap());
    let id = MessageId::from_uuid(Uuid::from_u128((millis << 80) | place));
    MessageRow { id, created_at: made_at, ..tenant.incoming("1@lid", &format!("IN{place}")) }
}

async fn take_in(db: &Db, tenant: &Tenant, rows: &[MessageRow]) {
    for part in rows.chunks(50) {
        assert_eq!(db.store.record_inbound(&tenant.fence, part).await.unwrap().inserted.len(), part.len());
    }
}

/// Compares the lists of that time, however they are asked for, with what of all rows is of it.
async fn are_listed(db: &Db, tenant: &Tenant, rows: &[MessageRow], since: Option<Timestamp>, until: Option<Timestamp>) {
    let newest_first: Vec<_> = rows.iter().rev().cloned().collect();
    let is_of_it = |row: &MessageRow| since.is_none_or(|since| row.created_at >= since) && until.is_none_or(|until| row.created_at < until);
    let wanted = kept(&newest_first, is_of_it);
    let of_time = MessageFilter { since, until, ..MessageFilter::default() };
    let of_session = MessageFilter { session: Some(tenant.session.clone()), ..of_time.clone() };
    for filter in [&of_time, &of_session] {
        for limit in [90, 1_000] {
            assert_eq!(pages(db, tenant, filter, limit).await.0, wanted, "{limit} a page of {filter:?}");
        }
    }
    for kind in ["text", "unsupported"] {
        let filter = MessageFilter { kind: Some(kind.to_owned()), ..of_time.clone() };
        assert_eq!(pages(db, tenant, &filter, 40).await.0, kept(&wanted, |row| row.content.kind() == kind), "{kind}");
    }
}

async fn a_time_is_from_then_on_and_before_then_to_the_millisecond(db: &Db) {
    let tenant = Tenant::new(db).await;
    let mut rows: Vec<MessageRow> = (0..450).map(|place| came(&tenant, place, minute(place), minute(place))).collect();
    // One came late, one has the time of a clock that was wrong, and some are of one moment.
    rows.push(came(&tenant, 450, minute(450), minute(10)));
    rows[5].created_at = minute(440);
    rows[400].created_at = rows[401].created_at;
    rows[48].created_at = rows[50].created_at;
    for row in rows.iter_mut().step_by(9) {
        row.content = Content::unsupported("event");
    }
    take_in(db, &tenant, &rows).await;
    for edge in [400, 50] {
        for millis in [-1, 0, 1] {
            let at = Some(minute(edge).plus_millis(millis));
            are_listed(db, &tenant, &rows, at, None).await;
            are_listed(db, &tenant, &rows, None, at).await;
        }
    }
    for (since, until) in
        [(300, 310), (310, 300), (300, 300), (9, 11), (439, 441), (0, 1), (1_000, 2_000), (-2_000, -1_000), (-2_000, 2_000)]
    {
        are_listed(db, &tenant, &rows, Some(minute(since)), Some(minute(until))).await;
    }
    let far = Timestamp::from_millis;
    are_listed(db, &tenant, &rows, Some(far(0)), Some(far(253_402_300_799_999))).await;
    are_listed(db, &tenant, &rows, Some(far(-62_135_596_800_000)), None).await;
}

async fn where_ids_of_a_time_are_in_another_order_the_log_is_listed_as_a_whole(db: &Db) {
    let tenant = Tenant::new(db).await;
    // A clock that was a day ahead, and a process that began when it was right again.
    let (ahead, right) = ((0..220).map(|place| (place, minute(1_440 + place))), (220..700).map(|place| (place, minute(place))));
    let rows: Vec<MessageRow> = ahead.chain(right).map(|(place, at)| came(&tenant, place, at, at)).collect();
    take_in(db, &tenant, &rows).await;
    for at in [100, 230, 500, 690, 699, 700, 1_000, 1_450, 1_600, 2_000] {
        are_listed(db, &tenant, &rows, Some(minute(at)), None).await;
        are_listed(db, &tenant, &rows, None, Some(minute(at))).await;
    }
}

async fn what_failed_and_what_is_queued_is_listed_page_by_page(db: &Db) {
    let first = Tenant::new(db).await;
    let other = session(db, &first.account).await;
    let fence = db.store.take_session(&other, "node", NOW).await.unwrap().unwrap();
    let second = Tenant { account: first.account.clone(), session: other, fence };
    let tenants = [&first, &second];
    let mut rows = Vec::new();
    for place in 0..18 {
        let tenant = tenants[place % 2];
        let row = tenant.send(db, &place.to_string()).await;
        let ended = match place % 3 {
            0 => Some((failed(&row.id), MessageStatus::Failed)),
            1 => Some((sent(&row.id), MessageStatus::Sent)),
            _ => None,
        };
        if let Some((change, _)) = &ended {
            db.store.record_outcomes(&tenant.fence, std::slice::from_ref(change)).await.unwrap();
        }
        rows.insert(0, (row.id, row.session, ended.map_or(MessageStatus::Queued, |(_, status)| status)));
    }
    for status in [MessageStatus::Failed, MessageStatus::Queued, MessageStatus::Sent] {
        let of_status = MessageFilter { status: Some(status), ..MessageFilter::default() };
        for session in [None, Some(&first.session), Some(&second.session)] {
            let wanted: Vec<_> = rows
                .iter()
                .filter(|row| row.2 == status && session.is_none_or(|session| row.1 == *session))
                .map(|row| row.0.clone())
                .collect();
            assert!(!wanted.is_empty());
            let filters = [
                MessageFilter { session: session.cloned(), ..of_status.clone() },
                MessageFilter { sessions: session.map(|session| vec![session.clone()]), ..of_status.clone() },
            ];
            for filter in filters {
                for limit in [1, 2, 5, 18] {
                    let (seen, count) = pages(db, &first, &filter, limit).await;
                    assert_eq!(seen.into_iter().map(|row| row.id).collect::<Vec<_>>(), wanted, "{limit} a page of {filter:?}");
                    assert_eq!(count, u32::try_from(wanted.len()).unwrap().div_ceil(limit), "no empty page at the end");
                }
            }
        }
    }
    let incoming = MessageFilter { direction: Some(Direction::Incoming), status: Some(MessageStatus::Queued), ..MessageFilter::default() };
    assert!(ids(db, &first, &incoming).await.is_empty());
    let stranger = Tenant::new(db).await;
    for status in [MessageStatus::Failed, MessageStatus::Queued] {
        let filter = MessageFilter { status: Some(status), ..MessageFilter::default() };
        assert!(ids(db, &stranger, &filter).await.is_empty());
    }
}

async fn words_are_looked_for_in_part_of_a_long_log_and_the_next_page_goes_on(db: &Db) {
    let tenant = Tenant::new(db).await;
    let oldest = tenant.send(db, "a needle").await;
    let made = if db.is_sqlite() {
        "WITH RECURSIVE made (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM made WHERE n < 5500)"
    } else {
        "WITH made (n) AS (SELECT generate_series(1, 5500))"
    };
    let hay = format!(
        "INSERT INTO messages (id, account_id, session_id, wa_id, direction, status, chat, chat_key, content, marks, created_at) {made} \
         SELECT 'm' || n, '{}', '{}', 'w' || n, 'outgoing', 'sent', 'c', 'c', '{{\"type\":\"text\"}}', '{{}}', 0 FROM made",
        tenant.account, tenant.session
    );
    db.execute(&hay).await;
    let all = MessageFilter { text: Some("needle".to_owned()), ..MessageFilter::default() };
    let of_session = MessageFilter { session: Some(tenant.session.clone()), ..all.clone() };
    for filter in [all, of_session.clone()] {
        let page = async |after| db.store.list_messages(&tenant.account, &filter, PageRequest { after, limit: 50 }).await.unwrap();
        let first = page(None).await;
        assert!(first.rows.is_empty() && first.next.is_some(), "5,000 of 5,501 are a page");
        let second = page(first.next).await;
        assert_eq!((second.rows, second.next), (vec![oldest.clone()], None));
        // What stands where a page ends is on the next one.
        let at_its_end = page(Some(5_002)).await;
        assert_eq!((at_its_end.rows.len(), at_its_end.next), (0, Some(2)));
        let within = page(Some(5_001)).await;
        assert_eq!((within.rows.len(), within.next), (1, None));
    }
    // In a chat so many of each session and way.
    for (chat, session) in [("c", None), ("c", Some(tenant.session.clone()))] {
        let filter = MessageFilter { chat: Some(chat.to_owned()), session, text: Some("hay".to_owned()), ..MessageFilter::default() };
        let page = async |after| db.store.list_messages(&tenant.account, &filter, PageRequest { after, limit: 50 }).await.unwrap();
        let first = page(None).await;
        assert_eq!((first.rows.len(), first.next), (0, Some(502)), "5,000 of 5,500 are a page");
        assert_eq!(page(first.next).await.next, None);
        assert_eq!(page(Some(5_003)).await.next, Some(3));
        assert_eq!(page(Some(5_002)).await.next, None, "no way has more");
    }
    // Of somebody else's session nothing is told, and not how long its log is either.
    let stranger = Tenant::new(db).await;
    let told = db.store.list_messages(&stranger.account, &of_session, ALL).await.unwrap();
    assert_eq!((told.rows, told.next), (vec![], None));
}

#[tokio::test]
async fn on_postgresql_what_is_rare_is_found_by_what_has_nothing_else() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    let log = format!(
        "INSERT INTO messages (id, account_id, session_id, wa_id, direction, status, chat, chat_key, content, marks, created_at) \
         SELECT 'msg_' || LPAD(TO_HEX(at), 12, '0') || LPAD(TO_HEX(n), 20, '0'), '{}', '{}', 'w' || n, 'outgoing', 'delivered', 'c', 'c', \
         '{{\"type\":\"text\",\"text\":\"hello\"}}', '{{}}', at \
         FROM (SELECT n, {} + CAST(n AS BIGINT) * 60000 AS at FROM generate_series(1, 20000) n) made; ANALYZE messages",
        tenant.account,
        tenant.session,
        NOW.as_millis()
    );
    db.execute(&log).await;
    let any = MessageFilter::default();
    let lists = [
        MessageFilter { status: Some(MessageStatus::Failed), ..any.clone() },
        MessageFilter { status: Some(MessageStatus::Queued), ..any.clone() },
        MessageFilter { kind: Some("image".to_owned()), ..any.clone() },
    ];
    for filter in lists {
        assert!(ids(&db, &tenant, &filter).await.is_empty());
    }
    let of_time = MessageFilter { since: Some(minute(9_000)), until: Some(minute(9_010)), ..any };
    assert_eq!(ids(&db, &tenant, &of_time).await.len(), 10);
    let chats = db.store.list_chats(&tenant.account, &tenant.session, ALL).await.unwrap().rows;
    assert_eq!(chats.iter().map(|chat| chat.unread).collect::<Vec<_>>(), [0]);
    db.store.close().await;
    // A connection that closes hands in what it counted.
    let others = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() \
        AND backend_type = 'client backend'";
    while db.ints(others).await != [0] {
        tokio::task::yield_now().await;
    }
    let scans = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname IN ('messages_ahead', 'messages_behind', 'messages_by_type', \
        'messages_changes', 'messages_failed', 'messages_queued')";
    assert_eq!(db.ints(scans).await, [1; 6]);
    db.finish().await;
}
