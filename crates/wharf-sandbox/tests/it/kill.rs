//! kill -9, at every gap of the send protocol and at any moment: nothing accepted is lost, nobody sees a text twice.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::harness::chance::Chance;
use crate::harness::checker::{Ground, Promise, all};
use crate::harness::{Backend, OWNER, SILENT, World, both_backends};

/// The gaps of the send protocol, as the fail points are named.
const GAPS: [&str; 6] = ["S0-accepted", "S1-claimed", "S2-encrypted", "S3-written", "S4-acked", "S5-stored"];
/// How often the process dies at each gap.
const DEATHS: usize = 20;

/// Sends `texts` at the same time, half of them asynchronously, while the gateway may die under them, and notes what was promised.
async fn send(ground: &mut Ground, world: &World, texts: Vec<String>) {
    let api = world.api();
    let replies = futures::future::join_all(texts.iter().enumerate().map(|(number, text)| {
        let body = json!({"sessionId": ground.session, "to": SILENT, "text": text, "async": number % 2 == 0});
        let api = api.clone();
        async move { api.try_post("/v1/messages/text", &body).await }
    }))
    .await;
    for (text, reply) in texts.into_iter().zip(replies) {
        match reply {
            Some(reply) if reply.status == 201 => {
                let id = reply.data()["messageId"].as_str().unwrap().to_owned();
                ground.accepted.insert(id, Promise { at: SILENT, text: Some(text) });
            }
            // Refused (not connected any more, draining) or cut off: nothing was promised.
            _ => {
                ground.unanswered.insert(text);
            }
        }
    }
}

