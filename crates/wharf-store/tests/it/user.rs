//! Users and log-ins on both databases.

use wharf_api::Timestamp;
use wharf_api::ids::AccountId;
use wharf_api::types::user::Role;
use wharf_core::store::{LoginRow, LoginStore, PageRequest, UserRow, UserStore};

use crate::harness::{Db, both_backends};
use crate::tenant::{ALL, NOW, Tenant, chance};

both_backends!(
    a_user_is_read_back_as_it_was_written_and_its_name_is_one_of_a_kind,
    another_account_sees_nothing_of_a_user_and_operators_are_listed_for_operators,
    a_login_is_found_by_its_hash_with_user_and_account_and_ends_with_either,
    a_new_password_ends_all_log_ins_but_the_one_to_keep,
    of_more_log_ins_than_may_be_the_oldest_end,
    a_token_is_taken_once_and_not_after_its_end,
    what_is_over_is_dropped_and_nothing_else,
);

fn user(account: &AccountId, name: &str, role: Role) -> UserRow {
    UserRow {
        id: chance().user_id(),
        account: account.clone(),
        name: name.to_owned(),
        role,
        password: "$argon2id$…".to_owned(),
        created_at: NOW,
        last_login_at: None,
    }
}

fn login(user: &UserRow, secret: u8, at: Timestamp) -> LoginRow {
    LoginRow {
        id: chance().login_id(),
        user: user.id.clone(),
        secret_hash: vec![secret; 32],
        created_at: at,
        last_seen_at: at,
        expires_at: at.plus_millis(1_000),
        address: "::1".to_owned(),
        user_agent: "a browser".to_owned(),
    }
}

async fn made(db: &Db, name: &str, role: Role) -> UserRow {
    let tenant = Tenant::new(db).await;
    let user = user(&tenant.account, name, role);
    assert!(db.store.insert_user(&user).await.unwrap());
    user
}

async fn a_user_is_read_back_as_it_was_written_and_its_name_is_one_of_a_kind(db: &Db) {
    let ada = made(db, "ada", Role::Owner).await;
    assert_eq!(db.store.find_user(None, &ada.id).await.unwrap(), Some(ada.clone()));
    assert_eq!(db.store.find_user_named("ada").await.unwrap(), Some(ada.clone()));
    assert_eq!(db.store.find_user_named("Ada").await.unwrap(), None);
    let other = user(&Tenant::new(db).await.account, "ada", Role::Member);
    assert!(!db.store.insert_user(&other).await.unwrap());
    assert_eq!(db.store.find_user(None, &other.id).await.unwrap(), None);

    let changed = db.store.update_user(&ada.id, Some(Role::ReadOnly), None, None).await.unwrap().unwrap();
    assert_eq!(changed, UserRow { role: Role::ReadOnly, ..ada.clone() });
    let changed = db.store.update_user(&ada.id, None, Some("new"), None).await.unwrap().unwrap();
    assert_eq!((changed.role, changed.password.as_str()), (Role::ReadOnly, "new"));
    assert!(db.store.delete_user(&ada.id).await.unwrap());
    assert!(!db.store.delete_user(&ada.id).await.unwrap());
    assert!(db.store.update_user(&ada.id, None, Some("new"), None).await.unwrap().is_none());
}

async fn another_account_sees_nothing_of_a_user_and_operators_are_listed_for_operators(db: &Db) {
    let (ada, root) = (made(db, "ada", Role::Owner).await, made(db, "root", Role::Operator).await);
    assert_eq!(db.store.find_user(Some(&root.account), &ada.id).await.unwrap(), None);
    assert_eq!(db.store.find_user(Some(&ada.account), &ada.id).await.unwrap(), Some(ada.clone()));
    let names = async |account: Option<&AccountId>, operators| {
        let page = db.store.list_users(account, operators, ALL).await.unwrap();
        page.rows.into_iter().map(|user| user.name).collect::<Vec<_>>()
    };
    assert_eq!(names(None, true).await, ["ada", "root"]);
    assert_eq!(names(None, false).await, ["ada"]);
    assert_eq!(names(Some(&ada.account), true).await, ["ada"]);
    assert_eq!(names(Some(&root.account), false).await, Vec::<String>::new());
    let first = db.store.list_users(None, true, PageRequest { after: None, limit: 1 }).await.unwrap();
    let second = db.store.list_users(None, true, PageRequest { after: first.next, limit: 1 }).await.unwrap();
    assert_eq!((first.rows, second.rows, second.next), (vec![ada], vec![root], None));
}

