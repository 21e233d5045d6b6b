//! The pages as their readers take them: every command and program in them, in order, against a sandbox of each page's own.

use crate::harness::process;

#[tokio::test(flavor = "multi_thread")]
async fn every_command_and_program_of_the_pages_runs_as_it_stands_or_says_why_it_does_not() {
    // Beside the sandbox: what guides start as `./target/release/wharf`.
    assert!(process::program("wharf").exists());
    let printed = process::script_at("docs-run", &[], &[]).await;
    for part in ["started  docs/tutorial.md:", "written  docs/tutorial.md:", "ran      docs/guides/", " not run, 0 failed"] {
        assert!(printed.contains(part), "{printed}");
    }
}
