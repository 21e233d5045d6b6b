use proptest::prelude::*;

use super::*;
use crate::chance::SystemChance;
use crate::samples::{account, at, caller, key, session};

#[test]
fn a_made_key_is_read_back_and_any_change_to_it_is_noticed() {
    let chance: &dyn Chance = &SystemChance;
    for prefix in [LIVE, TEST, EARLIER] {
        let id = chance.key_id();
        let secret = Secret::made(prefix, chance, &id);
        let text = secret.reveal();
        assert_eq!(Secret::parse(text).map(|(id, _)| id), Some(id));
        for place in 0..text.len() {
            let mut changed = text.as_bytes().to_vec();
            changed[place] = if changed[place] == b'x' { b'y' } else { b'x' };
            assert!(Secret::parse(std::str::from_utf8(&changed).unwrap()).is_none(), "place {place} of {prefix}");
        }
        assert!(Secret::parse(&text[..text.len() - 1]).is_none());
    }
    assert!(Secret::parse("").is_none());
    assert!(Secret::parse("é").is_none());
}

#[test]
fn a_key_is_good_until_the_very_moment_of_its_end() {
    let refusal = |change: &dyn Fn(&mut KeyWithAccount), now: i64| {
        let mut found = key();
        change(&mut found);
        check_end(&found, at(now)).err().map(|error| ApiError::from(&error).code)
    };
    let expires = |found: &mut KeyWithAccount| found.key.expires_at = Some(at(10));
    let revoked = |found: &mut KeyWithAccount| found.key.revoked_at = Some(at(10));
    assert_eq!([9, 10, 11].map(|now| refusal(&expires, now)), [None, Some(ErrorCode::ExpiredApiKey), Some(ErrorCode::ExpiredApiKey)]);
    assert_eq!([9, 10, 11].map(|now| refusal(&revoked, now)), [None, Some(ErrorCode::InvalidApiKey), Some(ErrorCode::InvalidApiKey)]);
    // Whoever took a key away says more than the calendar does.
    let both = |found: &mut KeyWithAccount| (found.key.expires_at, found.key.revoked_at) = (Some(at(5)), Some(at(10)));
    assert_eq!([5, 10].map(|now| refusal(&both, now)), [Some(ErrorCode::ExpiredApiKey), Some(ErrorCode::InvalidApiKey)]);
    let deleting = |found: &mut KeyWithAccount| found.account.deleting_at = Some(at(10));
    assert_eq!(refusal(&deleting, 0), Some(ErrorCode::InvalidApiKey), "an account that is being deleted has no key");
}

fn wanted() -> NewKey {
    NewKey { account: account(1), name: "new".into(), permissions: Vec::new(), expires_at: None, sessions: None, operator: false }
}

#[test]
fn a_key_gives_away_what_it_has_and_is_refused_the_rest() {
    let maker = Caller { expires_at: Some(at(10)), sessions: Some(vec![session(1)]), ..caller(&[Permission::MessagesSend]) };
    let good = NewKey { expires_at: Some(at(10)), sessions: Some(vec![session(1)]), ..wanted() };
    assert!(may_give(&maker, &NewKey { permissions: vec![Permission::MessagesSend], ..good.clone() }).is_ok());
    let beyond = [
        NewKey { operator: true, ..good.clone() },
        NewKey { permissions: vec![Permission::MessagesSend, Permission::KeysManage], ..good.clone() },
        NewKey { expires_at: None, ..good.clone() },
        NewKey { expires_at: Some(at(11)), ..good.clone() },
        NewKey { sessions: None, ..good.clone() },
    ];
    for new in beyond {
        let refusal = may_give(&maker, &new).unwrap_err();
        assert_eq!(ApiError::from(&refusal).code, ErrorCode::InsufficientPermissions, "{new:?}");
    }
    let foreign = may_give(&maker, &NewKey { sessions: Some(vec![session(1), session(2)]), ..good }).unwrap_err();
    assert_eq!(ApiError::from(&foreign).code, ErrorCode::SessionNotFound, "what it may not use is not there for it");
}

fn permissions() -> impl Strategy<Value = Vec<Permission>> {
    proptest::sample::subsequence(Permission::ALL, 0..=Permission::ALL.len())
}

fn sessions() -> impl Strategy<Value = Option<Vec<SessionId>>> {
    proptest::option::of(proptest::collection::vec((1_u128..5).prop_map(session), 0..4))
}

proptest! {
    /// Whatever a chain of keys makes, no key of it may do what the first may not.
    #[test]
    fn what_is_given_is_never_more_than_its_giver_has(
        has in (permissions(), sessions(), proptest::option::of(0_i64..20), any::<bool>()),
        wants in (permissions(), sessions(), proptest::option::of(0_i64..20), any::<bool>()),
    ) {
        let (own, bound, end, operator) = has;
        let giver = Caller { sessions: bound, expires_at: end.map(at), operator, ..caller(&own) };
        let (permissions, sessions, end, operator) = wants;
        let new = NewKey { permissions, sessions, expires_at: end.map(at), operator, ..wanted() };
        if may_give(&giver, &new).is_err() {
            return Ok(());
        }
        prop_assert!(!new.operator || giver.operator);
        prop_assert!(new.permissions.iter().all(|permission| giver.may_call(wharf_api::ops::Access::Key(*permission)).is_ok()));
        // Whom it may use all of the giver's may use, also where it is bound to nothing.
        let made = Caller { sessions: new.sessions.clone(), ..caller(&[]) };
        prop_assert!((1..6).map(session).all(|session| !made.may_use(&session) || giver.may_use(&session)));
        prop_assert!(giver.expires_at.is_none_or(|end| new.expires_at.is_some_and(|wanted| wanted <= end)));
    }

    #[test]
    fn a_key_can_always_make_one_that_is_just_like_itself(
        has in (permissions(), sessions(), proptest::option::of(0_i64..20), any::<bool>()),
    ) {
        let (permissions, sessions, end, operator) = has;
        let giver = Caller { sessions: sessions.clone(), expires_at: end.map(at), operator, ..caller(&permissions) };
        let new = NewKey { permissions, sessions, expires_at: end.map(at), operator, ..wanted() };
        prop_assert!(may_give(&giver, &new).is_ok());
    }
}
