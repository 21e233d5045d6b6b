//! What rests with a suspended account: its sessions, also beside one that does not end, and the canary.

use std::collections::HashSet;

use wharf::egress::{Guard, Settings};
use wharf::http::Limits;
use wharf_api::ids::SessionId;
use wharf_api::types::canary::Step;
use wharf_api::types::session::SessionStatus;
use wharf_core::chance::SystemChance;
use wharf_core::egress::Reach;
use wharf_core::store::{CanaryRow, Created, LinkChange, NewSession};
use wharf_core::{Chance, Engine, account, canary};

use crate::harness::{Gateway, NODE};

#[tokio::test]
async fn one_session_that_does_not_end_keeps_no_other_one_up() {
    let gateway = Gateway::start().await;
    let (services, engine) = (&gateway.services, &gateway.engine);
    let stuck = gateway.connected().await;
    let mut others = Vec::new();
    for _ in 0..3 {
        others.push(gateway.connected().await);
    }
    engine.get_stuck(&stuck);
    services.store.suspend_account(&gateway.account, services.clock.now()).await.unwrap().unwrap();
    account::suspend::rest(services).await.unwrap();
    assert!(others.iter().all(|session| engine.link(session).is_none()), "they rest");
    let link = engine.link(&stuck).expect("the next look comes for it again");
    assert_eq!(link.borrow().status, SessionStatus::Connected);
    assert!(!services.laggards.are_news(HashSet::from([stuck])), "the next look tells of it no more");
}

/// A gateway whose canary is two sessions of its account, which nobody has linked.
async fn with_canary() -> (Gateway, [SessionId; 2]) {
    let chance: &dyn Chance = &SystemChance;
    let pair = [chance.session_id(), chance.session_id()];
    let guard = Guard::new(&Settings::new(Reach::Loopback)).unwrap();
    let gateway = Gateway::start_set(Limits::default(), guard, |services| services.canary.sessions = Some(pair.clone())).await;
    for id in pair.clone() {
        let new = NewSession {
            name: id.as_str().to_owned(),
            id,
            account: gateway.account.clone(),
            at: gateway.services.clock.now(),
            limit: None,
            claim: None,
            proxy: None,
            webhook: None,
            webhook_limit: 0,
        };
        assert_eq!(gateway.services.store.insert_session(&new).await.unwrap(), Created::Now);
    }
    (gateway, pair)
}

/// How many steps of the canary failed.
fn failures(gateway: &Gateway) -> u64 {
    gateway.services.canary.counted().into_iter().map(|(_, counted)| counted.failures).sum()
}

#[tokio::test]
async fn the_canary_rests_with_its_account_and_fails_where_it_is_away_for_another_cause() {
    let (gateway, _) = with_canary().await;
    let services = &gateway.services;
    services.store.suspend_account(&gateway.account, services.clock.now()).await.unwrap().unwrap();
    canary::run(services).await.unwrap();
    assert_eq!((failures(&gateway), services.store.list_canary().await.unwrap().len()), (0, 0));
    services.store.resume_account(&gateway.account).await.unwrap().unwrap();
    canary::run(services).await.unwrap();
    assert_eq!(failures(&gateway), 1 + u64::try_from(Step::ALL.len()).unwrap(), "neither is linked: a text each way, and the others");
}

#[tokio::test]
async fn a_step_of_the_canary_that_its_accounts_suspension_cuts_off_did_not_fail_and_none_follows_it() {
    let (gateway, pair) = with_canary().await;
    let (services, engine) = (&gateway.services, &gateway.engine);
    let now = services.clock.now();
    for (session, number) in pair.iter().zip(["15550000001", "15550000002"]) {
        let fence = services.store.take_session(session, NODE, now).await.unwrap().unwrap();
        let linked = LinkChange {
            status: SessionStatus::Connected,
            reason: None,
            refusal: None,
            jid: Some(format!("{number}@s.whatsapp.net")),
            lid: None,
            push_name: None,
            unlink: false,
            at: now,
            events: Vec::new(),
        };
        services.store.record_link(&fence, &linked).await.unwrap();
        engine.connect(session);
    }
    let [first, second] = &pair;
    // Only a file is due, and an edit after it.
    for (step, session) in [(Step::Text, first), (Step::Reaction, first), (Step::Poll, first), (Step::Group, first), (Step::Text, second)] {
        let ran = CanaryRow { step: step.as_str().to_owned(), session: session.clone(), at: now, took_ms: Some(1), failure: None };
        services.store.put_canary(&ran).await.unwrap();
    }
    engine.let_uploads_end(false);
    let mut turn = Box::pin(canary::run(services));
    tokio::select! {
        ended = &mut turn => panic!("no file was on its way: {ended:?}"),
        () = engine.upload_begun() => {}
    }
    services.store.suspend_account(&gateway.account, now).await.unwrap().unwrap();
    account::suspend::rest(services).await.unwrap();
    engine.let_uploads_end(true);
    turn.await.unwrap();
    let ran = services.store.list_canary().await.unwrap();
    let of = |step: Step| ran.iter().find(|row| row.step == step.as_str() && row.session == *first);
    let file = of(Step::File).expect("it had begun");
    assert_eq!((file.took_ms, &file.failure, of(Step::Edit), failures(&gateway)), (None, &None, None, 0));
}
