//! Groups as a customer uses them: made, changed, joined, left, written to, with fifty members and a second session among them.

use serde_json::{Value, json};
use wharf_api::ErrorCode;

use crate::harness::checker::Ground;
use crate::harness::{ABSENT, Api, Backend, ECHO, OWNER, READER, Reply, SILENT, World, both_backends, eventually};
use crate::media::{file, hash};

const SECOND: &str = "15550000002";
const FRIEND: &str = "15551000001";
const OTHER: &str = "15551000002";

/// A connected session with what tests ask of groups.
struct Crew {
    api: Api,
    session: String,
}

impl Crew {
    async fn of(world: &World, owner: &str) -> Self {
        Self { session: world.pair(owner).await, api: world.api() }
    }

    async fn make(&self, subject: &str, participants: &[&str]) -> String {
        let body = json!({"sessionId": self.session, "subject": subject, "participants": participants});
        self.api.post("/v1/groups", &body).await.ok(201)["groupId"].as_str().unwrap().to_owned()
    }

    async fn get(&self, path: &str) -> Reply {
        self.api.get(&format!("/v1/groups{path}?sessionId={}", self.session)).await
    }

    async fn post(&self, path: &str, mut body: Value) -> Reply {
        body["sessionId"] = json!(self.session);
        self.api.post(&format!("/v1/groups{path}"), &body).await
    }

    async fn patch(&self, group: &str, mut body: Value) -> Reply {
        body["sessionId"] = json!(self.session);
        self.api.patch(&format!("/v1/groups/{group}"), &body).await
    }

    async fn say(&self, group: &str, text: &str) -> String {
        let sent = self.api.post("/v1/messages/text", &json!({"sessionId": self.session, "to": group, "text": text})).await;
        sent.ok(201)["messageId"].as_str().unwrap().to_owned()
    }
}

