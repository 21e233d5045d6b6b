//! What the program does for a person at a terminal.

use serde_json::json;

use crate::harness::process::{fresh_dir, program};
use crate::harness::{Backend, OWNER, SILENT, World};
use crate::media::{MB, file, hash};

#[test]
fn keys_are_made_listed_and_revoked_and_an_account_is_put_on_another_plan() {
    let dir = fresh_dir();
    let run = |args: &[&str]| {
        let output = std::process::Command::new(program("wharf")).args(args).env("WHARF_DATA_DIR", &dir).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
    };
    let good = |args: &[&str]| {
        let (ok, output) = run(args);
        assert!(ok, "{args:?}: {output}");
        output
    };
    let made = good(&["keys", "create", "--account", "shop", "--plan", "free", "--name", "till"]);
    let secret = made.lines().find(|line| line.starts_with("wharf_live_")).unwrap().to_owned();
    let listed = good(&["keys", "list", "--account", "shop"]);
    let id = listed.split_whitespace().next().unwrap().to_owned();
    assert!(id.starts_with("key_") && listed.contains("good") && listed.contains("till") && !listed.contains(&secret), "{listed}");
    good(&["keys", "revoke", &id]);
    assert!(good(&["keys", "list", "--account", "shop"]).contains("revoked"));

    let account = good(&["accounts", "list"]).split_whitespace().next().unwrap().to_owned();
    good(&["accounts", "set-plan", "--account", &account, "--plan", "pro"]);
    assert!(good(&["accounts", "list"]).contains("pro"));

    for wrong in [
        &["keys", "revoke", "key_00000000"][..],
        &["keys", "revoke", "nonsense"],
        &["keys", "list", "--account", "nobody"],
        &["accounts", "set-plan", "--account", &account, "--plan", "gold"],
        &["accounts", "set-plan", "--account", "acc_1", "--plan", "pro"],
    ] {
        assert!(!run(wrong).0, "{wrong:?}");
    }
}

/// Runs `wharf send` against the world's gateway; on a terminal, as far as the program can tell.
async fn send(world: &World, session: &str, more: &[&str]) -> (bool, String) {
    let (api, wharf) = (world.api(), program("wharf"));
    let all = ["send", "--url", &api.base, "--api-key", &api.key, "--session", session, "--to", SILENT];
    let line = [&[wharf.to_str().unwrap()], &all[..], more].concat().join(" ");
    let ended = tokio::process::Command::new("script").args(["--quiet", "--return", "--command", &line, "/dev/null"]).output();
    let output = ended.await.unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_and_a_file_are_sent_from_a_terminal_which_shows_how_far_the_file_is() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    let (ok, shown) = send(&world, &session, &["--text", "hello"]).await;
    assert!(ok && shown.contains("msg_") && shown.contains("sent"), "{shown}");

    let path = world.dir().join("plan.pdf");
    let bytes = file("document", 30 * MB);
    std::fs::write(&path, &bytes).unwrap();
    let (ok, shown) = send(&world, &session, &["--file", path.to_str().unwrap(), "--caption", "theplan"]).await;
    assert!(ok && shown.contains("msg_") && shown.contains("sent"), "{shown}");
    assert!(shown.contains("Uploading") && shown.contains("of 30.00 MiB"), "{shown}");
    let ledger = world.ledger(SILENT).await;
    let media = &ledger.last().unwrap()["media"];
    assert_eq!((&media["sha256"], &media["fileName"], &media["caption"]), (&json!(hash(&bytes)), &json!("plan.pdf"), &json!("theplan")));

    let words = world.dir().join("words.txt");
    std::fs::write(&words, "words").unwrap();
    for (wrong, reason) in [
        (&["--text", "hello", "--file", "x"][..], "cannot be used with"),
        (&[], "required"),
        (&["--file", "/nowhere"], "cannot be read"),
        (&["--file", path.to_str().unwrap(), "--kind", "image"], "at most 5242880"),
        (&["--file", words.to_str().unwrap(), "--kind", "image"], "(invalid_media_type)"),
        (&["--text", "hello", "--voice"], "cannot be used with"),
    ] {
        let (ok, shown) = send(&world, &session, wrong).await;
        assert!(!ok && shown.contains(reason), "{wrong:?}: {shown}");
    }
}
