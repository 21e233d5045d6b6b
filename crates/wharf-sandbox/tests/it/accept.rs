//! `wharf accept` on the pretend network, whose phones play both people: all steps pass, and a fault fails the step that it is about.

use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::harness::process::{fresh_dir, program};
use crate::harness::{Api, Backend, Database, OWNER, Process, both_backends};

/// The pretend network by itself, and a place for a gateway and its report.
struct Ground {
    network: Process,
    dir: std::path::PathBuf,
    database: Database,
}

impl Ground {
    async fn start(backend: Backend) -> Self {
        let dir = fresh_dir();
        let database = Database::create(backend, &dir).await;
        let sim = dir.join("network");
        let network = Process::start(&program("wharf-sim"), &["--json", "--port", "0", "--data-dir", sim.to_str().unwrap()], &[]).await;
        Self { network, dir, database }
    }

    fn control(&self) -> Api {
        Api::new(self.network.ready["controlUrl"].as_str().unwrap(), "")
    }

    fn word(&self, name: &str) -> &str {
        self.network.ready[name].as_str().unwrap()
    }

    async fn accept(&self, more: &[&str], env: &[(&str, &str)]) -> (Output, Value) {
        let (report, data) = (self.dir.join("report"), self.dir.join("data"));
        let mut command = Command::new(program("wharf-sandbox"));
        command.args(["accept", "--network", self.word("url"), "--control", self.word("controlUrl")]);
        command.arg("--report").arg(&report).arg("--data-dir").arg(&data).args(more).envs(env.iter().copied());
        if let Some(url) = self.database.url() {
            command.args(["--database-url", url]);
        }
        let output = command.kill_on_drop(true).output().await.unwrap();
        (output, read(&report))
    }

