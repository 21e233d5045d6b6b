//! What an operator does on the database itself, with nothing but the program.

use crate::harness::process::{fresh_dir, program};

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
    let secret = made.lines().find(|line| line.starts_with("wag_live_")).unwrap().to_owned();
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
