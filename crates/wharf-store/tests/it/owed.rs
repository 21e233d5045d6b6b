//! What a webhook has not had yet stays in the log, however short that is kept.

use wharf_api::Timestamp;
use wharf_api::ids::EventId;
use wharf_api::types::event::EventKind;
use wharf_api::types::session::SessionStatus;
use wharf_api::types::webhook::{Attempt, DeliveryStatus, NoAnswer};
use wharf_core::store::{
    DatabaseStore, DueWebhook, EventFilter, EventStore, Health, Inserted, LinkChange, NewEvent, SessionStore, TryRecord, WebhookRow,
    WebhookStore,
};

use crate::harness::{Db, both_backends};
use crate::tenant::{ALL, NOW, Tenant, chance};

both_backends!(
    what_is_owed_to_a_webhook_outlives_the_log,
    a_webhook_that_is_off_keeps_nothing,
    a_recovery_ends_where_the_log_ended_when_it_began,
    a_recovery_has_all_that_was_written_since_then_in_whatever_order,
    deliveries_of_a_webhook_that_is_gone_are_swept_and_no_others,
    every_webhook_that_is_due_is_told_a_part_at_a_time,
    what_waits_for_longer_than_it_was_ever_told_to_is_due_and_nothing_else,
    tries_that_are_written_together_stand_each_in_their_own_delivery,
    a_log_of_tries_that_is_damaged_holds_up_no_delivery,
    a_delivery_whose_event_cannot_be_read_hides_none_of_those_that_can,
    a_webhook_is_handed_the_kinds_that_it_names_and_no_others,
    a_list_of_kinds_that_is_damaged_wants_nothing_and_stops_nobody,
);

/// A webhook that wants everything.
pub async fn webhook(db: &Db, tenant: &Tenant) -> WebhookRow {
    let row = WebhookRow {
        number: 0,
        id: chance().webhook_id(),
        account: tenant.account.clone(),
        session: None,
        url: "https://example.com/".to_owned(),
        kinds: Vec::new(),
        description: None,
        timeout_ms: 5_000,
        max_bytes: None,
        header_names: Vec::new(),
        headers: None,
        secret: vec![1],
        old_secret: None,
        enabled: true,
        disabled_reason: None,
        disabled_at: None,
        failing_since: None,
        created_at: NOW,
        updated_at: NOW,
    };
    assert_eq!(db.store.insert_webhook(&row, 1).await.unwrap(), Inserted::Now);
    db.store.find_webhook(&tenant.account, &row.id).await.unwrap().unwrap()
}

/// Writes three events.
async fn events(db: &Db, tenant: &Tenant) {
    written(db, tenant, &[EventKind::SessionQr; 3]).await;
}

/// Writes events of these kinds.
async fn written(db: &Db, tenant: &Tenant, kinds: &[EventKind]) {
    let events = kinds.iter().map(|kind| NewEvent::new(*kind, &serde_json::json!({}))).collect();
    let status = SessionStatus::Connected;
    let change = LinkChange { status, reason: None, refusal: None, jid: None, lid: None, push_name: None, unlink: false, at: NOW, events };
    db.store.record_link(&tenant.fence, &change).await.unwrap();
}

/// Drops what may go, were it as old as can be; gives the sequences of what is left.
async fn left(db: &Db, tenant: &Tenant) -> Vec<i64> {
    db.store.expire_events(&tenant.account, Timestamp::from_millis(i64::MAX / 2)).await.unwrap();
    let page = db.store.list_events(&tenant.account, &EventFilter::default(), 0, 100).await.unwrap();
    page.rows.iter().map(|row| row.sequence).collect()
}

async fn what_is_owed_to_a_webhook_outlives_the_log(db: &Db) {
    let tenant = Tenant::new(db).await;
    let hook = webhook(db, &tenant).await;
    events(db, &tenant).await;
    let due = db.store.due_deliveries(hook.number, NOW, 0, 10, 0).await.unwrap().readable;
    assert_eq!(due.len(), 3);
    assert_eq!(left(db, &tenant).await, [1, 2, 3]);
    let whose = DueWebhook { number: hook.number, account: tenant.account.clone() };
    for (place, delivery) in due.iter().enumerate() {
        let attempt = Attempt { at: NOW, duration_ms: 1, http_status: Some(200), reason: None, answer: None };
        // That it was given up counts like that it arrived.
        let state = if place == 0 { DeliveryStatus::Failed } else { DeliveryStatus::Delivered };
        let record = TryRecord { event: delivery.event.number, state, next_at: NOW, tries: 1, attempt: Some(attempt) };
        db.store.record_tries(&whose, vec![record], Health::AsBefore, NOW).await.unwrap();
        let owed: Vec<_> = due[place + 1..].iter().map(|delivery| delivery.event.sequence).collect();
        assert_eq!(left(db, &tenant).await, owed);
    }
    assert!(db.store.list_deliveries(&hook, None, ALL).await.unwrap().rows.is_empty());
}

