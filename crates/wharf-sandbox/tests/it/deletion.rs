//! An account is deleted with everything in it: refused at once, gone in a while, through a death in between; and nobody else notices.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, MissedTickBehavior};
use wharf_api::ErrorCode;

use crate::bucket::Bucket;
use crate::harness::api::{read, try_read};
use crate::harness::{Api, Backend, OWNER, SILENT, World, both_backends, eventually};
use crate::storm::setting;

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

/// What is stored that names one of the words or that nobody has, but for what the log keeps of the deletion itself.
async fn traces(world: &World, words: &[&str]) -> Vec<String> {
    let rows = world.database().rows(&world.dir().join("gateway")).await;
    let named = rows.into_iter().filter(|row| words.iter().any(|word| row.contains(word)) || row.contains("of no account"));
    named.filter(|row| !(row.starts_with("audit: ") && row.contains("admin_delete_account"))).collect()
}

/// Gives the session so many messages, a part a transaction: the gateway waits for none of them for long.
async fn fill(world: &World, account: &str, session: &str, count: usize) {
    const PART: usize = 3_000;
    for first in (1..=count).step_by(PART) {
        let last = count.min(first + PART - 1);
        let rows = format!(
            "WITH RECURSIVE n (i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}) \
             INSERT INTO messages (id, account_id, session_id, wa_id, direction, status, chat, chat_key, content, created_at) \
             SELECT 'msg_' || i, '{account}', '{session}', 'w' || i, 'outgoing', 'sent', 'c', 'c', 'the secret', 0 FROM n"
        );
        world.database().execute(&world.dir().join("gateway"), &rows).await;
    }
}

/// Waits until nothing is left but the account's own row. As long as there is less of it at every look it takes what it takes.
async fn until_empty(operator: &Api, path: &str) {
    let mut left = u64::MAX;
    while left > 0 {
        let before = left;
        left = eventually("less is left than before", async || {
            let shown = operator.get(path).await.ok(200).clone();
            assert_eq!(shown["status"], "deleting");
            let counts = ["sessionsLeft", "messagesLeft", "eventsLeft", "mediaLeft"].map(|name| shown["deletion"][name].as_u64());
            let now = counts.into_iter().sum::<Option<u64>>().filter(|now| *now < before);
            now.ok_or(format!("{shown}"))
        })
        .await;
    }
}

/// Somebody else's calls meanwhile, one after the other.
struct Meanwhile {
    calls: JoinHandle<()>,
    took: Arc<Mutex<Vec<Duration>>>,
}

impl Meanwhile {
    fn begin(api: Api) -> Self {
        let took = Arc::<Mutex<Vec<Duration>>>::default();
        let seen = Arc::clone(&took);
        let calls = tokio::spawn(async move {
            let mut turns = tokio::time::interval(Duration::from_millis(50));
            turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                turns.tick().await;
                let began = Instant::now();
                upload(&api).await;
                seen.lock().unwrap().push(began.elapsed());
                let began = Instant::now();
                api.get("/v1/messages?limit=20").await.ok(200);
                seen.lock().unwrap().push(began.elapsed());
            }
        });
        Self { calls, took }
    }

    /// How many there were, and what the slowest took. None was refused.
    async fn end(self) -> (usize, Duration) {
        eventually("somebody else was answered", async || {
            let done = self.calls.is_finished() || !self.took.lock().unwrap().is_empty();
            done.then_some(()).ok_or("not yet".to_owned())
        })
        .await;
        self.calls.abort();
        let ended = self.calls.await;
        assert!(ended.as_ref().is_err_and(JoinError::is_cancelled), "a call of somebody else: {ended:?}");
        let took = self.took.lock().unwrap();
        (took.len(), took.iter().max().copied().unwrap_or_default())
    }
}

