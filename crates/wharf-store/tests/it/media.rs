use wharf_api::Timestamp;
use wharf_api::ids::{AccountId, MediaId, SessionId, Uuid};
use wharf_api::types::media::{MediaContent, MediaKind, MediaStatus};
use wharf_api::types::session::SessionStatus;
use wharf_core::store::{
    Accepted, DatabaseStore, LinkChange, MediaRow, MediaStore, MessageRow, MessageStore, NewFetch, NewMessage, OwnerStore, SessionStore,
};

use crate::harness::{Db, both_backends};
use crate::tenant::{NOW, Tenant, chance};

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
        state: MediaStatus::Stored,
        created_at: Timestamp::from_millis(1),
        expires_at: Timestamp::from_millis(expires_at),
    }
}

both_backends!(
    a_file_that_is_due_at_a_time_that_nobody_can_mean_is_fetched_now,
    a_row_is_read_back_as_it_was_and_by_its_account_only,
    a_file_ends_at_its_time_unless_a_message_of_its_account_keeps_it_longer,
    a_sweep_knows_which_files_have_rows,
    an_accounts_files_are_listed_in_the_order_of_their_ids,
    an_account_has_the_bytes_of_its_stored_files_alone,
    a_node_is_shown_the_first_due_files_of_each_account_in_its_own_connected_sessions,
    a_file_that_can_never_be_fetched_is_lost_and_stays_until_its_message_says_so
);

async fn a_row_is_read_back_as_it_was_and_by_its_account_only(db: &Db) {
    let row = row(1, 1, 1000);
    db.store.insert_media(&row).await.unwrap();
    assert_eq!(db.store.find_media(&account(1), &id(1)).await.unwrap(), Some(row));
    assert_eq!(db.store.find_media(&account(2), &id(1)).await.unwrap(), None);
    assert_eq!(db.store.find_media(&account(1), &id(2)).await.unwrap(), None);
}

