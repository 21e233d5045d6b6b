//! The collection and the document in the programs in which people try requests by hand.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::harness::process;

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_import_sends_as_often_as_somebody_presses_send_once_address_and_key_are_set() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/collection/run");
    let ran = Command::new(script)
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("collection"))
        .env("WHARF_SANDBOX_BIN", process::program("wharf-sandbox"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("the script starts");
    let printed = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{printed}");
    assert_eq!(printed.matches("three sends, three messages at the phone").count(), 3, "{printed}");
}
