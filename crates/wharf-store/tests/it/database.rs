use wharf_core::store::DatabaseStore;

use crate::harness::{Db, both_backends};
use crate::tenant::NOW;

both_backends!(
    the_first_world_that_marks_the_database_keeps_it,
    an_installation_keeps_its_first_name_and_the_clock_is_remembered_as_it_was_seen_last,
    the_database_answers,
);

async fn the_first_world_that_marks_the_database_keeps_it(db: &Db) {
    assert_eq!(db.store.claim_world("sandbox").await.unwrap(), "sandbox");
    assert_eq!(db.store.claim_world("production").await.unwrap(), "sandbox");
}

async fn an_installation_keeps_its_first_name_and_the_clock_is_remembered_as_it_was_seen_last(db: &Db) {
    assert!(!db.store.is_still("one").await.unwrap(), "it has no name yet");
    assert_eq!(db.store.claim_installation("one").await.unwrap(), "one");
    assert_eq!(db.store.claim_installation("two").await.unwrap(), "one");
    assert!(db.store.is_still("one").await.unwrap() && !db.store.is_still("two").await.unwrap());
    assert_eq!(db.store.clock_seen().await.unwrap(), None);
    for seen in [NOW, NOW.plus_millis(7)] {
        db.store.see_clock(seen).await.unwrap();
        assert_eq!(db.store.clock_seen().await.unwrap(), Some(seen));
    }
}

async fn the_database_answers(db: &Db) {
    db.store.ping().await.unwrap();
}
