//! Accounts that WhatsApp asks for a passkey before it links them: the whole way, each way that it can end, and what it must not touch.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::process::Command;
use wharf_api::ErrorCode;

use crate::harness::{Backend, ECHO, OWNER, Reply, World, both_backends, eventually, process};

const GUARDED: &str = "15550000071";
const OTHER: &str = "15550000072";
/// What a step has at the most, and a moment.
const PAST_THE_END: u64 = 10 * 60 + 2;

/// Gives an account a passkey whose links go like this.
async fn guard(world: &World, phone: &str, conduct: Value) {
    world.control().put(&format!("/control/phones/{phone}/passkey"), &conduct).await.ok(200);
}

/// A new session with its QR code.
async fn fresh(world: &World) -> (String, String) {
    let created = world.api().post("/v1/sessions", &json!({"name": "guarded"})).await;
    let data = created.ok(201);
    (data["sessionId"].as_str().unwrap().to_owned(), data["qr"].as_str().expect("a QR code").to_owned())
}

/// A session whose code the guarded phone has scanned; ends when WhatsApp's question is there.
async fn asked(world: &World, phone: &str) -> String {
    let (session, qr) = fresh(world).await;
    world.scan(&qr, phone).await;
    until_step(world, &session, "assertion").await;
    session
}

async fn until_step(world: &World, session: &str, step: &str) -> Value {
    let api = world.api();
    eventually(&format!("the passkey's step is {step}"), async || {
        let shown = api.get(&format!("/v1/sessions/{session}/passkey")).await;
        (shown.data()["step"] == step).then(|| shown.data().clone()).ok_or(format!("{shown:?}"))
    })
    .await
}

/// What the owner's browser gives for the question that the session shows; `how` may make it sign wrongly.
async fn signed(world: &World, session: &str, phone: &str, how: &str) -> Value {
    let shown = world.api().get(&format!("/v1/sessions/{session}/passkey")).await;
    let path = format!("/control/phones/{phone}/passkey/sign{how}");
    world.control().post(&path, &shown.ok(200)["publicKey"]).await.ok(200).clone()
}

async fn submit(world: &World, session: &str, signed: &Value) -> Reply {
    world.api().post(&format!("/v1/sessions/{session}/passkey"), signed).await
}

async fn confirm(world: &World, session: &str, code: &str) -> Reply {
    world.api().post(&format!("/v1/sessions/{session}/passkey/confirm"), &json!({"code": code})).await
}

/// What the phone shows to be compared.
async fn code_on(world: &World, phone: &str) -> String {
    let control = world.control();
    eventually("the phone shows a code", async || {
        let shown = control.get(&format!("/control/phones/{phone}/passkey")).await;
        shown.data()["code"].as_str().map(str::to_owned).ok_or(format!("{shown:?}"))
    })
    .await
}

/// Signs, compares and waits until the session is connected.
async fn go_through(world: &World, session: &str, phone: &str) {
    let answer = signed(world, session, phone, "").await;
    submit(world, session, &answer).await.ok(200);
    let ours = until_step(world, session, "confirmation").await;
    let theirs = code_on(world, phone).await;
    assert_eq!(ours["code"], theirs.as_str());
    confirm(world, session, &theirs).await.ok(200);
    world.until_connected(session).await;
}

/// The `data` of the session's `session.passkey` events, oldest first.
async fn steps(world: &World, session: &str) -> Vec<Value> {
    let path = format!("/v1/events?sessionId={session}&cursor=oldest&events=session.passkey");
    world.api().get(&path).await.ok(200).as_array().unwrap().iter().map(|event| event["data"].clone()).collect()
}

