//! Another project's client, unchanged, on the pretend network and in talk with a session of ours. The others of the script are slower.

use crate::harness::process;

#[tokio::test(flavor = "multi_thread")]
async fn another_projects_client_links_itself_and_both_sides_show_what_the_other_sent() {
    let printed = process::script_at("strangers/run", &["baileys"], &[]).await;
    assert!(printed.contains("23 passed, 0 failed"), "{printed}");
}