/// The numbers of a group's participants with their roles.
fn roles(group: &Value) -> Vec<(String, String)> {
    let mut roles: Vec<_> = group["participants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|member| (member["phoneNumber"].as_str().unwrap().to_owned(), member["role"].as_str().unwrap().to_owned()))
        .collect();
    roles.sort();
    roles
}

/// How often the phone shows this text in the group.
async fn shown(world: &World, phone: &str, group: &str, text: &str) -> usize {
    let ledger = world.control().get(&format!("/control/phones/{phone}/messages?chat={group}")).await;
    ledger.data().as_array().unwrap().iter().filter(|entry| entry["text"] == text).count()
}

async fn until_shown(world: &World, phone: &str, group: &str, text: &str) {
    eventually(&format!("{phone} shows {text}"), async || match shown(world, phone, group, text).await {
        0 => Err("not yet".to_owned()),
        1 => Ok(()),
        more => panic!("{phone} shows {text} {more} times"),
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_made_changed_and_shown_as_whatsapp_has_it() {
    let world = World::start(Backend::Sqlite).await;
    let crew = Crew::of(&world, OWNER).await;
    let body =
        json!({"sessionId": crew.session, "subject": "The crew", "participants": [FRIEND, "+1 555 100 0002"], "description": "for tests"});
    let made = crew.api.post("/v1/groups", &body).await;
    let made = made.ok(201);
    let id = made["groupId"].as_str().unwrap().to_owned();
    assert!(id.ends_with("@g.us"), "{made}");
    assert_eq!(
        (&made["subject"], &made["description"], &made["owner"]["phoneNumber"]),
        (&json!("The crew"), &json!("for tests"), &json!(OWNER))
    );
    let member = |number: &str, role: &str| (number.to_owned(), role.to_owned());
    assert_eq!(roles(made), [member(OWNER, "superadmin"), member(FRIEND, "member"), member(OTHER, "member")]);
    assert!(made["participants"].as_array().unwrap().iter().all(|member| member["lid"].as_str().unwrap().ends_with("@lid")));

    let edits = json!({"subject": "The better crew", "description": "", "announcement": true, "locked": true, "approvalRequired": true,
        "membersCanAdd": false, "disappearingSeconds": 86400});
    let changed = crew.patch(&id, edits).await;
    let changed = changed.ok(200);
    assert_eq!((&changed["subject"], changed.get("description")), (&json!("The better crew"), None));
    for (setting, value) in [("announcement", true), ("locked", true), ("approvalRequired", true), ("membersCanAdd", false)] {
        assert_eq!(changed[setting], value, "{setting}");
    }
    assert_eq!(changed["disappearingSeconds"], 86400);

    // A bare id is the same group; the list has it.
    let bare = id.trim_end_matches("@g.us");
    assert_eq!(crew.get(&format!("/{bare}")).await.ok(200)["groupId"], id.as_str());
    let second = crew.make("A second", &[]).await;
    let list = crew.get("").await;
    let listed: Vec<_> = list.ok(200).as_array().unwrap().iter().map(|group| group["groupId"].as_str().unwrap()).collect();
    assert_eq!(listed, [second.as_str(), id.as_str()]);

    let jpeg = [0xff, 0xd8, 0xff, 0xe0, 1, 2, 3];
    let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, jpeg);
    let put = crew.api.put(&format!("/v1/groups/{id}/picture"), &json!({"sessionId": crew.session, "data": data})).await;
    assert!(!put.ok(200)["pictureId"].as_str().unwrap().is_empty());
    let gone = crew.api.delete(&format!("/v1/groups/{id}/picture?sessionId={}", crew.session)).await;
    assert_eq!(gone.ok(200), &json!({}));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_are_added_removed_promoted_and_demoted_each_with_a_result_of_its_own() {
    let world = World::start(Backend::Sqlite).await;
    let crew = Crew::of(&world, OWNER).await;
    let id = crew.make("Changing", &[FRIEND]).await;
    let act = async |action: &str, people: &[&str]| {
        let reply = crew.post(&format!("/{id}/participants/{action}"), json!({"participants": people})).await;
        reply
            .ok(200)
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["success"] == true, one["reason"].as_str().unwrap_or_default().to_owned()))
            .collect::<Vec<_>>()
    };
    let (yes, no) = ((true, String::new()), |reason: &str| (false, reason.to_owned()));
    assert_eq!(act("add", &[OTHER, FRIEND, ABSENT]).await, [yes.clone(), no("already_member"), no("not_on_whatsapp")]);
    assert_eq!(act("promote", &[OTHER, ECHO]).await, [yes.clone(), no("not_a_member")]);
    assert_eq!(roles(crew.get(&format!("/{id}")).await.ok(200)).iter().filter(|(_, role)| role == "admin").count(), 1);
    assert_eq!(act("demote", &[OTHER]).await, std::slice::from_ref(&yes));
    assert_eq!(act("remove", &[OTHER, OTHER]).await[0], yes);
    assert_eq!(roles(crew.get(&format!("/{id}")).await.ok(200)).len(), 2);

    let removed = crew.post(&format!("/{id}/participants/banish"), json!({"participants": [FRIEND]})).await;
    removed.refused(ErrorCode::ResourceNotFound);
    let nobody = crew.post(&format!("/{id}/participants/add"), json!({"participants": []})).await;
    assert_eq!(nobody.refused(ErrorCode::InvalidRequest)["field"], "participants");
    let nonsense = crew.post(&format!("/{id}/participants/add"), json!({"participants": [FRIEND, "12ab"]})).await;
    assert_eq!(nonsense.refused(ErrorCode::InvalidPhoneNumber)["field"], "participants[1]");
    let crowd: Vec<String> = (0..257).map(|number| (15_551_000_000_u64 + number).to_string()).collect();
    let crowd = crew.post(&format!("/{id}/participants/add"), json!({"participants": crowd})).await;
    assert_eq!(crowd.refused(ErrorCode::InvalidRequest)["limit"], 256);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_lets_a_second_session_in_until_it_is_revoked_and_admins_decide_where_they_are_asked() {
    let world = World::start(Backend::Sqlite).await;
    let (crew, guest) = (Crew::of(&world, OWNER).await, Crew::of(&world, SECOND).await);
    let id = crew.make("By invitation", &[FRIEND]).await;
    let invite = crew.get(&format!("/{id}/invite")).await;
    let (code, link) = (invite.ok(200)["code"].as_str().unwrap().to_owned(), invite.data()["link"].as_str().unwrap().to_owned());
    assert_eq!(link, format!("https://chat.whatsapp.com/{code}"));
    let joined = guest.post("/join", json!({"code": link})).await;
    assert_eq!(joined.ok(200), &json!({"groupId": id, "pending": false}));
    assert_eq!(
        guest.post("/join", json!({"code": code})).await.refused(ErrorCode::Conflict)["reason"],
        "the session is in this group already"
    );
    assert_eq!(guest.get(&format!("/{id}")).await.ok(200)["groupId"], id.as_str());
    // Who is no admin reads and does not change.
    let refused = guest.post(&format!("/{id}/participants/remove"), json!({"participants": [FRIEND]})).await;
    assert_eq!(refused.refused(ErrorCode::Conflict)["reason"], "only an admin of the group may do this");
    guest.get(&format!("/{id}/invite")).await.refused(ErrorCode::Conflict);

    assert_eq!(guest.post(&format!("/{id}/leave"), json!({})).await.ok(200)["groupId"], id.as_str());
    assert!(guest.get(&format!("/{id}")).await.ok(200)["leftAt"].is_string(), "what was seen last stays, and says so");
    guest.post(&format!("/{id}/leave"), json!({})).await.refused(ErrorCode::ResourceNotFound);
    let fresh = crew.post(&format!("/{id}/invite/revoke"), json!({})).await;
    let fresh = fresh.ok(200)["code"].as_str().unwrap().to_owned();
    assert_ne!(fresh, code);
    guest.post("/join", json!({"code": code})).await.refused(ErrorCode::ResourceNotFound);

    crew.patch(&id, json!({"approvalRequired": true})).await.ok(200);
    assert_eq!(guest.post("/join", json!({"code": fresh})).await.ok(200)["pending"], true);
    let requests = crew.get(&format!("/{id}/requests")).await;
    assert_eq!(requests.ok(200)[0]["phoneNumber"], SECOND, "{requests:?}");
    let decided = crew.post(&format!("/{id}/requests/approve"), json!({"participants": [SECOND, OTHER]})).await;
    assert_eq!((&decided.ok(200)[0]["success"], &decided.data()[1]["reason"]), (&json!(true), &json!("not_a_member")));
    assert_eq!(guest.get(&format!("/{id}")).await.ok(200)["subject"], "By invitation");
    assert_eq!(crew.get(&format!("/{id}/requests")).await.ok(200), &json!([]));
    crew.post(&format!("/{id}/requests/maybe"), json!({"participants": [SECOND]})).await.refused(ErrorCode::ResourceNotFound);
}

both_backends! {
    async fn what_anybody_changes_in_a_group_is_told_as_an_event(backend) {
        let world = World::start(backend).await;
        let crew = Crew::of(&world, OWNER).await;
        let id = crew.make("Told", &[FRIEND]).await;
        crew.patch(&id, json!({"subject": "Told twice", "locked": true})).await.ok(200);
        crew.post(&format!("/{id}/participants/promote"), json!({"participants": [FRIEND]})).await.ok(200);
        // A person changes something at the phone.
        let act = json!({"by": FRIEND, "action": "add", "numbers": [OTHER]});
        assert!(world.control().post(&format!("/control/groups/{id}/participants"), &act).await.status < 300);
        let events = eventually("all changes are told", async || {
            let list = crew.api.get(&format!("/v1/events?cursor=oldest&events=group.updated&sessionId={}", crew.session)).await;
            let events = list.data().as_array().cloned().unwrap_or_default();
            (events.len() == 5).then_some(events).ok_or(format!("{list:?}"))
        })
        .await;
        let mut changes: Vec<_> = events.iter().map(|event| event["data"]["type"].as_str().unwrap()).collect();
        changes.sort_unstable();
        assert_eq!(changes, ["created", "participants_added", "participants_promoted", "settings_changed", "subject_changed"]);
        for event in &events {
            assert_eq!((&event["event"], &event["data"]["groupId"]), (&json!("group.updated"), &json!(id)));
        }
        let of = |change: &str| &events.iter().find(|event| event["data"]["type"] == change).unwrap()["data"];
        assert_eq!((&of("subject_changed")["subject"], &of("settings_changed")["setting"]), (&json!("Told twice"), &json!("locked")));
        let added = of("participants_added");
        assert_eq!((&added["by"]["phoneNumber"], &added["participants"][0]["phoneNumber"]), (&json!(FRIEND), &json!(OTHER)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_with_its_code_before_whatsapp_is_asked() {
    let world = World::start(Backend::Sqlite).await;
    let crew = Crew::of(&world, OWNER).await;
    let make = async |subject: &str, participants: Value| crew.post("", json!({"subject": subject, "participants": participants})).await;
    assert_eq!(make("", json!([])).await.refused(ErrorCode::InvalidRequest)["field"], "subject");
    let details = make(&"x".repeat(101), json!([])).await;
    assert_eq!(
        (&details.refused(ErrorCode::InvalidRequest)["limit"], &details.json["error"]["details"]["actual"]),
        (&json!(100), &json!(101))
    );
    make(&"x".repeat(100), json!([])).await.ok(201);
    assert_eq!(make("a", json!(["12"])).await.refused(ErrorCode::InvalidPhoneNumber)["field"], "participants[0]");
    assert_eq!(make("a", json!([FRIEND, ABSENT])).await.refused(ErrorCode::RecipientNotOnWhatsapp)["field"], "participants[1]");
    assert_eq!(crew.api.get("/v1/groups").await.refused(ErrorCode::MissingRequiredParameter)["field"], "sessionId");
    crew.get("/120363000000000000@g.us").await.refused(ErrorCode::ResourceNotFound);
    crew.get("/nonsense").await.refused(ErrorCode::ResourceNotFound);
    let id = crew.make("Picture", &[]).await;
    for data in ["%%%", "AAAA"] {
        let put = crew.api.put(&format!("/v1/groups/{id}/picture"), &json!({"sessionId": crew.session, "data": data})).await;
        assert_eq!(put.refused(ErrorCode::InvalidRequest)["field"], "data");
    }
    crew.patch(&id, json!({})).await.refused(ErrorCode::InvalidRequest);
    let created = crew.api.post("/v1/sessions", &json!({"name": "unpaired"})).await;
    let unpaired = created.ok(201)["sessionId"].as_str().unwrap().to_owned();
    crew.api.get(&format!("/v1/groups?sessionId={unpaired}")).await.refused(ErrorCode::SessionNotConnected);
    crew.api.get("/v1/groups?sessionId=ses_00000000000000000000000000000000").await.refused(ErrorCode::SessionNotFound);
    // A stranger's group, to which the session was never let in.
    let body = json!({"creator": FRIEND, "subject": "Theirs", "members": [OTHER]});
    let theirs = world.control().post("/control/groups", &body).await.data()["id"].as_str().unwrap().to_owned();
    crew.get(&format!("/{theirs}")).await.refused(ErrorCode::ResourceNotFound);
    let sent = crew.api.post("/v1/messages/text", &json!({"sessionId": crew.session, "to": theirs, "text": "hello?"})).await;
    sent.refused(ErrorCode::UnsupportedOperation);
}

both_backends! {
    async fn a_group_of_fifty_with_a_second_session_in_it_reads_and_is_read_and_who_was_removed_gets_nothing_more(backend) {
        let world = World::start(backend).await;
        let (crew, guest) = (Crew::of(&world, OWNER).await, Crew::of(&world, SECOND).await);
        // With the owner and the second session: fifty.
        let phones: Vec<String> = (1..49).map(|number| (15_551_000_000_u64 + number).to_string()).collect();
        let mut members: Vec<&str> = phones.iter().map(String::as_str).collect();
        members.push(SECOND);
        let id = crew.make("Fifty", &members).await;
        assert_eq!(crew.get(&format!("/{id}")).await.ok(200)["participants"].as_array().unwrap().len(), 50);

        let message = crew.say(&id, "hello fifty").await;
        for phone in &members {
            until_shown(&world, phone, &id, "hello fifty").await;
        }
        let receipts = eventually("all receipts are there", async || {
            let seen = crew.api.get(&format!("/v1/messages/{message}")).await;
            let receipts = seen.data()["receipts"].as_array().cloned().unwrap_or_default();
            let delivered = receipts.iter().filter(|receipt| receipt["deliveredAt"].is_string()).count();
            (delivered == 49).then_some(receipts).ok_or(format!("{delivered} receipts"))
        })
        .await;
        let numbers: std::collections::BTreeSet<_> = receipts.iter().map(|receipt| receipt["participant"]["phoneNumber"].as_str().unwrap()).collect();
        assert_eq!(numbers, members.iter().copied().collect());
        assert!(receipts.iter().all(|receipt| receipt["participant"]["lid"].is_string() && receipt["readAt"].is_null()), "{receipts:?}");
        world.until_message(&message, "delivered").await;

        // Three of them read it.
        for phone in &phones[..3] {
            world.control().post(&format!("/control/phones/{phone}/read"), &json!({"chat": id})).await;
        }
        world.until_message(&message, "read").await;
        eventually("three have read it", async || {
            let seen = crew.api.get(&format!("/v1/messages/{message}")).await;
            let read = seen.data()["receipts"].as_array().unwrap().iter().filter(|receipt| receipt["readAt"].is_string()).count();
            (read == 3).then_some(()).ok_or(format!("{read} have read it"))
        })
        .await;

        // The second session has it, with sender and group, and writes back.
        let heard = eventually("the second session has it", async || {
            let list = guest.api.get(&format!("/v1/messages?sessionId={}&chatId={id}&direction=incoming", guest.session)).await;
            list.data().as_array().and_then(|rows| rows.first().cloned()).ok_or(format!("{list:?}"))
        })
        .await;
        assert_eq!((&heard["text"], &heard["chat"]["chatId"], &heard["from"]["phoneNumber"]), (&json!("hello fifty"), &json!(id), &json!(OWNER)));
        assert!(heard["from"]["lid"].as_str().unwrap().ends_with("@lid"), "{heard}");
        guest.say(&id, "the second session speaks").await;
        for phone in members.iter().filter(|phone| **phone != SECOND).chain(&[OWNER]) {
            until_shown(&world, phone, &id, "the second session speaks").await;
        }

        // A picture arrives at all with the same bytes, the second session's included.
        let picture = file("image", 20_000);
        let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &picture);
        let body = json!({"sessionId": crew.session, "to": id, "mediaType": "image", "data": data, "caption": "all of us"});
        let sent = crew.api.post("/v1/messages/media", &body).await;
        let wa_id = sent.ok(201)["whatsappId"].as_str().unwrap().to_owned();
        for phone in &members {
            let seen = eventually(&format!("{phone} has the picture"), async || {
                let ledger = world.control().get(&format!("/control/phones/{phone}/messages?id={wa_id}")).await;
                ledger.data().as_array().and_then(|rows| rows.first().cloned()).ok_or(format!("{ledger:?}"))
            })
            .await;
            assert_eq!((&seen["chat"], &seen["media"]["sha256"]), (&json!(id), &json!(hash(&picture))), "{phone}: {seen}");
        }
        eventually("the second session has the picture", async || {
            let list = guest.api.get(&format!("/v1/messages?sessionId={}&chatId={id}&direction=incoming", guest.session)).await;
            let rows = list.data().as_array().cloned().unwrap_or_default();
            let found = rows.iter().any(|row| row["whatsappId"] == wa_id.as_str() && row["mediaStatus"] == "stored" && row["sha256"] == hash(&picture));
            found.then_some(()).ok_or(format!("{:?}", list.json))
        })
        .await;

        // A phone speaks too; then somebody is taken out.
        let gone = &phones[7];
        world.control().post(&format!("/control/phones/{gone}/send"), &json!({"to": id, "text": "my last words"})).await;
        until_shown(&world, SECOND, &id, "my last words").await;
        let removed = crew.post(&format!("/{id}/participants/remove"), json!({"participants": [gone]})).await;
        assert_eq!(removed.ok(200)[0]["success"], true);
        crew.say(&id, "without them").await;
        guest.say(&id, "without them either").await;
        for phone in members.iter().filter(|phone| *phone != gone) {
            until_shown(&world, phone, &id, "without them").await;
        }
        for phone in members.iter().filter(|phone| *phone != gone && **phone != SECOND) {
            until_shown(&world, phone, &id, "without them either").await;
        }
        assert_eq!(shown(&world, gone, &id, "without them").await, 0);
        assert_eq!(shown(&world, gone, &id, "without them either").await, 0);
        let wire = world.control().get(&format!("/control/wire/{OWNER}")).await;
        assert_eq!(wire.data()["counterReuses"], json!([]));
        // What went on the wire after the removal names no device of who was removed.
        let last = wire.data()["messages"].as_array().unwrap().last().unwrap().clone();
        assert!(last["ciphertexts"].as_array().unwrap().iter().all(|part| !part["to"].as_str().unwrap().starts_with(gone.as_str())), "{last}");
    }

    async fn killed_in_the_middle_of_a_send_to_a_group_every_member_reads_it_once(backend) {
        let mut world = World::start(backend).await;
        let crew = Crew::of(&world, OWNER).await;
        let phones: Vec<String> = (1..10).map(|number| (15_551_000_100_u64 + number).to_string()).collect();
        let members: Vec<&str> = phones.iter().map(String::as_str).collect();
        let id = crew.make("Robust", &members).await;
        let kill_file = world.dir().join("kill");
        let env = [("WHARF_KILL_FILE", kill_file.to_str().unwrap().to_owned())];
        let env: Vec<(&str, &str)> = env.iter().map(|(name, value)| (*name, value.as_str())).collect();
        world.stop_gateway().await;
        world.start_gateway(&env).await;
        let mut texts = Vec::new();
        for gap in ["S0-accepted", "S1-claimed", "S2-encrypted", "S3-written", "S4-acked", "S5-stored"] {
            for turn in 0..3 {
                world.until_connected(&crew.session).await;
                std::fs::write(&kill_file, gap).unwrap();
                let text = format!("{gap}-{turn}");
                let body = json!({"sessionId": crew.session, "to": id, "text": text, "async": true});
                let post = |api: Api| {
                    let request = api.request("POST", "/v1/messages/text").header("idempotency-key", &text).json(&body);
                    async move { request.send().await.map(|answer| answer.status().as_u16()) }
                };
                // Whether the answer or the death is faster is a matter of luck.
                let _ = post(world.api()).await;
                world.gateway().ended().await;
                world.start_gateway(&env).await;
                world.until_connected(&crew.session).await;
                // The client tries again with its key, so that every text is promised.
                eventually("the text is promised", async || match post(world.api()).await {
                    Ok(201) => Ok(()),
                    other => Err(format!("{other:?}")),
                })
                .await;
                texts.push(text);
            }
        }
        for text in &texts {
            for phone in &members {
                until_shown(&world, phone, &id, text).await;
                assert_eq!(shown(&world, phone, &id, text).await, 1, "{text} at {phone}");
            }
        }
        Ground::of(OWNER, &crew.session).is_sound(&world, None).await;
    }
}

both_backends! {
    async fn an_admin_deletes_for_others_and_who_is_none_does_not(backend) {
        let world = World::start(backend).await;
        let crew = Crew::of(&world, OWNER).await;
        let group = json!({"creator": READER, "subject": "admins", "members": [OWNER, SILENT, FRIEND]});
        let group = world.control().post("/control/groups", &group).await.ok(200)["id"].as_str().unwrap().to_owned();
        let first = world.writes_as(SILENT, &group, json!({"text": "first"})).await;
        let second = world.writes_as(SILENT, &group, json!({"text": "second"})).await;
        let own = crew.say(&group, "mine").await;
        let mine = world.row(&crew.session, &wa_id(&crew, &own).await, |row| row["status"] != "queued").await;
        for text in ["first", "second", "mine"] {
            until_shown(&world, FRIEND, &group, text).await;
            until_shown(&world, READER, &group, text).await;
        }
        let deletes = |by: &'static str, target: &Value, forged: bool| {
            let body = json!({"to": group, "type": "delete", "target": target, "forged": forged});
            let control = world.control();
            async move { control.post(&format!("/control/phones/{by}/send"), &body).await }
        };

        // A member's deletion of another's message is refused, and ignored where a client pretends.
        let refused = deletes(FRIEND, &json!(first), false).await;
        assert_eq!((refused.status, refused.code()), (409, "not-authorized"));
        deletes(FRIEND, &json!(first), true).await.ok(200);
        deletes(FRIEND, &mine["whatsappId"], true).await.ok(200);
        let path = |row: &Value| format!("/v1/messages/{}", row["messageId"].as_str().unwrap());
        let theirs = world.row(&crew.session, &second, |_| true).await;
        let refused = crew.api.delete(&path(&theirs)).await;
        refused.refused(ErrorCode::MessageSendingFailed);
        assert!(refused.json["error"]["details"]["reason"].as_str().unwrap().contains("admins"), "{refused:?}");

        // An admin's counts, whosever message it is.
        deletes(READER, &json!(first), false).await.ok(200);
        deletes(READER, &mine["whatsappId"], false).await.ok(200);
        for deleted in [&first, mine["whatsappId"].as_str().unwrap()] {
            let row = world.row(&crew.session, deleted, |row| row["type"] == "deleted").await;
            assert!(row["text"].is_null() && row["deletedAt"].is_string(), "{row}");
        }
        assert_eq!(world.row(&crew.session, &second, |_| true).await["text"], "second");
        let events = world.events("message.deleted", 2).await;
        assert!(events.iter().all(|event| event["data"]["from"]["phoneNumber"] == READER), "{events:?}");

        // The session deletes for others once it is an admin, and everybody sees it.
        let promote = json!({"by": READER, "action": "promote", "numbers": [OWNER]});
        world.control().post(&format!("/control/groups/{group}/participants"), &promote).await.ok(200);
        assert_eq!(crew.api.delete(&path(&theirs)).await.ok(200)["type"], "deleted");
        for phone in [SILENT, FRIEND, READER] {
            eventually("the phone shows the deletion", async || {
                let ledger = world.control().get(&format!("/control/phones/{phone}/messages?id={second}")).await;
                (ledger.data()[0]["deleted"] == true).then_some(()).ok_or(format!("{ledger:?}"))
            })
            .await;
        }
    }

    async fn reactions_replies_and_votes_reach_everybody_in_a_group(backend) {
        let world = World::start(backend).await;
        let (crew, guest) = (Crew::of(&world, OWNER).await, Crew::of(&world, SECOND).await);
        let group = crew.make("talking", &[SECOND, SILENT, FRIEND]).await;
        let id = crew.say(&group, "what do you say?").await;
        let asked = wa_id(&crew, &id).await;
        for phone in [SILENT, FRIEND, SECOND] {
            until_shown(&world, phone, &group, "what do you say?").await;
        }
        let here = |row: &Value| row["chat"]["chatId"] == group.as_str();

        // Reactions of people and of the other session, seen by both sessions.
        world.writes_as(SILENT, &group, json!({"type": "reaction", "target": asked, "emoji": "👍"})).await;
        let theirs = seen_by(&guest, &asked, |_| true).await;
        let body = json!({"messageId": theirs["messageId"], "emoji": "🎉"});
        guest.api.post("/v1/messages/reaction", &body).await.ok(201);
        for crew in [&crew, &guest] {
            let row = seen_by(crew, &asked, |row| row["reactions"].as_array().is_some_and(|all| all.len() == 2)).await;
            let mut emojis: Vec<_> = row["reactions"].as_array().unwrap().iter().map(|one| one["emoji"].as_str().unwrap()).collect();
            emojis.sort_unstable();
            assert_eq!(emojis, ["🎉", "👍"], "{row}");
        }
        let shown = world.shown_at(FRIEND, &json!({"whatsappId": asked})).await;
        assert_eq!(shown["reactions"], json!({SILENT: "👍", SECOND: "🎉"}));

        // Replies, of a person and to one.
        let reply = world.writes_as(SILENT, &group, json!({"text": "I say this", "replyTo": asked})).await;
        let row = world.row(&crew.session, &reply, here).await;
        assert_eq!((&row["replyTo"]["messageId"], &row["from"]["phoneNumber"]), (&json!(id), &json!(SILENT)));
        let body = json!({"sessionId": crew.session, "to": group, "text": "well said", "replyTo": row["messageId"]});
        let answer = crew.api.post("/v1/messages/text", &body).await.ok(201).clone();
        for phone in [SILENT, FRIEND] {
            let shown = world.shown_at(phone, &answer).await;
            assert_eq!((&shown["quoted"], &shown["quotedText"]), (&json!(reply), &json!("I say this")));
        }
        let row = seen_by(&guest, answer["whatsappId"].as_str().unwrap(), |_| true).await;
        assert_eq!(row["replyTo"]["whatsappId"], reply);

        // Votes on the session's poll, and on a person's.
        let poll = json!({"sessionId": crew.session, "to": group, "question": "when?", "options": ["now", "later"]});
        let ours = crew.api.post("/v1/messages/poll", &poll).await.ok(201)["whatsappId"].as_str().unwrap().to_owned();
        let theirs = world.writes_as(FRIEND, &group, json!({"type": "poll", "question": "where?", "options": ["here", "there"]})).await;
        for poll in [&ours, &theirs] {
            for phone in [SILENT, FRIEND] {
                world.shown_at(phone, &json!({"whatsappId": poll})).await;
            }
            seen_by(&guest, poll, |_| true).await;
            world.row(&crew.session, poll, |_| true).await;
        }
        let votes = [(SILENT, &ours, "now"), (FRIEND, &ours, "later"), (SILENT, &ours, "later"), (SILENT, &theirs, "there")];
        for (phone, poll, option) in votes {
            let vote = world.writes_as(phone, &group, json!({"type": "vote", "target": poll, "options": [option]})).await;
            world.row(&crew.session, &vote, |row| row["type"] == "poll_vote" && row["options"] == json!([option])).await;
        }
        let counts = |row: &Value| row["results"].as_array().map(|results| results.iter().map(|one| one["votes"].clone()).collect::<Vec<_>>());
        for crew in [&crew, &guest] {
            seen_by(crew, &ours, |row| counts(row) == Some(vec![json!(0), json!(2)])).await;
            seen_by(crew, &theirs, |row| counts(row) == Some(vec![json!(0), json!(1)])).await;
        }
    }
}

/// A message's id on the wire.
async fn wa_id(crew: &Crew, id: &str) -> String {
    crew.api.get(&format!("/v1/messages/{id}")).await.ok(200)["whatsappId"].as_str().unwrap().to_owned()
}

/// The message as one session has it.
async fn seen_by(crew: &Crew, wa_id: &str, is: impl Fn(&Value) -> bool) -> Value {
    eventually("the session has the message so", async || {
        let list = crew.api.get(&format!("/v1/messages?sessionId={}&limit=200", crew.session)).await;
        let rows = list.data().as_array().cloned().unwrap_or_default();
        rows.into_iter().find(|row| row["whatsappId"] == wa_id && is(row)).ok_or(format!("{list:?}"))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_groups_picture_is_an_event_and_a_persons_is_none() {
    let world = World::start(Backend::Sqlite).await;
    let crew = Crew::of(&world, OWNER).await;
    let id = crew.make("Picture", &[FRIEND]).await;
    world.control().post(&format!("/control/phones/{FRIEND}/profile"), &json!({"picture": "/9j/4AECAw=="})).await.ok(200);
    let path = format!("/v1/groups/{id}/picture");
    let put = crew.api.put(&path, &json!({"sessionId": crew.session, "data": "/9j/4AECAw=="})).await;
    let picture = put.ok(200)["pictureId"].clone();
    crew.api.delete(&format!("{path}?sessionId={}", crew.session)).await.ok(200);
    let changes = eventually("both changes are told", async || {
        let events = crew.api.get("/v1/events?limit=200&events=group.updated").await;
        let all: Vec<Value> = events.ok(200).as_array().unwrap().iter().map(|event| event["data"].clone()).collect();
        let pictures: Vec<Value> = all.iter().filter(|data| data["type"] == "picture_changed").cloned().collect();
        if pictures.len() == 2 { Ok(pictures) } else { Err(format!("{all:?}")) }
    })
    .await;
    assert!(changes.iter().all(|change| change["groupId"] == id.as_str() && change["by"].is_object()), "{changes:?}");
    assert_eq!(changes.iter().map(|change| &change["pictureId"]).collect::<Vec<_>>(), [&picture, &Value::Null]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_whose_addressing_has_changed_is_written_to_in_the_new_way_and_shows_each_text_once() {
    let world = World::start(Backend::Sqlite).await;
    let crew = Crew::of(&world, OWNER).await;
    let old = json!({"creator": OWNER, "subject": "old", "members": [SILENT], "byNumber": true});
    let group = world.control().post("/control/groups", &old).await.ok(200)["id"].as_str().unwrap().to_owned();
    crew.say(&group, "by number").await;
    let settings = format!("/control/groups/{group}/settings");
    assert_eq!(world.control().post(&settings, &json!({"by": OWNER, "byNumber": false})).await.ok(200)["addressing"], "lid");
    let sent = crew.say(&group, "by lid").await;
    assert_eq!(world.api().get(&format!("/v1/messages/{sent}")).await.ok(200)["timeline"][1]["status"], "sent");
    for text in ["by number", "by lid"] {
        until_shown(&world, SILENT, &group, text).await;
    }
    let ledger = world.ledger(SILENT).await;
    assert!(ledger.iter().all(|entry| entry["copies"] == 1), "{ledger:?}");

    // A server that goes on refusing is believed in the end.
    world.control().post("/control/faults", &json!({"action": "nack", "to": group, "code": 421})).await.ok(200);
    let refused = world.send(&crew.session, &group, "never").await;
    let details = refused.refused(ErrorCode::MessageSendingFailed);
    assert!(details["reason"].as_str().is_some_and(|reason| reason.contains("(421)")), "{details}");
}
