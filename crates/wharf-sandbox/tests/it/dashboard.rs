//! The dashboard in a real browser: as a stranger meets it, as strangers attack it, on a slow line and on two nodes.

use serde_json::json;

use crate::fleet::until;
use crate::harness::nats::{self, Nats};
use crate::harness::{Backend, Database, OWNER, World, both_backends, process};

/// One walk through it against a sandbox of its own; gives what it printed.
async fn walk(name: &str, backend: Backend) -> String {
    let database = Database::create(backend, &process::fresh_dir()).await;
    let args: Vec<&str> = ["--only", name].into_iter().chain(database.url()).collect();
    process::script_at("dashboard-test", &args, &[]).await
}

fn told(printed: &str, sentences: &[&str]) {
    for sentence in sentences {
        assert!(printed.contains(sentence), "{sentence}: {printed}");
    }
}

both_backends! {
    async fn a_stranger_finds_everything_in_the_dashboard(backend) {
        let printed = walk("stranger", backend).await;
        let sentences = [
            "a first visit shows a session, its code, and after one click a first message",
            "a picture that was dropped is sent",
            "a key is made, works as far as it may, is revoked",
            "a second tenant sees nothing of it",
            "each page that lies idle for two minutes asks less than once a minute",
            "every page fits a screen of 360 pixels, leads to pages that are listed",
            "no page has a serious finding of axe, dark",
            "the browser complained of nothing",
        ];
        told(&printed, &sentences);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_strangers_try_at_the_dashboard_gets_through() {
    let printed = walk("security", Backend::Sqlite).await;
    let sentences = [
        "a page of another site, or of another port, changes nothing",
        "a copied cookie is worth nothing after the log-out and after a change of the password",
        "nobody shows a page of ours in a frame",
        "no parameter, header, path or hash leads a browser elsewhere",
        "script in a text, a push name, a file's name, a group's subject and an SVG stays words",
        "no answer is kept by a browser",
        "no role has a button that would be refused",
        "who guesses passwords is refused at the eleventh",
    ];
    told(&printed, &sentences);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_costs_a_slow_line_little_and_its_pages_do_not_jump() {
    let printed = walk("budget", Backend::Sqlite).await;
    told(&printed, &["on a slow line the first page is", "no page jumps while it comes"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_named_origin_sends_and_hears_and_one_of_another_does_neither() {
    let printed = walk("browsers", Backend::Sqlite).await;
    let sentences = [
        "a page of a named origin sends a text and hears the answer",
        "a page of an origin that is not named sends nothing and hears nothing",
    ];
    told(&printed, &sentences);
}

/// Walks through two nodes behind a proxy; the session is at the one that lives, and the other one is killed in the end.
async fn walk_on_two_nodes(first_dies: bool) {
    let nats = Nats::start().await;
    let over = [("WHARF_NATS_URL", nats.url.as_str())];
    let mut world = World::start_with(Backend::Postgres, &over).await;
    let session = world.pair(OWNER).await;
    let other = world.another_node_with("second", &over).await;
    let (operator, ready) = (world.operator(), world.gateway().ready.clone());
    let of = |name: &str| ready[name].as_str().unwrap().to_owned();
    let (password, key) = (of("password"), of("apiKey"));
    let second = nats::api(&other);
    for node in [&world.api(), &second] {
        nats::until_ready(node).await;
    }
    let (lives, dies, id) = if first_dies {
        let path = format!("/v1/admin/sessions/{session}/move");
        let node = std::fs::read_to_string(world.dir().join("second").join("node-id")).unwrap();
        operator.post(&path, &json!({"nodeId": node.trim()})).await.ok(200);
        until(&second, &session, "connected").await;
        (&second.base, &operator.base, world.gateway().id().to_string())
    } else {
        (&operator.base, &second.base, other.id().to_string())
    };
    let args = ["--only", "nodes", lives, dies, &password, &key, &id, &session];
    let printed = process::script_at("dashboard-test", &args, &[]).await;
    told(
        &printed,
        &[
            "every page is whole",
            "a node that is drained by a button tells how many sessions are left, and has none in the end",
            "a session goes to the node that was chosen on its page",
            "a move that cannot be is refused where it was asked for",
            "the stream tells what either node wrote",
            "a key that was made works at either node",
            "who signs out is out at both",
            "a node that is killed takes no page with it",
            "the operator sees which node is gone",
        ],
    );
    other.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_two_nodes_are_one_dashboard_until_the_second_dies() {
    walk_on_two_nodes(false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_proxy_two_nodes_are_one_dashboard_until_the_first_dies() {
    walk_on_two_nodes(true).await;
}
