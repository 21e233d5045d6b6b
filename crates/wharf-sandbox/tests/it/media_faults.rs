//! Media servers in trouble: a file goes out whole and once or not at all, and comes in whole or not at all.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::{Backend, OWNER, Reply, SILENT, World, both_backends, eventually};
use crate::media::{MB, file, files, hash};

/// From this size on the library asks how much of a file is there already.
const RESUMED_FROM: usize = 5 * MB;

async fn fault(world: &World, rule: Value) {
    world.control().post("/control/faults", &rule).await.ok(200);
}

/// How often a rule applied; `None` where it is used up.
async fn applied(world: &World) -> Option<u64> {
    world.control().get("/control/faults").await.data()[0]["applied"].as_u64()
}

async fn bytes_in(world: &World) -> u64 {
    world.control().get("/control/stats").await.data()["mediaBytesIn"].as_u64().unwrap()
}

async fn send(world: &World, session: &str, bytes: &[u8]) -> Reply {
    let body = json!({"sessionId": session, "to": SILENT, "mediaType": "document", "data": STANDARD.encode(bytes), "fileName": "a.pdf"});
    world.api().post("/v1/messages/media", &body).await
}

/// Sends the file and sees it with the person, whole and once.
async fn arrives(world: &World, session: &str, bytes: &[u8]) {
    let sent = send(world, session, bytes).await;
    let id = sent.ok(201)["messageId"].as_str().unwrap().to_owned();
    world.until_message(&id, "delivered").await;
    let ledger = world.ledger(SILENT).await;
    let shown: Vec<_> = ledger.iter().filter(|entry| entry["media"]["sha256"] == hash(bytes)).collect();
    assert_eq!(shown.len(), 1, "{ledger:?}");
    assert_eq!((&shown[0]["copies"], &shown[0]["media"]["openedSize"]), (&json!(1), &json!(bytes.len())));
}

/// A person sends a file; gives its id on the wire and its hash.
async fn comes(world: &World, size: usize) -> (String, String) {
    let body = json!({"to": OWNER, "type": "document", "size": size});
    let sent = world.control().post(&format!("/control/phones/{SILENT}/send"), &body).await;
    let sent = sent.ok(200);
    (sent["id"].as_str().unwrap().to_owned(), sent["sha256"].as_str().unwrap().to_owned())
}

async fn until_state(world: &World, session: &str, wa_id: &str, state: &str) -> Value {
    world.row(session, wa_id, |row| row["mediaStatus"] == state).await
}

