use futures::future::join_all;
use wharf_api::types::message::{Direction, MessageStatus, TimelineEntry};
use wharf_core::message::handover::HandedOver;
use wharf_core::store::{Accepted, AccountStore, Answer, Error, EventStore, IdempotencyStore, MessageRow, MessageStore, NewMessage};

use crate::harness::{Db, both_backends};
use crate::tenant::{NOW, Tenant, chance, claim, sent};

both_backends!(
    an_accepted_message_is_queued_counted_and_announced,
    a_message_that_goes_at_once_is_accepted_with_its_first_try,
    what_goes_at_once_is_handed_over_as_the_queue_has_it_unless_others_wrote_meanwhile,
    what_was_not_accepted_is_handed_over_to_nobody,
    the_daily_limit_holds_when_many_come_at_once,
    a_limit_of_zero_accepts_nothing,
    the_next_day_counts_anew,
    one_claim_makes_one_message,
    a_key_of_any_letters_is_claimed_once_among_others_and_again_by_nobody,
    a_refused_message_leaves_its_claim_free,
    a_message_that_cannot_be_stored_leaves_its_claim_free_and_its_company_keeps_theirs,
    an_expired_claim_gives_way,
    the_first_answer_of_a_claim_stays,
    expired_claims_are_dropped_and_others_stay,
    a_claim_belongs_to_its_account_and_operation,
    a_message_for_a_session_of_another_account_is_not_accepted,
    every_session_with_a_queue_is_told_a_part_at_a_time,
);

async fn every_session_with_a_queue_is_told_a_part_at_a_time(db: &Db) {
    let tenants = [Tenant::new(db).await, Tenant::new(db).await, Tenant::new(db).await];
    Tenant::new(db).await;
    for tenant in tenants.iter().chain(&tenants) {
        tenant.send(db, "hello").await;
    }
    let mut wanted: Vec<_> = tenants.iter().map(|tenant| (tenant.account.clone(), tenant.session.clone())).collect();
    wanted.sort_by(|one, two| one.1.as_str().cmp(two.1.as_str()));
    let first = db.store.sessions_with_queued(None, 2).await.unwrap();
    assert_eq!(first, wanted[..2]);
    let rest = db.store.sessions_with_queued(Some(&first[1].1), 2).await.unwrap();
    assert_eq!(rest, wanted[2..]);
    assert!(db.store.sessions_with_queued(Some(&rest[0].1), 2).await.unwrap().is_empty());
}

async fn an_accepted_message_is_queued_counted_and_announced(db: &Db) {
    let tenant = Tenant::new(db).await;
    let mut message = tenant.outgoing("hello");
    message.row.chat_lid = Some("1@lid".to_owned());
    assert_eq!(db.store.accept_message(&message).await.unwrap(), Accepted::Now);
    assert_eq!(db.store.find_message(&tenant.account, &message.row.id).await.unwrap(), Some(message.row.clone()));
    let line = db.store.timeline(&tenant.account, &message.row.id).await.unwrap();
    assert_eq!(line, [TimelineEntry { status: MessageStatus::Queued, at: NOW }]);
    let queued = db.store.queued_messages(&tenant.session, 0, 10).await.unwrap();
    assert_eq!(queued.len(), 1);
    assert_eq!(db.store.sessions_with_queued(None, 10).await.unwrap(), [(tenant.account.clone(), tenant.session.clone())]);
    let outgoing = &queued[0].1;
    assert_eq!((&outgoing.id, &outgoing.wa_id, &outgoing.chat), (&message.row.id, &message.row.wa_id, &message.row.chat));
    assert_eq!((&outgoing.payload, outgoing.attempts, outgoing.expires_at), (&message.payload, 0, message.expires_at));
    assert_eq!(db.store.messages_on_day(&tenant.account, NOW.utc_day()).await.unwrap(), 1);
    assert_eq!(db.kinds("TRUE").await, ["message.status"]);
    let data: serde_json::Value = serde_json::from_str(&db.told("true").await[0]).unwrap();
    assert_eq!(data["messageId"], message.row.id.as_str());
    assert_eq!(data["status"], "queued");
}

