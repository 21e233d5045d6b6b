//! Many readers of one log, and readers that begin near its end.

use crate::events::{Stream, send, texts};
use crate::harness::Gateway;

#[tokio::test(flavor = "multi_thread")]
async fn many_streams_that_read_the_same_tell_each_of_them_everything_once_and_in_order() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let texts: Vec<String> = (0..40).map(|number| format!("text {number}")).collect();
    let query = |number: usize| match number % 3 {
        0 => String::new(),
        1 => "?events=message.status".to_owned(),
        _ => format!("?sessionId={session}"),
    };
    let mut streams = Vec::new();
    for number in 0..24 {
        streams.push(Stream::open(&gateway, &gateway.key, &query(number), None).await);
    }
    for text in &texts[..20] {
        send(&gateway, &session, text).await;
    }
    // These come while the others are being told; one begins with what is over.
    let mut late = Stream::open(&gateway, &gateway.key, "?cursor=oldest", None).await;
    streams.truncate(20);
    for text in &texts[20..] {
        send(&gateway, &session, text).await;
    }
    for stream in streams.iter_mut().chain([&mut late]) {
        for text in &texts {
            assert_eq!(stream.text_of_next().await, *text);
        }
    }
    // Whoever is left alone hears at once what comes.
    drop(streams);
    send(&gateway, &session, "the last").await;
    assert_eq!(late.text_of_next().await, "the last");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_begins_with_the_last_events_that_it_asks_for() {
    let gateway = Gateway::start().await;
    let session = gateway.connected().await;
    let of = async |query: &str| gateway.get(&format!("/v1/events?{query}")).send().await;
    assert!(texts(of("cursor=-5").await.ok(200)).is_empty());
    for text in ["a", "b", "c"] {
        send(&gateway, &session, text).await;
    }
    assert_eq!(texts(of("cursor=-2").await.ok(200)), ["b", "c"]);
    assert_eq!(texts(of("cursor=-1000").await.ok(200)), ["a", "b", "c"]);
    let mut stream = Stream::open(&gateway, &gateway.key, "?cursor=-1", None).await;
    assert_eq!(stream.text_of_next().await, "c");
    send(&gateway, &session, "d").await;
    assert_eq!(stream.text_of_next().await, "d");
}
