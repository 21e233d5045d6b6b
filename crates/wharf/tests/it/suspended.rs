//! What rests with a suspended account: its sessions, also beside one that does not end, and the canary.

use wharf::egress::{Guard, Settings};
use wharf::http::Limits;
use wharf_api::types::canary::Step;
use wharf_api::types::session::SessionStatus;
use wharf_core::chance::SystemChance;
use wharf_core::egress::Reach;
use wharf_core::store::{Created, NewSession};
use wharf_core::{Chance, Engine, account, canary};

use crate::harness::Gateway;

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
}

#[tokio::test]
async fn the_canary_rests_with_its_account_and_fails_where_it_is_away_for_another_cause() {
    let chance: &dyn Chance = &SystemChance;
    let pair = [chance.session_id(), chance.session_id()];
    let guard = Guard::new(&Settings::new(Reach::Loopback)).unwrap();
    let gateway = Gateway::start_set(Limits::default(), guard, |services| services.canary.sessions = Some(pair.clone())).await;
    let services = &gateway.services;
    let now = services.clock.now();
    for id in pair {
        let new = NewSession {
            name: id.as_str().to_owned(),
            id,
            account: gateway.account.clone(),
            at: now,
            limit: None,
            claim: None,
            proxy: None,
            webhook: None,
            webhook_limit: 0,
        };
        assert_eq!(services.store.insert_session(&new).await.unwrap(), Created::Now);
    }
    let failures = || services.canary.counted().into_iter().map(|(_, counted)| counted.failures).sum::<u64>();
    services.store.suspend_account(&gateway.account, now).await.unwrap().unwrap();
    canary::run(services).await.unwrap();
    assert_eq!((failures(), services.store.list_canary().await.unwrap().len()), (0, 0));
    services.store.resume_account(&gateway.account).await.unwrap().unwrap();
    canary::run(services).await.unwrap();
    assert_eq!(failures(), 1 + u64::try_from(Step::ALL.len()).unwrap(), "neither is linked: a text each way, and the others");
}
