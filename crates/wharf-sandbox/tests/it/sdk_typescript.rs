//! The TypeScript SDK as its users get it: built, packed, and run against sandboxes of its own.

use wharf_api::ErrorCode;

use crate::harness::process;

/// Runs all of its tests; gives what they printed.
async fn tested() -> String {
    let sim = process::program("wharf-sim");
    process::script_at("sdk-typescript-test", &[], &[("WHARF_SIM_BIN", sim.to_str().unwrap())]).await
}

fn told(printed: &str, sentences: &[&str]) {
    for sentence in sentences {
        assert!(printed.lines().any(|line| line.starts_with("ok ") && line.ends_with(sentence)), "{sentence}: {printed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_typescript_sdk_raises_every_code_and_keeps_its_promises() {
    let printed = tested().await;
    for code in ErrorCode::ALL {
        told(&printed, &[&format!(" - {} is raised as its typed error", code.name())]);
    }
    let sentences = [
        "every operation of the document has its method",
        "a lost answer is asked for again with the same key, and the person sees the text once",
        "a list gives its first page, its pages and all its rows",
        "a wait ends when the message was read, has failed, or the time is over",
        "a stream that is cut goes on after the last event, and each is heard once",
        "a page hears each event once, over a cut and the end of its token, and sends no key",
        "a token is replaced before it ends, and the listening is not lost meanwhile",
        "a file goes up as a stream that tells how far it is, and comes back the same",
        "what a webhook delivers is verified as it comes, and a receiver need not know the client",
        "a program without a line of error handling sends each text once and hears each event once, over kills of the gateway",
        "the promised page's example sends in six lines and tells a person what went wrong",
    ];
    told(&printed, &sentences);
}
