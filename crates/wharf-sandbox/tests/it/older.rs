//! What an older program wrote: the one of migration 0010, of before WhatsApp's version was kept. `older/migration-0010.tgz` is the data
//! folder of its gateway, with one linked session, a chat and a group, and that of the pretend network that it was linked on. Its keys
//! open nothing else.

use crate::harness::{Backend, OWNER, SILENT, World, eventually, process};

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_an_older_program_goes_on_without_a_scan() {
    let dir = process::fresh_dir();
    let archive = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/older/migration-0010.tgz");
    let unpacked = std::process::Command::new("tar").args(["-xzf", archive, "-C"]).arg(&dir).status().unwrap();
    assert!(unpacked.success());
    let world = World::start_in(Backend::Sqlite, &dir).await;
    let api = world.api();
    let list = api.get("/v1/sessions").await;
    let session = list.ok(200)[0].clone();
    assert_eq!((&session["name"], &session["phoneNumber"]), (&"of an older program".into(), &OWNER.into()));
    let session = session["sessionId"].as_str().unwrap();
    world.until_connected(session).await;
    let claims = world.control().get("/control/version").await.ok(200)["refused"].clone();
    assert_eq!(claims["registrations"], 0, "it asked for no code: {claims}");

    // Both ways go on by the same Signal sessions, in the chat and in the group.
    let groups = api.get(&format!("/v1/groups?sessionId={session}")).await;
    let group = groups.ok(200)[0]["groupId"].as_str().unwrap().to_owned();
    for (to, text) in [(SILENT, "to the chat"), (&group, "to the group")] {
        assert_eq!(world.send(session, to, text).await.ok(201)["status"], "sent");
    }
    eventually("the contact has both", async || {
        let ledger = world.ledger(SILENT).await;
        let texts: Vec<_> = ledger.iter().filter_map(|entry| entry["text"].as_str()).collect();
        (["hello", "and again", "in the group", "to the chat", "to the group"].iter().all(|text| texts.contains(text)))
            .then_some(())
            .ok_or(format!("{texts:?}"))
    })
    .await;
    world.phone_sends(SILENT, OWNER, "from the chat").await;
    world.phone_sends(SILENT, &group, "from the group").await;
    eventually("what was received then and now is there", async || {
        let list = api.get(&format!("/v1/messages?sessionId={session}&direction=incoming")).await;
        let texts: Vec<_> = list.ok(200).as_array().unwrap().iter().filter_map(|row| row["text"].as_str().map(str::to_owned)).collect();
        ["an answer", "from the chat", "from the group"]
            .iter()
            .all(|text| texts.iter().any(|found| found == text))
            .then_some(())
            .ok_or(format!("{texts:?}"))
    })
    .await;
    // A message is there before its acknowledgement goes out.
    eventually("all of it is acknowledged", async || {
        let acks = world.control().get(&format!("/control/phones/{OWNER}/inbound-acks")).await;
        acks.ok(200)["messages"].as_array().unwrap().iter().all(|message| message["acked"] == true).then_some(()).ok_or(format!("{acks:?}"))
    })
    .await;
}