/// A session of the account, linked to that phone.
pub async fn linked(world: &World, api: &Api, phone: &str) -> String {
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
        let env = [("WHARF_KILL_FILE", kill_file.to_str().unwrap()), ("WHARF_LOG", "info")];
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
        let count = setting("WHARF_DELETED_MESSAGES", 3_000);
        fill(&world, &account, &session, count).await;
        let secrets = traces(&world, &["the secret"]).await.len();

        let path = format!("/v1/admin/accounts/{account}");
        let own = world.operator().get("/v1/account").await.ok(200)["accountId"].as_str().unwrap().to_owned();
        world.operator().delete(&format!("/v1/admin/accounts/{own}")).await.refused(ErrorCode::Conflict);
        // Deaths in between change nothing but the time: one where a file is gone and its row is not, one between two parts of the rows.
        std::fs::write(&kill_file, "D1-file").unwrap();
        if let Some(begun) = try_read(world.operator().request("DELETE", &path)).await {
            assert_eq!(begun.ok(200)["status"], "deleting");
        }
        world.gateway().ended().await;
        let mut log = world.log();
        assert!(!files(&world).contains(&file) && !traces(&world, &[&file]).await.is_empty());
        std::fs::write(&kill_file, "D2-part").unwrap();
        log += &world.start_gateway_to_its_death(&env).await;
        let left = traces(&world, &["the secret"]).await.len();
        assert!(!kill_file.exists() && 0 < left && left < secrets, "{left} of {secrets}");
        world.start_gateway(&env).await;
        let began = Instant::now();
        let (neighbour, _) = world.tenant("neighbour", &json!({"callsPerMinute": 10_000, "concurrentRequests": 100})).await;
        let meanwhile = Meanwhile::begin(neighbour);

        let again = world.operator().delete(&path).await.ok(200).clone();
        assert!(again["status"] == "deleting" && again["deletion"]["requestedAt"].is_string(), "{again}");
        let (api, anybody) = (Api::new(&world.api().base, &api.key), world.api().with_key(""));
        api.get("/v1/account").await.refused(ErrorCode::InvalidApiKey);
        api.post("/v1/messages/text", &json!({"sessionId": session, "to": SILENT, "text": "x"})).await.refused(ErrorCode::InvalidApiKey);
        anybody.post("/v1/login", &sign_in).await.refused(ErrorCode::InvalidApiKey);
        let key = json!({"name": "late", "permissions": ["account:read"]});
        world.operator().post(&format!("{path}/api-keys"), &key).await.refused(ErrorCode::ResourceNotFound);
        world.operator().patch(&path, &json!({"name": "late"})).await.refused(ErrorCode::ResourceNotFound);
        until_empty(&world.operator(), &path).await;
        let took = began.elapsed();
        let (calls, worst) = meanwhile.end().await;
        println!("deletion: {left} of {secrets} rows gone {took:?} after the start; {calls} calls of others, the slowest in {worst:?}");
        world.advance(GRACE).await;
        eventually("the account is gone", async || {
            let shown = world.operator().get(&path).await;
            (shown.status == 404).then_some(()).ok_or(format!("{shown:?}"))
        })
        .await;

        assert_eq!(traces(&world, &words).await, Vec::<String>::new());
        let files = files(&world);
        assert!(!files.contains(&file) && files.contains(&kept), "{files:?}");
        // The log says that it went, and not what was in it.
        log += &world.log();
        assert!(!log.is_empty());
        let names_it = |line: &&str| ["the secret", "the answer", OWNER, SILENT].iter().any(|word| line.contains(word));
        let named: Vec<_> = log.lines().filter(names_it).collect();
        assert_eq!(named, Vec::<&str>::new());
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

#[tokio::test(flavor = "multi_thread")]
async fn of_a_deleted_account_nothing_is_left_in_the_bucket_and_what_others_have_stays() {
    let bucket = Bucket::start().await;
    let world = World::start_with(Backend::Sqlite, &bucket.settings()).await;
    let (api, account) = world.tenant("doomed", &json!({"callsPerMinute": 10_000, "concurrentRequests": 100})).await;
    linked(&world, &api, OWNER).await;
    let (own, kept) = (upload(&api).await, upload(&world.api()).await);
    world.writes(json!({"type": "document", "size": 300_001})).await;
    let received = eventually("the received file is stored", async || {
        let list = api.get("/v1/messages?direction=incoming").await;
        let rows = list.ok(200).as_array().cloned().unwrap_or_default();
        let stored = rows.iter().find(|row| row["mediaStatus"] == "stored").and_then(|row| row["mediaId"].as_str());
        stored.map(str::to_owned).ok_or(format!("{list:?}"))
    })
    .await;
    let before = bucket.paths().await;
    for file in [&own, &received, &kept] {
        assert_eq!(before.iter().filter(|path| path.ends_with(file.as_str())).count(), 1, "{file}: {before:?}");
    }
    let path = format!("/v1/admin/accounts/{account}");
    assert_eq!(world.operator().delete(&path).await.ok(200)["status"], "deleting");
    until_empty(&world.operator(), &path).await;

    // Whose bucket it is stands in it as well.
    let mut after = bucket.paths().await;
    after.retain(|path| !path.ends_with("wharf-installation"));
    assert!(after.len() == 1 && after[0].ends_with(&kept), "{after:?}");
    assert_eq!(bucket.bytes(&after[0]).await, PNG);
    assert_eq!(world.api().get(&format!("/v1/media/{kept}")).await.status, 200);
}
