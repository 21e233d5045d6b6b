//! The document in the hands of published linters and generators, and programs on the clients that come out of it.

use crate::harness::{Backend, OWNER, World, process};

#[tokio::test(flavor = "multi_thread")]
async fn published_tools_find_no_fault_and_programs_on_their_clients_send_wait_and_handle_codes() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let api = world.api();
    let env = [("URL", api.base.as_str()), ("KEY", &api.key), ("SESSION", &session)];
    let printed = process::script("contract", &[], &env).await;
    assert!(printed.contains("== sends"), "{printed}");
}
