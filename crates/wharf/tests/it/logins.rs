//! People who sign in: what a log-in opens, what it does not, and who is kept out.

use serde_json::{Value, json};
use wharf::http::Limits;
use wharf::http::origin::Proxies;
use wharf_api::ids::{AccountId, LoginId, UserId};
use wharf_api::ops::{self, Access, Method, Operation};
use wharf_api::types::audit::Actor;
use wharf_api::types::user::Role;
use wharf_api::{ErrorCode, Permission, limits};
use wharf_core::store::{AuditFilter, AuditRow, PageRequest};
use wharf_core::user::{self, NewUser};
use wharf_core::{account, audit, login};

use crate::harness::requests::PASSWORD;
use crate::harness::{Ask, Gateway, Reply};

pub async fn person(gateway: &Gateway, account: &AccountId, name: &str, role: Role) -> UserId {
    let new = NewUser { account: account.clone(), name: name.to_owned(), password: PASSWORD.to_owned(), role };
    user::create(&gateway.services, new).await.unwrap().id
}

async fn sign_in(gateway: &Gateway, name: &str, password: &str) -> Reply {
    gateway.ask("POST", "/v1/login").json(&json!({"name": name, "password": password})).send().await
}

fn cookie_of(reply: &Reply) -> String {
    reply.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// The cookie of somebody who signs in now.
pub async fn cookie(gateway: &Gateway, name: &str) -> String {
    let reply = sign_in(gateway, name, PASSWORD).await;
    reply.ok(201);
    cookie_of(&reply)
}

fn by(gateway: &Gateway, cookie: &str, method: &str, path: &str) -> Ask {
    gateway.ask(method, path).header("Cookie", cookie).header("X-Wharf-Dashboard", "1")
}

/// The operation's request with names that no object has: what is allowed finds nothing, or is refused for its shape.
fn call(gateway: &Gateway, cookie: &str, operation: &Operation) -> Ask {
    let ask = by(gateway, cookie, operation.method.as_str(), &operation.path.replace(['{', '}'], ""));
    if operation.method.has_body() { ask.json(&json!({"unknown": "x"})) } else { ask }
}

async fn rows(gateway: &Gateway) -> Vec<AuditRow> {
    let all = PageRequest { after: None, limit: 1_000 };
    gateway.services.store.list_audit(&AuditFilter::default(), all).await.unwrap().rows
}

#[tokio::test]
async fn a_name_and_a_password_sign_in_and_the_cookie_is_for_the_browser_alone() {
    let gateway = Gateway::start().await;
    let id = person(&gateway, &gateway.account, "ada@example.com", Role::Member).await;
    let reply = sign_in(&gateway, "Ada@Example.com", PASSWORD).await;
    let made = reply.ok(201);
    assert_eq!(
        made["user"],
        json!({"userId": id, "name": "ada@example.com", "role": "member", "accountId": gateway.account,
        "createdAt": made["user"]["createdAt"], "lastLoginAt": made["createdAt"]})
    );
    assert_eq!(made["permissions"], json!(Role::Member.permissions()));
    let set = reply.header("set-cookie");
    for part in ["; HttpOnly", "; SameSite=Strict", "; Path=/"] {
        assert!(set.starts_with("wharf_login=") && set.contains(part), "{set}");
    }
    assert!(!set.contains("Secure") && !set.contains("Domain"), "{set}");
    assert_eq!(reply.header("cache-control"), "no-store");
    let secret = cookie_of(&reply).split_once('=').unwrap().1.to_owned();
    assert!(secret.len() == 43 && !reply.json.to_string().contains(&secret), "{set}");

    let cookie = cookie_of(&reply);
    let shown = by(&gateway, &cookie, "GET", "/v1/login").send().await;
    assert_eq!(shown.ok(200), made);
    let sessions = by(&gateway, &cookie, "GET", "/v1/sessions").send().await;
    assert_eq!((sessions.ok(200), sessions.header("cache-control")), (&json!([]), "no-store"));
    assert!(!sessions.header("x-ratelimit-limit").is_empty(), "it is as a key of the account");
    let session = by(&gateway, &cookie, "POST", "/v1/sessions").json(&json!({"name": "by cookie"})).send().await;
    session.ok(201);
    let entries = by(&gateway, &cookie, "GET", "/v1/logins").send().await;
    let entry = &entries.ok(200)[0];
    assert_eq!((&entry["loginId"], &entry["current"], &entry["address"]), (&made["loginId"], &json!(true), &json!("127.0.0.1")));
}

#[tokio::test]
async fn every_role_is_let_into_its_own_operations_and_into_no_other() {
    let gateway = Gateway::start().await;
    let mut cells = 0;
    for role in Role::ALL {
        person(&gateway, &gateway.account, role.as_str(), *role).await;
        let cookie = cookie(&gateway, role.as_str()).await;
        for operation in ops::ALL {
            let allowed = match operation.access {
                Access::Open => continue,
                Access::Key(permission) => role.permissions().contains(&permission),
                Access::Operator => *role == Role::Operator,
                // These end what the table needs; they have tests of their own.
                Access::Login if operation.id == ops::delete_current_login.id => continue,
                Access::Login => true,
            };
            let reply = call(&gateway, &cookie, operation).send().await;
            if allowed {
                assert!(![401, 403].contains(&reply.status), "{} {}: {}", role.as_str(), operation.id, reply.shown());
            } else {
                reply.refused(ErrorCode::InsufficientPermissions);
            }
            cells += 1;
        }
    }
    assert!(cells > 300, "{cells}");
}

#[tokio::test]
async fn what_is_for_people_takes_no_key() {
    let gateway = Gateway::start().await;
    let operator = gateway.make_operator_key().await;
    for operation in ops::ALL.iter().filter(|operation| operation.access == Access::Login) {
        let ask = || gateway.ask(operation.method.as_str(), &operation.path.replace(['{', '}'], ""));
        ask().key(&operator).send().await.refused(ErrorCode::InsufficientPermissions);
        ask().send().await.refused(ErrorCode::MissingApiKey);
    }
}

#[tokio::test]
async fn a_request_that_a_foreign_page_makes_is_refused_on_every_operation_and_changes_nothing() {
    let gateway = Gateway::start().await;
    person(&gateway, &gateway.account, "root", Role::Operator).await;
    let cookie = cookie(&gateway, "root").await;
    let forged: &[(&str, &str)] = &[
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Origin", "https://evil.example"),
        ("Origin", "http://test:8081"),
        ("Origin", "null"),
    ];
    let before = rows(&gateway).await.len();
    for operation in ops::ALL.iter().filter(|operation| operation.access != Access::Open) {
        for (name, value) in forged {
            let reply = call(&gateway, &cookie, operation).header(name, value).send().await;
            assert_eq!(reply.status, 403, "{} {name}: {value}: {}", operation.id, reply.shown());
            reply.refused(ErrorCode::InsufficientPermissions);
        }
        if operation.method != Method::Get {
            // What a form of another page can send carries the cookie at the most.
            let path = operation.path.replace(['{', '}'], "");
            let bare = gateway.ask(operation.method.as_str(), &path).header("Cookie", &cookie);
            bare.send().await.refused(ErrorCode::InsufficientPermissions);
            let other = gateway.ask(operation.method.as_str(), &path).header("Cookie", &cookie).header("X-Wharf-Dashboard", "0");
            other.send().await.refused(ErrorCode::InsufficientPermissions);
        }
    }
    assert_eq!(rows(&gateway).await.len(), before, "nobody got as far as the log");
    for (name, value) in [("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "none"), ("Origin", "http://test")] {
        by(&gateway, &cookie, "POST", "/v1/sessions").json(&json!({"name": "own"})).header(name, value).send().await.ok(201);
    }
    for (name, value) in forged {
        let ask = gateway.ask("POST", "/v1/login").json(&json!({"name": "root", "password": PASSWORD})).header(name, value);
        ask.send().await.refused(ErrorCode::InsufficientPermissions);
    }
}

#[tokio::test]
async fn no_get_by_cookie_changes_anything() {
    // The table of operations is what holds it: what changes something is no GET, and leaves a row where it is told of.
    let gateway = Gateway::start().await;
    person(&gateway, &gateway.account, "root", Role::Operator).await;
    let cookie = cookie(&gateway, "root").await;
    let before = rows(&gateway).await.len();
    for operation in ops::ALL.iter().filter(|operation| operation.method == Method::Get && operation.access != Access::Open) {
        call(&gateway, &cookie, operation).send().await;
    }
    assert_eq!(rows(&gateway).await.len(), before);
}

#[tokio::test]
async fn a_key_beside_a_cookie_is_who_calls() {
    let gateway = Gateway::start().await;
    person(&gateway, &gateway.account, "root", Role::Operator).await;
    let cookie = cookie(&gateway, "root").await;
    let narrow = gateway.make_key(&[Permission::AccountRead], None).await;
    let both = |key: &str, path: &str| gateway.ask("GET", path).header("Cookie", &cookie).key(key).send();
    both(&narrow, "/v1/account").await.ok(200);
    both(&narrow, "/v1/sessions").await.refused(ErrorCode::InsufficientPermissions);
    both(&narrow, "/v1/login").await.refused(ErrorCode::InsufficientPermissions);
    both("nonsense", "/v1/account").await.refused(ErrorCode::InvalidApiKey);
    // A key needs no header, wherever it is sent from.
    let ask = gateway.ask("POST", "/v1/sessions").key(&gateway.key).header("Cookie", &cookie).header("Origin", "https://shop.example");
    ask.json(&json!({"name": "by key"})).send().await.ok(201);
}

#[tokio::test]
async fn a_copied_cookie_is_worth_nothing_after_the_log_out() {
    let gateway = Gateway::start().await;
    person(&gateway, &gateway.account, "ada", Role::Owner).await;
    let (first, second) = (cookie(&gateway, "ada").await, cookie(&gateway, "ada").await);
    assert_ne!(first, second);
    let out = by(&gateway, &first, "DELETE", "/v1/login").send().await;
    out.ok(200);
    assert!(out.header("set-cookie").starts_with("wharf_login=; ") && out.header("set-cookie").contains("Max-Age=0"), "{}", out.shown());
    for operation in ops::ALL.iter().filter(|operation| operation.access != Access::Open) {
        call(&gateway, &first, operation).send().await.refused(ErrorCode::InvalidApiKey);
    }
    by(&gateway, &second, "GET", "/v1/account").send().await.ok(200);
    for made_up in ["wharf_login=", "wharf_login=x", &format!("wharf_login={}", "a".repeat(43)), &format!("{second}; wharf_login=x")] {
        by(&gateway, made_up, "GET", "/v1/account").send().await.refused(ErrorCode::InvalidApiKey);
    }
}

#[tokio::test]
async fn own_log_ins_are_listed_and_ended_and_those_of_others_are_not_there() {
    let gateway = Gateway::start().await;
    let elsewhere = account::find_or_create(&gateway.services, "elsewhere", "enterprise").await.unwrap();
    person(&gateway, &gateway.account, "ada", Role::Owner).await;
    person(&gateway, &elsewhere, "bob", Role::Owner).await;
    let (one, two, bob) = (cookie(&gateway, "ada").await, cookie(&gateway, "ada").await, cookie(&gateway, "bob").await);
    let of = async |cookie: &str| by(&gateway, cookie, "GET", "/v1/logins").send().await.ok(200).as_array().unwrap().clone();
    let listed = of(&one).await;
    assert_eq!(listed.iter().map(|entry| entry["current"].clone()).collect::<Vec<_>>(), [json!(false), json!(true)]);
    let bobs = of(&bob).await[0]["loginId"].as_str().unwrap().to_owned();
    for id in [bobs.as_str(), "lgn_0", LoginId::from_uuid(wharf_api::ids::Uuid::nil()).as_str()] {
        by(&gateway, &one, "DELETE", &format!("/v1/logins/{id}")).send().await.refused(ErrorCode::ResourceNotFound);
    }
    let other = format!("/v1/logins/{}", listed[0]["loginId"].as_str().unwrap());
    assert_eq!(by(&gateway, &one, "DELETE", &other).send().await.ok(200)["current"], false);
    by(&gateway, &two, "GET", "/v1/login").send().await.refused(ErrorCode::InvalidApiKey);
    assert_eq!((of(&one).await.len(), of(&bob).await.len()), (1, 1));
}

#[tokio::test]
async fn a_changed_password_ends_every_log_in_and_gives_the_browser_another_cookie() {
    let gateway = Gateway::start().await;
    person(&gateway, &gateway.account, "ada", Role::ReadOnly).await;
    let (here, there) = (cookie(&gateway, "ada").await, cookie(&gateway, "ada").await);
    let set = |password: &str, next: &str| {
        by(&gateway, &here, "PUT", "/v1/login/password").json(&json!({"password": password, "newPassword": next})).send()
    };
    let next = "another long and quiet one";
    assert_eq!(set("not the password", next).await.refused(ErrorCode::InsufficientPermissions)["field"], "password");
    for weak in ["short", "password1234", "aaaaaaaaaaaaaaaa", &"long ".repeat(30)] {
        assert_eq!(set(PASSWORD, weak).await.refused(ErrorCode::InvalidRequest)["field"], "newPassword", "{weak}");
    }
    by(&gateway, &there, "GET", "/v1/login").send().await.ok(200);
    let changed = set(PASSWORD, next).await;
    let login = changed.ok(200)["loginId"].clone();
    // Whoever copied the cookie from before has nothing, from whichever browser.
    for copied in [&there, &here] {
        for operation in ops::ALL.iter().filter(|operation| operation.access != Access::Open) {
            call(&gateway, copied, operation).send().await.refused(ErrorCode::InvalidApiKey);
        }
    }
    let set = changed.header("set-cookie");
    assert!(set.contains("; HttpOnly; SameSite=Strict; Path=/") && changed.header("cache-control") == "no-store", "{set}");
    let shown = by(&gateway, &cookie_of(&changed), "GET", "/v1/login").send().await;
    assert_eq!(shown.ok(200)["loginId"], login);
    sign_in(&gateway, "ada", PASSWORD).await.refused(ErrorCode::InvalidApiKey);
    sign_in(&gateway, "ada", next).await.ok(201);
}

#[tokio::test]
async fn a_name_that_nobody_has_is_refused_in_the_same_words_as_a_wrong_password() {
    let gateway = Gateway::start().await;
    person(&gateway, &gateway.account, "ada", Role::Owner).await;
    let (wrong, unknown) = (sign_in(&gateway, "ada", "wrong horse battery").await, sign_in(&gateway, "nobody", PASSWORD).await);
    assert_eq!(wrong.refused(ErrorCode::InvalidApiKey), unknown.refused(ErrorCode::InvalidApiKey));
    assert_eq!((&wrong.body, wrong.header("set-cookie")), (&unknown.body, ""));
    let ask = |body: Value| gateway.ask("POST", "/v1/login").json(&body).send();
    assert_eq!(ask(json!({})).await.refused(ErrorCode::MissingRequiredParameter)["field"], "name");
    assert_eq!(ask(json!({"name": "ada"})).await.refused(ErrorCode::MissingRequiredParameter)["field"], "password");
    ask(json!({"name": "ada", "password": PASSWORD, "token": "x"})).await.refused(ErrorCode::InvalidRequest);
    ask(json!({"token": "x"})).await.refused(ErrorCode::InvalidApiKey);

    // The account learns of a wrong password for its user, and nobody of the name that was typed.
    audit::flush(&gateway.services).await.unwrap();
    let failed: Vec<_> = rows(&gateway).await.into_iter().filter(|row| row.action == "create_login").collect();
    assert!(failed.iter().all(|row| row.actor == Actor::Nobody && row.code.is_some()), "{failed:?}");
    assert_eq!(failed.iter().filter(|row| row.account.as_ref() == Some(&gateway.account)).count(), 1, "{failed:?}");
    assert!(!format!("{failed:?}").contains("nobody\"") && !format!("{failed:?}").contains("horse"), "{failed:?}");
}

#[tokio::test]
async fn tries_are_refused_by_address_and_by_name_before_a_password_is_looked_at() {
    let proxies = Proxies::parse(["127.0.0.1"]).unwrap();
    let gateway = Gateway::start_with(Limits { trusted_proxies: proxies, ..Limits::default() }).await;
    person(&gateway, &gateway.account, "ada", Role::Owner).await;
    let from = |address: String, name: &str, password: &str| {
        let body = json!({"name": name, "password": password});
        gateway.ask("POST", "/v1/login").json(&body).header("X-Forwarded-For", address).send()
    };
    from("192.0.2.200".into(), "ada", PASSWORD).await.ok(201);
    for _ in 0..limits::LOGIN_FAILURES_OF_ADDRESS {
        from("192.0.2.1".into(), "nobody", "wrong horse battery").await.refused(ErrorCode::InvalidApiKey);
    }
    from("192.0.2.1".into(), "ada", PASSWORD).await.refused(ErrorCode::RateLimitExceeded);
    // From everywhere at once, one name.
    for number in 0..limits::LOGIN_FAILURES_OF_NAME {
        from(format!("192.0.2.{}", number + 2), "ada", "wrong horse battery").await.refused(ErrorCode::InvalidApiKey);
    }
    let refused = from("192.0.2.100".into(), "ADA", PASSWORD).await;
    assert!(refused.refused(ErrorCode::RateLimitExceeded)["retryAfter"].as_u64() > Some(60), "{}", refused.shown());
    // Whoever signed in there before still does.
    from("192.0.2.200".into(), "ada", PASSWORD).await.ok(201);

    let metrics = String::from_utf8(gateway.ask("GET", "/metrics").send().await.body).unwrap();
    let looked_at = limits::LOGIN_FAILURES_OF_ADDRESS + limits::LOGIN_FAILURES_OF_NAME;
    for line in
        [r#"{outcome="accepted"} 2"#.to_owned(), format!(r#"{{outcome="refused"}} {looked_at}"#), r#"{outcome="throttled"} 2"#.to_owned()]
    {
        assert!(metrics.contains(&format!("wharf_logins_total{line}\n")), "{line}: {metrics}");
    }
}

#[tokio::test]
async fn a_hundred_tries_at_once_are_counted_before_they_are_made() {
    let gateway = Gateway::start().await;
    person(&gateway, &gateway.account, "ada", Role::Owner).await;
    let tries = (0..100).map(|_| sign_in(&gateway, "ada", "wrong horse battery"));
    let replies = futures::future::join_all(tries).await;
    let looked_at = replies.iter().filter(|reply| reply.status == 401).count() as u64;
    assert_eq!(looked_at, limits::LOGIN_FAILURES_OF_ADDRESS);
    assert!(replies.iter().all(|reply| [401, 429].contains(&reply.status)));
}

#[tokio::test]
async fn a_cookie_is_for_https_alone_where_the_proxy_or_the_setting_says_so() {
    let secure = async |limits: Limits, proto: &str| {
        let gateway = Gateway::start_with(limits).await;
        person(&gateway, &gateway.account, "ada", Role::Owner).await;
        let ask = gateway.ask("POST", "/v1/login").json(&json!({"name": "ada", "password": PASSWORD}));
        let reply = ask.header("X-Forwarded-Proto", proto).send().await;
        reply.ok(201);
        reply.header("set-cookie").ends_with("; Secure")
    };
    let trusted = || Limits { trusted_proxies: Proxies::parse(["127.0.0.0/8"]).unwrap(), ..Limits::default() };
    assert!(secure(trusted(), "https").await);
    assert!(!secure(trusted(), "http").await);
    assert!(!secure(Limits::default(), "https").await);
    assert!(secure(Limits { secure_cookies: true, ..Limits::default() }, "http").await);
}

#[tokio::test]
async fn a_link_signs_in_once_and_only_on_the_machine_itself() {
    let gateway = Gateway::start().await;
    let ada = person(&gateway, &gateway.account, "ada", Role::Owner).await;
    let token = login::make_token(&gateway.services, &ada).await.unwrap();
    let enter = || gateway.ask("POST", "/v1/login").json(&json!({"token": token.reveal()}));
    let forwarded = enter().header("X-Forwarded-For", "192.0.2.1").send().await;
    assert_eq!(forwarded.refused(ErrorCode::InsufficientPermissions)["field"], "token");
    let both = futures::future::join_all([enter().send(), enter().send(), enter().send()]).await;
    let mut statuses: Vec<_> = both.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 401, 401]);
    enter().send().await.refused(ErrorCode::InvalidApiKey);
}

#[tokio::test]
async fn a_link_is_not_used_up_by_whoever_may_not_be_let_in_yet() {
    let gateway = Gateway::start().await;
    let (services, account) = (&gateway.services, &gateway.account);
    let ada = person(&gateway, account, "ada", Role::Owner).await;
    let token = login::make_token(services, &ada).await.unwrap();
    let enter = || gateway.ask("POST", "/v1/login").json(&json!({"token": token.reveal()}));
    services.store.suspend_account(account, services.clock.now()).await.unwrap().unwrap();
    let refused = enter().send().await;
    let reason = refused.refused(ErrorCode::InsufficientPermissions)["reason"].as_str().unwrap();
    assert!(reason.contains("suspended"), "{reason}");
    services.store.resume_account(account).await.unwrap().unwrap();
    enter().send().await.ok(201);
    enter().send().await.refused(ErrorCode::InvalidApiKey);
}

#[tokio::test]
async fn an_owner_makes_changes_and_deletes_users_and_their_log_ins_follow() {
    let gateway = Gateway::start().await;
    person(&gateway, &gateway.account, "ada", Role::Owner).await;
    let ada = cookie(&gateway, "ada").await;
    let create = |name: &str, password: &str, role: &str| {
        by(&gateway, &ada, "POST", "/v1/users").json(&json!({"name": name, "password": password, "role": role})).send()
    };
    let made = create("Bob", PASSWORD, "member").await.ok(201).clone();
    assert_eq!((&made["name"], &made["role"], &made["accountId"]), (&json!("bob"), &json!("member"), &json!(gateway.account)));
    assert_eq!(create("BOB", PASSWORD, "member").await.refused(ErrorCode::Conflict)["field"], "name");
    assert_eq!(create("b b", PASSWORD, "member").await.refused(ErrorCode::InvalidRequest)["field"], "name");
    assert_eq!(create("carl", "password1234", "member").await.refused(ErrorCode::InvalidRequest)["field"], "password");
    assert_eq!(create("carl", PASSWORD, "operator").await.refused(ErrorCode::InvalidRequest)["field"], "role");

    let path = format!("/v1/users/{}", made["userId"].as_str().unwrap());
    let bob = cookie(&gateway, "bob").await;
    by(&gateway, &bob, "GET", "/v1/users").send().await.refused(ErrorCode::InsufficientPermissions);
    by(&gateway, &bob, "POST", "/v1/sessions").json(&json!({"name": "s"})).send().await.ok(201);
    let change = |body: Value| by(&gateway, &ada, "PATCH", &path).json(&body).send();
    assert_eq!(change(json!({"role": "read_only"})).await.ok(200)["role"], "read_only");
    by(&gateway, &bob, "GET", "/v1/login").send().await.refused(ErrorCode::InvalidApiKey);
    let bob = cookie(&gateway, "bob").await;
    by(&gateway, &bob, "POST", "/v1/sessions").json(&json!({"name": "s"})).send().await.refused(ErrorCode::InsufficientPermissions);
    change(json!({"password": "another long and quiet one"})).await.ok(200);
    by(&gateway, &bob, "GET", "/v1/login").send().await.refused(ErrorCode::InvalidApiKey);
    let names = by(&gateway, &ada, "GET", "/v1/users").send().await;
    assert_eq!(names.ok(200).as_array().unwrap().iter().map(|user| user["name"].as_str().unwrap()).collect::<Vec<_>>(), ["ada", "bob"]);
    by(&gateway, &ada, "DELETE", &path).send().await.ok(200);
    by(&gateway, &ada, "GET", &path).send().await.refused(ErrorCode::ResourceNotFound);
    sign_in(&gateway, "bob", "another long and quiet one").await.refused(ErrorCode::InvalidApiKey);

    // Nobody locks themselves out, or changes the own password without knowing it.
    let own = by(&gateway, &ada, "GET", "/v1/login").send().await.ok(200)["user"]["userId"].as_str().unwrap().to_owned();
    let own = format!("/v1/users/{own}");
    by(&gateway, &ada, "DELETE", &own).send().await.refused(ErrorCode::Conflict);
    for body in [json!({"role": "member"}), json!({"password": "another long and quiet one"})] {
        by(&gateway, &ada, "PATCH", &own).json(&body).send().await.refused(ErrorCode::Conflict);
    }
    let told: Vec<_> = rows(&gateway).await.into_iter().filter(|row| row.action.ends_with("_user")).collect();
    assert!(told.iter().all(|row| row.actor == Actor::User && row.user.is_some() && row.key.is_none()), "{told:?}");
    assert!(told.iter().any(|row| row.action == "create_user" && row.created.as_deref() == made["userId"].as_str()), "{told:?}");
}

#[tokio::test]
async fn nobody_gives_away_more_than_they_may_and_an_account_does_not_reach_an_operator() {
    let gateway = Gateway::start().await;
    let root = person(&gateway, &gateway.account, "root", Role::Operator).await;
    let owner = person(&gateway, &gateway.account, "ada", Role::Owner).await;
    let ada = cookie(&gateway, "ada").await;
    for path in [format!("/v1/users/{root}"), format!("/v1/users/{}", "usr_0")] {
        by(&gateway, &ada, "GET", &path).send().await.refused(ErrorCode::ResourceNotFound);
        by(&gateway, &ada, "DELETE", &path).send().await.refused(ErrorCode::ResourceNotFound);
        let change = by(&gateway, &ada, "PATCH", &path).json(&json!({"password": "another long and quiet one"}));
        change.send().await.refused(ErrorCode::ResourceNotFound);
    }
    assert_eq!(by(&gateway, &ada, "GET", "/v1/users").send().await.ok(200).as_array().unwrap().len(), 1);

    let narrow = gateway.make_key(&[Permission::UsersManage, Permission::AccountRead], None).await;
    let body = json!({"name": "eve", "password": PASSWORD, "role": "read_only"});
    gateway.ask("POST", "/v1/users").key(&narrow).json(&body).send().await.refused(ErrorCode::InsufficientPermissions);
    let path = format!("/v1/users/{owner}");
    let change = gateway.ask("PATCH", &path).key(&narrow).json(&json!({"password": "another long and quiet one"}));
    change.send().await.refused(ErrorCode::InsufficientPermissions);
    gateway.ask("DELETE", &path).key(&narrow).send().await.refused(ErrorCode::InsufficientPermissions);
    let soon = gateway.services.clock.now().plus_millis(60_000);
    let ends = gateway.make_key(Permission::ALL, Some(soon)).await;
    gateway.ask("POST", "/v1/users").key(&ends).json(&body).send().await.refused(ErrorCode::InsufficientPermissions);
    let session = gateway.session().await;
    let bound = gateway.make_key_of(gateway.account.clone(), Permission::ALL, None, Some(vec![session])).await;
    gateway.ask("POST", "/v1/users").key(&bound).json(&body).send().await.refused(ErrorCode::InsufficientPermissions);
    gateway.post("/v1/users", body).send().await.ok(201);

    // An operator does it in every account.
    let root = cookie(&gateway, "root").await;
    let other = account::find_or_create(&gateway.services, "other", "free").await.unwrap();
    let body = json!({"accountId": other, "name": "zoe", "password": PASSWORD, "role": "operator"});
    let zoe = by(&gateway, &root, "POST", "/v1/admin/users").json(&body).send().await.ok(201).clone();
    let list = by(&gateway, &root, "GET", &format!("/v1/admin/users?accountId={other}")).send().await;
    assert_eq!(list.ok(200), &json!([zoe]));
    let path = format!("/v1/admin/users/{}", zoe["userId"].as_str().unwrap());
    assert_eq!(by(&gateway, &root, "PATCH", &path).json(&json!({"role": "member"})).send().await.ok(200)["role"], "member");
    by(&gateway, &root, "DELETE", &path).send().await.ok(200);
    by(&gateway, &root, "GET", &path).send().await.refused(ErrorCode::ResourceNotFound);
    let nowhere = json!({"accountId": "acc_00000000000000000000000000000000", "name": "zoe", "password": PASSWORD, "role": "owner"});
    by(&gateway, &root, "POST", "/v1/admin/users").json(&nowhere).send().await.refused(ErrorCode::ResourceNotFound);
}

#[tokio::test]
async fn another_tenants_users_answer_as_those_that_do_not_exist_and_see_nothing_here() {
    let gateway = Gateway::start().await;
    let elsewhere = account::find_or_create(&gateway.services, "elsewhere", "enterprise").await.unwrap();
    let ada = person(&gateway, &gateway.account, "ada", Role::Owner).await;
    person(&gateway, &elsewhere, "bob", Role::Owner).await;
    let bob = cookie(&gateway, "bob").await;
    gateway.session().await;
    assert_eq!(by(&gateway, &bob, "GET", "/v1/sessions").send().await.ok(200), &json!([]));
    for method in ["GET", "DELETE"] {
        by(&gateway, &bob, method, &format!("/v1/users/{ada}")).send().await.refused(ErrorCode::ResourceNotFound);
    }
    let change = by(&gateway, &bob, "PATCH", &format!("/v1/users/{ada}")).json(&json!({"role": "member"}));
    change.send().await.refused(ErrorCode::ResourceNotFound);
    let audit = by(&gateway, &bob, "GET", "/v1/audit").send().await;
    let seen = audit.ok(200).as_array().unwrap();
    assert!(seen.iter().all(|entry| entry["accountId"] == json!(elsewhere)), "{seen:?}");
    assert!(seen.iter().any(|entry| entry["action"] == "create_login" && entry["actor"] == "user"), "{seen:?}");
}

#[tokio::test]
async fn an_operator_who_signs_in_is_named_to_operators_alone() {
    let gateway = Gateway::start().await;
    let root = person(&gateway, &gateway.account, "root", Role::Operator).await;
    let cookie = cookie(&gateway, "root").await;
    by(&gateway, &cookie, "PUT", "/v1/admin/plans/odd").json(&json!({"callsPerMinute": 1, "concurrentRequests": 1})).send().await.ok(200);
    let seen = gateway.get("/v1/audit").send().await;
    let seen = seen.ok(200).as_array().unwrap();
    assert!(!seen.is_empty() && seen.iter().all(|entry| entry["actor"] == "operator" && entry["userId"].is_null()), "{seen:?}");
    let all = by(&gateway, &cookie, "GET", "/v1/admin/audit").send().await;
    assert!(all.ok(200).as_array().unwrap().iter().all(|entry| entry["userId"] == json!(root)), "{}", all.shown());
}

#[tokio::test]
async fn a_flood_of_bad_cookies_is_turned_away_and_a_good_one_is_still_served() {
    let gateway = Gateway::start_with(Limits { failed_keys_per_minute: 3, ..Limits::default() }).await;
    person(&gateway, &gateway.account, "ada", Role::Owner).await;
    let good = cookie(&gateway, "ada").await;
    by(&gateway, &good, "GET", "/v1/account").send().await.ok(200);
    let bad = format!("wharf_login={}", "a".repeat(43));
    for _ in 0..3 {
        by(&gateway, &bad, "GET", "/v1/account").send().await.refused(ErrorCode::InvalidApiKey);
    }
    // One a second is looked at all the same.
    let mut turned_away = by(&gateway, &bad, "GET", "/v1/account").send().await;
    for _ in 0..9 {
        if turned_away.status == ErrorCode::InvalidApiKey.status() {
            turned_away = by(&gateway, &bad, "GET", "/v1/account").send().await;
        }
    }
    turned_away.refused(ErrorCode::RateLimitExceeded);
    by(&gateway, &good, "GET", "/v1/account").send().await.ok(200);
}
