//! A backup that is made while a gateway works, and put back on another machine.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use sqlx::{Connection as _, Executor as _};
use tokio::process::Command;

use crate::harness::process::program;
use crate::harness::{OWNER, SILENT, World, both_backends};

impl World {
    /// A command of the program on this world's data: whether it went well, and what it said.
    pub async fn command(&self, args: &[&str]) -> (bool, String) {
        let mut command = Command::new(program("wharf"));
        command.args(args).env("WHARF_DATA_DIR", self.dir().join("gateway"));
        if let Some(url) = self.database().url() {
            command.env("WHARF_DATABASE_URL", url);
        }
        let done = command.output().await.unwrap();
        let words = [done.stdout, done.stderr].concat();
        (done.status.success(), String::from_utf8(words).unwrap())
    }

    /// The machine is lost: what it had is gone, but for the keys, which are kept elsewhere.
    async fn lose_the_machine(&mut self, lost: &str) {
        self.kill_gateway().await;
        self.empty(lost).await;
    }

    async fn empty(&self, lost: &str) {
        let (data, lost) = (self.dir().join("gateway"), self.dir().join(lost));
        std::fs::rename(&data, &lost).unwrap();
        std::fs::create_dir(&data).unwrap();
        for file in ["master.key", "demo-keys.json"] {
            std::fs::copy(lost.join(file), data.join(file)).unwrap();
        }
        let Some(url) = self.database().url() else { return };
        let (server, name) = url.rsplit_once('/').unwrap();
        let mut admin = sqlx::PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
        for statement in [format!("DROP DATABASE {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")] {
            admin.execute(sqlx::AssertSqlSafe(statement)).await.unwrap();
        }
    }
}

both_backends! {
    async fn a_backup_under_load_holds_all_that_was_acknowledged_before_and_no_session_forks(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let image = world.writes(json!({"type": "image", "size": 5000})).await;
        let image = world.row(&session, &image, |row| row["mediaStatus"] == "stored").await;
        let file = format!("/v1/media/{}", image["mediaId"].as_str().unwrap());
        let bytes = world.api().get(&file).await.bytes;
        let send = async |number: usize| {
            let sent = world.send(&session, SILENT, &format!("text {number}")).await;
            sent.ok(201)["messageId"].as_str().unwrap().to_owned()
        };
        let mut before = Vec::new();
        for number in 0..20 {
            before.push(send(number).await);
        }
        let backup = world.dir().join("backup");
        let backup = backup.to_str().unwrap();
        let is_made = AtomicBool::new(false);
        let load = async {
            let mut number = 20;
            while !is_made.load(Ordering::Relaxed) {
                send(number).await;
                number += 1;
            }
            number
        };
        let copy = async {
            let made = world.command(&["backup", backup]).await;
            is_made.store(true, Ordering::Relaxed);
            made
        };
        let (sent, (is_done, words)) = tokio::join!(load, copy);
        assert!(is_done && words.contains("It holds 1 media files"), "{words}");
        assert!(sent > 20, "nothing was sent meanwhile");
        assert!(!world.command(&["backup", backup]).await.0, "a backup is put over another one");
        let (is_done, words) = world.command(&["restore", backup]).await;
        assert!(!is_done && words.contains("is not empty"), "{words}");

        world.lose_the_machine("lost").await;
        let (is_done, words) = world.command(&["restore", backup]).await;
        assert!(is_done && words.contains("1 sessions begin their keys anew"), "{words}");
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        for message in &before {
            assert_eq!(world.api().get(&format!("/v1/messages/{message}")).await.ok(200)["text"].as_str().map(|text| &text[..5]), Some("text "));
        }
        assert_eq!(world.api().get(&file).await.bytes, bytes);
        for number in 0..5 {
            assert_eq!(world.send(&session, SILENT, &format!("after {number}")).await.ok(201)["status"], "sent");
        }
        world.until_shown(SILENT, &(0..5).map(|number| format!("after {number}")).collect::<Vec<_>>()).await;
        let wire = world.control().get(&format!("/control/wire/{OWNER}")).await;
        assert_eq!(wire.ok(200)["counterReuses"], json!([]), "a message key was used twice");
    }

    async fn a_backup_that_was_cut_off_or_changed_is_put_back_nowhere(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        world.send(&session, SILENT, "before").await.ok(201);
        let image = world.writes(json!({"type": "image", "size": 5000})).await;
        world.row(&session, &image, |row| row["mediaStatus"] == "stored").await;
        let folder = world.dir().join("backup");
        let backup = folder.to_str().unwrap();
        let (is_done, words) = world.command(&["backup", backup]).await;
        assert!(is_done, "{words}");
        assert!(!folder.join("master.key").exists());
        world.lose_the_machine("lost").await;

        let refused = async |part: &str| {
            let (is_done, words) = world.command(&["restore", backup]).await;
            assert!(!is_done && words.contains(part), "{words}");
        };
        let manifest = std::fs::read_to_string(folder.join("backup.json")).unwrap();
        let part = serde_json::from_str::<serde_json::Value>(&manifest).unwrap()["parts"][0]["path"].as_str().unwrap().to_owned();
        let whole = std::fs::read(folder.join(&part)).unwrap();
        std::fs::write(folder.join(&part), [whole.as_slice(), b"x"].concat()).unwrap();
        refused("is not what it was").await;
        std::fs::write(folder.join(&part), &whole).unwrap();
        let list = std::fs::read_to_string(folder.join("media.sha256")).unwrap();
        let media = folder.join(list.trim().split_once("  ").unwrap().1);
        let whole = std::fs::read(&media).unwrap();
        std::fs::write(&media, [whole.as_slice(), b"x"].concat()).unwrap();
        refused("is not what it was").await;
        std::fs::remove_file(&media).unwrap();
        refused(media.file_name().unwrap().to_str().unwrap()).await;
        assert!(!world.dir().join("gateway/media").exists(), "it was looked at before anything was put back");
        std::fs::write(&media, &whole).unwrap();
        std::fs::write(folder.join("backup.json"), manifest.replace("\"migration\": ", "\"migration\": 9")).unwrap();
        refused("this release at").await;
        std::fs::remove_file(folder.join("backup.json")).unwrap();
        refused("is no backup").await;
        std::fs::write(folder.join("backup.json"), &manifest).unwrap();
        std::fs::write(world.dir().join("gateway/database-id"), "another\n").unwrap();
        refused("is empty or another one").await;
        std::fs::remove_file(world.dir().join("gateway/database-id")).unwrap();
        // As an earlier release made it.
        let mut earlier: serde_json::Value = serde_json::from_str(&manifest).unwrap();
        earlier["parts"].as_array_mut().unwrap().retain(|part| part["path"] != "media.sha256");
        std::fs::write(folder.join("backup.json"), earlier.to_string()).unwrap();
        let (is_done, words) = world.command(&["restore", backup]).await;
        assert!(is_done && words.contains("no sums of its files") && words.contains("media: 1 files"), "{words}");
    }
}
