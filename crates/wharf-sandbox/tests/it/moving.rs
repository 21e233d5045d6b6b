//! The helper for whoever comes from another program, from small copies of such programs to a sandbox.

use crate::harness::process;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_moves_here_brings_names_and_webhooks_along_and_is_told_what_stays() {
    let printed = process::script_at("moving-test", &[], &[]).await;
    let sentences = [
        "from WAHA come names and webhooks with their events and headers, once, and what stays is said",
        "from Evolution API come names and webhooks, and a refusal is told and ends nothing",
    ];
    for sentence in sentences {
        assert!(printed.lines().any(|line| line.starts_with("ok ") && line.ends_with(sentence)), "{sentence}: {printed}");
    }
}
