use std::sync::Arc;

use wharf_api::ids::Uuid;

use super::*;

fn session(number: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(number))
}

fn at(minutes: i64) -> Timestamp {
    Timestamp::from_millis(minutes * 60_000)
}

#[test]
fn a_single_account_that_is_refused_keeps_nobody_else_out() {
    let standing = Standing::default();
    let knocked = standing.outdated(&session(1), 7, at(0));
    standing.outdated(&session(1), 7, at(1));
    standing.outdated(&session(2), 7, at(1));
    assert_eq!(standing.bars(7, None), None);
    assert_eq!(standing.bars(7, Some(knocked)), Some(WaitingFor::ClientUpdate));
    assert_eq!(standing.bars(8, Some(knocked)), None, "another version is another question");
    standing.outdated(&session(3), 7, at(2));
    assert_eq!((standing.bars(7, None), standing.bars(8, None)), (Some(WaitingFor::ClientUpdate), None));
}

#[test]
fn one_that_is_let_in_lets_all_go_where_the_verdict_was_everybodys() {
    let standing = Standing::default();
    let knocked: Vec<_> = (0..3).map(|number| standing.outdated(&session(number), 7, at(0))).collect();
    standing.accepted(6, false);
    assert_eq!(standing.bars(7, None), Some(WaitingFor::ClientUpdate), "an older version says nothing of a newer");
    standing.accepted(7, true);
    assert_eq!((standing.bars(7, None), standing.bars(7, Some(knocked[0]))), (None, None));
}

#[test]
fn overload_is_everybodys_after_three_within_two_minutes() {
    let standing = Standing::default();
    assert!(!standing.overloaded(&session(1), at(0)) && !standing.overloaded(&session(2), at(1)));
    assert!(!standing.overloaded(&session(3), at(4)), "the others are long over");
    assert!(!standing.overloaded(&session(4), at(5)));
    assert!(standing.overloaded(&session(5), at(6)));
    assert_eq!(standing.bars(7, None), Some(WaitingFor::Overload));
    standing.accepted(7, false);
    assert_eq!(standing.bars(7, None), None);
}

#[tokio::test]
async fn of_those_that_wait_one_has_its_turn_every_ten_minutes() {
    let standing = Arc::new(Standing::default());
    standing.outdated(&session(1), 7, at(0));
    standing.tick(at(0));
    assert_eq!(standing.next_turn(), None, "nobody waits");
    let turns = Arc::new(AtomicUsize::new(0));
    for _ in 0..5 {
        let (standing, turns) = (Arc::clone(&standing), Arc::clone(&turns));
        crate::task::spawn(async move {
            let _counted = standing.wait(at(0));
            loop {
                standing.turn().await;
                turns.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    while standing.waiting.load(Ordering::SeqCst) < 5 {
        tokio::task::yield_now().await;
    }
    for minute in 1..=60 {
        standing.tick(at(minute));
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
    }
    assert_eq!((turns.load(Ordering::SeqCst), standing.next_turn()), (6, Some(at(70))));
}

#[tokio::test]
async fn the_time_to_a_turn_begins_with_the_wait_and_not_when_it_is_looked_at() {
    let standing = Standing::default();
    standing.outdated(&session(1), 7, at(0));
    let counted = standing.wait(at(0));
    standing.tick(at(9));
    assert_eq!(standing.next_turn(), Some(at(10)), "nine minutes are too few");
    standing.tick(at(11));
    standing.turn().await;
    // Who has its turn waits no more, and once refused goes on as before.
    drop(counted);
    standing.tick(at(12));
    let _counted = standing.wait(at(13));
    assert_eq!(standing.next_turn(), Some(at(21)));
}
