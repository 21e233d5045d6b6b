//! A message that is read at the second try, and what was said of it meanwhile: as if it had come in its order.

use futures::future::join_all;
use serde_json::{Value, json};

use crate::harness::{OWNER, World, both_backends};

const PEOPLE: usize = 12;

fn person(place: usize) -> String {
    format!("155510001{place:02}")
}

async fn one(world: &World, session: &str, place: usize) {
    let who = person(place);
    let first = world.writes_as(&who, OWNER, json!({"text": "old", "garbled": true})).await;
    let change = match place % 3 {
        0 => json!({"type": "edit", "target": first, "text": "new"}),
        1 => json!({"type": "reaction", "target": first, "emoji": "👍"}),
        _ => json!({"type": "delete", "target": first}),
    };
    let change = world.writes_as(&who, OWNER, change).await;
    let is = |row: &Value| match place % 3 {
        0 => row["text"] == "new" && row["editedAt"].is_string(),
        1 => row["text"] == "old" && row["reactions"][0]["emoji"] == "👍",
        _ => row["type"] == "deleted",
    };
    let row = world.row(session, &first, is).await;
    world.row(session, &change, |change| change["target"]["messageId"] == row["messageId"]).await;
}

both_backends! {
    async fn the_newer_vote_counts_though_the_older_one_is_read_last(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let hello = world.writes(json!({"text": "so that there is a Signal session"})).await;
        world.row(&session, &hello, |_| true).await;
        for _ in 0..4 {
            let poll = world.post(&session, "poll", json!({"question": "When?", "options": ["now", "later"]})).await.ok(201).clone();
            world.shown(&poll).await;
            let poll = poll["whatsappId"].as_str().unwrap();
            // The first cannot be read at once, and is sent again.
            let votes = [("now", true), ("later", false)];
            let mut ids = Vec::new();
            for (option, garbled) in votes {
                // Two votes of one millisecond would have no order.
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
                ids.push(world.writes(json!({"type": "vote", "target": poll, "options": [option], "garbled": garbled})).await);
            }
            for id in &ids {
                world.row(&session, id, |row| row["type"] == "poll_vote").await;
            }
            let results = world.row(&session, poll, |_| true).await["results"].clone();
            let counted: Vec<_> = results.as_array().unwrap().iter().map(|result| result["votes"].as_u64().unwrap()).collect();
            assert_eq!(counted, [0, 1], "{results}");
        }
    }

    async fn changes_before_a_message_is_read_are_made_on_it_when_it_is(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        join_all((0..PEOPLE).map(|place| one(&world, &session, place))).await;
        world.until_acknowledged(OWNER).await;
        // What the events say last of a message is what its row says.
        let log = world.api().log().await;
        for place in (0..PEOPLE).step_by(3) {
            let of = |event: &&Value| event["data"]["chat"]["phoneNumber"] == person(place) && event["event"].as_str().unwrap().starts_with("message.");
            let told: Vec<_> = log.iter().filter(of).map(|event| (event["event"].as_str().unwrap(), event["data"]["text"].as_str())).collect();
            assert!(told.contains(&("message.edited", Some("new"))), "{told:?}");
            assert_eq!(told.last().unwrap().1, Some("new"), "{told:?}");
        }
    }
}