both_backends! {
    async fn killed_at_each_gap_of_a_send_every_promise_holds_and_each_text_is_shown_once(backend) {
        let (mut world, session, kill_file) = armed(backend).await;
        let env = [("WHARF_KILL_FILE", kill_file.to_str().unwrap())];
        let mut ground = Ground::of(OWNER, &session);
        for death in 0..DEATHS {
            for gap in GAPS {
                world.until_connected(&session).await;
                // Promised and perhaps still on their way: how many others are answered before it dies is chance.
                for text in 0..2 {
                    let text = format!("{gap} {death} promised {text}");
                    let body = json!({"sessionId": session, "to": SILENT, "text": text, "async": true});
                    let id = world.api().post("/v1/messages/text", &body).await.ok(201)["messageId"].as_str().unwrap().to_owned();
                    ground.accepted.insert(id, Promise { at: SILENT, text: Some(text) });
                }
                std::fs::write(&kill_file, gap).unwrap();
                send(&mut ground, &world, (0..6).map(|text| format!("{gap} {death} {text}")).collect()).await;
                world.gateway().ended().await;
                assert!(!kill_file.exists(), "it died at {gap}");
                world.start_gateway(&env).await;
            }
        }
        world.until_connected(&session).await;
        ground.is_sound(&world, None).await;
    }

    async fn killed_at_random_under_load_every_promise_holds_and_each_text_is_shown_once(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let mut ground = Ground::of(OWNER, &session);
        let mut chance = Chance::seeded();
        // One load that nobody disturbs: the moments of the kills are spread over as long as it took.
        let begun = tokio::time::Instant::now();
        send(&mut ground, &world, load("undisturbed")).await;
        let whole = u64::try_from(begun.elapsed().as_millis()).unwrap().max(1);
        println!("WHOLE {whole}");
        for death in 0..20 {
            world.until_connected(&session).await;
            let pause = Duration::from_millis(chance.below(whole));
            let killer = nix::unistd::Pid::from_raw(i32::try_from(world.gateway().id()).unwrap());
            let kill = tokio::spawn(async move {
                // The moment of the kill is what the test is about.
                tokio::time::sleep(pause).await;
                nix::sys::signal::kill(killer, nix::sys::signal::Signal::SIGKILL).unwrap();
            });
            send(&mut ground, &world, load(&death.to_string())).await;
            kill.await.unwrap();
            world.gateway().ended().await;
            world.start_gateway(&[]).await;
        }
        world.until_connected(&session).await;
        ground.is_sound(&world, None).await;
    }

    async fn asked_to_end_under_load_it_drains_and_every_promise_holds(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let mut ground = Ground::of(OWNER, &session);
        for round in 0..3 {
            world.until_connected(&session).await;
            let gateway = i32::try_from(world.gateway().id()).unwrap();
            let api = world.api();
            let ask = async {
                // Asked in the middle of the load: as soon as some of it is visible.
                crate::harness::eventually("some of the load is there", async || {
                    let list = api.get(&format!("/v1/messages?sessionId={session}&direction=outgoing&limit=1")).await;
                    let newest = list.data()[0]["text"].as_str().unwrap_or_default().to_owned();
                    if newest.starts_with(&format!("drain {round}")) { Ok(()) } else { Err(newest) }
                })
                .await;
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(gateway), nix::sys::signal::Signal::SIGTERM).unwrap();
            };
            let texts = (0..200).map(|text| format!("drain {round} {text}")).collect();
            tokio::join!(send(&mut ground, &world, texts), ask);
            assert!(world.gateway().ended().await.success(), "it ended by itself");
            world.start_gateway(&[]).await;
        }
        world.until_connected(&session).await;
        ground.is_sound(&world, None).await;
        assert!(!ground.accepted.is_empty());
    }

    async fn killed_while_messages_come_in_none_that_was_acknowledged_is_missing_and_none_is_there_twice(backend) {
        let (mut world, session, kill_file) = armed(backend).await;
        let env = [("WHARF_KILL_FILE", kill_file.to_str().unwrap())];
        let mut chance = Chance::seeded();
        let mut ground = Ground::of(OWNER, &session);
        for death in 0..20 {
            world.until_connected(&session).await;
            let gap = ["inbound-before-commit", "inbound-after-commit", ""][death % 3];
            if !gap.is_empty() {
                std::fs::write(&kill_file, gap).unwrap();
            }
            for text in 0..10 {
                let text = format!("in {death} {text}");
                ground.written.insert(world.writes(json!({"text": text})).await, text);
            }
            if gap.is_empty() {
                // The moment of the kill is what the test is about.
                tokio::time::sleep(Duration::from_millis(chance.below(30))).await;
                world.kill_gateway().await;
            } else {
                world.gateway().ended().await;
            }
            world.start_gateway(&env).await;
        }
        world.until_connected(&session).await;
        ground.is_sound(&world, None).await;
        world.until_acknowledged(OWNER).await;
        let rows = all(&world, &format!("/v1/messages?sessionId={session}&direction=incoming&limit=200")).await;
        assert_eq!(rows.len(), ground.written.len(), "nothing is there twice");
    }

    async fn killed_on_a_message_that_cannot_be_decrypted_it_is_there_once_with_its_words(backend) {
        let (mut world, session, kill_file) = armed(backend).await;
        let env = [("WHARF_KILL_FILE", kill_file.to_str().unwrap())];
        let mut ground = Ground::of(OWNER, &session);
        world.until_connected(&session).await;
        ground.written.insert(world.writes(json!({"text": "so that there is a Signal session"})).await, "first".to_owned());
        for gap in ["unread-before-commit", "unread-after-commit"] {
            world.until_connected(&session).await;
            std::fs::write(&kill_file, gap).unwrap();
            let wa_id = world.writes(json!({"text": gap, "garbled": true})).await;
            world.gateway().ended().await;
            assert!(!kill_file.exists(), "it died at {gap}");
            world.start_gateway(&env).await;
            ground.became.push((wa_id.clone(), "/text", json!(gap)));
            ground.written.insert(wa_id, gap.to_owned());
            ground.is_sound(&world, None).await;
        }
    }
}

/// The texts of one load under which the process is killed.
fn load(round: &str) -> Vec<String> {
    (0..40).map(|text| format!("load {round} {text}")).collect()
}

/// A world with a connected session whose gateway kills itself at the gap that is written into the file.
pub async fn armed(backend: Backend) -> (World, String, PathBuf) {
    let mut world = World::start(backend).await;
    let kill_file = world.dir().join("kill-at");
    let session = world.pair(OWNER).await;
    world.stop_gateway().await;
    world.start_gateway(&[("WHARF_KILL_FILE", kill_file.to_str().unwrap())]).await;
    (world, session, kill_file)
}
