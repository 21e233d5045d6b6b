//! Real processes, started and ended by the test that owns them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// A program that said on its first line that it is ready.
pub struct Process {
    child: Child,
    pub ready: Value,
    /// What it wrote to its standard error so far.
    log: Arc<Mutex<String>>,
    /// Ends with the last line.
    reading: Option<JoinHandle<()>>,
}

/// What the gateway writes when it is asked for a line.
const ASKED: &str = "SIGUSR1";
/// A program that writes no such line is not waited for longer: one on a loaded machine has its turn within that time.
const LINE: Duration = Duration::from_secs(5);

/// The path of one of the workspace's programs, which stand beside the sandbox's or in the folder that a measurement names.
pub fn program(name: &str) -> PathBuf {
    let sandbox = Path::new(env!("CARGO_BIN_EXE_wharf-sandbox"));
    let path = std::env::var_os("WHARF_TEST_PROGRAMS").map_or_else(|| sandbox.with_file_name(name), |dir| Path::new(&dir).join(name));
    assert!(path.exists(), "{} is missing: build it by `cargo build --workspace --bins`, or run `cargo xtask test`", path.display());
    path
}

/// Runs `scripts/NAME/run` in a folder of its own to its good end; tells what it printed. It finds the sandbox that the tests have.
pub async fn script(name: &str, args: &[&str], env: &[(&str, &str)]) -> String {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let args: Vec<&str> = std::iter::once(folder.to_str().expect("a path in letters")).chain(args.iter().copied()).collect();
    script_at(&format!("{name}/run"), &args, env).await
}

/// The same for any path below `scripts`, without a folder of its own.
pub async fn script_at(path: &str, args: &[&str], env: &[(&str, &str)]) -> String {
    let ran = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts").join(path))
        .args(args)
        .env("WHARF_SANDBOX_BIN", program("wharf-sandbox"))
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .expect("the script starts");
    let printed = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{printed}");
    printed
}

/// A folder that no other test uses.
pub fn fresh_dir() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let stamp = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() % 1_000_000_000;
    let dir = std::env::temp_dir().join(format!("wharf-test-{}-{number}-{stamp}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// A port for what listens, ends and is to listen there again. It is below those that the system gives to whoever asks for any: nothing of
/// another test sits on it meanwhile.
pub fn lasting_port() -> String {
    const FIRST: u32 = 20_000;
    const COUNT: u32 = 12_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        // Tests that run beside each other have neighbouring ids.
        let number = std::process::id().wrapping_add(1000 * NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(FIRST + number % COUNT).unwrap();
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port.to_string();
        }
    }
}

impl Process {
    pub async fn start(program: &Path, args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::try_start(program, args, env).await.unwrap_or_else(|output| panic!("{} did not start: {output}", program.display()))
    }

    /// `Err` has what a program wrote to its standard error when it ended instead of becoming ready.
    pub async fn try_start(program: &Path, args: &[&str], env: &[(&str, &str)]) -> Result<Self, String> {
        let mut child = Command::new(program)
            .args(args)
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(if std::env::var_os("WHARF_TEST_SHOW_LOGS").is_some() { Stdio::inherit() } else { Stdio::piped() })
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let stderr = child.stderr.take();
        let first = tokio::time::timeout(Duration::from_mins(1), lines.next_line()).await.expect("ready in time").unwrap();
        let Some(first) = first else {
            let output = child.wait_with_output();
            let mut text = String::new();
            if let Some(mut stderr) = stderr {
                tokio::io::AsyncReadExt::read_to_string(&mut stderr, &mut text).await.unwrap();
            }
            output.await.unwrap();
            return Err(text);
        };
        // Both pipes are read to their end, so that the program never waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let log = Arc::new(Mutex::new(String::new()));
        let reading = stderr.map(|stderr| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                let mut lines = BufReader::new(stderr).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    let mut log = log.lock().unwrap();
                    log.push_str(&line);
                    log.push('\n');
                }
            })
        });
        let ready = serde_json::from_str(&first).unwrap_or_else(|error| panic!("{error}: {first}"));
        Ok(Self { child, ready, log, reading })
    }

    /// All that was said until now. Lines come through a queue and a pipe, in their order: one more is asked for, and waited for.
    pub fn log(&self) -> String {
        let so_far = || self.log.lock().unwrap().clone();
        let before = so_far().matches(ASKED).count();
        let asked = self.child.id().is_some_and(|id| kill(Pid::from_raw(i32::try_from(id).unwrap()), Signal::SIGUSR1).is_ok());
        let until = Instant::now() + LINE;
        let has_all = || {
            let ended = self.reading.as_ref().is_none_or(JoinHandle::is_finished);
            ended || (asked && so_far().matches(ASKED).count() > before)
        };
        tokio::task::block_in_place(|| {
            while !has_all() && Instant::now() < until {
                std::thread::park_timeout(Duration::from_millis(5));
            }
        });
        so_far()
    }

    pub fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// SIGKILL, and the wait for the end.
    pub async fn kill(mut self) {
        // It may have killed itself at a gap; then there is nothing left to kill.
        let _ = self.child.kill().await;
    }

    /// Waits until the process has ended by itself.
    pub async fn ended(&mut self) -> std::process::ExitStatus {
        tokio::time::timeout(super::PATIENCE, self.child.wait()).await.expect("it ends in time").unwrap()
    }

    /// SIGTERM, and the wait for a clean end.
    pub async fn terminate(mut self) {
        self.end().await;
    }

    /// The same for a process whose log is read afterwards.
    pub async fn end(&mut self) {
        let id = i32::try_from(self.id()).unwrap();
        kill(Pid::from_raw(id), Signal::SIGTERM).unwrap();
        let status = self.ended().await;
        assert!(status.success(), "SIGTERM ends the program cleanly, not with {status}");
    }
}