/// Waits for the words of an attempt that came to nothing, and for the fresh code after it, which links an ordinary phone.
async fn ended_with(world: &World, session: &str, reason: &str, code: u64) {
    let api = world.api();
    let qr = eventually("a fresh code is shown", async || {
        let shown = api.get(&format!("/v1/sessions/{session}/qr")).await;
        shown.data()["qr"].as_str().map(str::to_owned).ok_or(format!("{shown:?}"))
    })
    .await;
    let shown = api.get(&format!("/v1/sessions/{session}")).await;
    let shown = shown.ok(200);
    assert_eq!((shown["status"].as_str(), shown["refusal"]["code"].as_u64()), (Some("qr"), Some(code)), "{shown}");
    assert_eq!(shown["waitingFor"], Value::Null, "{shown}");
    api.get(&format!("/v1/sessions/{session}/passkey")).await.refused(ErrorCode::Conflict);
    // What is shown is written down a moment later.
    let last = eventually("the end is told", async || {
        let told = steps(world, session).await;
        told.last().filter(|last| last["step"] == "failed").cloned().ok_or(format!("{told:?}"))
    })
    .await;
    assert_eq!(last["reason"], reason, "{last}");
    assert_eq!(last["text"], shown["refusal"]["text"], "{last}");
    world.scan(&qr, OWNER).await;
    world.until_connected(session).await;
    let shown = api.get(&format!("/v1/sessions/{session}")).await;
    assert_eq!((&shown.ok(200)["refusal"], &shown.data()["phoneNumber"]), (&Value::Null, &json!(OWNER)));
    world.send(session, ECHO, "after all").await.ok(201);
}

