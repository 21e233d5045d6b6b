//! The way out to other people's servers: which addresses may be reached, and the port that reaches them.
//!
//! One door for media URLs, webhooks and previews. [`target()`] judges a URL by its text, [`Reach::allows`] an address;
//! the implementation judges every address that a name resolves to and connects to that very one.

mod address;
mod target;

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

pub use address::{Reach, is_public};
pub use target::{NAMED, Refused, Target, name_in, target};

/// How many redirects a download follows. Each hop is judged anew.
pub const REDIRECTS: usize = 3;
/// How many bytes of the answer to a `POST` are read; the connection is closed after that.
pub const REPLY_BYTES: usize = 16 * 1024;

/// A request with a body, which is sent once and follows no redirect.
#[derive(Clone, Debug)]
pub struct Post {
    pub url: String,
    /// Names and values. `Host`, `Content-Length` and the like are the guard's.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    /// For everything: name, connection, answer.
    pub timeout: Duration,
}

/// What a server answered to a [`Post`]. A redirect is an answer like any other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// The header `Retry-After`, as it was sent.
    pub retry_after: Option<String>,
    /// At most [`REPLY_BYTES`].
    pub body: Bytes,
}

/// A file to be fetched.
#[derive(Clone, Debug)]
pub struct Fetch {
    pub url: String,
    /// One byte more is [`Error::TooLarge`], as soon as it is announced or has come.
    pub limit_bytes: u64,
    /// For everything, all hops included.
    pub timeout: Duration,
    /// The only type that is taken, by the server's own word; any where nothing is said.
    pub content_type: Option<&'static str>,
}

/// A file that was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    pub size: u64,
    /// The name that the server gives it, or else the last segment of the path of the last hop, percent-decoded; a name to show, not one
    /// to open.
    pub file_name: Option<String>,
    /// The type that the server gives it.
    pub content_type: Option<String>,
}

/// Takes the bytes of a [`Fetch`] as they come.
#[async_trait]
pub trait Sink: Send {
    /// `Err` ends the fetch with [`Error::Stopped`]; the sink knows why.
    async fn write(&mut self, bytes: Bytes) -> Result<(), Stop>;
}

/// The sink wants no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stop;

/// Why nothing came back. No address stands in it: what a name resolves to inside is nobody's business outside.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The URL is refused by its text: what anybody can see in it.
    #[error("the URL is refused: {0}")]
    Refused(#[from] Refused),
    /// The name leads to an address that may not be reached. To be told apart from [`Error::Unreachable`] in logs only.
    #[error("the name resolves to an address that may not be reached")]
    Blocked,
    #[error("the name cannot be resolved")]
    Unresolved,
    #[error("no connection could be made")]
    Unreachable,
    /// Nobody was reached, and no name server answers anything either: our own way out is down.
    #[error("no name server answers: the way out is down")]
    Offline,
    #[error("the server's certificate is not trusted")]
    Tls,
    /// What answered a URL of `https` speaks something else.
    #[error("the server does not speak TLS")]
    NotTls,
    #[error("no answer came in time")]
    Timeout,
    /// Less than [`SLOWEST_BYTES`] came within [`SLOWEST`].
    #[error("the answer came too slowly")]
    TooSlow,
    #[error("more than {limit} bytes")]
    TooLarge { limit: u64, actual: u64 },
    #[error("the server answered {0}")]
    Status(u16),
    /// The server says that it is of another type than the one that is taken.
    #[error("the answer is of another type")]
    ContentType,
    /// The server packed what was asked for as it is.
    #[error("the answer is packed")]
    Packed,
    #[error("a redirect was refused: {0}")]
    Redirect(&'static str),
    #[error("the connection ended too early")]
    Broken,
    /// The caller's sink wanted no more.
    #[error("the caller stopped the fetch")]
    Stopped,
}

/// The time in which [`SLOWEST_BYTES`] must come, again and again.
pub const SLOWEST: Duration = Duration::from_secs(10);
pub const SLOWEST_BYTES: u64 = 10 * 1024;

/// Reaches other people's servers, as far as the policy lets it.
#[async_trait]
pub trait Egress: Send + Sync + 'static {
    /// Sends the request once and tells what came back.
    async fn post(&self, request: Post) -> Result<Reply, Error>;

    /// Fetches a file into `sink`. Only an answer of 200 is a file.
    async fn fetch(&self, request: Fetch, sink: &mut dyn Sink) -> Result<Fetched, Error>;

    /// Judges a URL by its text alone, without a packet.
    fn check(&self, url: &str) -> Result<(), Refused>;
}

/// No way out: for tools and tests that reach nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEgress;

#[async_trait]
impl Egress for NoEgress {
    async fn post(&self, _request: Post) -> Result<Reply, Error> {
        Err(Error::Unreachable)
    }

    async fn fetch(&self, _request: Fetch, _sink: &mut dyn Sink) -> Result<Fetched, Error> {
        Err(Error::Unreachable)
    }

    fn check(&self, url: &str) -> Result<(), Refused> {
        target(url, Reach::Public).map(|_| ())
    }
}
