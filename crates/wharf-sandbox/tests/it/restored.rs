//! A database that was put back: the gateway is an older self, and begins its keys anew before it sends.

use serde_json::json;
use sqlx::{Connection as _, Executor as _};

use crate::harness::{OWNER, SILENT, World, both_backends, eventually};

/// More than the 64 counters of a chain that the library leaves out at each start.
const LOST: usize = 140;

impl World {
    /// Takes a copy of the database, or puts the copy back. No gateway runs meanwhile.
    async fn copy(&self, back: bool) {
        let Some(url) = self.database().url().map(str::to_owned) else {
            let (file, copy) = (self.dir().join("gateway/wharf.sqlite"), self.dir().join("copy.sqlite"));
            let (from, to) = if back { (copy, file) } else { (file, copy) };
            std::fs::copy(from, to).unwrap();
            return;
        };
        let (server, name) = url.rsplit_once('/').unwrap();
        let mut admin = sqlx::PgConnection::connect(&format!("{server}/postgres")).await.unwrap();
        let statements = if back {
            vec![format!("DROP DATABASE {name} WITH (FORCE)"), format!("ALTER DATABASE {name}_copy RENAME TO {name}")]
        } else {
            vec![format!("CREATE DATABASE {name}_copy TEMPLATE {name}")]
        };
        for statement in statements {
            admin.execute(sqlx::AssertSqlSafe(statement)).await.unwrap();
        }
    }

    async fn texts(&self, session: &str, to: &str, texts: impl Iterator<Item = String>) {
        for text in texts {
            assert_eq!(self.send(session, to, &text).await.ok(201)["status"], "sent");
        }
    }

    pub async fn until_shown(&self, to: &str, texts: &[String]) {
        eventually("the phone shows them", async || {
            let ledger = self.ledger(to).await;
            let shown: Vec<_> = ledger.iter().filter_map(|entry| entry["text"].as_str()).collect();
            let missing: Vec<_> = texts.iter().filter(|text| !shown.contains(&text.as_str())).collect();
            missing.is_empty().then_some(()).ok_or(format!("{missing:?}"))
        })
        .await;
    }
}

both_backends! {
    async fn a_backup_of_many_texts_ago_that_is_put_back_sends_all_that_comes_after(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let body = json!({"sessionId": session, "subject": "a group", "participants": [SILENT]});
        let group = world.api().post("/v1/groups", &body).await.ok(201)["groupId"].as_str().unwrap().to_owned();
        for to in [SILENT, &group] {
            world.texts(&session, to, std::iter::once(format!("before to {to}"))).await;
        }
        world.phone_sends(SILENT, OWNER, "before").await;
        world.events("message.received", 1).await;
        world.stop_gateway().await;
        world.copy(false).await;
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        for to in [SILENT, &group] {
            world.texts(&session, to, (0..LOST).map(|number| format!("lost {number} to {to}"))).await;
        }
        world.stop_gateway().await;
        world.copy(true).await;
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;

        for to in [SILENT, &group] {
            let texts: Vec<String> = (0..8).map(|number| format!("after {number} to {to}")).collect();
            world.texts(&session, to, texts.iter().cloned()).await;
            world.until_shown(SILENT, &texts).await;
        }
        let wire = world.control().get(&format!("/control/wire/{OWNER}")).await;
        assert_eq!(wire.ok(200)["counterReuses"], json!([]), "no message key was used twice");
        for number in 0..8 {
            world.phone_sends(SILENT, OWNER, &format!("answer {number}")).await;
        }
        eventually("all answers are read", async || {
            let list = world.api().get(&format!("/v1/messages?sessionId={session}&direction=incoming&limit=200")).await;
            let rows = list.ok(200).as_array().unwrap();
            let read = rows.iter().filter(|row| row["text"].as_str().is_some_and(|text| text.starts_with("answer"))).count();
            (read == 8).then_some(()).ok_or(format!("{rows:?}"))
        })
        .await;

        // What goes on where it stood begins nothing anew.
        assert_eq!(world.gateway().log().matches("older than what this node has seen").count(), 1);
        world.stop_gateway().await;
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        world.texts(&session, SILENT, std::iter::once("and on".to_owned())).await;
        assert!(!world.gateway().log().contains("older than what this node has seen"));
    }
}
