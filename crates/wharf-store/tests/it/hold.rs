//! What is held back, and who is known, on both databases.

use wharf_api::Timestamp;
use wharf_api::types::hold::HoldReason;
use wharf_core::store::{Error, Fence, Held, HoldRow, HoldStore, MessageStore, OwnerStore, SessionStore};

use crate::harness::{Db, both_backends};
use crate::tenant::{Tenant, sent};

both_backends!(
    first_contacts_are_noted_by_the_owner_and_forgotten_after_their_day,
    holds_are_kept_changed_and_lifted_by_the_owner_alone,
    a_chat_is_known_once_something_went_through_or_came_in
);

fn hold(what: Held, until: i64, times: u32) -> HoldRow {
    HoldRow { what, until: Timestamp::from_millis(until), reason: HoldReason::ReachoutTimelock, times }
}

async fn holds_are_kept_changed_and_lifted_by_the_owner_alone(db: &Db) {
    let Tenant { account, session, fence } = Tenant::new(db).await;
    let chat = || Held::Chat("1@s.whatsapp.net".to_owned());
    for row in [hold(chat(), 10, 1), hold(Held::FirstContacts, 10, 1), hold(Held::Session, 5, 1), hold(chat(), 30, 2)] {
        db.store.put_hold(&fence, &row).await.unwrap();
    }
    let mut all = db.store.list_holds(&session).await.unwrap();
    all.sort_by_key(|hold| hold.until);
    assert_eq!(all, [hold(Held::Session, 5, 1), hold(Held::FirstContacts, 10, 1), hold(chat(), 30, 2)]);
    assert_eq!(db.store.holds_on(&session, "2@s.whatsapp.net").await.unwrap().len(), 2);
    db.store.lift_hold(&fence, &Held::Session).await.unwrap();
    assert_eq!(db.store.holds_on(&session, "1@s.whatsapp.net").await.unwrap().len(), 2);

    let stale = Fence { epoch: fence.epoch - 1, ..fence.clone() };
    assert!(matches!(db.store.put_hold(&stale, &hold(Held::Session, 5, 1)).await, Err(Error::Fenced)));
    assert!(matches!(db.store.lift_hold(&stale, &chat()).await, Err(Error::Fenced)));
    db.store.release_session(&fence).await.unwrap();
    assert!(db.store.delete_session(&account, &session).await.unwrap());
    assert_eq!(db.store.list_holds(&session).await.unwrap(), []);
}

async fn first_contacts_are_noted_by_the_owner_and_forgotten_after_their_day(db: &Db) {
    let Tenant { account, session, fence } = Tenant::new(db).await;
    let at = Timestamp::from_millis;
    let begin = async |chat: &str, now: i64, before: i64| db.store.begin_contact(&fence, chat, at(now), at(before)).await;
    begin("1@s.whatsapp.net", 10, 0).await.unwrap();
    begin("2@s.whatsapp.net", 20, 0).await.unwrap();
    let begun = async |since: i64| db.store.contacts_begun(&session, at(since)).await.unwrap();
    assert_eq!(begun(11).await, [("2@s.whatsapp.net".to_owned(), at(20))]);
    begin("1@s.whatsapp.net", 30, 20).await.unwrap();
    assert_eq!(begun(0).await, [("2@s.whatsapp.net".to_owned(), at(20)), ("1@s.whatsapp.net".to_owned(), at(30))]);
    begin("3@s.whatsapp.net", 40, 30).await.unwrap();
    assert_eq!(begun(0).await.len(), 2, "what is older than asked for is forgotten");

    let stale = Fence { epoch: fence.epoch - 1, ..fence.clone() };
    assert!(matches!(db.store.begin_contact(&stale, "4@s.whatsapp.net", at(50), at(0)).await, Err(Error::Fenced)));
    db.store.release_session(&fence).await.unwrap();
    assert!(db.store.delete_session(&account, &session).await.unwrap());
    assert_eq!(begun(0).await, []);
}

async fn a_chat_is_known_once_something_went_through_or_came_in(db: &Db) {
    let tenant = Tenant::new(db).await;
    let row = tenant.send(db, "hello").await;
    let chats = [row.chat.clone(), "491709999999@s.whatsapp.net".to_owned(), "19990000000@s.whatsapp.net".to_owned()];
    let known = || db.store.known_chats(&tenant.account, &tenant.session, &chats);
    assert_eq!(known().await.unwrap(), [""; 0], "what only waits proves nothing");
    db.store.record_outcomes(&tenant.fence, &[sent(&row.id)]).await.unwrap();
    assert_eq!(known().await.unwrap(), chats[..1]);
    db.store.record_inbound(&tenant.fence, &[tenant.incoming("1@lid", "A1")]).await.unwrap();
    assert_eq!(known().await.unwrap(), chats[..2]);
    let other = crate::tenant::session(db, &tenant.account).await;
    assert_eq!(db.store.known_chats(&tenant.account, &other, &chats).await.unwrap(), [""; 0], "another session is another phone");
}