both_backends! {
    async fn an_upload_that_is_refused_or_cut_goes_out_once_and_whole(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        for code in [401, 500, 507] {
            fault(&world, json!({"action": "refuse_upload", "code": code, "times": 1})).await;
            arrives(&world, &session, &[file("document", 20_000), vec![1; code]].concat()).await;
            assert_eq!(applied(&world).await, None, "{code} was answered");
        }
        // A small file is sent again, a large one goes on where it was cut.
        for (size, most_percent) in [(300_000, 210), (RESUMED_FROM + 3 * MB, 125)] {
            fault(&world, json!({"action": "cut_upload", "times": 1})).await;
            let before = bytes_in(&world).await;
            arrives(&world, &session, &file("document", size)).await;
            assert_eq!(applied(&world).await, None, "it was cut");
            let came = bytes_in(&world).await - before;
            let size = size as u64;
            assert!(came >= size && came * 100 < size * most_percent, "{came} bytes for {size}");
        }
    }

    async fn what_comes_damaged_is_never_kept_and_comes_again(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        let folder = world.dir().join("gateway/media");
        let mut kept = 0;
        for action in ["corrupt_download", "cut_download"] {
            // As long as it is looked at: a try that came through meanwhile would bring the file.
            fault(&world, json!({"action": action})).await;
            let (wa_id, sha256) = comes(&world, 300_000).await;
            eventually("a damaged file has come", async || match applied(&world).await {
                Some(0) => Err("nobody has asked for it".to_owned()),
                _ => Ok(()),
            })
            .await;
            let row = world.row(&session, &wa_id, |_| true).await;
            assert_eq!((&row["mediaStatus"], &row["sha256"]), (&json!("pending"), &Value::Null), "{row}");
            world.api().get(&format!("/v1/media/{}", row["mediaId"].as_str().unwrap())).await.refused(ErrorCode::ResourceNotFound);
            // A try that is under way has a file of its own.
            eventually(&format!("{action}: nothing of it is kept"), async || match files(&folder).len() {
                found if found == kept => Ok(()),
                found => Err(format!("{found} files, of which {kept} are kept")),
            })
            .await;
            world.control().delete("/control/faults").await;
            let stored = until_state(&world, &session, &wa_id, "stored").await;
            assert_eq!(stored["sha256"], sha256);
            kept += 1;
            assert_eq!(files(&folder).len(), kept);
        }
    }

    async fn a_file_that_the_servers_have_lost_is_brought_again_by_the_phone_or_fails_with_its_reason(backend) {
        let world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        for code in [403, 404, 410] {
            fault(&world, json!({"action": "refuse_download", "code": code})).await;
            let (wa_id, sha256) = comes(&world, 300_000).await;
            let row = until_state(&world, &session, &wa_id, "stored").await;
            assert_eq!(row["sha256"], sha256);
            assert!(applied(&world).await >= Some(1), "the servers refused it first");
            let served = world.api().get(&format!("/v1/media/{}", row["mediaId"].as_str().unwrap())).await;
            assert_eq!((served.status, hash(&served.bytes)), (200, sha256));
            world.control().delete("/control/faults").await;
        }
        // In a group too.
        let group = json!({"creator": SILENT, "subject": "files", "members": [OWNER]});
        let group = world.control().post("/control/groups", &group).await.ok(200)["id"].as_str().unwrap().to_owned();
        fault(&world, json!({"action": "refuse_download", "code": 410})).await;
        let wa_id = world.writes_as(SILENT, &group, json!({"type": "image", "size": 20_000})).await;
        until_state(&world, &session, &wa_id, "stored").await;

        fault(&world, json!({"action": "refuse_reupload"})).await;
        let (wa_id, _) = comes(&world, 300_000).await;
        let row = until_state(&world, &session, &wa_id, "failed").await;
        assert_eq!(row["mediaReason"], "WhatsApp has the file no more, and neither has the phone");
        world.api().get(&format!("/v1/media/{}", row["mediaId"].as_str().unwrap())).await.refused(ErrorCode::ResourceNotFound);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_stands_still_is_given_up_and_goes_on() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    fault(&world, json!({"action": "stall_upload", "times": 1})).await;
    // More than what lies in the buffers on the way.
    let bytes = file("document", 30 * MB);
    let before = bytes_in(&world).await;
    arrives(&world, &session, &bytes).await;
    assert!(bytes_in(&world).await - before < bytes.len() as u64 * 3 / 2, "it went on where it stood");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_on_refusing_leaves_no_message_and_no_file() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    fault(&world, json!({"action": "refuse_upload", "code": 500})).await;
    send(&world, &session, &file("document", 20_000)).await.refused(ErrorCode::ServiceUnavailable);
    assert_eq!(applied(&world).await, Some(4), "it was tried again");
    // What the server will never take is not offered again.
    world.control().delete("/control/faults").await;
    fault(&world, json!({"action": "refuse_upload", "code": 413})).await;
    send(&world, &session, &file("document", 20_000)).await.refused(ErrorCode::ServiceUnavailable);
    assert_eq!(applied(&world).await, Some(1));
    assert!(world.ledger(SILENT).await.is_empty());
    assert!(files(&world.dir().join("gateway/media")).is_empty());
    let list = world.api().get(&format!("/v1/messages?sessionId={session}")).await;
    assert_eq!(list.ok(200), &json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_takes_no_place_once_its_file_is_decoded() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    fault(&world, json!({"action": "stall_upload", "times": 3})).await;
    let send = || {
        let body = json!({"sessionId": session, "to": SILENT, "mediaType": "document", "data": STANDARD.encode(file("document", 2 * MB)), "fileName": "a.pdf"});
        let api = world.api();
        async move { api.post("/v1/messages/media", &body).await }
    };
    let slow: Vec<_> = (0..3).map(|_| tokio::spawn(send())).collect();
    eventually("three uploads stand still", async || match applied(&world).await {
        None => Ok(()),
        some => Err(format!("{some:?}")),
    })
    .await;
    send().await.ok(201);
    assert!(slow.iter().all(|send| !send.is_finished()), "the three have not ended before");
    for send in slow {
        send.await.unwrap().ok(201);
    }
}
