//! The newest version that any node knows, on both databases.

use wharf_api::Timestamp;
use wharf_api::types::whatsapp::VersionSource;
use wharf_core::store::{FetchedVersion, VersionRow, VersionStore};

use crate::harness::{Db, both_backends};

both_backends!(a_higher_version_replaces_a_lower_one_and_never_the_reverse, of_those_that_want_to_fetch_one_may);

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn fetched(revision: u32, millis: i64) -> FetchedVersion {
    FetchedVersion { revision, source: VersionSource::SwJs, at: at(millis) }
}

async fn a_higher_version_replaces_a_lower_one_and_never_the_reverse(db: &Db) {
    assert_eq!(db.store.find_version().await.unwrap(), VersionRow::default());
    for (revision, millis) in [(20, 1), (30, 2), (25, 3)] {
        db.store.put_version("one", fetched(revision, millis)).await.unwrap();
    }
    assert_eq!(db.store.find_version().await.unwrap().fetched, Some(fetched(30, 2)));
    // The same again is known to be current later.
    db.store.put_version("two", fetched(30, 9)).await.unwrap();
    db.store.put_version_refusal(28, at(4)).await.unwrap();
    db.store.put_version_refusal(27, at(5)).await.unwrap();
    db.store.put_version_end(at(99)).await.unwrap();
    let row = db.store.find_version().await.unwrap();
    let wanted = VersionRow {
        fetched: Some(fetched(30, 9)),
        tried_at: None,
        by_node: Some("two".to_owned()),
        refused: Some((28, at(4))),
        expires_at: Some(at(99)),
    };
    assert_eq!(row, wanted);
}

async fn of_those_that_want_to_fetch_one_may(db: &Db) {
    let claims = (0..8).map(|node| {
        let store = db.store.clone();
        async move { store.claim_version_fetch(&format!("node-{node}"), at(40), at(100)).await.unwrap() }
    });
    let won = futures::future::join_all(claims).await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
    assert!(!db.store.claim_version_fetch("late", at(99), at(159)).await.unwrap(), "somebody has just begun");
    assert!(db.store.claim_version_fetch("later", at(100), at(160)).await.unwrap());
    assert_eq!(db.store.find_version().await.unwrap().tried_at, Some(at(160)));
    assert!(db.store.claim_version_fetch("later", at(100), at(160)).await.unwrap(), "nobody is in its own way");
    // Who found nothing lets the next one go; nobody else's turn is given away.
    db.store.yield_version_fetch("late").await.unwrap();
    assert!(!db.store.claim_version_fetch("next", at(159), at(161)).await.unwrap());
    db.store.yield_version_fetch("later").await.unwrap();
    assert!(db.store.claim_version_fetch("next", at(159), at(161)).await.unwrap());
}
