//! What happens one after the other is told one after the other, as it happens and after an absence.

use serde_json::{Value, json};

use crate::harness::{OWNER, SILENT, World, both_backends, eventually};

const FRIEND: &str = "15551000001";
const OTHER: &str = "15551000002";

impl World {
    pub async fn group_of(&self, creator: &str, members: &[&str]) -> String {
        let body = json!({"creator": creator, "subject": "before", "members": members});
        let made = self.control().post("/control/groups", &body).await.ok(200)["id"].clone();
        made.as_str().unwrap().to_owned()
    }

    /// Five changes, one after the other.
    async fn changes(&self, group: &str, round: usize) {
        let people = async |action: &str, number: &str| {
            let body = json!({"by": SILENT, "action": action, "numbers": [number]});
            self.control().post(&format!("/control/groups/{group}/participants"), &body).await.ok(200);
        };
        people("add", FRIEND).await;
        people("promote", FRIEND).await;
        let subject = json!({"by": SILENT, "subject": format!("round {round}")});
        self.control().post(&format!("/control/groups/{group}/settings"), &subject).await.ok(200);
        people("remove", FRIEND).await;
        people("add", OTHER).await;
        people("remove", OTHER).await;
    }

    /// What the log tells of the group since it was made, once so much is there.
    async fn told_of(&self, group: &str, count: usize) -> Vec<Value> {
        eventually("the changes are told", async || {
            let told: Vec<Value> = self
                .api()
                .log()
                .await
                .into_iter()
                .filter(|event| event["event"] == "group.updated" && event["data"]["groupId"] == group)
                .collect();
            (told.len() >= count).then(|| told.clone()).ok_or(format!("{} of {count}", told.len()))
        })
        .await
    }
}

const CHANGES: [&str; 6] = [
    "participants_added",
    "participants_promoted",
    "subject_changed",
    "participants_removed",
    "participants_added",
    "participants_removed",
];

fn are_in_order(told: &[Value], rounds: usize) {
    let changes: Vec<_> = told.iter().map(|event| event["data"]["type"].as_str().unwrap()).collect();
    let expected: Vec<_> = std::iter::once("created").chain((0..rounds).flat_map(|_| CHANGES)).collect();
    assert_eq!(changes, expected);
    let numbers: Vec<_> = told.iter().map(|event| event["sequence"].as_u64().unwrap()).collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
}

both_backends! {
    async fn changes_of_a_group_are_told_in_their_order_as_they_happen_and_after_an_absence(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let group = world.group_of(SILENT, &[OWNER]).await;
        for round in 0..8 {
            world.changes(&group, round).await;
        }
        are_in_order(&world.told_of(&group, 49).await, 8);
        world.stop_gateway().await;
        for round in 8..14 {
            world.changes(&group, round).await;
        }
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        are_in_order(&world.told_of(&group, 85).await, 14);
    }
}
