//! The audit log on both databases.

use wharf_api::types::audit::Actor;
use wharf_api::{ErrorCode, Timestamp};
use wharf_core::Chance;
use wharf_core::chance::SystemChance;
use wharf_core::store::{AuditFilter, AuditRow, AuditStore, PageRequest};

use crate::harness::{Db, both_backends};

both_backends!(rows_come_back_as_they_were_written, lists_are_filtered_and_paged, old_rows_are_dropped_and_no_others);

fn row(at: i64) -> AuditRow {
    AuditRow {
        at: Timestamp::from_millis(at),
        account: None,
        actor: Actor::Cli,
        key: None,
        user: None,
        address: None,
        action: "admin_set_plan".to_owned(),
        target: None,
        created: None,
        code: None,
        times: 1,
    }
}

fn chance() -> &'static dyn Chance {
    &SystemChance
}

const ALL: PageRequest = PageRequest { after: None, limit: 100 };

async fn rows_come_back_as_they_were_written(db: &Db) {
    let full = AuditRow {
        account: Some(chance().account_id()),
        actor: Actor::Key,
        key: Some(chance().key_id()),
        user: Some(chance().user_id()),
        address: Some("2001:db8::1".to_owned()),
        action: "create_api_key".to_owned(),
        target: Some("key_Ab3dEf9h".to_owned()),
        created: Some("key_Ab3dEf9i".to_owned()),
        code: Some(ErrorCode::Conflict),
        times: 3,
        ..row(2)
    };
    db.store.append_audit(&[row(1), full.clone()]).await.unwrap();
    let page = db.store.list_audit(&AuditFilter::default(), ALL).await.unwrap();
    assert_eq!(page.rows, [full, row(1)]);
}

async fn lists_are_filtered_and_paged(db: &Db) {
    let (mine, other, key) = (chance().account_id(), chance().account_id(), chance().key_id());
    for number in 0..6 {
        let account = Some(if number % 2 == 0 { mine.clone() } else { other.clone() });
        let action = if number < 3 { "one" } else { "two" }.to_owned();
        let target = (number == 4).then(|| "ses_1".to_owned());
        db.store
            .append_audit(&[AuditRow { account, action, target, key: (number == 0).then(|| key.clone()), ..row(number) }])
            .await
            .unwrap();
    }
    let times = async |filter: AuditFilter, page| {
        let page = db.store.list_audit(&filter, page).await.unwrap();
        (page.rows.iter().map(|row| row.at.as_millis()).collect::<Vec<_>>(), page.next)
    };
    let of_mine = AuditFilter { account: Some(mine), ..AuditFilter::default() };
    assert_eq!(times(of_mine.clone(), ALL).await.0, [4, 2, 0]);
    assert_eq!(times(AuditFilter { action: Some("one".to_owned()), ..of_mine.clone() }, ALL).await.0, [2, 0]);
    assert_eq!(times(AuditFilter { key: Some(key), ..of_mine.clone() }, ALL).await.0, [0]);
    assert_eq!(times(AuditFilter { target: Some("ses_1".to_owned()), ..AuditFilter::default() }, ALL).await.0, [4]);
    let (first, next) = times(of_mine.clone(), PageRequest { after: None, limit: 2 }).await;
    assert_eq!(first, [4, 2]);
    assert_eq!(times(of_mine, PageRequest { after: next, limit: 2 }).await, (vec![0], None));
}

async fn old_rows_are_dropped_and_no_others(db: &Db) {
    let rows: Vec<_> = (0..5).map(row).collect();
    db.store.append_audit(&rows).await.unwrap();
    assert_eq!(db.store.expire_audit(Timestamp::from_millis(3), 2).await.unwrap(), 2);
    assert_eq!(db.store.expire_audit(Timestamp::from_millis(3), 2).await.unwrap(), 1);
    assert_eq!(db.store.expire_audit(Timestamp::from_millis(3), 2).await.unwrap(), 0);
    assert_eq!(db.store.list_audit(&AuditFilter::default(), ALL).await.unwrap().rows, [row(4), row(3)]);
}
