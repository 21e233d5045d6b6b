//! Real HTTP clients of several languages, directly and behind a proxy.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::harness::process;

#[tokio::test(flavor = "multi_thread")]
async fn every_client_reads_the_documented_code_and_an_unacknowledged_send_is_one_message() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/clients/run");
    let ran = Command::new(script)
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients"))
        .arg("quick")
        .env("WHARF_SANDBOX_BIN", process::program("wharf-sandbox"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("the script starts");
    let printed = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{printed}");
    for place in ["== directly", "== behind nginx", "== a send that WhatsApp never acknowledges"] {
        assert!(printed.contains(place), "{printed}");
    }
}
