//! Files in a bucket of a server that others wrote: `moto` from the Python package index, a process of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;

use crate::harness::{Api, OWNER, PATIENCE, SILENT, World, both_backends, eventually, readiness};
use crate::media::{MB, file, hash, upload};

const PACKAGES: [&str; 3] = ["moto[s3]==5.1.18", "flask==3.1.2", "flask-cors==6.0.1"];

/// A server with one bucket.
pub struct Bucket {
    child: Child,
    url: String,
    api: Api,
}

/// Where the server's packages are; the first test to ask installs them.
async fn packages() -> &'static Path {
    static INSTALLED: OnceCell<PathBuf> = OnceCell::const_new();
    let installed = INSTALLED.get_or_init(async || {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("moto");
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--upgrade", "--target"]).arg(&folder).args(PACKAGES);
        let done = pip.stdin(Stdio::null()).output().await.unwrap();
        assert!(done.status.success(), "{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        folder
    });
    installed.await
}

impl Bucket {
    pub async fn start() -> Self {
        let mut child = Command::new("python3")
            .args(["-u", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"])
            .env("PYTHONPATH", packages().await)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = tokio::time::timeout(PATIENCE, async {
            loop {
                let line = lines.next_line().await.unwrap().expect("it says where it listens");
                if let Some((_, url)) = line.split_once("Running on ") {
                    break url.trim().to_owned();
                }
            }
        });
        let url = url.await.expect("it listens in time");
        // It tells every request, and waits for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let bucket = Self { child, api: Api::new(&url, ""), url };
        bucket.put("/files", Vec::new()).await;
        bucket
    }

    pub fn settings(&self) -> [(&'static str, &str); 5] {
        [
            ("WHARF_MEDIA_BUCKET", "files"),
            ("WHARF_MEDIA_ENDPOINT", &self.url),
            ("WHARF_MEDIA_REGION", "us-east-1"),
            ("WHARF_MEDIA_ACCESS_KEY", "me"),
            ("WHARF_MEDIA_SECRET_KEY", "secret"),
        ]
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().unwrap().cast_signed()), signal).unwrap();
    }

    /// The server wants to be told who asks, and believes it. Its answers are not the API's, and stand in no ledger.
    async fn ask(&self, method: &str, path: &str, bytes: Vec<u8>, status: u16) -> Vec<u8> {
        const ME: &str = "AWS4-HMAC-SHA256 Credential=me/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0";
        let answer = self.api.request(method, path).header("authorization", ME).body(bytes).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{method} {path}");
        answer.bytes().await.unwrap().to_vec()
    }

    async fn put(&self, path: &str, bytes: Vec<u8>) {
        self.ask("PUT", path, bytes, 200).await;
    }

    pub async fn bytes(&self, path: &str) -> Vec<u8> {
        self.ask("GET", path, Vec::new(), 200).await
    }

    /// The paths of all objects.
    pub async fn paths(&self) -> Vec<String> {
        let list = String::from_utf8(self.bytes("/files?list-type=2").await).unwrap();
        let keys = list.split("<Key>").skip(1).filter_map(|part| part.split_once("</Key>"));
        keys.map(|(key, _)| format!("/files/{key}")).collect()
    }

    /// The path of the object that keeps this file.
    async fn path_of(&self, file: &str) -> String {
        let paths = self.paths().await;
        paths.iter().find(|path| path.ends_with(file)).unwrap_or_else(|| panic!("{file} in {paths:?}")).clone()
    }
}

both_backends! {
    async fn what_is_stored_in_a_bucket_is_sent_received_and_served_with_the_same_bytes_and_missed_where_it_is_gone(backend) {
        let bucket = Bucket::start().await;
        let settings = bucket.settings();
        let world = World::start_with(backend, &settings).await;
        let session = world.pair(OWNER).await;
        let api = world.api();

        // More than one part.
        let bytes = file("document", 12 * MB + 1);
        let stored = upload(&world, "?mediaType=document", bytes.clone()).await.ok(201)["mediaId"].as_str().unwrap().to_owned();
        let served = api.get(&format!("/v1/media/{stored}")).await;
        assert_eq!((served.status, hash(&served.bytes)), (200, hash(&bytes)));
        let body = json!({"sessionId": session, "to": SILENT, "mediaType": "document", "mediaId": stored});
        let sent = api.post("/v1/messages/media", &body).await.ok(201)["whatsappId"].clone();
        eventually("the phone has it", async || {
            let ledger = world.ledger(SILENT).await;
            ledger.iter().any(|entry| entry["id"] == sent && entry["media"]["sha256"] == hash(&bytes)).then_some(()).ok_or(format!("{ledger:?}"))
        })
        .await;
        let came = world.writes(json!({"type": "document", "size": 300_001})).await;
        let shown = world.row(&session, &came, |row| row["mediaStatus"] == "stored").await;
        let received = api.get(&format!("/v1/media/{}", shown["mediaId"].as_str().unwrap())).await;
        assert_eq!((received.status, json!(hash(&received.bytes))), (200, shown["sha256"].clone()));

        // Each fault that is made by hand is found by its name, and is gone when it is mended.
        let deep = async |summary: &str, kind: &str| {
            let (ok, words) = world.deep_with(&settings).await;
            assert!(words.contains(summary) && words.contains(kind), "{summary}, {kind}: {words}");
            assert_eq!(ok, kind.is_empty(), "{words}");
        };
        deep("lost 0, doubled 0, wrong 0, stale 0", "").await;
        let path = bucket.path_of(&stored).await;
        let kept = bucket.bytes(&path).await;
        bucket.ask("DELETE", &path, Vec::new(), 204).await;
        deep("lost 1, doubled 0, wrong 0, stale 0", &format!("files that are not in the store: {stored}")).await;
        bucket.put(&path, kept[1..].to_vec()).await;
        deep("lost 0, doubled 0, wrong 1, stale 0", &format!("files of another size than their row says: {stored}")).await;
        let mut flipped = kept.clone();
        flipped[10] ^= 1;
        bucket.put(&path, flipped).await;
        deep("lost 0, doubled 0, wrong 1, stale 0", &format!("files whose bytes are not those that were stored: {stored}")).await;
        bucket.put(&path, kept).await;
        deep("lost 0, doubled 0, wrong 0, stale 0", "").await;

        // A server that stands still is told, loses nothing, and is back by itself.
        bucket.signal(Signal::SIGSTOP);
        readiness::until(&api, "bucket stands still", false).await;
        let held = world.writes(json!({"type": "document", "size": 1000})).await;
        bucket.signal(Signal::SIGCONT);
        readiness::until(&api, "bucket stands still", true).await;
        world.row(&session, &held, |row| row["mediaStatus"] == "stored").await;
    }
}
