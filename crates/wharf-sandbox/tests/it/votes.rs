//! Votes are read whenever their poll is there, in whichever order things come and whoever dies in between.

use serde_json::{Value, json};

use crate::harness::checker::Ground;
use crate::harness::{OWNER, SILENT, World, both_backends};

async fn poll(world: &World, more: Value) -> String {
    let mut poll = json!({"type": "poll", "question": "Tea?", "options": ["yes", "no"]});
    poll.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world.writes(poll).await
}

/// Waits until the poll shows that the contact who made it wants tea.
async fn until_counted(world: &World, session: &str, poll: &str, vote: &str) {
    let shown = world.row(session, poll, |row| row["results"][0]["votes"] == 1).await;
    assert_eq!(shown["results"][0]["voterIds"], json!([format!("{SILENT}@s.whatsapp.net")]), "{shown}");
    let vote = world.row(session, vote, |_| true).await;
    assert_eq!(
        (&vote["type"], &vote["options"], &vote["target"]["messageId"]),
        (&json!("poll_vote"), &json!(["yes"]), &shown["messageId"])
    );
    world.events("poll.vote", 1).await;
}

both_backends! {
    async fn a_poll_and_a_vote_in_one_part_of_a_backlog_are_both_read(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        world.stop_gateway().await;
        let poll = poll(&world, json!({})).await;
        let vote = world.writes(json!({"type": "vote", "target": poll, "options": ["yes"]})).await;
        world.start_gateway(&[]).await;
        until_counted(&world, &session, &poll, &vote).await;
        world.events("message.received", 1).await;
    }

    async fn a_vote_that_comes_before_its_poll_can_be_read_is_counted_when_it_can(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        world.writes(json!({"text": "so that there is a Signal session"})).await;
        world.events("message.received", 1).await;
        world.rule(json!({"action": "swallow_retry", "phone": SILENT})).await;
        world.rule(json!({"action": "swallow_recovery", "phone": OWNER})).await;
        let poll = poll(&world, json!({"garbled": true})).await;
        world.row(&session, &poll, |row| row["type"] == "undecryptable").await;
        let vote = world.writes(json!({"type": "vote", "target": poll, "options": ["yes"]})).await;
        world.row(&session, &vote, |row| row["type"] == "unsupported" && row["originalType"] == "poll_vote").await;
        world.events("poll.vote", 0).await;
        // It is kept over a restart.
        world.stop_gateway().await;
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        world.no_rules().await;
        world.control().post(&format!("/control/phones/{SILENT}/resend"), &json!({"id": poll, "to": OWNER})).await.ok(200);
        until_counted(&world, &session, &poll, &vote).await;
    }

    async fn a_polls_secret_is_kept_in_the_commit_of_the_poll(backend) {
        let mut world = World::start(backend).await;
        let kill_file = world.dir().join("kill");
        let env = [("WHARF_KILL_FILE", kill_file.to_str().unwrap())];
        let session = world.pair(OWNER).await;
        world.stop_gateway().await;
        world.start_gateway(&env).await;
        world.until_connected(&session).await;
        std::fs::write(&kill_file, "inbound-after-commit").unwrap();
        let poll = poll(&world, json!({})).await;
        world.gateway().ended().await;
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        let vote = world.writes(json!({"type": "vote", "target": poll, "options": ["yes"]})).await;
        until_counted(&world, &session, &poll, &vote).await;
        Ground::of(OWNER, &session).is_sound(&world, None).await;
    }
}
