//! An account is deleted with everything in it: refused at once, gone in a while, through a death in between; and nobody else notices.

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::api::{read, try_read};
use crate::harness::{Api, Backend, OWNER, SILENT, World, both_backends, eventually};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55";
/// A little more than what a call that is under way may take.
const GRACE: u64 = 11 * 60;

async fn upload(api: &Api) -> String {
    let stored = read(api.request("POST", "/v1/media").body(PNG)).await;
    stored.ok(201)["mediaId"].as_str().unwrap().to_owned()
}

/// The names of the files that are kept.
fn files(world: &World) -> Vec<String> {
    let (mut names, mut folders) = (Vec::new(), vec![world.dir().join("gateway/media")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                names.push(entry.file_name().into_string().unwrap());
            }
        }
    }
    names
}

/// What is stored that names one of the words, but for what the log keeps of the deletion itself.
async fn traces(world: &World, words: &[&str]) -> Vec<String> {
    let rows = world.database().rows(&world.dir().join("gateway")).await;
    let named = rows.into_iter().filter(|row| words.iter().any(|word| row.contains(word)));
    named.filter(|row| !(row.starts_with("audit: ") && row.contains("admin_delete_account"))).collect()
}

async fn linked(world: &World, api: &Api, phone: &str) -> String {
    let created = api.post("/v1/sessions", &json!({"name": "s"})).await;
    let session = created.ok(201)["sessionId"].as_str().unwrap().to_owned();
    world.scan(created.data()["qr"].as_str().unwrap(), phone).await;
    eventually("connected", async || {
        let shown = api.get(&format!("/v1/sessions/{session}")).await;
        (shown.data()["status"] == "connected").then_some(()).ok_or(format!("{shown:?}"))
    })
    .await;
    session
}

