//! Every code of the catalogue, provoked by what a user of the sandbox has: curl, two keys, the control API.

use std::process::Stdio;

use tokio::process::Command;
use wharf_api::ErrorCode;

use crate::harness::{PATIENCE, process};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

#[tokio::test(flavor = "multi_thread")]
async fn one_line_each_provokes_every_code_in_a_fresh_sandbox() {
    let output = Command::new(format!("{ROOT}/scripts/provoke-all-codes"))
        .env("WHARF_SANDBOX_BIN", process::program("wharf-sandbox"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let table = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{table}\n{}", String::from_utf8_lossy(&output.stderr));
    for code in ErrorCode::ALL {
        let row = table.lines().find(|line| line.split(' ').next() == Some(code.name()));
        let row = row.unwrap_or_else(|| panic!("{} has no row: {table}", code.name()));
        assert!(row.contains(&format!(" {} ", code.status())), "{row}");
        if *code == ErrorCode::MediaUrlInaccessible {
            assert!(
                row.contains("Nobody listens there.") && row.contains("the server cannot be reached"),
                "the cause is the page's: {row}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_lines_of_the_page_pasted_together_wait_for_the_sandbox_and_end_with_a_session() {
    let page = std::fs::read_to_string(format!("{ROOT}/docs/reference/provoke.md")).unwrap();
    let block = page.split("```\n").nth(1).expect("the page begins with a block");
    assert!(block.contains("cargo sandbox --json") && block.contains(". scripts/sandbox-env"), "{block}");
    // Built already, on any port; all else is pasted as it stands.
    let block = block
        .replace("cargo sandbox --json", r#""$WHARF_SANDBOX_BIN" --json --port 0 --data-dir data 2> log"#)
        .replace("scripts/sandbox-env", &format!("{ROOT}/scripts/sandbox-env"));
    let lines = format!("trap 'kill $! 2> log; wait' EXIT\n{block}echo \"paired $SESSION\"\n");
    let ran = Command::new("bash")
        .args(["-c", &lines])
        .current_dir(process::fresh_dir())
        .env("WHARF_SANDBOX_BIN", process::program("wharf-sandbox"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, ran).await.expect("it waits for the sandbox, and not for ever").unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("paired ses_"), "{block}\n{printed}{}", String::from_utf8_lossy(&output.stderr));
}