async fn a_webhook_that_is_off_keeps_nothing(db: &Db) {
    let tenant = Tenant::new(db).await;
    let hook = webhook(db, &tenant).await;
    events(db, &tenant).await;
    db.store.change_webhook(&tenant.account, &hook.id, std::sync::Arc::new(|row| row.enabled = false)).await.unwrap().unwrap();
    assert!(left(db, &tenant).await.is_empty());
}

async fn a_recovery_ends_where_the_log_ended_when_it_began(db: &Db) {
    let tenant = Tenant::new(db).await;
    let hook = webhook(db, &tenant).await;
    events(db, &tenant).await;
    // An account that is never quiet: something is written before each look.
    let busy = async {
        loop {
            events(db, &tenant).await;
        }
    };
    let recovered = tokio::select! {
        recovered = db.store.recover_deliveries(&hook, Timestamp::from_millis(0)) => recovered.unwrap(),
        () = async { tokio::time::timeout(std::time::Duration::from_secs(20), busy).await.unwrap_or(()) } => panic!("it runs after the end of the log"),
    };
    assert!(recovered >= 3, "{recovered}");
}

/// Two nodes, whose clocks are some minutes apart, write for one account.
async fn a_recovery_has_all_that_was_written_since_then_in_whatever_order(db: &Db) {
    let (tenant, other) = (Tenant::new(db).await, Tenant::new(db).await);
    let hook = webhook(db, &tenant).await;
    for whose in [&other, &tenant, &other] {
        events(db, whose).await;
    }
    let after = |minutes: i64| NOW.plus_millis(minutes * 60_000);
    for (sequence, minutes) in [(1, 12), (2, 1), (3, 11)] {
        let id = EventId::first_at(after(minutes));
        let written = if db.is_sqlite() { format!("late = {} - at", after(minutes).as_millis()) } else { format!("id = '{id}'") };
        db.execute(&format!("UPDATE events SET {written} WHERE {} AND sequence = {sequence}", db.of_account(&tenant.account))).await;
    }
    db.execute("UPDATE deliveries SET state = 'failed'").await;
    for (since, recovered) in [(after(10), 2), (after(13), 0), (NOW, 3)] {
        assert_eq!(db.store.recover_deliveries(&hook, since).await.unwrap(), recovered);
    }
}

async fn deliveries_of_a_webhook_that_is_gone_are_swept_and_no_others(db: &Db) {
    let (gone, stays) = (Tenant::new(db).await, Tenant::new(db).await);
    let (first, second) = (webhook(db, &gone).await, webhook(db, &stays).await);
    events(db, &gone).await;
    events(db, &stays).await;
    assert_eq!(db.store.sweep_deliveries().await.unwrap(), 0, "both are there");
    db.execute(&format!("DELETE FROM webhooks WHERE number = {}", first.number)).await;
    assert_eq!(db.store.sweep_deliveries().await.unwrap(), 3);
    assert_eq!(db.ints("SELECT DISTINCT webhook FROM deliveries").await, [second.number]);
    assert_eq!(db.store.sweep_deliveries().await.unwrap(), 0);
}

async fn every_webhook_that_is_due_is_told_a_part_at_a_time(db: &Db) {
    let mut numbers = Vec::new();
    for has_events in [true, true, false, true] {
        let tenant = Tenant::new(db).await;
        let hook = webhook(db, &tenant).await;
        if has_events {
            events(db, &tenant).await;
            numbers.push(hook.number);
        }
    }
    let told = async |after: i64| {
        let due = db.store.due_webhooks("node", NOW, after, 2).await.unwrap();
        due.iter().map(|due| due.number).collect::<Vec<_>>()
    };
    assert_eq!(told(0).await, numbers[..2]);
    assert_eq!(told(numbers[1]).await, numbers[2..]);
    assert_eq!(told(numbers[2]).await, [0_i64; 0]);
}