both_backends! {
    async fn a_deleted_account_is_refused_at_once_and_then_gone_with_everything_it_had(backend) {
        let mut world = World::start(backend).await;
        let kill_file = world.dir().join("kill");
        world.stop_gateway().await;
        let env = [("WHARF_KILL_FILE", kill_file.to_str().unwrap())];
        world.start_gateway(&env).await;
        let (api, account) = world.tenant("doomed", &json!({"callsPerMinute": 10_000, "concurrentRequests": 100})).await;
        let session = linked(&world, &api, OWNER).await;
        let (file, kept) = (upload(&api).await, upload(&world.api()).await);
        for number in 0..20 {
            api.post("/v1/messages/text", &json!({"sessionId": session, "to": SILENT, "text": format!("the secret {number}")})).await.ok(201);
        }
        world.phone_sends(SILENT, OWNER, "the answer").await;
        eventually("the answer came in", async || {
            let found = api.get("/v1/messages?direction=incoming").await;
            (found.ok(200).as_array().unwrap().len() == 1).then_some(()).ok_or(format!("{found:?}"))
        })
        .await;
        let person = json!({"name": "doomed-ada", "password": "a long and quiet password", "role": "owner"});
        let user = api.post("/v1/users", &person).await.ok(201)["userId"].as_str().unwrap().to_owned();
        let sign_in = json!({"name": "doomed-ada", "password": "a long and quiet password"});
        world.api().with_key("").post("/v1/login", &sign_in).await.ok(201);
        let words = [account.as_str(), &session, &file, &user, "the secret", "the answer", "doomed-ada"];
        assert!(traces(&world, &words).await.len() > 40 && files(&world).contains(&file));

        // As many as take some commits, so that a death comes between two of them.
        let many = format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) \
             INSERT INTO messages (id, account_id, session_id, wa_id, direction, status, chat, chat_key, content, created_at) \
             SELECT 'msg_' || i, '{account}', '{session}', 'w' || i, 'outgoing', 'sent', 'c', 'c', 'the secret', 0 FROM n"
        );
        world.database().execute(&world.dir().join("gateway"), &many).await;

        let path = format!("/v1/admin/accounts/{account}");
        let own = world.operator().get("/v1/account").await.ok(200)["accountId"].as_str().unwrap().to_owned();
        world.operator().delete(&format!("/v1/admin/accounts/{own}")).await.refused(ErrorCode::Conflict);
        // Deaths in between change nothing but the time: one where a file is gone and its row is not, one between two parts of the rows.
        std::fs::write(&kill_file, "D1-file").unwrap();
        if let Some(begun) = try_read(world.operator().request("DELETE", &path)).await {
            assert_eq!(begun.ok(200)["status"], "deleting");
        }
        world.gateway().ended().await;
        assert!(!files(&world).contains(&file) && !traces(&world, &[&file]).await.is_empty());
        std::fs::write(&kill_file, "D2-part").unwrap();
        world.start_gateway_to_its_death(&env).await;
        let left = traces(&world, &["the secret"]).await.len();
        assert!(!kill_file.exists() && 0 < left && left < 3_000, "{left}");
        world.start_gateway(&env).await;

        let again = world.operator().delete(&path).await.ok(200).clone();
        assert!(again["status"] == "deleting" && again["deletion"]["requestedAt"].is_string(), "{again}");
        let (api, anybody) = (Api::new(&world.api().base, &api.key), world.api().with_key(""));
        api.get("/v1/account").await.refused(ErrorCode::InvalidApiKey);
        api.post("/v1/messages/text", &json!({"sessionId": session, "to": SILENT, "text": "x"})).await.refused(ErrorCode::InvalidApiKey);
        anybody.post("/v1/login", &sign_in).await.refused(ErrorCode::InvalidApiKey);
        let key = json!({"name": "late", "permissions": ["account:read"]});
        world.operator().post(&format!("{path}/api-keys"), &key).await.refused(ErrorCode::ResourceNotFound);
        world.operator().patch(&path, &json!({"name": "late"})).await.refused(ErrorCode::ResourceNotFound);
        eventually("nothing is left but the account's own row", async || {
            let shown = world.operator().get(&path).await.ok(200).clone();
            let mut left = ["sessionsLeft", "messagesLeft", "eventsLeft", "mediaLeft"].iter().map(|name| &shown["deletion"][name]);
            let is_empty = left.all(|count| *count == json!(0)) && shown["status"] == "deleting";
            is_empty.then_some(()).ok_or(format!("{shown}"))
        })
        .await;
        world.advance(GRACE).await;
        eventually("the account is gone", async || {
            let shown = world.operator().get(&path).await;
            (shown.status == 404).then_some(()).ok_or(format!("{shown:?}"))
        })
        .await;

        assert_eq!(traces(&world, &words).await, Vec::<String>::new());
        let files = files(&world);
        assert!(!files.contains(&file) && files.contains(&kept), "{files:?}");
        let log = world.operator().get(&format!("/v1/admin/audit?accountId={account}")).await;
        let told: Vec<&Value> = log.ok(200).as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
        assert!(!told.is_empty() && told.iter().all(|action| **action == json!("admin_delete_account")), "{told:?}");
        world.operator().delete(&path).await.refused(ErrorCode::ResourceNotFound);

        // The phone has forgotten the device, and may be linked anew; the others go on.
        let phone = world.control().get(&format!("/control/phones/{OWNER}")).await;
        assert_eq!(phone.ok(200)["devices"], json!([]));
        assert_eq!(world.api().get(&format!("/v1/media/{kept}")).await.status, 200);
        let next = world.pair(OWNER).await;
        world.send(&next, SILENT, "next").await.ok(201);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_deleted_on_one_node_is_refused_on_the_others_and_its_session_there_ends() {
    let world = World::start(Backend::Postgres).await;
    let (api, account) = world.tenant("doomed", &json!({"callsPerMinute": 10_000, "concurrentRequests": 100})).await;
    linked(&world, &api, OWNER).await;
    let other = world.another_node("second").await;
    let there = Api::new(other.ready["url"].as_str().unwrap(), &api.key);
    there.get("/v1/account").await.ok(200);
    let operator = there.with_key(&world.operator().key);
    operator.delete(&format!("/v1/admin/accounts/{account}")).await.ok(200);
    there.get("/v1/account").await.refused(ErrorCode::InvalidApiKey);
    // Without a way between them it is noticed by the next look into the database.
    eventually("the first node refuses the key", async || {
        let shown = api.get("/v1/account").await;
        (shown.code() == ErrorCode::InvalidApiKey.name()).then_some(()).ok_or(format!("{shown:?}"))
    })
    .await;
    eventually("its session is unlinked by the node that has it", async || {
        let phone = world.control().get(&format!("/control/phones/{OWNER}")).await;
        (phone.ok(200)["devices"] == json!([])).then_some(()).ok_or(format!("{phone:?}"))
    })
    .await;
    eventually("nothing is left", async || {
        let shown = operator.get(&format!("/v1/admin/accounts/{account}")).await.ok(200).clone();
        let left = ["sessionsLeft", "messagesLeft", "eventsLeft", "mediaLeft"].map(|name| shown["deletion"][name].as_u64());
        (left == [Some(0); 4]).then_some(()).ok_or(format!("{shown}"))
    })
    .await;
    other.terminate().await;
}