async fn a_message_that_goes_at_once_is_accepted_with_its_first_try(db: &Db) {
    let tenant = Tenant::new(db).await;
    let message = NewMessage { claimed: true, ..tenant.outgoing("hello") };
    assert_eq!(db.store.accept_message(&message).await.unwrap(), Accepted::Now);
    assert_eq!(db.store.queued_messages(&tenant.session, 0, 10).await.unwrap()[0].1.attempts, 1);
    assert_eq!(db.ints("SELECT claimed_at FROM outgoing").await, [NOW.as_millis()]);
}

async fn what_goes_at_once_is_handed_over_as_the_queue_has_it_unless_others_wrote_meanwhile(db: &Db) {
    let tenant = Tenant::new(db).await;
    let goes = |text: &str| NewMessage { claimed: true, audience: vec!["1@lid".to_owned()], ..tenant.outgoing(text) };
    let handover = db.store.bell().handover();
    let taker = handover.line(&tenant.session);
    taker.open();
    let look = || HandedOver { messages: Vec::new(), look: true };
    db.store.accept_message(&goes("one")).await.unwrap();
    assert_eq!(taker.take(), look(), "who wrote before is not known");
    let two = goes("two");
    db.store.accept_message(&two).await.unwrap();
    db.store.record_outcomes(&tenant.fence, &[sent(&two.row.id)]).await.unwrap();
    let three = goes("three");
    db.store.accept_message(&three).await.unwrap();
    let handed = taker.take();
    let ids: Vec<_> = handed.messages.iter().map(|message| message.id.clone()).collect();
    assert_eq!((ids, handed.look), (vec![two.row.id.clone(), three.row.id], false), "its own outcomes are known");
    let queued = db.store.queued_messages(&tenant.session, 0, 10).await.unwrap();
    assert_eq!(handed.messages[1], queued[1].1);
    assert!(handover.has_gone(&tenant.session, &two.row.id));

    if let Some(other) = db.second().await {
        assert_eq!(other.accept_message(&goes("four")).await.unwrap(), Accepted::Now);
    } else {
        db.execute("UPDATE sessions SET event_sequence = event_sequence + 1").await;
    }
    assert_eq!(taker.take(), HandedOver::default(), "nobody here knows of it");
    db.store.accept_message(&goes("five")).await.unwrap();
    assert_eq!(taker.take(), look());
    db.store.accept_message(&tenant.outgoing("six")).await.unwrap();
    assert_eq!(taker.take(), look(), "it does not go at once");
    db.store.accept_message(&goes("seven")).await.unwrap();
    assert_eq!(taker.take().messages.len(), 1);
}

async fn what_was_not_accepted_is_handed_over_to_nobody(db: &Db) {
    let tenant = Tenant::new(db).await;
    let goes = || NewMessage { claimed: true, daily_limit: Some(25), ..tenant.outgoing("x") };
    let handover = db.store.bell().handover();
    let taker = handover.line(&tenant.session);
    db.store.accept_message(&goes()).await.unwrap();
    taker.open();
    let messages: Vec<NewMessage> = (0..40).map(|_| goes()).collect();
    let results = join_all(messages.iter().map(|message| db.store.accept_message(message))).await;
    let queued = db.store.queued_messages(&tenant.session, 0, 100).await.unwrap();
    let handed = taker.take();
    assert!(handed.messages.iter().all(|message| queued.iter().any(|(_, queued)| queued == message)));
    let refused = messages.iter().zip(&results).filter(|(_, result)| !matches!(result, Ok(Accepted::Now)));
    let refused: Vec<_> = refused.map(|(message, _)| &message.row.id).collect();
    assert_eq!(refused.len(), 16, "{results:?}");
    assert!(refused.into_iter().all(|id| !handover.has_gone(&tenant.session, id)));
}

