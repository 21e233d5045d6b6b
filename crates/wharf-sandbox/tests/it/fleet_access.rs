//! Who may join a fleet: the NATS server lets in who shows credentials or a certificate, and a node believes no other server.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use wharf_api::ErrorCode;

use crate::harness::process::{fresh_dir, program};
use crate::harness::{Backend, OWNER, Process, World, eventually, nats};

/// A server that asks who comes. It ends with the test.
struct Guarded {
    _process: Child,
    port: String,
}

impl Guarded {
    async fn start(config: &str) -> Self {
        let file = fresh_dir().join("nats.conf");
        std::fs::write(&file, config).unwrap();
        let (process, url) = nats::serve("-1", &["--config", text(&file)]).await;
        let port = url.rsplit(':').next().unwrap_or_default().to_owned();
        Self { _process: process, port }
    }
}

/// An operator with one account, as `nsc` would make them: who is who is told by tokens that each signs for the next.
struct Operator {
    operator: KeyPair,
    account: KeyPair,
}

impl Operator {
    fn new() -> Self {
        Self { operator: KeyPair::new_operator(), account: KeyPair::new_account() }
    }

    /// The configuration of a server that believes this operator.
    fn server(&self) -> String {
        let all = json!({"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1});
        let operator = token(&self.operator, &self.operator, &json!({"type": "operator", "version": 2}));
        let account = token(&self.operator, &self.account, &json!({"type": "account", "version": 2, "limits": all}));
        let id = self.account.public_key();
        format!("operator: \"{operator}\"\nresolver: MEMORY\nresolver_preload: {{ {id}: \"{account}\" }}\n")
    }

    /// The file of a new user who may use these subjects, and the two secrets in it.
    fn credentials(&self, subjects: &[&str]) -> (PathBuf, [String; 2]) {
        let user = KeyPair::new_user();
        let allowed = json!({"allow": subjects});
        let rights = json!({"type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1, "pub": allowed, "sub": allowed});
        let (token, seed) = (token(&self.account, &user, &rights), user.seed().unwrap());
        let jwt = format!("-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n");
        let key = format!("-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n");
        let path = fresh_dir().join("user.creds");
        std::fs::write(&path, format!("{jwt}\n{key}")).unwrap();
        (path, [token, seed])
    }
}

fn token(by: &KeyPair, of: &KeyPair, nats: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({"jti": "1", "iat": 1_700_000_000, "iss": by.public_key(), "sub": of.public_key(), "name": "test", "nats": nats});
    let signed = format!("{}.{}", part(&json!({"typ": "JWT", "alg": "ed25519-nkey"})), part(&claims));
    let signature = by.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// An authority with what it has signed: its own certificate, and one for 127.0.0.1 with its key.
struct Signed {
    root: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

impl Signed {
    fn new() -> Self {
        let dir = fresh_dir();
        let mut ca = CertificateParams::new(Vec::<String>::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.distinguished_name.push(DnType::CommonName, "a root for tests");
        let ca = CertifiedIssuer::self_signed(ca, rcgen::KeyPair::generate().unwrap()).unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
        let file = |name: &str, text: String| {
            let path = dir.join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        Self { root: file("root.pem", ca.pem()), certificate: file("own.pem", leaf.pem()), key: file("own.key", key.serialize_pem()) }
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The variables of a node that shows this file.
fn shown<'t>(url: &'t str, credentials: &'t Path) -> [(&'static str, &'t str); 2] {
    [("WHARF_NATS_URL", url), ("WHARF_NATS_CREDENTIALS_FILE", text(credentials))]
}

/// The same of one that believes this root.
fn believes<'t>(url: &'t str, root: &'t Path) -> [(&'static str, &'t str); 2] {
    [("WHARF_NATS_URL", url), ("WHARF_NATS_CA_FILE", text(root))]
}

/// What the doctor says of NATS.
async fn doctor(env: &[(&str, &str)]) -> String {
    let mut command = Command::new(program("wharf"));
    let output = command.args(["doctor", "--offline"]).env("WHARF_DATA_DIR", fresh_dir()).envs(env.iter().copied()).output().await.unwrap();
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    output.lines().find(|line| line.starts_with("NATS")).unwrap_or_else(|| panic!("{output}")).to_owned()
}

async fn until(node: &Process, status: &str) {
    let api = nats::api(node).with_key("");
    eventually(&format!("a node is {status}"), async || {
        let ready = api.get("/readyz").await;
        (ready.ok(200)["status"] == status).then_some(()).ok_or(format!("{ready:?}"))
    })
    .await;
}

/// A node that reaches the owner of a session through the server, and some that do not.
async fn one_of_them_joins(world: &World, joins: Process, stay_out: Vec<Process>) {
    let session = world.pair(OWNER).await;
    let groups = format!("/v1/groups?sessionId={session}");
    until(&joins, "ready").await;
    assert_eq!(nats::api(&joins).get(&groups).await.ok(200), world.api().get(&groups).await.ok(200));
    for node in stay_out {
        until(&node, "degraded").await;
        nats::api(&node).get(&groups).await.refused(ErrorCode::ServiceUnavailable);
        node.terminate().await;
    }
    joins.terminate().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_with_credentials_are_a_fleet_and_who_has_none_or_others_stays_out() {
    let (ours, strangers) = (Operator::new(), Operator::new());
    let server = Guarded::start(&ours.server()).await;
    let url = format!("nats://127.0.0.1:{}", server.port);
    let (good, secrets) = ours.credentials(&["wharf.1.>", "_INBOX.>"]);
    let (others, _) = strangers.credentials(&["wharf.1.>", "_INBOX.>"]);
    let (narrow, _) = ours.credentials(&["elsewhere.>", "_INBOX.>"]);
    let (good, others, narrow) = (shown(&url, &good), shown(&url, &others), shown(&url, &narrow));

    assert!(doctor(&good).await.contains("ok    version"));
    for env in [&others[..], &good[..1]] {
        let said = doctor(env).await;
        assert!(said.contains("fail") && said.contains("does not let this node in"), "{said}");
    }
    let said = doctor(&narrow).await;
    assert!(said.contains("fail") && said.contains("wharf.1.>"), "{said}");

    let world = World::start_with(Backend::Postgres, &good).await;
    let second = world.another_node_with("second", &good).await;
    let third = world.another_node_with("third", &others).await;
    let fourth = world.another_node_with("fourth", &good[..1]).await;
    for node in [&third, &fourth] {
        eventually("the log says why", async || {
            let log = node.log();
            log.contains("NATS does not let this node in").then_some(()).ok_or(log)
        })
        .await;
    }
    let logs = [world.log(), second.log(), third.log(), fourth.log()].concat();
    for secret in &secrets {
        assert!(!logs.contains(secret), "{logs}");
    }
    one_of_them_joins(&world, second, vec![third, fourth]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_with_certificates_are_a_fleet_and_who_has_none_or_believes_another_root_stays_out() {
    let (ours, strangers) = (Signed::new(), Signed::new());
    let (root, certificate, key) = (text(&ours.root), text(&ours.certificate), text(&ours.key));
    let tls = format!("tls {{ ca_file: \"{root}\", cert_file: \"{certificate}\", key_file: \"{key}\", verify: true, timeout: 5 }}\n");
    let server = Guarded::start(&(tls + "authorization { user: wharf, password: quiet }\n")).await;
    // The roots that are named have it speak TLS, whatever stands before the address.
    let url = format!("nats://wharf:quiet@127.0.0.1:{}", server.port);
    let own = [("WHARF_NATS_CERTIFICATE_FILE", certificate), ("WHARF_NATS_KEY_FILE", key)];
    let good = [believes(&url, &ours.root), own].concat();
    let nameless = believes(&url, &ours.root);
    let misled = [believes(&url, &strangers.root), own].concat();

    let said = doctor(&good).await;
    assert!(said.contains("ok    version"), "{said}");
    for env in [&nameless[..], &misled] {
        let said = doctor(env).await;
        assert!(said.contains("fail") && said.contains("cannot be reached"), "{said}");
    }

    let world = World::start_with(Backend::Postgres, &good).await;
    let second = world.another_node_with("second", &good).await;
    let third = world.another_node_with("third", &nameless).await;
    let fourth = world.another_node_with("fourth", &misled).await;
    one_of_them_joins(&world, second, vec![third, fourth]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_used_is_named_at_the_start_and_not_shown() {
    let (dir, signed, others) = (fresh_dir(), Signed::new(), Signed::new());
    let (missing, wrong) = (dir.join("missing"), dir.join("wrong"));
    std::fs::write(&wrong, "hush\n").unwrap();
    let server = ("WHARF_NATS_URL", "nats://127.0.0.1:1");
    let variable = |name| match name {
        "nats_credentials_file" => "WHARF_NATS_CREDENTIALS_FILE",
        "nats_ca_file" => "WHARF_NATS_CA_FILE",
        "nats_certificate_file" => "WHARF_NATS_CERTIFICATE_FILE",
        _ => "WHARF_NATS_KEY_FILE",
    };
    let certificate = ("WHARF_NATS_CERTIFICATE_FILE", text(&signed.certificate));
    let cases = [
        ("nats_credentials_file", vec![server], &missing),
        ("nats_credentials_file", vec![server], &wrong),
        ("nats_credentials_file", vec![], &missing),
        ("nats_ca_file", vec![server], &missing),
        ("nats_ca_file", vec![server], &wrong),
        ("nats_certificate_file", vec![server], &signed.certificate),
        ("nats_key_file", vec![server, certificate], &wrong),
        ("nats_key_file", vec![server, certificate], &others.key),
    ];
    for (name, mut env, path) in cases {
        env.push((variable(name), text(path)));
        let data = fresh_dir();
        let started = Process::try_start(&program("wharf-sandbox"), &["--json", "--port", "0", "--data-dir", text(&data)], &env).await;
        let Err(said) = started else { panic!("it started with {env:?}") };
        assert!(said.contains(name) && !said.contains("hush"), "{said}");
    }
}
