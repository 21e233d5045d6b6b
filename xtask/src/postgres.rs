//! A throw-away PostgreSQL for the tests: found or installed, started on a free port, always stopped.
//!
//! The server belongs to a small shell script (`postgres.sh`) that watches a pipe from this process.

use std::{
    env, fs,
    io::{self, ErrorKind},
    net::{Ipv4Addr, TcpListener},
    os::unix::{
        fs::{DirBuilderExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::apt;
use crate::cargo::{output, which};

/// The variable that tells the tests where PostgreSQL listens.
pub const URL_VARIABLE: &str = "WHARF_TEST_POSTGRES_URL";

const PROGRAMS: [&str; 3] = ["initdb", "postgres", "pg_isready"];
const READY_POLL: Duration = Duration::from_millis(100);
const READY_POLLS: u32 = 600;

/// A running server. Dropping it stops the server and removes its data.
pub struct Cluster {
    keeper: Child,
    /// Closing it is the sign to stop; taken by `drop`.
    alive: Option<ChildStdin>,
    port: u16,
}

impl Cluster {
    /// Starts a server and returns once it answers. Installs PostgreSQL where it is missing and can be.
    pub fn start() -> Result<Self> {
        Self::start_with(|_| None)
    }

    /// The same with a library that the server loads, if there is one for the programs in this folder.
    fn start_with(library: impl Fn(&Path) -> Option<&'static str>) -> Result<Self> {
        let bin = if let Some(bin) = find() { bin } else { install()? };
        let library = library(&bin);
        let account = account()?;
        // Another program may take the port between our look and the server's; the next one is free again.
        let mut last = None;
        for _ in 0..3 {
            match Self::launch(&bin, account, library) {
                Ok(cluster) => return Ok(cluster),
                Err(error) => last = Some(error),
            }
        }
        Err(last.expect("three tries were made")).context("PostgreSQL does not start")
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn launch(bin: &Path, account: Option<(u32, u32)>, library: Option<&str>) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let folder = folder(account)?;
        let script = folder.join("postgres.sh");
        fs::write(&script, include_str!("postgres.sh")).with_context(|| format!("cannot write {}", script.display()))?;
        let mut keeper = Command::new("sh");
        // The server's account may have no right to enter the folder that we stand in.
        keeper.current_dir(&folder);
        keeper.arg(script).arg(bin).arg(folder).arg(port.to_string()).args(library);
        // A group of its own: Ctrl-C in the terminal reaches xtask only, and the pipe tells the keeper.
        keeper.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null());
        if let Some((user, group)) = account {
            keeper.uid(user).gid(group);
        }
        let mut keeper = keeper.spawn().context("cannot start sh")?;
        let alive = keeper.stdin.take();
        let mut cluster = Self { keeper, alive, port };
        cluster.wait_until_ready(bin)?;
        Ok(cluster)
    }

    #[expect(clippy::disallowed_methods, reason = "between two looks at a condition, with an end")]
    fn wait_until_ready(&mut self, bin: &Path) -> Result<()> {
        for _ in 0..READY_POLLS {
            if let Some(status) = self.keeper.try_wait()? {
                bail!("PostgreSQL ended at start ({status}); its last words are above");
            }
            let mut ready = Command::new(bin.join("pg_isready"));
            ready.args(["--quiet", "--host=127.0.0.1", &format!("--port={}", self.port)]);
            if ready.status()?.success() {
                return Ok(());
            }
            thread::sleep(READY_POLL);
        }
        bail!("PostgreSQL does not answer after {:?}", READY_POLL * READY_POLLS)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.alive.take();
        // Nothing can be done about an error here, and the keeper works without us.
        let _ = self.keeper.wait();
    }
}

/// `cargo xtask postgres`: keeps a server for tests that are run by hand.
pub fn keep() -> Result<()> {
    let mut cluster = Cluster::start_with(statistics)?;
    println!("export {URL_VARIABLE}={}", cluster.url());
    eprintln!("PostgreSQL runs until Ctrl-C; its data go with it.");
    let status = cluster.keeper.wait()?;
    bail!("PostgreSQL ended by itself ({status})")
}

/// What counts statements, where it is installed: whoever works by hand may ask for them, and `wharf-bench sends` does.
fn statistics(bin: &Path) -> Option<&'static str> {
    let told = output(Command::new(bin.join("pg_config")).arg("--pkglibdir")).ok().map(|folder| PathBuf::from(folder.trim()));
    // Where that program is not installed, libraries mostly lie beside the programs.
    let folders = [told, Some(bin.join("../lib"))];
    let is_there = folders.into_iter().flatten().any(|folder| folder.join("pg_stat_statements.so").is_file());
    is_there.then_some("pg_stat_statements")
}

fn find() -> Option<PathBuf> {
    let configured = which("pg_config")
        .and_then(|program| output(Command::new(program).arg("--bindir")).ok())
        .map(|folder| PathBuf::from(folder.trim()));
    // Debian keeps every version in a folder of its own, outside the search path.
    let mut debian: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|version| Some((version.parse().ok()?, Path::new("/usr/lib/postgresql").join(version))))
        .collect();
    debian.sort_by(|a, b| b.cmp(a));
    let debian = debian.into_iter().map(|(_, folder)| folder.join("bin"));
    let path = env::var_os("PATH").unwrap_or_default();
    let path: Vec<PathBuf> = env::split_paths(&path).collect();
    let has_all = |folder: &PathBuf| PROGRAMS.iter().all(|program| folder.join(program).is_file());
    configured.into_iter().chain(debian).chain(path).find(has_all)
}

fn install() -> Result<PathBuf> {
    apt::install("postgresql").with_context(|| {
        format!(
            "PostgreSQL (initdb, postgres, pg_isready) is not installed. Fedora: dnf install postgresql-server. Arch: pacman -S \
             postgresql. macOS: brew install postgresql. Or set {URL_VARIABLE} to a server that the tests may fill"
        )
    })?;
    find().context("Debian's package `postgresql` is installed, but its programs were not found")
}

/// Whom the server runs as: PostgreSQL refuses root. `None` is whoever runs this.
fn account() -> Result<Option<(u32, u32)>> {
    if !apt::is_root()? {
        return Ok(None);
    }
    let of = |name: &str| Ok((apt::number(Command::new("id").args(["-u", name]))?, apt::number(Command::new("id").args(["-g", name]))?));
    let known: Result<(u32, u32)> = of("postgres").or_else(|_: anyhow::Error| of("nobody"));
    known.map(Some).context("running as root, and neither `postgres` nor `nobody` is a user here")
}

/// A new folder that only the server's account may enter. In `/tmp` rather than where `TMPDIR` points: that
/// account may not enter there, and the path of a Unix socket must stay under about 100 bytes.
fn folder(account: Option<(u32, u32)>) -> Result<PathBuf> {
    for count in 0_u32.. {
        let path = PathBuf::from(format!("/tmp/wharf-postgres-{}-{count}", std::process::id()));
        match fs::DirBuilder::new().mode(0o700).create(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            created => {
                let owner = account.map_or(Ok(()), |(user, group)| chown(&path, Some(user), Some(group)));
                created.and(owner).with_context(|| format!("cannot prepare {}", path.display()))?;
                return Ok(path);
            }
        }
    }
    Err(io::Error::from(ErrorKind::AlreadyExists).into())
}
