//! Real HTTP clients of several languages, directly and behind a proxy.

use crate::harness::process;

#[tokio::test(flavor = "multi_thread")]
async fn every_client_reads_the_documented_code_streams_go_on_and_an_unacknowledged_send_is_one_message() {
    let printed = process::script("clients", &["quick"], &[]).await;
    for place in
        ["== directly", "== behind nginx", "== streams of events behind nginx, cut twice", "== a send that WhatsApp never acknowledges"]
    {
        assert!(printed.contains(place), "{printed}");
    }
}
