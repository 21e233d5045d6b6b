//! A way to the database, or to NATS, that breaks on command: a proxy that passes bytes on, cuts, goes silent, or loses one answer.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What happens to the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Open,
    /// Connections break at once, and new ones too.
    Cut,
    /// Connections stay, and nothing passes any more.
    Silent,
    /// Every answer takes so many milliseconds more.
    Slow(u64),
}

/// The proxy. It ends with the test.
pub struct Chaos {
    pub address: SocketAddr,
    way: watch::Sender<Way>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// The commit of whatever contains this text is carried out, and its answer is lost.
    lose: Mutex<Option<Vec<u8>>>,
    lost: watch::Sender<u32>,
}

/// PostgreSQL's simple query that ends a transaction.
const COMMIT: &[u8] = b"COMMIT\0";

impl Chaos {
    pub async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (way, shared) = (watch::Sender::new(Way::Open), Arc::<Shared>::default());
        let chaos = Self { address: listener.local_addr().unwrap(), way: way.clone(), shared: Arc::clone(&shared) };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *way.borrow() == Way::Cut {
                    continue;
                }
                tokio::spawn(open(client, server, way.subscribe(), Arc::clone(&shared)));
            }
        });
        chaos
    }

    pub fn make(&self, way: Way) {
        self.way.send_replace(way);
    }

    /// From now on the commit after whatever contains `text` loses its answer, once.
    pub fn lose_the_commit_of(&self, text: &str) {
        *self.shared.lose.lock().unwrap() = Some(text.as_bytes().to_vec());
    }

    /// How many answers were lost so far.
    pub fn lost(&self) -> u32 {
        *self.shared.lost.borrow()
    }
}

/// Leads a client to the server. While the way is silent the server hears nothing of it, and who gives up meanwhile is forgotten: a server
/// has few places for those that say nothing.
async fn open(mut client: TcpStream, server: SocketAddr, mut way: watch::Receiver<Way>, shared: Arc<Shared>) {
    let mut early = Vec::new();
    while *way.borrow_and_update() == Way::Silent {
        tokio::select! {
            changed = way.changed() => if changed.is_err() { return },
            read = client.read_buf(&mut early) => if !matches!(read, Ok(1..)) { return },
        }
    }
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    if server.write_all(&early).await.is_ok() {
        pass(client, server, way, shared).await;
    }
}

async fn pass(client: TcpStream, server: TcpStream, mut way: watch::Receiver<Way>, shared: Arc<Shared>) {
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let doomed = watch::Sender::new(false);
    tokio::select! {
        () = ask(from_client, to_server, way.clone(), &shared, &doomed) => {}
        () = answer(from_server, to_client, way.clone(), &shared, doomed.subscribe()) => {}
        _ = way.wait_for(|way| *way == Way::Cut) => {}
    }
}

/// Passes questions on, and dooms the connection whose commit is to lose its answer.
async fn ask(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut way: watch::Receiver<Way>,
    shared: &Shared,
    doomed: &watch::Sender<bool>,
) {
    let (mut bytes, mut marked) = (vec![0; 64 * 1024], false);
    loop {
        let Ok(length @ 1..) = from.read(&mut bytes).await else { return };
        let sent = &bytes[..length];
        if way.wait_for(|way| *way != Way::Silent).await.is_err() {
            return;
        }
        let has = |text: &[u8]| sent.windows(text.len().max(1)).any(|part| part == text);
        let wanted = shared.lose.lock().unwrap().clone();
        marked |= wanted.is_some_and(|text| has(&text));
        if marked && has(COMMIT) && shared.lose.lock().unwrap().take().is_some() {
            doomed.send_replace(true);
        }
        if to.write_all(sent).await.is_err() {
            return;
        }
    }
}

/// Passes answers back. The first answer on a doomed connection ends it: the commit is done then, and nobody hears of it.
async fn answer(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut way: watch::Receiver<Way>,
    shared: &Shared,
    doomed: watch::Receiver<bool>,
) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let Ok(length @ 1..) = from.read(&mut bytes).await else { return };
        if way.wait_for(|way| *way != Way::Silent).await.is_err() {
            return;
        }
        let slow = *way.borrow();
        if let Way::Slow(ms) = slow {
            // A server that is far away.
            tokio::time::sleep(std::time::Duration::from_millis(ms)).await;
        }
        if *doomed.borrow() {
            shared.lost.send_modify(|lost| *lost += 1);
            return;
        }
        if to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}
