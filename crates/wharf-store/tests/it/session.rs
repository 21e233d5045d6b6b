use futures::future::join_all;
use serde_json::json;
use wharf_api::types::event::EventKind;
use wharf_api::types::session::{DisconnectReason, SessionStatus};
use wharf_core::store::{
    Accepted, Created, IdempotencyStore, LinkChange, MessageStore, NewEvent, NewMessage, NewSession, OwnerStore, PageRequest,
    SessionChange, SessionStore, VaultOp, VaultStore,
};

use crate::harness::{Db, both_backends};
use crate::tenant::{ALL, NOW, Tenant, claim, failed, new_session, session};

both_backends!(
    the_limit_of_sessions_holds_when_many_are_made_at_once,
    one_claim_makes_one_session,
    another_account_sees_nothing_of_a_session,
    pages_show_every_session_once_and_in_order,
    a_link_is_recorded_with_its_events,
    what_a_change_leaves_out_stays_as_it_is,
    only_linked_sessions_are_started,
    a_deleted_session_is_gone_and_its_messages_stay,
    what_is_queued_ends_with_the_link_of_its_account_and_no_sooner,
    deleting_a_session_frees_its_place,
    a_proxy_stays_with_its_session_and_goes_with_it,
    a_session_is_renamed_and_its_proxy_changed_by_its_account_alone,
    a_session_that_was_read_is_read_as_it_is_after_each_change,
);

fn link(status: SessionStatus) -> LinkChange {
    LinkChange {
        status,
        reason: None,
        refusal: None,
        jid: None,
        lid: None,
        push_name: None,
        unlink: false,
        at: NOW.plus_millis(7),
        events: Vec::new(),
    }
}

async fn the_limit_of_sessions_holds_when_many_are_made_at_once(db: &Db) {
    let tenant = Tenant::new(db).await;
    let wanted: Vec<NewSession> = (0..12).map(|_| new_session(&tenant.account, Some(5))).collect();
    let made = join_all(wanted.iter().map(|new| db.store.insert_session(new))).await;
    assert_eq!(made.iter().filter(|made| matches!(made, Ok(Created::Now))).count(), 4);
    assert_eq!(made.iter().filter(|made| matches!(made, Ok(Created::LimitReached { sessions: 5 }))).count(), 8);
    assert_eq!(db.store.list_sessions(&tenant.account, ALL).await.unwrap().rows.len(), 5);
}

async fn one_claim_makes_one_session(db: &Db) {
    let tenant = Tenant::new(db).await;
    let wanted: Vec<NewSession> = (0..8).map(|_| NewSession { claim: Some(claim("once")), ..new_session(&tenant.account, None) }).collect();
    let made = join_all(wanted.iter().map(|new| db.store.insert_session(new))).await;
    let winner = made.iter().position(|made| matches!(made, Ok(Created::Now))).unwrap();
    assert_eq!(made.iter().filter(|made| matches!(made, Ok(Created::ClaimedBefore))).count(), 7);
    assert_eq!(db.store.list_sessions(&tenant.account, ALL).await.unwrap().rows.len(), 2);
    let row = db.store.find_idempotency(&tenant.account, "send_text", "once", NOW).await.unwrap().unwrap();
    assert_eq!(row.resource_id, wanted[winner].id.as_str());
}

async fn another_account_sees_nothing_of_a_session(db: &Db) {
    let (tenant, stranger) = (Tenant::new(db).await, Tenant::new(db).await);
    assert!(db.store.find_session(&stranger.account, &tenant.session).await.unwrap().is_none());
    assert!(!db.store.delete_session(&stranger.account, &tenant.session).await.unwrap());
    let listed = db.store.list_sessions(&stranger.account, ALL).await.unwrap();
    assert!(listed.rows.iter().all(|row| row.id != tenant.session));
    // The attempt to delete it did not touch its owner either.
    db.store.record_link(&tenant.fence, &link(SessionStatus::Qr)).await.unwrap();
}