async fn a_login_is_found_by_its_hash_with_user_and_account_and_ends_with_either(db: &Db) {
    let (ada, bob) = (made(db, "ada", Role::Owner).await, made(db, "bob", Role::Member).await);
    let (one, two) = (login(&ada, 1, NOW), login(&ada, 2, NOW));
    for login in [&one, &two] {
        db.store.insert_login(login, 50).await.unwrap();
    }
    let found = db.store.find_login(&[1; 32]).await.unwrap().unwrap();
    assert_eq!((&found.login, found.user.name.as_str(), &found.account.id), (&one, "ada", &ada.account));
    assert_eq!(found.user.last_login_at, Some(NOW));
    assert_eq!(db.store.find_login(&[3; 32]).await.unwrap(), None);
    assert_eq!(db.store.list_logins(&ada.id).await.unwrap(), [two.clone(), one.clone()]);

    db.store.touch_login(&one.id, NOW.plus_millis(9)).await.unwrap();
    db.store.touch_login(&one.id, NOW).await.unwrap();
    assert_eq!(db.store.find_login_by_id(&one.id).await.unwrap().unwrap().last_seen_at, NOW.plus_millis(9));

    assert_eq!(db.store.delete_login(&bob.id, &one.id).await.unwrap(), None, "it is not bob's");
    assert_eq!(db.store.delete_login(&ada.id, &one.id).await.unwrap().unwrap().id, one.id);
    assert_eq!(db.store.find_login(&[1; 32]).await.unwrap(), None);
    db.store.delete_user(&ada.id).await.unwrap();
    assert_eq!(db.store.find_login_by_id(&two.id).await.unwrap(), None);
    // A user who is gone signs in no more.
    db.store.insert_login(&login(&ada, 4, NOW), 50).await.unwrap();
    assert_eq!(db.store.list_logins(&ada.id).await.unwrap(), []);
}

async fn a_new_password_ends_all_log_ins_but_the_one_to_keep(db: &Db) {
    let ada = made(db, "ada", Role::Owner).await;
    let logins = [login(&ada, 1, NOW), login(&ada, 2, NOW), login(&ada, 3, NOW)];
    for login in &logins {
        db.store.insert_login(login, 50).await.unwrap();
    }
    db.store.update_user(&ada.id, None, Some("new"), Some(&logins[1].id)).await.unwrap();
    assert_eq!(db.store.list_logins(&ada.id).await.unwrap(), [logins[1].clone()]);
    db.store.update_user(&ada.id, Some(Role::Member), None, None).await.unwrap();
    assert_eq!(db.store.list_logins(&ada.id).await.unwrap(), []);
}

async fn of_more_log_ins_than_may_be_the_oldest_end(db: &Db) {
    let (ada, bob) = (made(db, "ada", Role::Owner).await, made(db, "bob", Role::Member).await);
    let others = login(&bob, 9, NOW);
    db.store.insert_login(&others, 2).await.unwrap();
    let logins = [login(&ada, 1, NOW), login(&ada, 2, NOW), login(&ada, 3, NOW)];
    for login in &logins {
        db.store.insert_login(login, 2).await.unwrap();
    }
    assert_eq!(db.store.list_logins(&ada.id).await.unwrap(), [logins[2].clone(), logins[1].clone()]);
    assert_eq!(db.store.list_logins(&bob.id).await.unwrap(), [others]);
}

async fn a_token_is_taken_once_and_not_after_its_end(db: &Db) {
    let ada = made(db, "ada", Role::Owner).await;
    for secret in 1..=3 {
        db.store.insert_login_token(&[secret; 32], &ada.id, NOW.plus_millis(5)).await.unwrap();
    }
    // Whoever looks uses nothing up.
    assert_eq!(db.store.find_login_token(&[1; 32], NOW.plus_millis(4)).await.unwrap(), Some(ada.clone()));
    assert_eq!(db.store.find_login_token(&[1; 32], NOW.plus_millis(5)).await.unwrap(), None);
    assert_eq!(db.store.take_login_token(&[1; 32], NOW.plus_millis(4)).await.unwrap(), Some(ada.clone()));
    assert_eq!(db.store.find_login_token(&[1; 32], NOW.plus_millis(4)).await.unwrap(), None);
    assert_eq!(db.store.take_login_token(&[1; 32], NOW.plus_millis(4)).await.unwrap(), None);
    assert_eq!(db.store.take_login_token(&[2; 32], NOW.plus_millis(5)).await.unwrap(), None);
    assert_eq!(db.store.take_login_token(&[9; 32], NOW).await.unwrap(), None);
    // A new password ends links too.
    db.store.update_user(&ada.id, None, Some("new"), None).await.unwrap();
    assert_eq!(db.store.take_login_token(&[3; 32], NOW).await.unwrap(), None);
}

async fn what_is_over_is_dropped_and_nothing_else(db: &Db) {
    let ada = made(db, "ada", Role::Owner).await;
    let idle = login(&ada, 1, NOW);
    let over = LoginRow { last_seen_at: NOW.plus_millis(100), ..login(&ada, 2, NOW) };
    let good = LoginRow { last_seen_at: NOW.plus_millis(100), expires_at: NOW.plus_millis(9_000), ..login(&ada, 3, NOW) };
    for login in [&idle, &over, &good] {
        db.store.insert_login(login, 50).await.unwrap();
    }
    db.store.insert_login_token(&[1; 32], &ada.id, NOW).await.unwrap();
    let dropped = db.store.expire_logins(NOW.plus_millis(100), NOW.plus_millis(2_000), 100).await.unwrap();
    assert_eq!(dropped, 3);
    assert_eq!(db.store.list_logins(&ada.id).await.unwrap(), [good]);
}