/// A clock that was a day ahead told one to wait for a day too long.
async fn what_waits_for_longer_than_it_was_ever_told_to_is_due_and_nothing_else(db: &Db) {
    let tenant = Tenant::new(db).await;
    let hook = webhook(db, &tenant).await;
    events(db, &tenant).await;
    let whose = DueWebhook { number: hook.number, account: tenant.account.clone() };
    let (minute, day) = (60_000, 86_400_000);
    let waits = [(1, minute), (1, day), (2, day)];
    let due = db.store.due_deliveries(hook.number, NOW, 0, 10, 10).await.unwrap().readable;
    for (delivery, (tries, wait)) in due.iter().zip(waits) {
        let attempt = Some(Attempt { at: NOW, duration_ms: 1, http_status: Some(500), reason: None, answer: None });
        let (event, state, next_at) = (delivery.event.number, DeliveryStatus::Pending, NOW.plus_millis(wait));
        let record = TryRecord { event, state, next_at, tries, attempt };
        db.store.record_tries(&whose, vec![record], Health::AsBefore, NOW).await.unwrap();
    }
    let after_one = [(1, NOW.plus_millis(minute)), (2, NOW.plus_millis(day))];
    for hastened in [1, 0] {
        assert_eq!(db.store.hasten(NOW, &after_one, NOW.plus_millis(day)).await.unwrap(), hastened);
    }
    let now_due = db.store.due_deliveries(hook.number, NOW, 0, 10, 10).await.unwrap().readable;
    assert_eq!(now_due.iter().map(|delivery| delivery.event.number).collect::<Vec<_>>(), [due[1].event.number]);
}

async fn tries_that_are_written_together_stand_each_in_their_own_delivery(db: &Db) {
    let tenant = Tenant::new(db).await;
    let hook = webhook(db, &tenant).await;
    events(db, &tenant).await;
    let whose = DueWebhook { number: hook.number, account: tenant.account.clone() };
    let due = db.store.due_deliveries(hook.number, NOW, 0, 10, 0).await.unwrap().readable;
    let (pending, done) = (DeliveryStatus::Pending, DeliveryStatus::Delivered);
    let record = |place: usize, state, tries, answered: Option<u16>| {
        let attempt = answered.map(|status| Attempt { at: NOW, duration_ms: 1, http_status: Some(status), reason: None, answer: None });
        TryRecord { event: due[place].event.number, state, next_at: NOW, tries, attempt }
    };
    let first = vec![record(0, done, 1, Some(200)), record(1, pending, 1, Some(500)), record(2, pending, 1, None)];
    db.store.record_tries(&whose, first, Health::AsBefore, NOW).await.unwrap();
    // What was delivered stays so.
    let second = vec![record(0, pending, 2, Some(500)), record(1, pending, 2, Some(503)), record(2, done, 1, Some(204))];
    db.store.record_tries(&whose, second, Health::AsBefore, NOW).await.unwrap();
    let rows = db.store.list_deliveries(&hook, None, ALL).await.unwrap().rows;
    let answers = |attempts: &[Attempt]| attempts.iter().filter_map(|attempt| attempt.http_status).collect::<Vec<_>>();
    let seen: Vec<_> = rows.iter().rev().map(|row| (row.state, answers(&row.attempts))).collect();
    assert_eq!(seen, [(done, vec![200]), (pending, vec![500, 503]), (done, vec![204])]);
}

async fn a_log_of_tries_that_is_damaged_holds_up_no_delivery(db: &Db) {
    let tenant = Tenant::new(db).await;
    let hook = webhook(db, &tenant).await;
    events(db, &tenant).await;
    db.execute("UPDATE deliveries SET log = '{\"at\":'").await;
    let due = db.store.due_deliveries(hook.number, NOW, 0, 10, 10).await.unwrap().readable;
    assert_eq!(due.iter().map(|delivery| (delivery.event.sequence, delivery.tries)).collect::<Vec<_>>(), [(1, 0), (2, 0), (3, 0)]);
    let listed = db.store.list_deliveries(&hook, None, ALL).await.unwrap().rows;
    assert_eq!(listed.iter().map(|row| (row.event.sequence, row.attempts.len())).collect::<Vec<_>>(), [(3, 0), (2, 0), (1, 0)]);
}

