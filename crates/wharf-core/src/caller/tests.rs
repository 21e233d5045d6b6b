use wharf_api::ids::Uuid;
use wharf_api::ops;

use super::*;
use crate::samples::{at, caller, session};

fn signed_in(role: Role) -> Caller {
    let by = By::Login { id: LoginId::from_uuid(Uuid::from_u128(1)), user: UserId::from_uuid(Uuid::from_u128(1)) };
    Caller { by, operator: role == Role::Operator, ..caller(&role.permissions()) }
}

/// The names of the operations that it may call.
fn open_to(caller: &Caller) -> Vec<&'static str> {
    ops::ALL.iter().filter(|op| caller.may_call(op.access).is_ok()).map(|op| op.id).collect()
}

/// The names of the operations with this access.
fn with_access(is_meant: impl Fn(Access) -> bool) -> Vec<&'static str> {
    ops::ALL.iter().filter(|op| is_meant(op.access)).map(|op| op.id).collect()
}

#[test]
fn a_permission_opens_the_operations_that_ask_for_it_and_no_other() {
    for permission in Permission::ALL {
        let own = with_access(|access| matches!(access, Access::Open) || access == Access::Key(*permission));
        assert_eq!(open_to(&caller(&[*permission])), own, "{}", permission.as_str());
    }
    assert_eq!(open_to(&caller(&[])), with_access(|access| access == Access::Open));
    assert_eq!(open_to(&caller(Permission::ALL)), with_access(|access| matches!(access, Access::Open | Access::Key(_))));
}

#[test]
fn an_operators_key_opens_what_is_the_operators_and_no_permission_that_it_lacks() {
    let operator = Caller { operator: true, ..caller(&[]) };
    assert_eq!(open_to(&operator), with_access(|access| matches!(access, Access::Open | Access::Operator)));
}

#[test]
fn what_is_for_people_who_are_signed_in_is_for_no_key_and_no_token() {
    let token = By::Stream(Box::new(Grant { of: Maker::Login(LoginId::from_uuid(Uuid::from_u128(1))), session: session(1), until: at(0) }));
    let shown = [caller(Permission::ALL).by, token].map(|by| Caller { by, operator: true, ..caller(Permission::ALL) });
    for caller in shown {
        assert!(caller.may_call(Access::Login).is_err(), "{:?}", caller.by);
        assert!(caller.by.login().is_none());
    }
    for role in Role::ALL {
        assert!(signed_in(*role).may_call(Access::Login).is_ok(), "{}", role.as_str());
        assert_eq!(signed_in(*role).may_call(Access::Operator).is_ok(), *role == Role::Operator);
    }
}

#[test]
fn a_refusal_names_the_permission_and_what_lacks_it() {
    for (caller, word) in [(caller(&[]), "key"), (Caller { permissions: Vec::new(), ..signed_in(Role::Owner) }, "log-in")] {
        let refusal = caller.may_call(Access::Key(Permission::MessagesSend)).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::InsufficientPermissions);
        assert_eq!(refusal.details.reason.as_deref(), Some(format!("the {word} lacks the permission messages:send").as_str()));
    }
}

#[test]
fn a_bound_key_uses_its_sessions_and_an_unbound_one_all() {
    let bound = Caller { sessions: Some(vec![session(1), session(2)]), ..caller(&[]) };
    assert_eq!([1, 2, 3].map(|number| bound.may_use(&session(number))), [true, true, false]);
    assert!(caller(&[]).may_use(&session(3)));
    let nothing = Caller { sessions: Some(Vec::new()), ..caller(&[]) };
    assert!(!nothing.may_use(&session(1)), "bound to nothing is not bound to everything");
}

#[tokio::test]
async fn nothing_is_begun_for_who_is_about_to_be_told_that_it_took_too_long() {
    let now = Instant::now();
    let late = Caller { sends_until: Some(now), ..caller(&[]) };
    assert!(late.is_late());
    assert_eq!(late.in_time(std::future::pending::<u8>()).await, None);
    let early = Caller { sends_until: Some(now + Duration::from_hours(1)), ..caller(&[]) };
    assert!(!early.is_late() && !caller(&[]).is_late());
    assert_eq!(early.in_time(async { 7 }).await, Some(7));
    assert_eq!(caller(&[]).in_time(async { 7 }).await, Some(7));
}

#[test]
fn who_says_nothing_waits_as_long_as_all_and_whose_time_is_over_not_at_all() {
    assert_eq!(caller(&[]).patience(), limits::SEND_WAIT);
    assert_eq!(Caller { answer_by: Some(Instant::now()), ..caller(&[]) }.patience(), Duration::ZERO);
}
