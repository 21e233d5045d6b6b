//! The media servers: HTTPS on loopback with a root of their own, and the files on disk. Owns what is uploaded and under which name;
//! knows no keys: what lies here is encrypted.

pub(crate) mod again;
pub(crate) mod letter;
mod line;
mod server;
mod tls;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wacore_binary::Node;
use wacore_binary::builder::NodeBuilder;

pub(crate) use server::serve;
pub(crate) use tls::Authority;

/// Names of files begin so on the wire.
const DIRECT_PATH: &str = "/v/t62.sim/";
/// Every path has a query, so that clients put what they add behind an ampersand.
const QUERY: &str = "?ccb=0";
/// How long a client may use what it was told of the servers, in seconds. A restart moves nothing, but tests are short.
const TTL_SECS: u32 = 60;

/// The folder, the root, and where the server listens.
pub(crate) struct Media {
    pub(crate) authority: Authority,
    folder: PathBuf,
    /// Without a data folder the files end with the process.
    passing: bool,
    address: OnceLock<SocketAddr>,
    /// What clients show with each request.
    pub(crate) token: String,
}

impl Media {
    /// Opens the files below `data_dir`, or in a folder that ends with the process.
    pub(crate) fn open(data_dir: Option<&Path>) -> io::Result<Self> {
        let (base, passing) = match data_dir {
            Some(folder) => (folder.to_owned(), false),
            None => (std::env::temp_dir().join(format!("wharf-sim-{}", crate::keys::hex(&crate::keys::random_bytes::<8>()))), true),
        };
        let folder = base.join("media");
        fs::create_dir_all(&folder)?;
        let authority = Authority::open(&base)?;
        Ok(Self { authority, folder, passing, address: OnceLock::new(), token: crate::keys::hex(&crate::keys::random_bytes::<12>()) })
    }

    /// The port of the last run, so that what a client was told stays true.
    pub(crate) fn last_port(&self) -> u16 {
        let port = fs::read_to_string(self.folder.join("port")).ok().and_then(|text| text.trim().parse().ok());
        port.unwrap_or(0)
    }

    pub(crate) fn listens_on(&self, address: SocketAddr) {
        let _ = self.address.set(address);
        if let Err(error) = fs::write(self.folder.join("port"), address.port().to_string()) {
            tracing::warn!(%error, "the media server's port is not remembered");
        }
    }

    fn host(&self) -> String {
        self.address.get().map(ToString::to_string).unwrap_or_default()
    }

    /// What `w:m` answers: where the servers are.
    pub(crate) fn connection(&self) -> Node {
        NodeBuilder::new("media_conn")
            .attr("auth", &self.token)
            .attr("ttl", TTL_SECS)
            .attr("auth_ttl", TTL_SECS)
            .attr("max_buckets", 12u8)
            .children([NodeBuilder::new("host").attr("hostname", self.host()).attr("type", "primary").build()])
            .build()
    }

    /// The name of a file: the hash of its encrypted bytes.
    pub(crate) fn name(hash: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(hash)
    }

    pub(crate) fn direct_path(name: &str) -> String {
        format!("{DIRECT_PATH}{name}{QUERY}")
    }

    /// Where a phone brings a file that the servers have lost.
    pub(crate) fn direct_path_again(name: &str) -> String {
        format!("{DIRECT_PATH}again/{name}{QUERY}")
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("https://{}{DIRECT_PATH}{name}{QUERY}", self.host())
    }

    /// The whole file behind a path on the wire.
    pub(crate) fn find(&self, direct_path: &str) -> Option<PathBuf> {
        let name = direct_path.strip_prefix(DIRECT_PATH)?.split('?').next()?;
        self.whole(name).filter(|path| path.exists())
    }

    fn whole(&self, name: &str) -> Option<PathBuf> {
        is_name(name).then(|| self.folder.join(name))
    }

    /// What has come of a file so far.
    fn part(&self, name: &str) -> Option<PathBuf> {
        is_name(name).then(|| self.folder.join(format!("{name}.part")))
    }

    /// A file of a person of this network, under a name of its own until [`Media::place`] gives it its own.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.folder.join(format!("{}.own", crate::keys::hex(&crate::keys::random_bytes::<8>())))
    }

    pub(crate) fn place(&self, scratch: &Path, name: &str) -> io::Result<()> {
        fs::rename(scratch, self.folder.join(name))
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        if self.passing
            && let Some(base) = self.folder.parent()
        {
            let _ = fs::remove_dir_all(base);
        }
    }
}

fn is_name(name: &str) -> bool {
    name.len() == 43 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}
