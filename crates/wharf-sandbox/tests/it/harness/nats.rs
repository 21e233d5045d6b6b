//! A NATS server, and several gateways that talk over it.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::process::{Child, Command};

use super::process::{fresh_dir, lasting_port};
use super::{Api, Backend, Process, World, eventually};

/// A server on a port that it keeps when it starts again.
pub struct Nats {
    process: Option<Child>,
    pub url: String,
}

impl Nats {
    pub async fn start() -> Self {
        let (process, url) = run(&lasting_port()).await;
        Self { process: Some(process), url }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.url.strip_prefix("nats://").expect("an address without a password").parse().unwrap()
    }

    /// As a power cut would.
    pub async fn kill(&mut self) {
        self.process.take().expect("it runs").kill().await.unwrap();
    }

    pub async fn start_again(&mut self) {
        let port = self.url.rsplit(':').next().unwrap().to_owned();
        let (process, url) = run(&port).await;
        assert_eq!(url, self.url);
        self.process = Some(process);
    }
}

async fn run(port: &str) -> (Child, String) {
    serve(port, &[]).await
}

/// Starts a server with more words than the usual ones; answers its address once it listens.
pub async fn serve(port: &str, more: &[&str]) -> (Child, String) {
    let folder = fresh_dir();
    // Debian keeps it where only an administrator's path looks.
    let installed = Path::new("/usr/sbin/nats-server");
    let program = if installed.exists() { installed } else { Path::new("nats-server") };
    let process = Command::new(program)
        .args(["--addr", "127.0.0.1", "--port", port, "--ports_file_dir"])
        .arg(&folder)
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("nats-server is installed");
    let url = eventually("NATS says its port", async || {
        let file = std::fs::read_dir(&folder).unwrap().next().ok_or("no file yet")?.unwrap().path();
        let said: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).map_err(|error| error.to_string())?;
        said["nats"][0].as_str().map(str::to_owned).ok_or(said.to_string())
    })
    .await;
    (process, url)
}

/// Three gateways on one PostgreSQL that talk over NATS. Sessions are made at the world's own.
pub struct Fleet {
    pub world: World,
    pub second: Process,
    pub third: Process,
    pub nats: Nats,
}

impl Fleet {
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// With variables in the environment of the first.
    pub async fn start_with(env: &[(&str, &str)]) -> Self {
        Self::start_with_both(env, &[]).await
    }

    /// With variables in the environments of the first and of the second.
    pub async fn start_with_both(first: &[(&str, &str)], second: &[(&str, &str)]) -> Self {
        let nats = Nats::start().await;
        let over = [("WHARF_NATS_URL", nats.url.as_str())];
        let world = World::start_with(Backend::Postgres, &[first, &over[..]].concat()).await;
        let second = world.another_node_with("second", &[second, &over[..]].concat()).await;
        let third = world.another_node_with("third", &over).await;
        let fleet = Self { world, second, third, nats };
        fleet.until_whole().await;
        fleet
    }

    /// Waits until all nodes are ready and talk with each other.
    pub async fn until_whole(&self) {
        let [second, third] = self.others();
        for api in [self.world.api(), second, third] {
            until_ready(&api).await;
        }
    }

    /// The API of the two that have no session.
    pub fn others(&self) -> [Api; 2] {
        [api(&self.second), api(&self.third)]
    }

    pub async fn end(self) {
        self.second.terminate().await;
        self.third.terminate().await;
    }
}

/// Waits until a node is ready and hears the others: one that is slow to join begins without them.
pub async fn until_ready(api: &Api) {
    eventually("the node is ready", async || {
        let ready = api.with_key("").get("/readyz").await;
        (ready.status == 200 && ready.data()["status"] == "ready").then_some(()).ok_or(format!("{ready:?}"))
    })
    .await;
}

pub fn api(node: &Process) -> Api {
    Api::new(node.ready["url"].as_str().unwrap(), node.ready["apiKey"].as_str().unwrap())
}
