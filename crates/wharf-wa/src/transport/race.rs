//! Several addresses of one server: IPv6 and IPv4 in turn, each tried a moment after the one before, the first that answers wins. Where one
//! family leads into nowhere the other is used at once, and within the time that the library gives to the whole connection.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use tokio::time::{sleep, timeout};

/// How much of a start each address has before the next is tried besides it.
const STAGGER: Duration = Duration::from_millis(250);

/// `limit` is what one address may take. The error is that of the address that failed last.
pub(super) async fn race<T, F>(addresses: Vec<SocketAddr>, limit: Duration, attempt: impl Fn(SocketAddr) -> F) -> io::Result<T>
where
    F: Future<Output = io::Result<T>>,
{
    let mut waiting = in_turn(addresses).into_iter();
    let mut running = FuturesUnordered::new();
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        if let Some(address) = waiting.next() {
            running.push(timeout(limit, attempt(address)));
        }
        tokio::select! {
            ended = running.next() => match ended {
                Some(Ok(Ok(connected))) => return Ok(connected),
                Some(Ok(Err(error))) => last = error,
                Some(Err(_)) => last = io::ErrorKind::TimedOut.into(),
                None => return Err(last),
            },
            () = sleep(STAGGER), if waiting.len() > 0 => {}
        }
    }
}

/// The families in turn, each in the resolver's order, beginning with the one that the resolver prefers.
fn in_turn(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let six_first = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|address| address.is_ipv6() == six_first);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    std::iter::from_fn(|| Some([first.next(), second.next()]))
        .take_while(|pair| pair.iter().any(Option::is_some))
        .flatten()
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::net::{TcpSocket, TcpStream};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(8);

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn the_families_take_turns_and_the_resolvers_favourite_begins() {
        let turns = |texts: &[&str]| in_turn(addresses(texts)).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(turns(&["[::1]:1", "[::2]:1", "1.1.1.1:1"]), ["[::1]:1", "1.1.1.1:1", "[::2]:1"]);
        assert_eq!(turns(&["1.1.1.1:1", "1.1.1.2:1", "1.1.1.3:1", "[::1]:1"]), ["1.1.1.1:1", "[::1]:1", "1.1.1.2:1", "1.1.1.3:1"]);
        assert!(turns(&[]).is_empty());
    }

    #[tokio::test]
    async fn an_address_that_answers_is_not_raced_and_one_that_fails_hands_over_at_once() {
        let tried = Mutex::new(Vec::new());
        let attempt = |address: SocketAddr| {
            tried.lock().unwrap().push(address.port());
            async move { if address.port() == 1 { Err(io::ErrorKind::ConnectionRefused.into()) } else { Ok(address.port()) } }
        };
        assert_eq!(race(addresses(&["[::1]:1", "1.1.1.1:2", "[::1]:3"]), LIMIT, attempt).await.unwrap(), 2);
        assert_eq!(*tried.lock().unwrap(), [1, 2]);
    }

    #[tokio::test]
    async fn where_nothing_answers_the_last_words_are_told() {
        let refused = |_: SocketAddr| async { Err::<(), _>(io::Error::from(io::ErrorKind::ConnectionRefused)) };
        assert_eq!(race(addresses(&["[::1]:1", "1.1.1.1:2"]), LIMIT, refused).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        let silent = |_: SocketAddr| std::future::pending::<io::Result<()>>();
        let limit = Duration::from_millis(1);
        assert_eq!(race(addresses(&["[::1]:1", "1.1.1.1:2"]), limit, silent).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(race(Vec::new(), LIMIT, silent).await.unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    /// A listener that is full: the system lets further connections wait for ever, as a network does that leads into nowhere.
    async fn dead_six() -> (tokio::net::TcpListener, Vec<tokio::task::JoinHandle<io::Result<TcpStream>>>, SocketAddr) {
        let socket = TcpSocket::new_v6().unwrap();
        socket.bind("[::1]:0".parse().unwrap()).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut filling = Vec::new();
        loop {
            let mut one = crate::task::spawn(TcpStream::connect(address));
            let full = timeout(Duration::from_millis(200), &mut one).await.is_err();
            filling.push(one);
            if full {
                return (listener, filling, address);
            }
        }
    }

    #[tokio::test]
    async fn where_ipv6_leads_into_nowhere_ipv4_connects() {
        let (_full, _filling, six) = dead_six().await;
        let live = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let four = live.local_addr().unwrap();
        let stream = race(vec![six, four], LIMIT, TcpStream::connect).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), four);
    }
}
