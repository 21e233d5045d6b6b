//! States in which a node cannot work, each told by `/readyz` while it lasts and no longer: disks, the bucket, the key's file, a frozen
//! process, a server that is slow or knows us no more.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::harness::chaos::Way;
use crate::harness::disk::Small;
use crate::harness::hook::axum_serve;
use crate::harness::process::fresh_dir;
use crate::harness::{Backend, OWNER, SILENT, World, api, eventually, readiness};

/// Files have room on the smallest disk.
const NO_FLOOR: (&str, &str) = ("WHARF_MEDIA_FREE_SPACE_FLOOR_MB", "0");
const NOTHING: &str = "no small disk can be made here: the test shows nothing";

async fn told(world: &World, state: &str, word: &str) {
    let reason = readiness::until(&world.api(), state, false).await;
    assert!(reason.contains(word), "{reason}");
}

async fn over(world: &World, state: &str) {
    readiness::until(&world.api(), state, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_is_told_while_it_is() {
    let Some(disk) = Small::mount() else { return eprintln!("{NOTHING}") };
    let world = World::start_in_with(Backend::Sqlite, disk.path(), &[NO_FLOOR]).await;
    let session = world.pair(OWNER).await;
    over(&world, "the start").await;
    disk.fill();
    // Files lie on it too; either may be seen first.
    told(&world, "the disk of the database is full", "takes no").await;
    disk.empty();
    over(&world, "the disk of the database is full").await;
    eventually("a text goes out", async || {
        let sent = world.send(&session, SILENT, "room again").await;
        if sent.status == 201 { Ok(()) } else { Err(format!("{sent:?}")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_turned_read_only_is_told_and_what_was_accepted_is_there_after_it_was_mended() {
    let Some(disk) = Small::with_a_journal() else { return eprintln!("{NOTHING}") };
    // The pretend network lies elsewhere: it is somebody else's disk.
    let (dir, folder) = (fresh_dir(), disk.path().join("gateway"));
    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink(&folder, dir.join("gateway")).unwrap();
    let mut world = World::start_in_with(Backend::Sqlite, &dir, &[NO_FLOOR]).await;
    let session = world.pair(OWNER).await;
    over(&world, "the start").await;
    let before = world.send(&session, SILENT, "before").await.ok(201)["messageId"].as_str().unwrap().to_owned();
    world.until_message(&before, "delivered").await;
    disk.break_the_journal();
    told(&world, "the disk of the database turned read-only", "takes no").await;
    assert_eq!(world.send(&session, SILENT, "refused").await.status, 503);
    world.kill_gateway().await;
    disk.mend();
    world.start_gateway(&[NO_FLOOR]).await;
    over(&world, "the disk of the database turned read-only").await;
    world.until_connected(&session).await;
    world.until_message(&before, "delivered").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_files_whose_disk_is_full_or_read_only_is_told_while_it_is() {
    let dir = fresh_dir();
    let media = dir.join("gateway/media");
    std::fs::create_dir_all(&media).unwrap();
    let Some(disk) = Small::mount_at(media) else { return eprintln!("{NOTHING}") };
    let world = World::start_in_with(Backend::Sqlite, &dir, &[("WHARF_MEDIA_FREE_SPACE_FLOOR_MB", "2")]).await;
    over(&world, "the start").await;
    disk.fill();
    told(&world, "the disk of the files is full", "file store").await;
    disk.empty();
    over(&world, "the disk of the files is full").await;
    disk.seal(true);
    told(&world, "the disk of the files is read-only", "file store").await;
    disk.seal(false);
    over(&world, "the disk of the files is read-only").await;
}

/// A server of S3's kind that keeps nothing, and refuses all with the status that it is told; 0 is none.
async fn bucket() -> (String, Arc<AtomicU16>) {
    let refusal = Arc::new(AtomicU16::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let told = Arc::clone(&refusal);
    let answer = move |request: Request| async move { serve(told.load(Ordering::Relaxed), &request) };
    tokio::spawn(axum_serve(listener, Router::new().fallback(answer)));
    (endpoint, refusal)
}

fn serve(refusal: u16, request: &Request) -> Response {
    let lists = request.uri().query().is_some_and(|query| query.contains("list-type"));
    match (StatusCode::from_u16(refusal), request.method()) {
        (Ok(refusal), _) => refusal.into_response(),
        (_, &Method::GET) if lists => "<ListBucketResult></ListBucketResult>".into_response(),
        (_, &Method::GET) => StatusCode::NOT_FOUND.into_response(),
        _ => [("etag", "\"1\"")].into_response(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_refuses_our_keys_or_is_away_is_told_while_it_is() {
    let (endpoint, refusal) = bucket().await;
    let env = [
        ("WHARF_MEDIA_BUCKET", "files"),
        ("WHARF_MEDIA_ENDPOINT", endpoint.as_str()),
        ("WHARF_MEDIA_REGION", "here"),
        ("WHARF_MEDIA_ACCESS_KEY", "me"),
        ("WHARF_MEDIA_SECRET_KEY", "secret"),
    ];
    let world = World::start_with(Backend::Sqlite, &env).await;
    over(&world, "the start").await;
    for (status, state) in [(403, "the bucket refuses our keys"), (404, "the bucket is gone"), (503, "the bucket is away")] {
        refusal.store(status, Ordering::Relaxed);
        told(&world, state, "file store").await;
        refusal.store(0, Ordering::Relaxed);
        over(&world, state).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_key_whose_file_is_away_or_another_one_is_told_while_it_is_and_all_goes_on() {
    let world = World::start_with(Backend::Sqlite, &[("WHARF_LOG", "info")]).await;
    let session = world.pair(OWNER).await;
    over(&world, "the start").await;
    let (key, away) = (world.dir().join("gateway/master.key"), world.dir().join("away.key"));
    std::fs::rename(&key, &away).unwrap();
    told(&world, "the file of the master key is away", "master key").await;
    world.send(&session, SILENT, "with the key in memory").await.ok(201);
    std::fs::write(&key, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n").unwrap();
    eventually("the log names the file", async || {
        let log = world.log();
        if log.contains(key.to_str().unwrap()) { Ok(()) } else { Err(log) }
    })
    .await;
    told(&world, "the file of the master key is another one", "master key").await;
    std::fs::rename(&away, &key).unwrap();
    over(&world, "the file of the master key is another one").await;
}

/// Tells the word that a frozen process has for readiness: none.
async fn until_answered(api: &api::Api, state: &str, answered: bool) {
    let began = Instant::now();
    eventually("the process answers or does not", async || {
        let reply = api::try_read(api.request("GET", "/readyz").timeout(Duration::from_secs(2))).await;
        let ready = reply.is_some_and(|reply| reply.status == 200);
        if ready == answered { Ok(()) } else { Err(format!("{ready}")) }
    })
    .await;
    readiness::row(state, answered, began, if answered { "" } else { "no answer" });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_frozen_is_ready_again_when_it_goes_on() {
    let mut world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    over(&world, "the start").await;
    let id = Pid::from_raw(i32::try_from(world.gateway().id()).unwrap());
    let api = world.api();
    kill(id, Signal::SIGSTOP).unwrap();
    until_answered(&api, "the process is frozen", false).await;
    kill(id, Signal::SIGCONT).unwrap();
    until_answered(&api, "the process is frozen", true).await;
    world.until_connected(&session).await;
    world.send(&session, SILENT, "thawed").await.ok(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_too_slow_is_told_while_it_is() {
    let world = World::start_behind_chaos().await;
    world.pair(OWNER).await;
    over(&world, "the start").await;
    world.chaos().make(Way::Slow(3_000));
    told(&world, "PostgreSQL takes seconds for an answer", "database").await;
    world.chaos().make(Way::Open);
    over(&world, "PostgreSQL takes seconds for an answer").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lets_us_in_no_more_is_told_while_it_does() {
    let mut world = World::start(Backend::Postgres).await;
    let session = world.pair(OWNER).await;
    world.stop_gateway().await;
    let role = world.run_as_a_role_of_its_own().await;
    world.start_gateway(&[]).await;
    over(&world, "the start").await;
    let data = world.dir().join("gateway");
    let away = format!("ALTER ROLE {role} NOLOGIN; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'");
    run(&world, &data, &away).await;
    told(&world, "PostgreSQL refuses our login", "database").await;
    run(&world, &data, &format!("ALTER ROLE {role} LOGIN")).await;
    over(&world, "PostgreSQL refuses our login").await;
    world.until_connected(&session).await;
}

async fn run(world: &World, data: &Path, sql: &str) {
    world.database().execute(data, sql).await;
}