async fn the_daily_limit_holds_when_many_come_at_once(db: &Db) {
    let tenant = Tenant::new(db).await;
    let messages: Vec<NewMessage> = (0..40).map(|_| NewMessage { daily_limit: Some(25), ..tenant.outgoing("x") }).collect();
    let results = join_all(messages.iter().map(|message| db.store.accept_message(message))).await;
    let accepted = results.iter().filter(|result| matches!(result, Ok(Accepted::Now))).count();
    let refused = results.iter().filter(|result| matches!(result, Ok(Accepted::DailyLimit { used: 25 }))).count();
    assert_eq!((accepted, refused), (25, 15), "{results:?}");
    assert_eq!(db.store.messages_on_day(&tenant.account, NOW.utc_day()).await.unwrap(), 25);
    assert_eq!(db.ints("SELECT COUNT(*) FROM messages").await, [25]);
    assert_eq!(db.ints("SELECT COUNT(*) FROM events WHERE kind <> 'usage.warning'").await, [25]);
}

async fn a_limit_of_zero_accepts_nothing(db: &Db) {
    let tenant = Tenant::new(db).await;
    let message = NewMessage { daily_limit: Some(0), ..tenant.outgoing("x") };
    assert_eq!(db.store.accept_message(&message).await.unwrap(), Accepted::DailyLimit { used: 0 });
}

async fn the_next_day_counts_anew(db: &Db) {
    let tenant = Tenant::new(db).await;
    let today = NewMessage { daily_limit: Some(1), ..tenant.outgoing("x") };
    assert_eq!(db.store.accept_message(&today).await.unwrap(), Accepted::Now);
    let past = NewMessage { daily_limit: Some(1), ..tenant.outgoing("x") };
    assert_eq!(db.store.accept_message(&past).await.unwrap(), Accepted::DailyLimit { used: 1 });
    let row = MessageRow { created_at: NOW.next_utc_day(), ..past.row.clone() };
    assert_eq!(db.store.accept_message(&NewMessage { row, ..past }).await.unwrap(), Accepted::Now);
}

async fn one_claim_makes_one_message(db: &Db) {
    let tenant = Tenant::new(db).await;
    let messages: Vec<NewMessage> = (0..20).map(|_| NewMessage { claim: Some(claim("once")), ..tenant.outgoing("x") }).collect();
    let results = join_all(messages.iter().map(|message| db.store.accept_message(message))).await;
    let winner = results.iter().position(|result| matches!(result, Ok(Accepted::Now))).unwrap();
    assert_eq!(results.iter().filter(|result| matches!(result, Ok(Accepted::ClaimedBefore))).count(), 19);
    assert_eq!(db.ints("SELECT COUNT(*) FROM messages").await, [1]);
    assert_eq!(db.ints("SELECT messages FROM usage").await, [1]);
    let row = db.store.find_idempotency(&tenant.account, "send_text", "once", NOW).await.unwrap().unwrap();
    assert_eq!(row.resource_id, messages[winner].row.id.as_str());
    assert_eq!((row.request_hash, row.created_at, row.answer), (vec![7; 32], NOW, None));
}