both_backends! {
    async fn an_account_with_a_passkey_is_linked_by_signing_and_comparing(backend) {
        let world = World::start(backend).await;
        guard(&world, GUARDED, json!({})).await;
        let session = asked(&world, GUARDED).await;
        let api = world.api();
        let shown = api.get(&format!("/v1/sessions/{session}")).await;
        assert_eq!(shown.ok(200)["waitingFor"], "passkey");
        let question = api.get(&format!("/v1/sessions/{session}/passkey")).await;
        let question = question.ok(200);
        assert_eq!(question["since"], shown.data()["since"]);
        let options = &question["publicKey"];
        assert_eq!((options["rpId"].as_str(), options["userVerification"].as_str()), (Some("whatsapp.com"), Some("required")));
        let reason = |reply: &Reply| reply.refused(ErrorCode::Conflict)["reason"].as_str().unwrap().to_owned();
        assert!(reason(&api.get(&format!("/v1/sessions/{session}/qr")).await).contains("passkey"));
        let code = api.post(&format!("/v1/sessions/{session}/pairing-code"), &json!({"phoneNumber": GUARDED})).await;
        assert!(reason(&code).contains("passkey"));
        confirm(&world, &session, "ABCD-1234").await.refused(ErrorCode::Conflict);

        go_through(&world, &session, GUARDED).await;
        let shown = api.get(&format!("/v1/sessions/{session}")).await;
        assert_eq!((&shown.ok(200)["phoneNumber"], &shown.data()["waitingFor"]), (&json!(GUARDED), &Value::Null));
        // What is shown is written down a moment later.
        let told = eventually("the steps are told", async || {
            let told: Vec<_> = steps(&world, &session).await.iter().map(|data| data["step"].as_str().unwrap().to_owned()).collect();
            if told.contains(&"confirmation".to_owned()) { Ok(told) } else { Err(format!("{told:?}")) }
        })
        .await;
        assert_eq!(told.first().map(String::as_str), Some("assertion"));
        assert!(!told.contains(&"failed".to_owned()), "{told:?}");
        api.get(&format!("/v1/sessions/{session}/passkey")).await.refused(ErrorCode::Conflict);
        let sent = world.send(&session, ECHO, "signed and linked").await;
        world.until_message(sent.ok(201)["messageId"].as_str().unwrap(), "read").await;
    }

    async fn while_links_by_passkey_are_off_an_attempt_ends_at_once_and_one_that_runs_ends_with_it(backend) {
        let world = World::start(backend).await;
        guard(&world, GUARDED, json!({})).await;
        let (api, operator) = (world.api(), world.operator());
        let turn = async |position: &str| {
            operator.put("/v1/admin/whatsapp/switches", &json!({"features": {"passkey": position}})).await.ok(200);
        };
        let running = asked(&world, GUARDED).await;
        let answer = signed(&world, &running, GUARDED, "").await;
        turn("off").await;
        submit(&world, &running, &answer).await.refused(ErrorCode::UnsupportedOperation);
        confirm(&world, &running, "ABCD-1234").await.refused(ErrorCode::UnsupportedOperation);
        // An account without a passkey is linked all the while.
        ended_with(&world, &running, "switched_off", 423).await;

        let (late, qr) = fresh(&world).await;
        world.scan(&qr, GUARDED).await;
        let told = eventually("the attempt is told to have ended", async || {
            let told = steps(&world, &late).await;
            if told.is_empty() { Err("nothing yet".to_owned()) } else { Ok(told) }
        })
        .await;
        assert_eq!(told.len(), 1, "nobody was asked to sign: {told:?}");
        assert_eq!((&told[0]["step"], &told[0]["reason"]), (&json!("failed"), &json!("switched_off")));
        assert!(told[0]["text"].as_str().unwrap().contains("the operator has switched links by passkey off"), "{told:?}");
        let devices = world.control().get(&format!("/control/phones/{GUARDED}")).await;
        assert_eq!(devices.ok(200)["devices"], json!([]), "nothing is linked");

        turn("auto").await;
        let qr = eventually("a fresh code is shown", async || {
            let shown = api.get(&format!("/v1/sessions/{late}/qr")).await;
            shown.data()["qr"].as_str().filter(|fresh| *fresh != qr).map(str::to_owned).ok_or(format!("{shown:?}"))
        })
        .await;
        world.scan(&qr, GUARDED).await;
        until_step(&world, &late, "assertion").await;
        go_through(&world, &late, GUARDED).await;
    }

    async fn a_typed_code_leads_to_the_same_question(backend) {
        let world = World::start(backend).await;
        guard(&world, GUARDED, json!({"bareQuestion": true})).await;
        let (session, _) = fresh(&world).await;
        let made = world.api().post(&format!("/v1/sessions/{session}/pairing-code"), &json!({"phoneNumber": GUARDED})).await;
        let code = made.ok(201)["pairingCode"].as_str().unwrap().to_owned();
        world.control().post("/control/pair-code", &json!({"phone": GUARDED, "code": code})).await.ok(200);
        until_step(&world, &session, "assertion").await;
        go_through(&world, &session, GUARDED).await;
    }

    async fn a_process_that_is_killed_between_leaves_no_half_link_and_says_what_became_of_it(backend) {
        let mut world = World::start(backend).await;
        guard(&world, GUARDED, json!({})).await;
        let session = asked(&world, GUARDED).await;
        let answer = signed(&world, &session, GUARDED, "").await;
        submit(&world, &session, &answer).await.ok(200);
        until_step(&world, &session, "confirmation").await;
        world.kill_gateway().await;
        world.start_gateway(&[]).await;
        let api = world.api();
        let shown = api.get(&format!("/v1/sessions/{session}")).await;
        assert_eq!((&shown.ok(200)["status"], &shown.data()["refusal"]["code"]), (&json!("stopped"), &json!(102)));
        confirm(&world, &session, "ABCD-1234").await.refused(ErrorCode::Conflict);
        api.post(&format!("/v1/sessions/{session}/restart"), &json!({})).await.ok(200);
        ended_with(&world, &session, "interrupted", 499).await;
        let devices = world.control().get(&format!("/control/phones/{GUARDED}")).await;
        assert_eq!(devices.ok(200)["devices"], json!([]), "a half link");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_have_been_signed_for_this_question_is_refused_by_its_field_and_the_attempt_goes_on() {
    let world = World::start(Backend::Sqlite).await;
    guard(&world, GUARDED, json!({})).await;
    let session = asked(&world, GUARDED).await;
    let good = signed(&world, &session, GUARDED, "").await;
    let with = |place: &str, value: &str| {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap() = json!(value);
        bad
    };
    let unverified = signed(&world, &session, GUARDED, "?unverified=true").await;
    for (bad, field) in [
        (with("/type", "password"), "type"),
        (with("/id", "AAAA"), "id"),
        (with("/rawId", "not base64url!"), "rawId"),
        (with("/response/clientDataJSON", "AAAA"), "response.clientDataJSON"),
        (with("/response/authenticatorData", "AAAA"), "response.authenticatorData"),
        (with("/response/signature", ""), "response.signature"),
        (unverified, "response.authenticatorData"),
    ] {
        let reply = submit(&world, &session, &bad).await;
        assert_eq!(reply.refused(ErrorCode::InvalidRequest)["field"], field, "{bad}");
    }
    let mut bare = good.clone();
    bare.as_object_mut().unwrap().remove("response");
    assert_eq!(submit(&world, &session, &bare).await.refused(ErrorCode::MissingRequiredParameter)["field"], "response");
    assert_eq!(confirm(&world, &session, "no code").await.refused(ErrorCode::InvalidRequest)["field"], "code");
    // The one that the browser gave first still counts.
    submit(&world, &session, &good).await.ok(200);
    let again = submit(&world, &session, &good).await;
    again.refused(ErrorCode::Conflict);
    until_step(&world, &session, "confirmation").await;
    let code = code_on(&world, GUARDED).await;
    confirm(&world, &session, &code.replace('-', "").to_lowercase()).await.ok(200);
    world.until_connected(&session).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_signature_is_refused_by_whatsapp_in_its_words() {
    let world = World::start(Backend::Sqlite).await;
    guard(&world, GUARDED, json!({})).await;
    let session = asked(&world, GUARDED).await;
    let forged = signed(&world, &session, GUARDED, "?forged=true").await;
    let reply = submit(&world, &session, &forged).await;
    let reason = reply.refused(ErrorCode::Conflict)["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("not-authorized"), "{reason}");
    ended_with(&world, &session, "refused", 401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_refuses_ends_the_attempt_with_its_number() {
    let world = World::start(Backend::Sqlite).await;
    guard(&world, GUARDED, json!({"refuses": true})).await;
    let session = asked(&world, GUARDED).await;
    let answer = signed(&world, &session, GUARDED, "").await;
    submit(&world, &session, &answer).await.refused(ErrorCode::Conflict);
    ended_with(&world, &session, "refused", 403).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_code_on_the_phone_ends_the_attempt_and_links_nothing() {
    let world = World::start(Backend::Sqlite).await;
    guard(&world, GUARDED, json!({"wrongCode": true})).await;
    let session = asked(&world, GUARDED).await;
    let answer = signed(&world, &session, GUARDED, "").await;
    submit(&world, &session, &answer).await.ok(200);
    let ours = until_step(&world, &session, "confirmation").await;
    let theirs = code_on(&world, GUARDED).await;
    assert_ne!(ours["code"], theirs.as_str());
    let reply = confirm(&world, &session, &theirs).await;
    assert!(reply.refused(ErrorCode::Conflict)["reason"].as_str().unwrap().contains("another code"));
    ended_with(&world, &session, "code_mismatch", 409).await;
    let devices = world.control().get(&format!("/control/phones/{GUARDED}")).await;
    assert_eq!(devices.ok(200)["devices"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_nobody_takes_ends_with_its_time() {
    let world = World::start(Backend::Sqlite).await;
    guard(&world, GUARDED, json!({})).await;
    let unsigned = asked(&world, GUARDED).await;
    world.advance(PAST_THE_END - 200).await;
    world.api().get(&format!("/v1/sessions/{unsigned}/passkey")).await.ok(200);
    world.advance(200).await;
    ended_with(&world, &unsigned, "expired", 408).await;

    guard(&world, OTHER, json!({"silent": true})).await;
    let silent = asked(&world, OTHER).await;
    let answer = signed(&world, &silent, OTHER, "").await;
    submit(&world, &silent, &answer).await.ok(200);
    until_step(&world, &silent, "phone").await;
    world.advance(PAST_THE_END).await;
    let text = eventually("the phone's silence is told", async || {
        let told = steps(&world, &silent).await;
        let last = told.last().cloned().unwrap_or_default();
        (last["step"] == "failed").then(|| last["text"].as_str().unwrap().to_owned()).ok_or(format!("{told:?}"))
    })
    .await;
    assert!(text.contains("the phone did not answer"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_does_not_link_in_the_end_is_given_up() {
    let world = World::start(Backend::Sqlite).await;
    guard(&world, GUARDED, json!({"neverLinks": true})).await;
    let session = asked(&world, GUARDED).await;
    let answer = signed(&world, &session, GUARDED, "").await;
    submit(&world, &session, &answer).await.ok(200);
    until_step(&world, &session, "confirmation").await;
    confirm(&world, &session, &code_on(&world, GUARDED).await).await.ok(200);
    until_step(&world, &session, "linking").await;
    world.advance(62).await;
    ended_with(&world, &session, "expired", 408).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sessions_are_asked_at_once_and_neither_touches_the_other() {
    let world = World::start(Backend::Sqlite).await;
    guard(&world, GUARDED, json!({})).await;
    guard(&world, OTHER, json!({})).await;
    let (one, two) = (asked(&world, GUARDED).await, asked(&world, OTHER).await);
    // What one owner signed is nothing to the other session.
    let of_one = signed(&world, &one, GUARDED, "").await;
    assert_eq!(submit(&world, &two, &of_one).await.refused(ErrorCode::InvalidRequest)["field"], "response.clientDataJSON");
    go_through(&world, &two, OTHER).await;
    submit(&world, &one, &of_one).await.ok(200);
    until_step(&world, &one, "confirmation").await;
    confirm(&world, &one, &code_on(&world, GUARDED).await).await.ok(200);
    world.until_connected(&one).await;
    for (session, phone) in [(&one, GUARDED), (&two, OTHER)] {
        assert_eq!(world.api().get(&format!("/v1/sessions/{session}")).await.ok(200)["phoneNumber"], phone);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_a_passkey_sees_nothing_of_it() {
    let world = World::start(Backend::Sqlite).await;
    let (session, qr) = fresh(&world).await;
    let path = format!("/v1/sessions/{session}/passkey");
    world.api().get(&path).await.refused(ErrorCode::Conflict);
    world.scan(&qr, OWNER).await;
    world.until_connected(&session).await;
    world.api().get(&path).await.refused(ErrorCode::Conflict);
    assert_eq!(steps(&world, &session).await, Vec::<Value>::new());
    let shown = world.control().get(&format!("/control/phones/{OWNER}/passkey")).await;
    assert_eq!((shown.status, shown.code()), (404, "no_passkey"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_steps_of_the_page_link_an_account_as_they_stand_there() {
    let world = World::start(Backend::Sqlite).await;
    let page = include_str!("../../../../docs/passkey.md");
    let (_, after) = page.split_once("```sh\n").expect("the steps");
    let (steps, _) = after.split_once("```").expect("their end");
    let api = world.api();
    let mut shell = Command::new("bash")
        .args(["-euo", "pipefail", "-c", steps])
        .env("URL", &api.base)
        .env("KEY", &api.key)
        .env("CONTROL", &world.control().base)
        .current_dir(world.dir())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let ended = tokio::time::timeout(crate::harness::PATIENCE, shell.wait()).await;
    assert!(matches!(&ended, Ok(Ok(status)) if status.success()), "{ended:?}");
    let sessions = api.get("/v1/sessions").await;
    let numbers: Vec<_> = sessions.ok(200).as_array().unwrap().iter().map(|session| &session["phoneNumber"]).collect();
    assert_eq!(numbers, [&json!("15550000077")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_at_a_terminal_is_told_what_to_do_at_each_step() {
    let world = World::start(Backend::Sqlite).await;
    guard(&world, GUARDED, json!({})).await;
    let api = world.api();
    let child = Command::new(process::program("wharf"))
        .args(["sessions", "pair", "--url", &api.base, "--api-key", &api.key, "--name", "terminal"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let session = eventually("the session is made", async || {
        let listed = api.get("/v1/sessions").await;
        let made = listed.data().as_array().unwrap().iter().find(|session| session["status"] == "qr").cloned();
        made.and_then(|made| made["sessionId"].as_str().map(str::to_owned)).ok_or(format!("{listed:?}"))
    })
    .await;
    let qr = api.get(&format!("/v1/sessions/{session}/qr")).await.ok(200)["qr"].as_str().unwrap().to_owned();
    world.scan(&qr, GUARDED).await;
    until_step(&world, &session, "assertion").await;
    go_through(&world, &session, GUARDED).await;
    let ended = tokio::time::timeout(crate::harness::PATIENCE, child.wait_with_output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(ended.status.success(), "{said} {}", String::from_utf8_lossy(&ended.stderr));
    assert!(said.contains("Connected as +15550000071"), "{said}");
}
