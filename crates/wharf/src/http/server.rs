//! The listening socket and its connections: time for a head, room for a head, and an orderly end.

mod bare;
mod idle;
pub(super) mod line;
mod linger;
mod wire;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use wire::Wire;

use super::router::Routes;
use super::{Http, front};

/// What is read of a head before the connection is given up. Well above what is allowed, so that whoever is a little
/// over the limit is answered in the envelope.
const HEAD_READ_BYTES: usize = 4 * front::HEAD_BYTES;
/// How long we wait when the machine cannot give us another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A server that listens. Dropping it leaves it running; [`Server::stop`] ends it.
pub struct Server {
    http: Arc<Http>,
    address: SocketAddr,
    stopping: CancellationToken,
    running: JoinHandle<()>,
}

impl Server {
    /// Listens on `listen`; port 0 takes any free port.
    pub async fn bind(listen: SocketAddr, http: Arc<Http>) -> std::io::Result<Self> {
        Self::on(TcpListener::bind(listen).await?, http, Router::new())
    }

    /// Listens on a socket that is open, with routes of the program's own beside the API.
    pub fn on(listener: TcpListener, http: Arc<Http>, beside: Router) -> std::io::Result<Self> {
        let address = listener.local_addr()?;
        let stopping = CancellationToken::new();
        let running = tokio::spawn(run(listener, Arc::clone(&http), beside, stopping.clone()));
        Ok(Self { http, address, stopping, running })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops to listen, ends connections that nobody asks on, and waits for what is being worked on, as long as the limits say.
    pub async fn stop(self) {
        self.http.drain();
        self.stopping.cancel();
        let drained = async {
            // The accepting task ends when its last connection does.
            let _ = self.running.await;
            self.http.idle().await;
        };
        if tokio::time::timeout(self.http.limits.drain_timeout, drained).await.is_err() {
            tracing::warn!("some requests did not end in time; they are cut off");
        }
    }
}

async fn run(listener: TcpListener, http: Arc<Http>, beside: Router, stopping: CancellationToken) {
    let routes = Arc::new(Routes::new(Arc::clone(&http), beside));
    let mut connection = http1::Builder::new();
    // Its room for headers is the usual one, for a hundred: more would be taken from memory for each request.
    connection.header_read_timeout(http.limits.header_timeout).max_buf_size(HEAD_READ_BYTES);
    // Who has asked and ends its half wants the answer all the same.
    connection.half_close(true);
    let lingering = Arc::new(Semaphore::new(linger::CONNECTIONS));
    let open = TaskTracker::new();
    let mut full = false;
    let places = Arc::new(Semaphore::new(http.limits.connections.min(Semaphore::MAX_PERMITS)));
    loop {
        let Some(place) = place(&places, &stopping).await else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopping.cancelled() => break,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => {
                full = false;
                accepted
            }
            Err(error) => {
                if !std::mem::replace(&mut full, true) {
                    tracing::warn!(%error, "no connection could be accepted");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Answers are small and somebody waits for each.
        let _ = stream.set_nodelay(true);
        let (wire, line, times) = Wire::new(stream, &http, &lingering, place);
        let routes = Arc::clone(&routes);
        let service = service_fn(move |request| {
            let (routes, line) = (Arc::clone(&routes), Arc::clone(&line));
            async move { Ok::<_, Infallible>(routes.answer(address.ip(), line, request).await) }
        });
        // A builder of its own: what it is given it keeps, and with the times the socket.
        let served = connection.clone().timer(times).serve_connection(TokioIo::new(wire), service);
        // A WebSocket takes the connection along, and its place.
        let (served, stopping) = (served.with_upgrades(), stopping.clone());
        open.spawn(async move {
            let mut served = pin!(served);
            let ended = tokio::select! {
                biased;
                ended = served.as_mut() => ended,
                () = stopping.cancelled() => {
                    served.as_mut().graceful_shutdown();
                    served.await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    open.close();
    open.wait().await;
}

/// A place for one more connection, as soon as there is one; `None` where the server stops. That there is none is told once each time.
async fn place(places: &Arc<Semaphore>, stopping: &CancellationToken) -> Option<OwnedSemaphorePermit> {
    if let Ok(place) = Arc::clone(places).try_acquire_owned() {
        return Some(place);
    }
    tracing::warn!("as many connections are open as may be (limits.connections): the next waits until one ends");
    tokio::select! {
        place = Arc::clone(places).acquire_owned() => place.ok(),
        () = stopping.cancelled() => None,
    }
}
