//! Every code of the catalogue, provoked by what a user of the sandbox has: curl, two keys, the control API.

use std::process::Stdio;

use tokio::process::Command;
use wharf_api::ErrorCode;

use crate::harness::process;

#[tokio::test(flavor = "multi_thread")]
async fn one_line_each_provokes_every_code_in_a_fresh_sandbox() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/provoke-all-codes");
    let output = Command::new(script)
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
    }
}
