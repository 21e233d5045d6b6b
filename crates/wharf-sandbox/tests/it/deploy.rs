//! What is handed out to run Wharf by: units, image, compose file, chart, dashboard, alerts, package, book.

use std::path::Path;

use crate::harness::process;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_handed_out_to_run_wharf_by_passes_published_tools_and_runs_as_far_as_one_machine_can() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("deploy");
    let printed = process::script_at("deploy-check", &[folder.to_str().expect("a path in letters")], &[]).await;
    // Where nobody may mount, what runs beside the machine's own files is left out by name.
    let parted = !printed.contains("left out");
    let everywhere =
        ["chart: three nodes", "metrics: ", "release: the tag says 0.9.9 everywhere", "== book", "all of deploy/ is as it says"];
    let apart = [
        "unit: ready, 200 at /readyz",
        "healthy, unwell with another key, stopped in order",
        "compose: two nodes work behind the proxy",
        "compose: 400 requests beside a kill -9",
        "deb: installed, a first key made, updated",
    ];
    for word in everywhere.into_iter().chain(apart.into_iter().filter(|_| parted)) {
        assert!(printed.contains(word), "{word}: {printed}");
    }
}
