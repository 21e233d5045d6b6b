//! What is handed out to run Wharf by: units, image, compose file, chart, dashboard, alerts, package, book.

use std::path::Path;

use crate::harness::process;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_handed_out_to_run_wharf_by_passes_published_tools_and_runs_as_far_as_one_machine_can() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("deploy");
    let printed = process::script_at("deploy-check", &[folder.to_str().expect("a path in letters")], &[]).await;
    for word in [
        "unit: ready, 200 at /readyz",
        "healthy, unwell with another key, stopped in order",
        "compose: two nodes work behind the proxy",
        "compose: 400 requests beside a kill -9",
        "chart: three nodes",
        "metrics: ",
        "deb: installed, a first key made, updated",
        "release: the tag says 0.9.9 everywhere",
        "== book",
        "all of deploy/ is as it says",
    ] {
        assert!(printed.contains(word), "{printed}");
    }
}