    async fn doctor(&self) -> (Option<i32>, String) {
        let mut command = Command::new(program("wharf-sandbox"));
        let output = command.args(["doctor", "--connect", "--network", self.word("url")]).output().await.unwrap();
        (output.status.code(), said(&output))
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn read(folder: &Path) -> Value {
    // A run that did not begin has none; then its words tell why.
    std::fs::read(folder.join("accept.json")).map_or(Value::Null, |bytes| serde_json::from_slice(&bytes).unwrap())
}

/// What is not as `wanted`, step by step.
fn verdicts(report: &Value, wanted: &str) -> Vec<String> {
    let steps = report["steps"].as_array().unwrap();
    let others = steps.iter().filter(|step| step["verdict"] != wanted);
    others.map(|step| format!("{} {}: {}", step["name"], step["verdict"], step["reason"])).collect()
}

both_backends! {
    async fn all_fifteen_steps_pass_and_the_report_names_nobody(backend) {
        let ground = Ground::start(backend).await;
        let (output, report) = ground.accept(&[], &[]).await;
        assert!(output.status.success(), "{} {}", said(&output), report);
        assert_eq!(report["verdict"], "passed", "{report}");
        assert_eq!(report["steps"].as_array().unwrap().len(), 15);
        assert_eq!(verdicts(&report, "passed"), Vec::<String>::new());
        let markdown = std::fs::read_to_string(ground.dir.join("report/accept.md")).unwrap();
        for text in [report.to_string(), markdown] {
            assert!(!text.contains("1555000"), "a number: {text}");
            assert!(!text.contains("an answer") && !text.contains("Hello"), "contents: {text}");
        }
        assert!(report["versions"]["claimed"].as_str().unwrap().starts_with("2.3000."), "{report}");
    }

    async fn an_account_that_does_not_get_back_in_fails_the_step_of_the_lost_network_and_the_run_goes_on_from_it(backend) {
        let ground = Ground::start(backend).await;
        let (output, report) = ground.accept(&[], &[]).await;
        assert!(output.status.success(), "{} {}", said(&output), report);
        let first = report["steps"][0]["at"].clone();
        // The gateway gets in when it starts, and then no more.
        let lost = json!({"action": "refuse_login", "phone": OWNER, "code": 503, "after": 1});
        let rule = ground.control().post("/control/faults", &lost).await.ok(200)["id"].clone();
        let (output, report) = ground.accept(&["--from", "11"], &[]).await;
        assert!(!output.status.success());
        let steps = report["steps"].as_array().unwrap();
        assert_eq!((steps.len(), &steps[0]["at"]), (15, &first), "what was found before is kept: {report}");
        assert_eq!((&steps[10]["name"], &steps[10]["verdict"]), (&json!("network_lost"), &json!("failed")), "{report}");
        assert!(steps[11..].iter().all(|step| step["verdict"] == "skipped" && step["reason"] == "the run stopped at step 11"), "{report}");

        ground.control().delete(&format!("/control/faults/{rule}")).await.ok(200);
        let (output, report) = ground.accept(&["--from", "11"], &[]).await;
        assert!(output.status.success(), "{} {}", said(&output), report);
        assert_eq!(report["verdict"], "passed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_takes_no_version_fails_the_first_step_and_doctor_says_what_to_do() {
    let ground = Ground::start(Backend::Sqlite).await;
    ground.control().put("/control/version", &json!({"floor": 1_999_999_999})).await.ok(200);
    let (output, report) = ground.accept(&[], &[]).await;
    assert!(!output.status.success());
    assert_eq!(report["verdict"], "failed");
    let first = &report["steps"][0];
    assert_eq!((&first["name"], &first["verdict"]), (&json!("network"), &json!("failed")), "{report}");
    assert!(first["reason"].as_str().unwrap().contains("405"), "{report}");
    assert_eq!(verdicts(&report, "skipped").len(), 1, "nothing was tried behind it: {report}");

    let (code, words) = ground.doctor().await;
    assert_eq!(code, Some(3), "{words}");
    assert!(words.contains("update Wharf") && words.contains("405"), "{words}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_shows_itself_online_fails_the_step_of_the_notice() {
    let ground = Ground::start(Backend::Sqlite).await;
    let (output, report) = ground.accept(&[], &[("WHARF_ANNOUNCE_ONLINE", "true")]).await;
    assert!(!output.status.success(), "{}", said(&output));
    let step = &report["steps"][6];
    assert_eq!((&step["name"], &step["verdict"]), (&json!("answer"), &json!("failed")), "{report}");
    assert!(step["reason"].as_str().unwrap().contains("notice"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_refused_after_its_scan_fails_the_step_that_connects() {
    let ground = Ground::start(Backend::Sqlite).await;
    ground.control().post("/control/faults", &json!({"action": "refuse_login", "code": 503})).await.ok(200);
    let (output, report) = ground.accept(&["--keep-going"], &[]).await;
    assert!(!output.status.success());
    let failed: Vec<_> = report["steps"].as_array().unwrap().iter().filter(|step| step["verdict"] == "failed").collect();
    assert_eq!(failed.len(), 1, "{report}");
    assert_eq!(failed[0]["name"], "connected", "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn doctor_knows_a_healthy_network_from_a_silent_and_from_a_missing_one() {
    let ground = Ground::start(Backend::Sqlite).await;
    let (code, words) = ground.doctor().await;
    assert_eq!(code, Some(0), "{words}");
    assert!(words.contains("gets a QR code") && words.contains("reference"), "{words}");

    ground.control().post("/control/faults", &json!({"action": "stall"})).await.ok(200);
    let (code, words) = ground.doctor().await;
    assert_eq!(code, Some(4), "{words}");
    assert!(words.contains("silent") && words.contains("reference"), "{words}");
    ground.control().delete("/control/faults").await.ok(200);

    let url = ground.word("url").to_owned();
    ground.network.terminate().await;
    let output = Command::new(program("wharf-sandbox")).args(["doctor", "--network", &url]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
    assert!(said(&output).contains("cannot be reached (connect)"), "{}", said(&output));
}
