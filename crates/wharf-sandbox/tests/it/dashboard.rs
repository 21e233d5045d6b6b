//! The dashboard in a real browser, as a stranger meets it.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::harness::{Backend, Database, both_backends, process};

async fn a_stranger(backend: Backend) -> String {
    let database = Database::create(backend, &process::fresh_dir()).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/dashboard-test");
    let ran = Command::new(script)
        .args(database.url())
        .env("WHARF_SANDBOX_BIN", process::program("wharf-sandbox"))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("the script starts");
    let printed = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{printed}");
    printed
}

both_backends! {
    async fn a_stranger_finds_everything_in_the_dashboard(backend) {
        let printed = a_stranger(backend).await;
        for sentence in [
            "a first visit shows a session, its code, and after one click a first message",
            "a picture that was dropped is sent",
            "a key is made, works as far as it may, is revoked",
            "a second tenant sees nothing of it",
            "no page has a serious finding of axe, dark",
            "the browser complained of nothing",
        ] {
            assert!(printed.contains(sentence), "{sentence}: {printed}");
        }
    }
}