async fn a_key_of_any_letters_is_claimed_once_among_others_and_again_by_nobody(db: &Db) {
    let tenant = Tenant::new(db).await;
    let keys = ["plain", "018f-0.1:2_3", "it's", "a b", "$1", "\\", "\u{e9}"];
    let under = |key: &&str| NewMessage { claim: Some(claim(key)), ..tenant.outgoing("x") };
    let messages: Vec<NewMessage> = keys.iter().chain(&keys).map(under).collect();
    let results = join_all(messages.iter().map(|message| db.store.accept_message(message))).await;
    for (place, key) in keys.iter().enumerate() {
        let both = [&results[place], &results[place + keys.len()]];
        let of = |wanted: Accepted| both.iter().filter(|result| matches!(result, Ok(accepted) if *accepted == wanted)).count();
        assert_eq!((of(Accepted::Now), of(Accepted::ClaimedBefore)), (1, 1), "{key}");
    }
    let again: Vec<NewMessage> = keys.iter().map(under).collect();
    let results = join_all(again.iter().map(|message| db.store.accept_message(message))).await;
    assert!(results.iter().all(|result| matches!(result, Ok(Accepted::ClaimedBefore))), "{results:?}");
    let (mut held, mut wanted) = (db.texts("SELECT key FROM idempotency").await, keys.map(str::to_owned));
    held.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(held, wanted);
    assert_eq!(db.ints("SELECT messages FROM usage").await, [7]);
}

async fn a_refused_message_leaves_its_claim_free(db: &Db) {
    let tenant = Tenant::new(db).await;
    let refused = NewMessage { claim: Some(claim("k")), daily_limit: Some(0), ..tenant.outgoing("x") };
    assert_eq!(db.store.accept_message(&refused).await.unwrap(), Accepted::DailyLimit { used: 0 });
    assert!(db.store.find_idempotency(&tenant.account, "send_text", "k", NOW).await.unwrap().is_none());
    let accepted = NewMessage { daily_limit: Some(1), ..refused };
    assert_eq!(db.store.accept_message(&accepted).await.unwrap(), Accepted::Now);
}

async fn a_message_that_cannot_be_stored_leaves_its_claim_free_and_its_company_keeps_theirs(db: &Db) {
    let tenant = Tenant::new(db).await;
    let keyed = |n: i32| NewMessage { claim: Some(claim(&format!("key {n}"))), ..tenant.outgoing("x") };
    let mut messages: Vec<NewMessage> = (0..8).map(keyed).collect();
    let taken = messages[2].row.wa_id.clone();
    messages[5].row.wa_id = taken;
    let results = join_all(messages.iter().map(|message| db.store.accept_message(message))).await;
    for (place, result) in results.iter().enumerate() {
        match result {
            Ok(Accepted::Now) => assert_ne!(place, 5),
            Err(Error::Refused(_)) => assert_eq!(place, 5, "{result:?}"),
            other => panic!("{place}: {other:?}"),
        }
    }
    let again: Vec<NewMessage> = (0..8).map(keyed).collect();
    let results = join_all(again.iter().map(|message| db.store.accept_message(message))).await;
    for (place, result) in results.iter().enumerate() {
        let wanted = if place == 5 { Accepted::Now } else { Accepted::ClaimedBefore };
        assert!(matches!(result, Ok(accepted) if *accepted == wanted), "{place}: {result:?}");
    }
    assert_eq!(db.ints("SELECT COUNT(*) FROM idempotency JOIN messages ON resource_id = id").await, [8]);
    assert_eq!(db.ints("SELECT messages FROM usage").await, [8]);
}

async fn an_expired_claim_gives_way(db: &Db) {
    let tenant = Tenant::new(db).await;
    let first = NewMessage { claim: Some(claim("k")), ..tenant.outgoing("x") };
    assert_eq!(db.store.accept_message(&first).await.unwrap(), Accepted::Now);
    let answer = Answer { status: 201, body: b"{}".to_vec() };
    db.store.answer_idempotency(&tenant.account, "send_text", "k", &answer).await.unwrap();
    assert!(db.store.find_idempotency(&tenant.account, "send_text", "k", NOW.plus_millis(499)).await.unwrap().is_some());
    assert!(db.store.find_idempotency(&tenant.account, "send_text", "k", NOW.plus_millis(500)).await.unwrap().is_none());

    let mut second = NewMessage { claim: Some(claim("k")), ..tenant.outgoing("y") };
    second.row.created_at = NOW.plus_millis(499);
    assert_eq!(db.store.accept_message(&second).await.unwrap(), Accepted::ClaimedBefore);
    second.row.created_at = NOW.plus_millis(500);
    second.claim = Some(wharf_core::store::Claim { expires_at: NOW.plus_millis(9_000), ..claim("k") });
    assert_eq!(db.store.accept_message(&second).await.unwrap(), Accepted::Now);
    let row = db.store.find_idempotency(&tenant.account, "send_text", "k", NOW.plus_millis(600)).await.unwrap().unwrap();
    assert_eq!((row.resource_id.as_str(), row.answer), (second.row.id.as_str(), None));
}

