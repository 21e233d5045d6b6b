//! The operator's switches, the canary's results and the update notice, on both databases.

use wharf_api::Timestamp;
use wharf_api::ids::SessionId;
use wharf_core::store::{CanaryRow, CanaryStore, NoticeRow, SwitchRow, SwitchStore, UpdateStore};

use crate::harness::{Db, both_backends};

both_backends!(
    a_switch_keeps_its_time_while_it_stands_and_setting_it_heals_it,
    the_last_run_of_each_step_takes_the_place_of_the_one_before,
    a_notice_is_asked_for_by_one_and_its_serial_never_falls
);

const fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn words(switches: &[(&str, &str)]) -> Vec<(String, String)> {
    switches.iter().map(|(name, position)| ((*name).to_owned(), (*position).to_owned())).collect()
}

fn row(name: &str, position: &str, since: Option<i64>, degraded: Option<i64>) -> SwitchRow {
    let (name, position) = (name.to_owned(), position.to_owned());
    SwitchRow { name, position, since: since.map(at), degraded_since: degraded.map(at) }
}

async fn a_switch_keeps_its_time_while_it_stands_and_setting_it_heals_it(db: &Db) {
    let store = &db.store;
    assert_eq!(store.list_switches().await.unwrap(), []);
    store.set_switches(&words(&[("connecting", "paused"), ("edits", "off")]), at(10)).await.unwrap();
    store.set_switches(&words(&[("connecting", "paused"), ("edits", "auto")]), at(20)).await.unwrap();
    let rows = [row("connecting", "paused", Some(10), None), row("edits", "auto", Some(20), None)];
    assert_eq!(store.list_switches().await.unwrap(), rows);

    assert!(store.degrade_switch("edits", "auto", at(30)).await.unwrap());
    assert!(!store.degrade_switch("edits", "auto", at(40)).await.unwrap(), "it is marked already");
    assert!(store.degrade_switch("polls", "auto", at(40)).await.unwrap(), "also one that nobody ever set");
    let rows =
        [row("connecting", "paused", Some(10), None), row("edits", "auto", Some(20), Some(30)), row("polls", "auto", None, Some(40))];
    assert_eq!(store.list_switches().await.unwrap(), rows);

    store.set_switches(&words(&[("edits", "auto"), ("polls", "auto")]), at(50)).await.unwrap();
    let rows = [row("connecting", "paused", Some(10), None), row("edits", "auto", Some(20), None), row("polls", "auto", Some(50), None)];
    assert_eq!(store.list_switches().await.unwrap(), rows);
    if let Some(second) = db.second().await {
        assert_eq!(second.list_switches().await.unwrap(), rows, "another node reads the same");
        second.close().await;
    }
}

async fn the_last_run_of_each_step_takes_the_place_of_the_one_before(db: &Db) {
    let session = |digit: &str| SessionId::parse(&format!("ses_{}", digit.repeat(32))).unwrap();
    let run = |step: &str, digit: &str, ms, took_ms, failure: Option<&str>| CanaryRow {
        step: step.to_owned(),
        session: session(digit),
        at: at(ms),
        took_ms,
        failure: failure.map(str::to_owned),
    };
    for row in [run("text", "a", 1, None, None), run("text", "b", 2, Some(5), None), run("text", "a", 3, None, Some("late"))] {
        db.store.put_canary(&row).await.unwrap();
    }
    let rows = [run("text", "a", 3, None, Some("late")), run("text", "b", 2, Some(5), None)];
    assert_eq!(db.store.list_canary().await.unwrap(), rows);
}

async fn a_notice_is_asked_for_by_one_and_its_serial_never_falls(db: &Db) {
    let store = &db.store;
    assert_eq!(store.find_update_notice().await.unwrap(), None);
    assert!(store.claim_update_check(at(0), at(100)).await.unwrap());
    assert!(!store.claim_update_check(at(99), at(150)).await.unwrap(), "somebody has asked since");
    assert!(store.claim_update_check(at(100), at(200)).await.unwrap());
    assert_eq!(store.find_update_notice().await.unwrap(), None, "to ask is not to know");
    let notice = |serial, ms| NoticeRow { serial, body: format!("notice {serial} of {ms}"), fetched_at: at(ms) };
    assert!(store.put_update_notice(&notice(7, 1)).await.unwrap());
    assert!(store.put_update_notice(&notice(7, 2)).await.unwrap(), "the same once more");
    assert!(!store.put_update_notice(&notice(6, 3)).await.unwrap(), "an older one");
    assert_eq!(store.find_update_notice().await.unwrap(), Some(notice(7, 2)));
    assert!(store.put_update_notice(&notice(8, 4)).await.unwrap());
    assert_eq!(store.find_update_notice().await.unwrap(), Some(notice(8, 4)));
    assert!(!store.claim_update_check(at(199), at(300)).await.unwrap(), "what was found changes nothing about whose turn it is");
}
