//! People who sign in, against the real program on both databases: the printed link, the ends of a log-in, restarts and other nodes.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use wharf_api::{ErrorCode, limits};

use crate::harness::process::{fresh_dir, program};
use crate::harness::{Api, Backend, Reply, World, api, both_backends, eventually};

/// A browser: one address and one cookie.
struct Browser {
    api: Api,
    cookie: String,
}

impl Browser {
    async fn enter(base: &Api, body: &Value) -> Result<Self, Reply> {
        let api = base.with_key("");
        let reply = api.post("/v1/login", body).await;
        if reply.status != 201 {
            return Err(reply);
        }
        let cookie = reply.header("set-cookie").split(';').next().unwrap().to_owned();
        Ok(Self { api, cookie })
    }

    async fn ask(&self, method: &str, path: &str) -> Reply {
        self.at(&self.api, method, path).await
    }

    /// The same cookie at another address.
    async fn at(&self, base: &Api, method: &str, path: &str) -> Reply {
        let request = base.with_key("").request(method, path).header("cookie", &self.cookie).header("x-wharf-dashboard", "1");
        api::read(request).await
    }
}

fn ready(world: &mut World) -> Value {
    world.gateway().ready.clone()
}

both_backends! {
    async fn the_printed_link_signs_in_once_and_the_password_again(backend) {
        let mut world = World::start(backend).await;
        let ready = ready(&mut world);
        let (page, token) = ready["dashboard"].as_str().unwrap().split_once("/dashboard/#/enter/").unwrap();
        assert_eq!(page, ready["url"]);
        let demo = Browser::enter(&world.api(), &json!({"token": token})).await.unwrap_or_else(|reply| panic!("{reply:?}"));
        let shown = demo.ask("GET", "/v1/login").await;
        assert_eq!((&shown.ok(200)["user"]["name"], &shown.data()["user"]["role"]), (&json!("demo"), &json!("owner")));
        let again = Browser::enter(&world.api(), &json!({"token": token})).await.err().unwrap();
        again.refused(ErrorCode::InvalidApiKey);
        demo.ask("GET", "/v1/admin/accounts").await.refused(ErrorCode::InsufficientPermissions);
        let operator = Browser::enter(&world.api(), &json!({"name": "operator", "password": ready["password"]})).await.unwrap_or_else(|reply| panic!("{reply:?}"));
        operator.ask("GET", "/v1/admin/accounts").await.ok(200);
    }

    async fn a_login_ends_after_twelve_hours_without_a_request_and_after_thirty_days_in_any_case(backend) {
        let mut world = World::start(backend).await;
        let password = ready(&mut world)["password"].clone();
        let enter = async || Browser::enter(&world.api(), &json!({"name": "demo", "password": password})).await.unwrap_or_else(|reply| panic!("{reply:?}"));
        let idle_secs = limits::LOGIN_IDLE.as_secs();
        let demo = enter().await;
        world.advance(idle_secs - 60).await;
        demo.ask("GET", "/v1/login").await.ok(200);
        world.advance(idle_secs - 60).await;
        demo.ask("GET", "/v1/login").await.ok(200);
        world.advance(idle_secs + 1).await;
        demo.ask("GET", "/v1/login").await.refused(ErrorCode::ExpiredApiKey);

        let demo = enter().await;
        let turns = limits::LOGIN.as_secs() / (idle_secs / 2);
        for _ in 1..turns {
            world.advance(idle_secs / 2).await;
            demo.ask("GET", "/v1/login").await.ok(200);
        }
        world.advance(idle_secs / 2 + 1).await;
        let over = demo.ask("GET", "/v1/login").await;
        assert!([ErrorCode::ExpiredApiKey.name(), ErrorCode::InvalidApiKey.name()].contains(&over.code()), "{over:?}");
    }

    async fn a_login_outlives_a_restart_and_its_stream_ends_with_it(backend) {
        let mut world = World::start(backend).await;
        let password = ready(&mut world)["password"].clone();
        let demo = Browser::enter(&world.api(), &json!({"name": "demo", "password": password})).await.unwrap_or_else(|reply| panic!("{reply:?}"));
        world.stop_gateway().await;
        world.start_gateway(&[]).await;
        assert_eq!(ready(&mut world)["password"], password, "a restart prints the same");
        let base = world.api();
        demo.at(&base, "GET", "/v1/login").await.ok(200);

        let stream = base.with_key("").request("GET", "/v1/events").header("cookie", &demo.cookie).header("accept", "text/event-stream");
        let mut stream = stream.send().await.unwrap();
        assert_eq!(stream.status(), 200);
        assert!(stream.chunk().await.unwrap().is_some(), "it begins at once");
        demo.at(&base, "DELETE", "/v1/login").await.ok(200);
        let end = async { while let Ok(Some(_)) = stream.chunk().await {} };
        tokio::time::timeout(crate::harness::PATIENCE, end).await.expect("the stream ends with the log-in");
        demo.at(&base, "GET", "/v1/login").await.refused(ErrorCode::InvalidApiKey);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signs_out_on_one_node_is_out_on_the_other() {
    let mut world = World::start(Backend::Postgres).await;
    let other = world.another_node("second").await;
    let password = ready(&mut world)["password"].clone();
    let elsewhere = Api::new(other.ready["url"].as_str().unwrap(), "");
    let demo =
        Browser::enter(&world.api(), &json!({"name": "demo", "password": password})).await.unwrap_or_else(|reply| panic!("{reply:?}"));
    demo.at(&elsewhere, "GET", "/v1/account").await.ok(200);
    demo.at(&elsewhere, "DELETE", "/v1/login").await.ok(200);
    demo.ask("GET", "/v1/account").await.refused(ErrorCode::InvalidApiKey);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_password_cookie_or_token_stands_in_the_database_or_the_log() {
    let mut world = World::start(Backend::Sqlite).await;
    let ready = ready(&mut world);
    let secret = "a long and quiet password";
    let made = world.api().post("/v1/users", &json!({"name": "ada", "password": secret, "role": "member"})).await;
    made.ok(201);
    let demo = Browser::enter(&world.api(), &json!({"name": "ada", "password": secret})).await.unwrap_or_else(|reply| panic!("{reply:?}"));
    demo.ask("GET", "/v1/account").await.ok(200);
    let log = world.log();
    let stored = world.stored().await;
    let token = ready["dashboard"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    for text in [secret, demo.cookie.split_once('=').unwrap().1, &token, ready["password"].as_str().unwrap()] {
        assert!(!stored.windows(text.len()).any(|part| part == text.as_bytes()), "{text} is stored");
        assert!(!log.contains(text), "{text} is in the log");
    }
    assert!(stored.windows(9).any(|part| part == b"$argon2id"), "what is looked at is the database");
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_made_listed_and_deleted_at_a_terminal() {
    let dir = fresh_dir();
    let run = |args: &[&str], input: &str| {
        let mut command = Command::new(program("wharf"));
        command.args(args).env("WHARF_DATA_DIR", &dir).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that reads nothing may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        (
            output.status.success(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (ok, password, told) = run(&["users", "create", "Root", "--account", "house", "--role", "operator"], "");
    assert!(ok && password.trim().len() == 20, "{password} {told}");
    let (ok, printed, told) = run(&["users", "create", "ada", "--account", "house", "--password-stdin"], "a long and quiet password\n");
    assert!(ok && printed.is_empty(), "{printed} {told}");
    let (_, listed, _) = run(&["users", "list"], "");
    assert!(listed.contains("operator") && listed.contains("root") && listed.contains("owner") && listed.contains("ada"), "{listed}");
    let (ok, next, _) = run(&["users", "password", "ROOT"], "");
    assert!(ok && next != password);
    for (wrong, input, reason) in [
        (&["users", "create", "ada", "--account", "house"][..], "", "somebody has that name"),
        (&["users", "create", "bob", "--account", "house", "--password-stdin"], "short\n", "12 to 128"),
        (&["users", "create", "b b", "--account", "house"], "", "letters from a to z"),
        (&["users", "create", "bob", "--account", "house", "--role", "king"], "", "read_only"),
        (&["users", "password", "nobody"], "", "there is no user"),
        (&["users", "delete", "nobody"], "", "there is no user"),
    ] {
        let (ok, _, told) = run(wrong, input);
        assert!(!ok && told.contains(reason), "{wrong:?}: {told}");
    }
    assert!(run(&["users", "delete", "ada"], "").0);
    let (_, listed, _) = run(&["users", "list"], "");
    assert!(!listed.contains("ada"), "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_log_ins_come_into_the_operators_log() {
    let world = World::start(Backend::Sqlite).await;
    let refused = Browser::enter(&world.api(), &json!({"name": "demo", "password": "wrong horse battery"})).await.err().unwrap();
    refused.refused(ErrorCode::InvalidApiKey);
    eventually("the row is written", async || {
        let rows = world.operator().get("/v1/admin/audit?action=create_login").await;
        let found = rows.ok(200).as_array().unwrap().iter().any(|row| row["code"] == "invalid_api_key" && row["actor"] == "nobody");
        found.then_some(()).ok_or(format!("{rows:?}"))
    })
    .await;
}