async fn pages_show_every_session_once_and_in_order(db: &Db) {
    let tenant = Tenant::new(db).await;
    let mut ids = vec![tenant.session.clone()];
    for _ in 0..4 {
        ids.push(session(db, &tenant.account).await);
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = db.store.list_sessions(&tenant.account, PageRequest { after, limit: 2 }).await.unwrap();
        seen.extend(page.rows.into_iter().map(|row| row.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, ids);
}

async fn a_link_is_recorded_with_its_events(db: &Db) {
    let tenant = Tenant::new(db).await;
    let change = LinkChange {
        jid: Some("491700000001@s.whatsapp.net".to_owned()),
        push_name: Some("Ada".to_owned()),
        events: vec![
            NewEvent::new(EventKind::SessionStatus, &json!({"status": "connected"})),
            NewEvent::new(EventKind::SessionConnected, &json!({})),
        ],
        ..link(SessionStatus::Connected)
    };
    db.store.record_link(&tenant.fence, &change).await.unwrap();
    let row = db.store.find_session(&tenant.account, &tenant.session).await.unwrap().unwrap();
    assert_eq!((row.status, row.status_at), (SessionStatus::Connected, NOW.plus_millis(7)));
    assert_eq!((row.jid, row.push_name), (change.jid, change.push_name));
    let kinds = db.kinds("TRUE").await;
    assert_eq!(kinds, ["session.status", "session.connected"]);
    assert_eq!(db.ints("SELECT sequence FROM events ORDER BY number").await, [1, 2]);
}

async fn what_a_change_leaves_out_stays_as_it_is(db: &Db) {
    let tenant = Tenant::new(db).await;
    let linked = LinkChange { jid: Some("1@s.whatsapp.net".to_owned()), lid: Some("2@lid".to_owned()), ..link(SessionStatus::Connected) };
    db.store.record_link(&tenant.fence, &linked).await.unwrap();
    let named = LinkChange { push_name: Some("Ada".to_owned()), at: NOW.plus_millis(99), ..link(SessionStatus::Connected) };
    db.store.record_link(&tenant.fence, &named).await.unwrap();
    let row = db.store.find_session(&tenant.account, &tenant.session).await.unwrap().unwrap();
    assert_eq!((row.jid.as_deref(), row.lid.as_deref(), row.push_name.as_deref()), (Some("1@s.whatsapp.net"), Some("2@lid"), Some("Ada")));
    assert_eq!(row.status_at, NOW.plus_millis(7), "the status did not change");

    let lost = LinkChange { unlink: true, reason: Some(DisconnectReason::LoggedOut), ..link(SessionStatus::Disconnected) };
    db.store.record_link(&tenant.fence, &lost).await.unwrap();
    let row = db.store.find_session(&tenant.account, &tenant.session).await.unwrap().unwrap();
    assert_eq!((row.jid, row.lid, row.push_name), (None, None, None));
    assert_eq!(row.reason, Some(DisconnectReason::LoggedOut));
    db.store.record_link(&tenant.fence, &link(SessionStatus::Starting)).await.unwrap();
    let row = db.store.find_session(&tenant.account, &tenant.session).await.unwrap().unwrap();
    assert_eq!(row.reason, None, "the reason belongs to the status");
}

async fn only_linked_sessions_are_started(db: &Db) {
    let (linked, _bare) = (Tenant::new(db).await, Tenant::new(db).await);
    let change = LinkChange { jid: Some("1@s.whatsapp.net".to_owned()), ..link(SessionStatus::Connected) };
    db.store.record_link(&linked.fence, &change).await.unwrap();
    let rows = db.store.list_linked_sessions().await.unwrap();
    assert_eq!(rows.into_iter().map(|row| row.id).collect::<Vec<_>>(), [linked.session]);
}

async fn a_deleted_session_is_gone_and_its_messages_stay(db: &Db) {
    let tenant = Tenant::new(db).await;
    let row = tenant.send(db, "too late").await;
    let put = VaultOp::Put { space: "pre_key", key: "1".to_owned(), value: vec![1] };
    db.store.vault_apply(&tenant.fence, vec![put]).await.unwrap();
    let change = LinkChange { jid: Some("1@s.whatsapp.net".to_owned()), ..link(SessionStatus::Connected) };
    db.store.record_link(&tenant.fence, &change).await.unwrap();

    assert!(db.store.delete_session(&tenant.account, &tenant.session).await.unwrap());
    assert!(!db.store.delete_session(&tenant.account, &tenant.session).await.unwrap());
    assert!(db.store.find_session(&tenant.account, &tenant.session).await.unwrap().is_none());
    assert!(db.store.list_linked_sessions().await.unwrap().is_empty());
    assert!(db.store.take_session(&tenant.session, "other", NOW.plus_millis(1_000_000)).await.unwrap().is_none());
    assert!(db.store.vault_get(&tenant.session, "pre_key", "1").await.unwrap().is_none());
    assert!(db.store.queued_messages(&tenant.session, 0, 10).await.unwrap().is_empty());
    assert!(db.store.sent_payload(&tenant.session, &row.chat, &row.wa_id).await.unwrap().is_none());

    // Its queued message is overdue from now on, and failing it still numbers its events.
    let before = db.ints("SELECT MAX(sequence) FROM events").await[0];
    let overdue = db.store.overdue_messages(NOW, 10).await.unwrap();
    assert_eq!(overdue.iter().map(|overdue| (&overdue.row.id, overdue.given_up)).collect::<Vec<_>>(), [(&row.id, true)]);
    assert!(db.store.fail_message(&tenant.account, &failed(&row.id)).await.unwrap());
    assert_eq!(db.ints("SELECT MAX(sequence) FROM events").await, [before + 2]);

    // Of a request that saw the session a moment before nothing is accepted.
    let (late, counted) = (tenant.outgoing("later still"), db.ints("SELECT messages FROM usage").await);
    let late = NewMessage { claim: Some(claim("late")), ..late };
    assert_eq!(db.store.accept_message(&late).await.unwrap(), Accepted::NoSession);
    assert!(db.store.find_message(&tenant.account, &late.row.id).await.unwrap().is_none());
    assert_eq!(db.ints("SELECT messages FROM usage").await, counted);
    assert_eq!(db.ints("SELECT COUNT(*) FROM idempotency").await, [0]);
}

async fn what_is_queued_ends_with_the_link_of_its_account_and_no_sooner(db: &Db) {
    let (tenant, other) = (Tenant::new(db).await, Tenant::new(db).await);
    let account = |jid: &str| LinkChange { jid: Some(jid.to_owned()), ..link(SessionStatus::Connected) };
    let unlinked = LinkChange { unlink: true, ..link(SessionStatus::Disconnected) };
    let given_up =
        async || -> Vec<_> { db.store.overdue_messages(NOW, 10).await.unwrap().into_iter().map(|overdue| overdue.row.id).collect() };
    for tenant in [&tenant, &other] {
        db.store.record_link(&tenant.fence, &account("1@s.whatsapp.net")).await.unwrap();
    }
    other.send(db, "of another session").await;
    let first = tenant.send(db, "of the first account").await.id;
    for same in [account("1@s.whatsapp.net"), link(SessionStatus::Reconnecting), link(SessionStatus::Qr)] {
        db.store.record_link(&tenant.fence, &same).await.unwrap();
    }
    assert!(given_up().await.is_empty());
    db.store.record_link(&tenant.fence, &account("2@s.whatsapp.net")).await.unwrap();
    assert_eq!(given_up().await, std::slice::from_ref(&first));
    let second = tenant.send(db, "of the second account").await.id;
    db.store.record_link(&tenant.fence, &unlinked).await.unwrap();
    assert_eq!(given_up().await, [first.clone(), second.clone()]);
    // One that was accepted by a request that saw the link a moment before.
    let late = tenant.send(db, "of nobody").await.id;
    db.store.record_link(&tenant.fence, &account("2@s.whatsapp.net")).await.unwrap();
    assert_eq!(given_up().await, [first, second, late]);
}

async fn deleting_a_session_frees_its_place(db: &Db) {
    let tenant = Tenant::new(db).await;
    let next = new_session(&tenant.account, Some(1));
    assert_eq!(db.store.insert_session(&next).await.unwrap(), Created::LimitReached { sessions: 1 });
    assert!(db.store.delete_session(&tenant.account, &tenant.session).await.unwrap());
    assert_eq!(db.store.insert_session(&next).await.unwrap(), Created::Now);
}

async fn a_proxy_stays_with_its_session_and_goes_with_it(db: &Db) {
    let tenant = Tenant::new(db).await;
    let new = NewSession { proxy: Some(vec![0, 255, 7]), ..new_session(&tenant.account, None) };
    db.store.insert_session(&new).await.unwrap();
    let fence = db.store.take_session(&new.id, "node", NOW).await.unwrap().unwrap();
    db.store.record_link(&fence, &LinkChange { unlink: true, ..link(SessionStatus::Disconnected) }).await.unwrap();
    let row = db.store.find_session(&tenant.account, &new.id).await.unwrap().unwrap();
    assert_eq!(
        (row.proxy.as_deref(), db.store.session_proxy(&new.id).await.unwrap().as_deref()),
        (Some(&[0, 255, 7][..]), Some(&[0, 255, 7][..]))
    );
    assert_eq!(db.store.session_proxy(&session(db, &tenant.account).await).await.unwrap(), None, "others have none");
    db.store.delete_session(&tenant.account, &new.id).await.unwrap();
    assert_eq!(db.store.session_proxy(&new.id).await.unwrap(), None);
}

async fn a_session_is_renamed_and_its_proxy_changed_by_its_account_alone(db: &Db) {
    let (tenant, stranger) = (Tenant::new(db).await, Tenant::new(db).await);
    let update = |account, change| db.store.update_session(account, &tenant.session, change);
    let look = async || {
        let row = db.store.find_session(&tenant.account, &tenant.session).await.unwrap().unwrap();
        assert_eq!(row.proxy, db.store.session_proxy(&tenant.session).await.unwrap());
        (row.name, row.proxy)
    };
    let (before, _) = look().await;
    let proxied = SessionChange { proxy: Some(Some(vec![9, 0])), ..SessionChange::default() };
    let named = SessionChange { name: Some("renamed".to_owned()), ..SessionChange::default() };
    let nothing = SessionChange::default();
    let both = SessionChange { name: Some("bare".to_owned()), proxy: Some(None) };
    assert!(!update(&stranger.account, &both).await.unwrap());
    assert!(update(&tenant.account, &proxied).await.unwrap());
    assert_eq!(look().await, (before, Some(vec![9, 0])), "the name stays");
    assert!(update(&tenant.account, &named).await.unwrap());
    assert_eq!(look().await, ("renamed".to_owned(), Some(vec![9, 0])), "the proxy stays");
    assert!(update(&tenant.account, &nothing).await.unwrap());
    assert!(update(&tenant.account, &both).await.unwrap());
    assert_eq!(look().await, ("bare".to_owned(), None));
    db.store.delete_session(&tenant.account, &tenant.session).await.unwrap();
    assert!(!update(&tenant.account, &proxied).await.unwrap(), "a deleted one is nobody's");
    assert_eq!(db.store.session_proxy(&tenant.session).await.unwrap(), None);
}

async fn a_session_that_was_read_is_read_as_it_is_after_each_change(db: &Db) {
    let tenant = Tenant::new(db).await;
    let read = || async { db.store.find_session(&tenant.account, &tenant.session).await.unwrap() };
    assert_eq!(read().await.unwrap().name, read().await.unwrap().name);
    let change = SessionChange { name: Some("till".to_owned()), ..SessionChange::default() };
    assert!(db.store.update_session(&tenant.account, &tenant.session, &change).await.unwrap());
    assert_eq!(read().await.unwrap().name, "till");
    let other = Tenant::new(db).await;
    assert!(db.store.find_session(&other.account, &tenant.session).await.unwrap().is_none());
    assert!(db.store.delete_session(&tenant.account, &tenant.session).await.unwrap());
    assert!(read().await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_another_node_deleted_is_recalled_and_takes_no_message() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    let (here, there) = (db.second().await.unwrap(), db.second().await.unwrap());
    let recalled = async || here.recall_session(&tenant.account, &tenant.session).await.unwrap();
    assert_eq!(recalled().await, here.find_session(&tenant.account, &tenant.session).await.unwrap());
    let stranger = Tenant::new(&db).await;
    assert!(here.recall_session(&stranger.account, &tenant.session).await.unwrap().is_none());

    assert!(there.delete_session(&tenant.account, &tenant.session).await.unwrap());
    assert!(recalled().await.is_some(), "nobody has told this one");
    assert!(here.find_session(&tenant.account, &tenant.session).await.unwrap().is_none());
    let texts: Vec<_> = (0..4).map(|_| tenant.outgoing("late")).collect();
    for accepted in join_all(texts.iter().map(|text| here.accept_message(text))).await {
        assert_eq!(accepted.unwrap(), Accepted::NoSession);
    }
    assert_eq!(db.ints("SELECT (SELECT COUNT(*) FROM messages) + (SELECT COUNT(*) FROM usage)").await, [0]);
    here.close().await;
    there.close().await;
    db.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_a_session_or_writes_one_recalls_it_as_it_is_from_then_on() {
    let db = Db::postgres().await;
    let tenant = Tenant::new(&db).await;
    let here = db.second().await.unwrap();
    let recalled = async || here.recall_session(&tenant.account, &tenant.session).await.unwrap().unwrap();
    let linked = |jid: &str| LinkChange { jid: Some(jid.to_owned()), ..link(SessionStatus::Connected) };
    assert_eq!(recalled().await.jid, None);
    db.store.record_link(&tenant.fence, &linked("1@s.whatsapp.net")).await.unwrap();
    assert_eq!(recalled().await.jid, None, "its owner is another node, and who recalls it asks for nothing of this");
    db.execute("DELETE FROM node_lease").await;
    let fence = here.take_session(&tenant.session, "other", NOW).await.unwrap().unwrap();
    assert_eq!(recalled().await.jid.as_deref(), Some("1@s.whatsapp.net"));
    here.record_link(&fence, &linked("2@s.whatsapp.net")).await.unwrap();
    assert_eq!(recalled().await.jid.as_deref(), Some("2@s.whatsapp.net"));
    here.close().await;
    db.finish().await;
}
