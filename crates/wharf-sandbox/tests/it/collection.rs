//! The collection and the document in the programs in which people try requests by hand.

use crate::harness::process;

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_import_sends_as_often_as_somebody_presses_send_once_address_and_key_are_set() {
    let printed = process::script("collection", &[], &[]).await;
    assert_eq!(printed.matches("three sends, three messages at the phone").count(), 3, "{printed}");
}
