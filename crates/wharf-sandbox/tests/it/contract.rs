//! The document in the hands of published linters and generators, and programs on the clients that come out of it.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::harness::{Backend, OWNER, World};

#[tokio::test(flavor = "multi_thread")]
async fn published_tools_find_no_fault_and_programs_on_their_clients_send_wait_and_handle_codes() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/contract/run");
    let ran = Command::new(script)
        .arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("contract"))
        .envs([("URL", &world.api().base), ("KEY", &world.api().key), ("SESSION", &session)])
        .stdin(Stdio::null())
        .output()
        .await
        .expect("the script starts");
    let printed = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{printed}");
    assert!(printed.contains("== sends"), "{printed}");
}