async fn the_first_answer_of_a_claim_stays(db: &Db) {
    let tenant = Tenant::new(db).await;
    let message = NewMessage { claim: Some(claim("k")), ..tenant.outgoing("x") };
    assert_eq!(db.store.accept_message(&message).await.unwrap(), Accepted::Now);
    let answer = Answer { status: 201, body: b"{\"first\":true}".to_vec() };
    db.store.answer_idempotency(&tenant.account, "send_text", "k", &answer).await.unwrap();
    db.store.answer_idempotency(&tenant.account, "send_text", "k", &Answer { status: 500, body: Vec::new() }).await.unwrap();
    let row = db.store.find_idempotency(&tenant.account, "send_text", "k", NOW).await.unwrap().unwrap();
    assert_eq!(row.answer, Some(answer));
}

async fn expired_claims_are_dropped_and_others_stay(db: &Db) {
    let tenant = Tenant::new(db).await;
    for (key, expires) in [("a", 10), ("b", 20), ("c", 30)] {
        let claim = wharf_core::store::Claim { expires_at: NOW.plus_millis(expires), ..claim(key) };
        let message = NewMessage { claim: Some(claim), ..tenant.outgoing("x") };
        assert_eq!(db.store.accept_message(&message).await.unwrap(), Accepted::Now);
    }
    assert_eq!(db.store.expire_idempotency(NOW.plus_millis(20)).await.unwrap(), 2);
    assert_eq!(db.texts("SELECT key FROM idempotency").await, ["c"]);
    assert_eq!(db.store.expire_idempotency(NOW.plus_millis(20)).await.unwrap(), 0);
}

async fn a_claim_belongs_to_its_account_and_operation(db: &Db) {
    let (tenant, stranger) = (Tenant::new(db).await, Tenant::new(db).await);
    let message = NewMessage { claim: Some(claim("k")), ..tenant.outgoing("x") };
    assert_eq!(db.store.accept_message(&message).await.unwrap(), Accepted::Now);
    assert!(db.store.find_idempotency(&stranger.account, "send_text", "k", NOW).await.unwrap().is_none());
    assert!(db.store.find_idempotency(&tenant.account, "create_session", "k", NOW).await.unwrap().is_none());
    db.store.answer_idempotency(&stranger.account, "send_text", "k", &Answer { status: 200, body: Vec::new() }).await.unwrap();
    assert_eq!(db.store.find_idempotency(&tenant.account, "send_text", "k", NOW).await.unwrap().unwrap().answer, None);
    let other = NewMessage { claim: Some(claim("k")), ..stranger.outgoing("x") };
    assert_eq!(db.store.accept_message(&other).await.unwrap(), Accepted::Now);
    assert_eq!(other.row.direction, Direction::Outgoing);
}

async fn a_message_for_a_session_of_another_account_is_not_accepted(db: &Db) {
    let (tenant, stranger) = (Tenant::new(db).await, Tenant::new(db).await);
    let before = db.sizes().await;
    let mut message = NewMessage { claim: Some(claim("k")), ..tenant.outgoing("x") };
    message.row.session = stranger.session.clone();
    assert!(db.store.accept_message(&message).await.is_err());
    message.row.session = chance().session_id();
    assert!(db.store.accept_message(&message).await.is_err());
    assert_eq!(db.sizes().await, before);
}