async fn a_delivery_whose_event_cannot_be_read_hides_none_of_those_that_can(db: &Db) {
    let tenant = Tenant::new(db).await;
    let hook = webhook(db, &tenant).await;
    written(db, &tenant, &[EventKind::SessionQr; 4]).await;
    let numbers = db.ints("SELECT event FROM deliveries ORDER BY event").await;
    let [gone, odd, well, empty] = numbers[..] else { panic!("{numbers:?}") };
    // An empty text stands for what the next event tells, and there is none.
    let (of_no_kind, without_data) = ("UPDATE events SET kind = 'nonsense'", "UPDATE events SET data = ''");
    db.execute(&format!("DELETE FROM events WHERE number = {gone}")).await;
    db.execute(&format!("{of_no_kind} WHERE number = {odd}; {without_data} WHERE number = {empty}")).await;
    let due = db.store.due_deliveries(hook.number, NOW, 0, 10, 10).await.unwrap();
    assert_eq!(due.readable.iter().map(|delivery| delivery.event.number).collect::<Vec<_>>(), [well]);
    assert_eq!(due.unreadable.iter().map(|lost| (lost.event, lost.tries)).collect::<Vec<_>>(), [(gone, 0), (odd, 0), (empty, 0)]);
    let shown = async |state| {
        let rows = db.store.list_deliveries(&hook, state, ALL).await.unwrap().rows;
        rows.iter().map(|row| row.event.number).collect::<Vec<_>>()
    };
    // Of the others nothing is known that a list could show.
    assert_eq!(shown(None).await, [empty, well]);

    let whose = DueWebhook { number: hook.number, account: tenant.account.clone() };
    let attempt = Attempt { at: NOW, duration_ms: 0, http_status: None, reason: Some(NoAnswer::Unreadable), answer: None };
    let given_up = |event| TryRecord { event, state: DeliveryStatus::Failed, next_at: NOW, tries: 1, attempt: Some(attempt.clone()) };
    let all = [gone, odd, empty].map(given_up).to_vec();
    db.store.record_tries(&whose, all, Health::AsBefore, NOW).await.unwrap();
    let due = db.store.due_deliveries(hook.number, NOW, 0, 10, 10).await.unwrap();
    assert_eq!((due.readable.len(), due.unreadable.len()), (1, 0));
    assert_eq!(shown(Some(DeliveryStatus::Failed)).await, [empty]);
    let of_empty = db.store.list_deliveries(&hook, None, ALL).await.unwrap().rows.remove(0).event;
    assert_eq!(of_empty.number, empty);
    let found = db.store.find_delivery(&hook, &of_empty.id).await.unwrap().unwrap();
    assert_eq!(found.attempts, [attempt]);
}

/// What is due of the events that are written now, by their kinds.
async fn handed(db: &Db, tenant: &Tenant, hook: &WebhookRow, kinds: &[EventKind]) -> Vec<EventKind> {
    let last = db.ints("SELECT COALESCE(MAX(number), 0) FROM events").await[0];
    written(db, tenant, kinds).await;
    let due = db.store.due_deliveries(hook.number, NOW, last, 100, 0).await.unwrap().readable;
    due.into_iter().map(|delivery| delivery.event.kind).collect()
}

async fn a_webhook_is_handed_the_kinds_that_it_names_and_no_others(db: &Db) {
    let tenant = Tenant::new(db).await;
    let hook = webhook(db, &tenant).await;
    let all = EventKind::ALL;
    // The star wants each step once: not the kind for all statuses before the kind for the one.
    let repeats = |place: usize| all.get(place + 1).is_some_and(|next| next.umbrella() == Some(all[place]));
    let each_step: Vec<_> = (0..all.len()).filter(|place| !repeats(*place)).map(|place| all[place]).collect();
    assert!(each_step.len() < all.len());
    assert_eq!(handed(db, &tenant, &hook, all).await, each_step);
    for wanted in all.iter().map(|kind| vec![*kind]).chain([vec![EventKind::MessageSent, EventKind::MessageStatus]]) {
        let kinds = wanted.clone();
        let change = std::sync::Arc::new(move |row: &mut WebhookRow| row.kinds.clone_from(&kinds));
        db.store.change_webhook(&tenant.account, &hook.id, change).await.unwrap().unwrap();
        let named: Vec<_> = all.iter().copied().filter(|kind| wanted.contains(kind)).collect();
        assert_eq!(handed(db, &tenant, &hook, all).await, named);
    }
}

async fn a_list_of_kinds_that_is_damaged_wants_nothing_and_stops_nobody(db: &Db) {
    let tenant = Tenant::new(db).await;
    let hook = webhook(db, &tenant).await;
    let like_it = r#"["message.sent_failed","a.message.sent","message_sent","MESSAGE.SENT","%"]"#;
    for list in ["", "no list", r#"["message.sent"#, "[message.sent]", like_it] {
        db.execute(&format!("UPDATE webhooks SET events = '{list}'")).await;
        assert!(handed(db, &tenant, &hook, &[EventKind::MessageSent]).await.is_empty(), "{list:?}");
    }
    // It is the list that stood in the way.
    db.execute(r#"UPDATE webhooks SET events = '["poll.vote","message.sent"]'"#).await;
    assert_eq!(handed(db, &tenant, &hook, &[EventKind::MessageSent]).await, [EventKind::MessageSent]);
}
