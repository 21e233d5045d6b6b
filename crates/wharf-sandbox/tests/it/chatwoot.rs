//! The bridge to Chatwoot, as whoever sets it up runs it, between a sandbox and a small copy of Chatwoot.

use crate::harness::process;

#[tokio::test(flavor = "multi_thread")]
async fn the_bridge_to_chatwoot_brings_each_message_across_once_and_its_ticks_back() {
    let printed = process::script_at("chatwoot-test", &[], &[]).await;
    let sentences = [
        "what people write stands in one conversation of theirs",
        "a delivery that is repeated makes no second message, and many at once no second contact",
        "a picture comes as a file, with its caption",
        "what an agent writes goes out once, however often Chatwoot tells of it, and its ticks come back",
        "an agent's file goes out with its words, and a note stays inside",
        "a refusal stands at the agent's message with its code",
        "what the account writes at the phone stands there as sent, and does not go out again",
        "strangers are refused on both sides",
        "a bridge that starts again takes up its webhook and knows what it has told",
    ];
    for sentence in sentences {
        assert!(printed.lines().any(|line| line.starts_with("ok ") && line.ends_with(sentence)), "{sentence}: {printed}");
    }
}
