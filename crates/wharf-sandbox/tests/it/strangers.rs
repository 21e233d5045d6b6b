//! Other projects' clients, unchanged, on the pretend network and in talk with a session of ours.

use crate::harness::process;

#[tokio::test(flavor = "multi_thread")]
async fn a_client_in_javascript_links_itself_and_both_sides_show_what_the_other_sent() {
    meets("baileys").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_in_go_links_itself_and_both_sides_show_what_the_other_sent() {
    meets("neonize").await;
}

async fn meets(name: &str) {
    let printed = process::script_at("strangers/run", &[name], &[]).await;
    assert!(printed.contains("24 passed, 0 failed"), "{printed}");
}
