//! The dashboard in a real browser, as a stranger meets it.

use crate::harness::{Backend, Database, both_backends, process};

async fn a_stranger(backend: Backend) -> String {
    let database = Database::create(backend, &process::fresh_dir()).await;
    let url: Vec<&str> = database.url().into_iter().collect();
    process::script_at("dashboard-test", &url, &[]).await
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