async fn an_accounts_files_are_listed_in_the_order_of_their_ids(db: &Db) {
    for (n, of) in [(3, 1), (1, 1), (2, 2), (4, 1)] {
        db.store.insert_media(&row(n, of, 1000)).await.unwrap();
    }
    let listed = async |after: Option<MediaId>, limit| {
        let rows = db.store.list_media(&account(1), after.as_ref(), limit).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(listed(None, 2).await, [id(1), id(3)]);
    assert_eq!(listed(Some(id(3)), 2).await, [id(4)]);
    assert!(listed(Some(id(4)), 2).await.is_empty());
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
    assert!(db.store.expire_media(at(999), 10).await.unwrap().is_empty());
    let mut expired = db.store.expire_media(at(1000), 10).await.unwrap();
    expired.sort();
    assert_eq!(expired, [id(2), id(3)]);
    assert!(db.store.expire_media(at(1999), 10).await.unwrap().is_empty(), "a message keeps it");
    assert_eq!(db.store.expire_media(at(2000), 10).await.unwrap(), [id(1)]);
}

async fn a_sweep_knows_which_files_have_rows(db: &Db) {
    for n in [1, 2, 4] {
        db.store.insert_media(&row(n, n, 1000)).await.unwrap();
    }
    assert_eq!(db.store.known_media(&[id(1), id(3), id(4)]).await.unwrap(), [id(1), id(4)]);
    assert!(db.store.known_media(&[]).await.unwrap().is_empty());
}

async fn an_account_has_the_bytes_of_its_stored_files_alone(db: &Db) {
    assert_eq!(db.store.media_bytes(&account(1)).await.unwrap(), 0);
    for (n, of, size) in [(1, 1, 7), (2, 1, 35), (3, 2, 1 << 40)] {
        db.store.insert_media(&MediaRow { size, ..row(n, of, 1000) }).await.unwrap();
    }
    db.store.insert_media(&MediaRow { state: MediaStatus::Pending, ..row(4, 1, 1000) }).await.unwrap();
    assert_eq!(db.store.media_bytes(&account(1)).await.unwrap(), 42);
    db.store.delete_media(&[id(1)]).await.unwrap();
    assert_eq!(db.store.media_bytes(&account(1)).await.unwrap(), 35);
}

/// A message that came with a file, due at once.
async fn received(db: &Db, tenant: &Tenant, expires_at: Timestamp) -> MediaId {
    let message = tenant.incoming("1@lid", &chance().base62(18));
    let mut media =
        MediaRow { id: chance().media_id(), account: tenant.account.clone(), session: Some(tenant.session.clone()), ..row(1, 1, 0) };
    (media.state, media.sha256, media.created_at, media.expires_at) = (MediaStatus::Pending, None, NOW, expires_at);
    let file = NewFetch { media: media.clone(), source: b"sealed".to_vec() };
    let message = MessageRow { content: MediaKind::Image.content(content(&media)), ..message };
    assert_eq!(db.store.record_inbound_with_files(&tenant.fence, &[message], &[file], &[]).await.unwrap().inserted.len(), 1);
    media.id
}

fn content(media: &MediaRow) -> MediaContent {
    MediaContent {
        media_id: media.id.clone(),
        media_status: MediaStatus::Pending,
        media_reason: None,
        mime_type: media.mime_type.clone(),
        size_bytes: media.size,
        sha256: None,
        caption: None,
        file_name: None,
        width: None,
        height: None,
        duration_seconds: None,
        voice: false,
    }
}

async fn connect(db: &Db, tenant: &Tenant, status: SessionStatus) {
    let change = LinkChange {
        status,
        at: NOW,
        reason: None,
        refusal: None,
        jid: None,
        lid: None,
        push_name: None,
        unlink: false,
        events: Vec::new(),
    };
    db.store.record_link(&tenant.fence, &change).await.unwrap();
}

async fn a_node_is_shown_the_first_due_files_of_each_account_in_its_own_connected_sessions(db: &Db) {
    let (busy, quiet, away) = (Tenant::new(db).await, Tenant::new(db).await, Tenant::new(db).await);
    let later = NOW.plus_millis(1_000_000);
    for tenant in [&busy, &busy, &busy, &quiet, &away] {
        received(db, tenant, later).await;
    }
    let due = async |node: &str, at: Timestamp| {
        let mut due = db.store.list_due_fetches(node, at, 2, 10).await.unwrap();
        due.sort_by_key(|fetch| fetch.session.as_str().to_owned());
        due.into_iter().map(|fetch| fetch.session).collect::<Vec<_>>()
    };
    assert!(due("node", NOW).await.is_empty(), "nothing is connected");
    for tenant in [&busy, &quiet] {
        connect(db, tenant, SessionStatus::Connected).await;
    }
    connect(db, &away, SessionStatus::Reconnecting).await;
    let mut wanted = vec![busy.session.clone(), busy.session.clone(), quiet.session.clone()];
    wanted.sort_by_key(|session| session.as_str().to_owned());
    assert_eq!(due("node", NOW).await, wanted);
    assert!(due("another", NOW).await.is_empty());
    assert!(due("node", NOW.plus_millis(-1)).await.is_empty());
    db.store.release_session(&quiet.fence).await.unwrap();
    assert_eq!(due("node", NOW).await, vec![busy.session.clone(); 2]);
}

/// A clock that was ahead set the time.
async fn a_file_that_is_due_at_a_time_that_nobody_can_mean_is_fetched_now(db: &Db) {
    let tenant = Tenant::new(db).await;
    received(db, &tenant, NOW.plus_millis(1_000_000)).await;
    connect(db, &tenant, SessionStatus::Connected).await;
    let due = async || db.store.list_due_fetches("node", NOW, 2, 10).await.unwrap();
    let fetch = due().await.remove(0);
    for (wait, after, count) in [(5, 5, 0), (6, 5, 1)] {
        db.store.postpone_fetch(&fetch, 1, NOW.plus_millis(wait)).await.unwrap();
        assert!(due().await.is_empty());
        assert_eq!(db.store.hasten(NOW, &[], NOW.plus_millis(after)).await.unwrap(), count);
        assert_eq!(due().await.len() as u64, count);
    }
}

async fn a_file_that_can_never_be_fetched_is_lost_and_stays_until_its_message_says_so(db: &Db) {
    let (deleted, kept) = (Tenant::new(db).await, Tenant::new(db).await);
    let end = NOW.plus_millis(1_000);
    let (abandoned, overdue) = (received(db, &deleted, NOW.plus_millis(9_000)).await, received(db, &kept, end).await);
    let lost = async |at: Timestamp| db.store.list_lost_fetches(at, 10).await.unwrap();
    assert!(lost(end.plus_millis(-1)).await.is_empty());
    let late = lost(end).await;
    assert_eq!((late.len(), &late[0].fetch.media, late[0].session_deleted), (1, &overdue, false));
    assert!(db.store.delete_session(&deleted.account, &deleted.session).await.unwrap());
    let gone = lost(NOW).await;
    assert_eq!((gone.len(), &gone[0].fetch.media, gone[0].session_deleted), (1, &abandoned, true));
    // The sweep waits for the word to the message.
    assert!(db.store.expire_media(end, 10).await.unwrap().is_empty());
    let row = db.store.find_media(&kept.account, &overdue).await.unwrap().unwrap();
    let failed = MediaRow { state: MediaStatus::Failed, ..row };
    assert!(db.store.settle_fetch(&late[0].fetch, &failed, Some("too late"), end).await.unwrap());
    assert!(!db.store.settle_fetch(&late[0].fetch, &failed, Some("too late"), end).await.unwrap(), "once");
    assert_eq!(db.store.expire_media(end, 10).await.unwrap(), [overdue]);
    assert_eq!(lost(end).await.len(), 1, "the other one");
}
