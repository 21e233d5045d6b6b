use futures::{FutureExt as _, SinkExt as _, StreamExt as _};
use tokio::io::DuplexStream;
use tokio_websockets::{Message, ServerBuilder};

use super::*;

/// The end of a message that came in pieces.
const LAST_PIECE: u8 = FINAL;

/// A socket with so small a pipe that nothing large passes at once, its events from the second on, and the server's end.
async fn opened() -> (Arc<dyn Transport>, Receiver<TransportEvent>, DuplexStream) {
    let (near, far) = tokio::io::duplex(4096);
    let (socket, heard) = begin(near);
    assert!(matches!(heard.recv().await.unwrap(), TransportEvent::Connected));
    (socket, heard, far)
}

/// Why the connection ended.
async fn end(heard: &Receiver<TransportEvent>) -> DisconnectReason {
    match heard.recv().await.unwrap() {
        TransportEvent::Disconnected(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_the_server_says_right_behind_its_answer_is_heard() {
    let (near, far) = tokio::io::duplex(4096);
    // Both are written before the client reads again.
    let serving = async {
        let (_, mut server) = ServerBuilder::new().accept(far).await.unwrap();
        server.send(Message::binary(vec![1_u8, 2, 3])).await.unwrap();
    };
    let opening = ClientBuilder::from_uri("ws://127.0.0.1/ws/chat".parse().unwrap());
    let ((), opened) = tokio::join!(serving, open(near, &opening));
    let (_socket, heard) = opened.unwrap();
    assert!(matches!(heard.recv().await.unwrap(), TransportEvent::Connected));
    let TransportEvent::DataReceived(message) = heard.recv().await.unwrap() else { panic!("it ended") };
    assert_eq!(message, [1, 2, 3][..]);
}

#[tokio::test]
async fn an_answer_without_an_end_is_not_read_for_ever() {
    let (near, mut far) = tokio::io::duplex(4096);
    let serving = async {
        let head = b"HTTP/1.1 101 Switching Protocols\r\nX: ";
        far.write_all(head).await.unwrap();
        // It ends where nobody reads any more.
        while far.write_all(&[b'x'; 1024]).await.is_ok() {}
    };
    let opening = ClientBuilder::from_uri("ws://127.0.0.1/ws/chat".parse().unwrap());
    let ((), opened) = tokio::join!(serving, open(near, &opening));
    assert!(matches!(opened.err(), Some(tokio_websockets::Error::Io(_))));
}

#[tokio::test]
async fn messages_of_any_length_pass_whole_both_ways() {
    let (socket, heard, far) = opened().await;
    let mut server = ServerBuilder::new().serve(far);
    let echo = async {
        loop {
            match server.next().await.unwrap().unwrap() {
                message if message.is_binary() => server.send(Message::binary(message.into_payload())).await.unwrap(),
                message => break message.as_close().map(|(code, _)| u16::from(code)),
            }
        }
    };
    let client = async {
        for length in [0, 1, 125, 126, 65_535, 65_536, 200_000_u32] {
            let sent: Bytes = (0..length).map(|index| index.to_le_bytes()[0]).collect();
            socket.send(sent.clone()).await.unwrap();
            let TransportEvent::DataReceived(back) = heard.recv().await.unwrap() else { panic!("it ended") };
            assert!(back == sent, "{length} bytes");
        }
        socket.disconnect().await;
        assert!(socket.send(Bytes::from_static(b"late")).await.is_err());
    };
    let (code, ()) = tokio::join!(echo, client);
    assert_eq!(code, Some(1000), "the server was told of the end");
    assert!(matches!(end(&heard).await, DisconnectReason::Unknown));
}

#[tokio::test]
async fn a_message_in_pieces_is_one_and_a_ping_between_them_is_answered() {
    let (_socket, heard, mut far) = opened().await;
    far.write_all(&[BINARY, 3, 1, 2, 3]).await.unwrap();
    far.write_all(&[FINAL | PING, 2, 7, 8]).await.unwrap();
    far.write_all(&[FINAL | PONG, 0, FINAL | TEXT, 1, b'x', CONTINUATION, 0]).await.unwrap();
    let mut pong = [0; 8];
    far.read_exact(&mut pong).await.unwrap();
    assert_eq!(pong[..2], [FINAL | PONG, MASKED | 2]);
    assert_eq!([pong[6] ^ pong[2], pong[7] ^ pong[3]], [7, 8]);
    // A text amid a message belongs nowhere.
    assert!(matches!(end(&heard).await, DisconnectReason::ReadError(_)));

    let (_socket, heard, mut far) = opened().await;
    far.write_all(&[FINAL | TEXT, 1, b'x', BINARY, 1, 1, CONTINUATION, 0, FINAL | PONG, 0, LAST_PIECE, 2, 2, 3]).await.unwrap();
    let TransportEvent::DataReceived(message) = heard.recv().await.unwrap() else { panic!("it ended") };
    assert_eq!(message, [1, 2, 3][..]);
}

#[tokio::test]
async fn how_the_server_ends_it_is_told() {
    let (socket, heard, mut far) = opened().await;
    far.write_all(&[FINAL | CLOSE, 6, 0x03, 0xe9, b'g', b'o', b'n', b'e']).await.unwrap();
    let told = end(&heard).await;
    assert!(matches!(&told, DisconnectReason::ServerClose { code: Some(1001), reason } if reason == "gone"), "{told:?}");
    let mut last = Vec::new();
    drop((socket, heard));
    far.read_to_end(&mut last).await.unwrap();
    assert_eq!(last[..2], [FINAL | CLOSE, MASKED | 2], "its word is answered");

    let (_socket, heard, mut far) = opened().await;
    far.write_all(&[FINAL | CLOSE, 0]).await.unwrap();
    assert!(matches!(end(&heard).await, DisconnectReason::ServerClose { code: None, .. }));

    let (_socket, heard, far) = opened().await;
    drop(far);
    assert!(matches!(end(&heard).await, DisconnectReason::StreamEnded));

    let (_socket, heard, mut far) = opened().await;
    far.write_all(&[FINAL | BINARY, 9, 1]).await.unwrap();
    drop(far);
    assert!(matches!(end(&heard).await, DisconnectReason::ReadError(_)), "it ended amid a message");
}

#[tokio::test]
async fn what_no_server_may_send_ends_the_connection() {
    let too_long = [FINAL | BINARY, 127, 0, 0, 0, 0, 4, 0, 0, 1];
    let both_too_long = [BINARY, 1, 1, LAST_PIECE, 127, 0, 0, 0, 0, 4, 0, 0, 0];
    let refused: [&[u8]; 8] = [
        &[FINAL | BINARY, MASKED | 1, 0, 0, 0, 0, 1],
        &[FINAL | 0x40 | BINARY, 0],
        &[LAST_PIECE, 0],
        &[BINARY, 0, BINARY, 0],
        &[PING, 0],
        &[FINAL | PING, 126, 0, 200],
        &too_long,
        &both_too_long,
    ];
    for frames in refused {
        let (_socket, heard, mut far) = opened().await;
        far.write_all(frames).await.unwrap();
        let told = end(&heard).await;
        assert!(matches!(told, DisconnectReason::ReadError(_)), "{frames:?}: {told:?}");
    }
}

#[tokio::test]
async fn a_client_that_lets_go_of_the_socket_ends_the_connection() {
    let (socket, heard, mut far) = opened().await;
    drop(socket);
    assert!(matches!(end(&heard).await, DisconnectReason::Unknown));
    assert_eq!(far.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_write_that_is_given_up_half_way_leaves_nothing_that_can_be_written_after_it() {
    let (socket, _heard, mut far) = opened().await;
    assert!(socket.send(Bytes::from(vec![0; 100_000])).now_or_never().is_none(), "the pipe is smaller");
    assert!(socket.send(Bytes::from_static(b"next")).await.is_err());
    socket.disconnect().await;
    let mut written = Vec::new();
    far.read_to_end(&mut written).await.unwrap();
    assert!(!written.is_empty() && written.len() < 100_000);
}

#[tokio::test]
async fn messages_that_come_together_are_two_and_one_that_comes_byte_by_byte_is_one() {
    let (_socket, heard, mut far) = opened().await;
    far.write_all(&[FINAL | BINARY, 1, 7, FINAL | BINARY, 126, 0, 3, 1, 2, 3, FINAL]).await.unwrap();
    far.flush().await.unwrap();
    for expected in [&[7][..], &[1, 2, 3]] {
        let TransportEvent::DataReceived(message) = heard.recv().await.unwrap() else { panic!("it ended") };
        assert_eq!(message, *expected);
    }
    drop(far);
    assert!(matches!(end(&heard).await, DisconnectReason::ReadError(_)), "it ended amid a head");

    let (_socket, heard, mut far) = opened().await;
    for byte in [FINAL | BINARY, 127, 0, 0, 0, 0, 0, 0, 0, 2, 8, 9] {
        far.write_all(&[byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let TransportEvent::DataReceived(message) = heard.recv().await.unwrap() else { panic!("it ended") };
    assert_eq!(message, [8, 9][..]);
}

#[tokio::test]
async fn a_socket_that_waits_keeps_nothing_of_what_it_has_read() {
    let (near, mut far) = tokio::io::duplex(4096);
    let (read, write) = tokio::io::split(near);
    let ends = Arc::new(SocketEnds { writer: Mutex::new(Some(write)), over: Notify::new() });
    let mut reader = SocketReader { stream: read, ahead: Bytes::new(), ends };
    far.write_all(&[FINAL | BINARY, 2, 8, 9]).await.unwrap();
    let message = reader.message().await.unwrap();
    let mut waits = Box::pin(reader.message());
    assert!((&mut waits).now_or_never().is_none());
    drop(waits);
    assert!(reader.ahead.is_empty() && message.is_unique(), "nobody else has this memory");
}
