//! The n8n nodes as n8n loads them: built, packed, and run in n8n's engine against sandboxes of their own.

use crate::harness::process;

#[tokio::test(flavor = "multi_thread")]
async fn the_n8n_nodes_call_every_operation_once_and_hear_what_is_signed() {
    let printed = process::script_at("n8n", &[], &[]).await;
    let sentences = [
        "the credentials are tested by a call of the account",
        "a text goes out for each item, and the answer stands beside its item",
        "what n8n tries again is sent once, and what is executed again is sent again",
        "a refusal has its code, its reason and the request's id",
        "an item that fails lets the others go on, to the output of errors where there is one",
        "a list gives a limit, or all pages of it",
        "a file goes out from a field, by its id and by its URL, and comes back the same",
        "a wait ends when the message has come so far, has failed, or the time is over",
        "every operation that the node offers was called",
        "a webhook is there while the workflow is on, and gone when it is off",
        "an event that is delivered twice starts the workflow once, unless repeats are kept",
        "what is not signed, signed by others or old starts nothing",
    ];
    for sentence in sentences {
        assert!(printed.lines().any(|line| line.starts_with("ok ") && line.ends_with(sentence)), "{sentence}: {printed}");
    }
}
