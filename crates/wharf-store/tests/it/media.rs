use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, MediaId, SessionId, Uuid};
use wharf_api::types::media::{MediaKind, MediaState};
use wharf_core::store::{Accepted, MediaRow, MediaStore, MessageStore, NewMessage};

use crate::harness::{Db, both_backends};
use crate::tenant::Tenant;

fn account(n: u128) -> AccountId {
    AccountId::from_uuid(Uuid::from_u128(n))
}

fn id(n: u128) -> MediaId {
    MediaId::from_uuid(Uuid::from_u128(n))
}

fn row(n: u128, of: u128, expires_at: i64) -> MediaRow {
    MediaRow {
        id: id(n),
        account: account(of),
        session: Some(SessionId::from_uuid(Uuid::from_u128(9))),
        kind: MediaKind::Image,
        mime_type: "image/png".to_owned(),
        size: 5 * 1024 * 1024,
        sha256: Some("ab".repeat(32)),
        width: Some(640),
        height: Some(480),
        seconds: None,
        file_name: Some("grüße.png".to_owned()),
        state: MediaState::Stored,
        created_at: Timestamp::from_millis(1),
        expires_at: Timestamp::from_millis(expires_at),
    }
}

both_backends!(
    a_row_is_read_back_as_it_was_and_by_its_account_only,
    a_file_ends_at_its_time_unless_a_message_of_its_account_keeps_it_longer,
    a_sweep_knows_which_files_have_rows
);

async fn a_row_is_read_back_as_it_was_and_by_its_account_only(db: &Db) {
    let row = row(1, 1, 1000);
    db.store.insert_media(&row).await.unwrap();
    assert_eq!(db.store.find_media(&account(1), &id(1)).await.unwrap(), Some(row));
    assert_eq!(db.store.find_media(&account(2), &id(1)).await.unwrap(), None);
    assert_eq!(db.store.find_media(&account(1), &id(2)).await.unwrap(), None);
}

async fn a_file_ends_at_its_time_unless_a_message_of_its_account_keeps_it_longer(db: &Db) {
    for n in 2..=3 {
        db.store.insert_media(&row(n, 1, 1000)).await.unwrap();
    }
    let at = Timestamp::from_millis;
    let (own, foreign) = (Tenant::new(db).await, Tenant::new(db).await);
    db.store.insert_media(&MediaRow { account: own.account.clone(), ..row(1, 1, 1000) }).await.unwrap();
    for (tenant, file, until) in [(&own, 1, 2000), (&own, 1, 1500), (&foreign, 2, 2000)] {
        let message = NewMessage { keeps: Some((id(file), at(until))), ..tenant.outgoing("x") };
        assert_eq!(db.store.accept_message(&message).await.unwrap(), Accepted::Now);
    }
    assert!(db.store.list_expired_media(at(999), 10).await.unwrap().is_empty());
    let mut over = db.store.list_expired_media(at(1000), 10).await.unwrap();
    over.sort();
    assert_eq!(over, [id(2), id(3)]);
    db.store.delete_media(&over).await.unwrap();
    assert!(db.store.list_expired_media(at(1999), 10).await.unwrap().is_empty());
    assert_eq!(db.store.list_expired_media(at(2000), 10).await.unwrap(), [id(1)]);
}

async fn a_sweep_knows_which_files_have_rows(db: &Db) {
    for n in [1, 2, 4] {
        db.store.insert_media(&row(n, n, 1000)).await.unwrap();
    }
    assert_eq!(db.store.known_media(&[id(1), id(3), id(4)]).await.unwrap(), [id(1), id(4)]);
    assert!(db.store.known_media(&[]).await.unwrap().is_empty());
}
