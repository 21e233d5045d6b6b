//! Bad days of an operator: a log that nobody reads, signals that mean something elsewhere, a database that reads and does not write, and
//! partners that were torn apart.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::harness::disk::Small;
use crate::harness::process::{Process, fresh_dir, program};
use crate::harness::readiness;
use crate::harness::{Api, Backend, OWNER, PATIENCE, SILENT, World, both_backends, eventually};

/// More requests than the log's queue has lines.
const FLOOD: usize = 6_000;

/// How long a case with a length goes on; `cargo xtask rig --seconds` says it.
fn long_enough() -> Duration {
    Duration::from_secs(std::env::var("WHARF_RIG_SECONDS").map_or(0, |text| text.parse().expect("a number")))
}

fn signal(id: u32, signal: Signal) {
    kill(Pid::from_raw(i32::try_from(id).unwrap()), signal).unwrap();
}

/// A sandbox whose standard error is a pipe that nobody reads until the test does, with a line in the log for each request.
async fn unread() -> (Child, Api) {
    let dir = fresh_dir();
    let mut child = tokio::task::spawn_blocking(move || {
        Command::new(program("wharf-sandbox"))
            .args(["--json", "--port", "0", "--data-dir", dir.to_str().unwrap()])
            .env("WHARF_LOG", "info,wharf::request=debug")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    })
    .await
    .unwrap();
    let stdout = child.stdout.take().unwrap();
    let ready = tokio::task::spawn_blocking(move || std::io::BufRead::lines(std::io::BufReader::new(stdout)).next().unwrap().unwrap());
    let ready: Value = serde_json::from_str(&ready.await.unwrap()).unwrap();
    (child, Api::new(ready["url"].as_str().unwrap(), ready["apiKey"].as_str().unwrap()))
}

async fn dropped(api: &Api) -> f64 {
    let page = api.get("/metrics").await;
    let text = String::from_utf8_lossy(&page.bytes).into_owned();
    let value = text.lines().find_map(|line| line.strip_prefix("wharf_log_lines_dropped_total ")).unwrap_or_else(|| panic!("{text}"));
    value.parse().unwrap()
}

async fn until_ended(mut child: Child) {
    eventually("the process has ended", async || {
        let ended = child.try_wait().unwrap();
        ended.filter(std::process::ExitStatus::success).map(drop).ok_or(format!("{ended:?}"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_stops_neither_a_request_nor_the_end() {
    let (child, api) = unread().await;
    assert!(dropped(&api).await < 1.0);
    let began = Instant::now();
    let (mut answered, mut slowest) = (0_usize, Duration::ZERO);
    while answered < FLOOD || began.elapsed() < long_enough() {
        let asked = Instant::now();
        api.get("/healthz").await.ok(200);
        slowest = slowest.max(asked.elapsed());
        answered += 1;
    }
    let lost = dropped(&api).await;
    assert!(lost >= 1.0, "a pipe and a queue are full");
    api.get("/v1/account").await.ok(200);
    let unread = began.elapsed().as_secs_f64();
    signal(child.id(), Signal::SIGTERM);
    let ending = Instant::now();
    until_ended(child).await;
    println!(
        "\nrig:seen\tnobody read the log for {unread:.0} s: {answered} of {answered} answered, the slowest in {slowest:.1?}; \
         {lost} lines dropped; ended {:.1} s after SIGTERM",
        ending.elapsed().as_secs_f64()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_the_log_again_is_told_how_many_lines_were_dropped() {
    let (mut child, api) = unread().await;
    for _ in 0..FLOOD {
        api.get("/healthz").await.ok(200);
    }
    assert!(dropped(&api).await >= 1.0);
    let mut stderr = child.stderr.take().unwrap();
    let (send, lines) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut chunk = [0; 8192];
        while let Ok(read @ 1..) = stderr.read(&mut chunk) {
            let _ = send.send(String::from_utf8_lossy(&chunk[..read]).into_owned());
        }
    });
    let mut seen = String::new();
    eventually("the log tells it", async || {
        seen.extend(lines.try_iter());
        if seen.contains("lines of this log were dropped") { Ok(()) } else { Err(format!("{} bytes", seen.len())) }
    })
    .await;
    signal(child.id(), Signal::SIGTERM);
    until_ended(child).await;
}

/// What the service manager is told next.
async fn told(manager: &tokio::net::UnixDatagram) -> String {
    let mut word = [0; 256];
    let length = tokio::time::timeout(PATIENCE, manager.recv(&mut word)).await.expect("it is told in time").unwrap();
    String::from_utf8_lossy(&word[..length]).trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_ends_in_order_on_sigquit_and_goes_on_after_signals_that_mean_nothing_to_it() {
    let dir = fresh_dir();
    let args = ["--json", "--port", "0", "--data-dir", dir.to_str().unwrap()];
    let socket = dir.join("manager");
    let manager = tokio::net::UnixDatagram::bind(&socket).unwrap();
    let env = [("WHARF_LOG", "info"), ("NOTIFY_SOCKET", socket.to_str().unwrap())];
    let mut sandbox = Process::start(&program("wharf-sandbox"), &args, &env).await;
    assert_eq!(told(&manager).await, "READY=1");
    let api = Api::new(sandbox.ready["url"].as_str().unwrap(), "");
    for (sent, name) in [(Signal::SIGHUP, "SIGHUP"), (Signal::SIGUSR1, "SIGUSR1"), (Signal::SIGUSR2, "SIGUSR2")] {
        signal(sandbox.id(), sent);
        eventually("it is told", async || {
            let log = sandbox.log();
            if log.contains(name) { Ok(()) } else { Err(log) }
        })
        .await;
        api.get("/healthz").await.ok(200);
    }
    signal(sandbox.id(), Signal::SIGQUIT);
    assert_eq!(told(&manager).await, "STOPPING=1");
    let status = sandbox.ended().await;
    assert!(status.success(), "{status}");
    eventually("its last line", async || {
        let log = sandbox.log();
        if log.contains("the gateway has stopped") { Ok(()) } else { Err(log) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_the_service_manager_opened_is_listened_on_and_who_came_early_is_answered() {
    let (dir, listener) = (fresh_dir(), std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let address = listener.local_addr().unwrap();
    // A connection that is there before the program is.
    let mut early = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(&mut early, b"GET /healthz HTTP/1.1\r\nHost: early\r\nConnection: close\r\n\r\n").unwrap();
    let mut child = tokio::process::Command::new("sh")
        .args(["-c", "exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$@\"", "sh"])
        .arg(program("wharf-sandbox"))
        .args(["--json", "--port", "0", "--data-dir", dir.to_str().unwrap()])
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(listener)))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let stdout = tokio::io::BufReader::new(child.stdout.take().unwrap());
    let ready = tokio::io::AsyncBufReadExt::lines(stdout).next_line().await.unwrap().unwrap();
    let ready: Value = serde_json::from_str(&ready).unwrap();
    assert_eq!(ready["url"], format!("http://{address}"));
    let mut answer = String::new();
    tokio::task::spawn_blocking(move || early.read_to_string(&mut answer).map(|_| answer))
        .await
        .unwrap()
        .map(|answer| {
            assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        })
        .unwrap();
}

/// Readiness and the metric tell the same.
async fn until_readiness(world: &World, state: &str, ready: bool) -> String {
    let api = world.api();
    let reason = readiness::until(&api, state, ready).await;
    if !reason.contains("file") {
        eventually("the metric agrees", async || {
            let page = api.get("/metrics").await;
            let up = String::from_utf8_lossy(&page.bytes).lines().any(|line| line == "wharf_database_up 1.0");
            if up == ready { Ok(()) } else { Err(format!("{up}")) }
        })
        .await;
    }
    reason
}

async fn goes_on(world: &World, session: &str, state: &str) {
    until_readiness(world, state, true).await;
    world.until_connected(session).await;
    let sent = eventually("a text goes out", async || {
        let sent = world.send(session, SILENT, "again").await;
        if sent.status == 201 { Ok(sent) } else { Err(format!("{sent:?}")) }
    })
    .await;
    world.until_message(sent.data()["messageId"].as_str().unwrap(), "delivered").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_somebody_else_holds_the_lock_of_is_not_ready_and_is_again_by_itself() {
    let world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    until_readiness(&world, "the start", true).await;
    let other = rusqlite::Connection::open(world.dir().join("gateway/wharf.sqlite")).unwrap();
    eventually("the lock is taken", async || other.execute_batch("BEGIN IMMEDIATE").map_err(|error| error.to_string())).await;
    let reason = until_readiness(&world, "SQLite's write lock is held", false).await;
    assert!(reason.contains("takes no writes"), "{reason}");
    other.execute_batch("ROLLBACK").unwrap();
    goes_on(&world, &session, "SQLite's write lock is held").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_file_that_was_put_aside_is_not_ready_and_names_the_file() {
    let world = World::start_with(Backend::Sqlite, &[("WHARF_LOG", "info")]).await;
    let file = world.dir().join("gateway/wharf.sqlite");
    std::fs::rename(&file, world.dir().join("aside")).unwrap();
    until_readiness(&world, "the SQLite file is put aside", false).await;
    std::fs::write(&file, []).unwrap();
    until_readiness(&world, "the SQLite file is put aside", false).await;
    assert!(world.log().contains(file.to_str().unwrap()), "{}", world.log());
    std::fs::rename(world.dir().join("aside"), &file).unwrap();
    until_readiness(&world, "the SQLite file is put aside", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_page_stays_visible() {
    let mut world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    for n in 0..40 {
        world.send(&session, SILENT, &format!("text {n}")).await.ok(201);
    }
    world.stop_gateway().await;
    let file = world.dir().join("gateway/wharf.sqlite");
    let root: i64 = {
        let db = rusqlite::Connection::open(&file).unwrap();
        db.query_row("SELECT rootpage FROM sqlite_master WHERE name = 'chat_reads'", [], |row| row.get(0)).unwrap()
    };
    let mut bytes = std::fs::read(&file).unwrap();
    let page = usize::try_from(root - 1).unwrap() * 4096;
    bytes[page..page + 4096].fill(0xa5);
    std::fs::write(&file, bytes).unwrap();
    world.start_gateway(&[]).await;
    until_readiness(&world, "the start", true).await;
    // Whoever meets the page first is the witness.
    world.api().post(&format!("/v1/chats/{SILENT}/read"), &json!({"sessionId": session})).await;
    world.api().get(&format!("/v1/chats?sessionId={session}")).await;
    let reason = until_readiness(&world, "a page is damaged", false).await;
    assert!(reason.contains("damaged"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_read_only_or_whose_tables_are_locked_is_not_ready_and_is_again_by_itself() {
    let world = World::start(Backend::Postgres).await;
    let session = world.pair(OWNER).await;
    until_readiness(&world, "the start", true).await;
    let mut admin = world.database().connection().await;
    let name: String = sqlx::query_scalar("SELECT current_database()::text").fetch_one(&mut admin).await.unwrap();
    let mut say = async |sql: String| {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut admin).await.unwrap();
    };
    say("BEGIN; LOCK TABLE messages".to_owned()).await;
    let reason = until_readiness(&world, "a PostgreSQL table is locked", false).await;
    assert!(reason.contains("takes no writes"), "{reason}");
    say("ROLLBACK".to_owned()).await;
    goes_on(&world, &session, "a PostgreSQL table is locked").await;

    say(format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).await;
    say("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()".to_owned())
        .await;
    until_readiness(&world, "PostgreSQL is read-only", false).await;
    say("SET default_transaction_read_only = off".to_owned()).await;
    say(format!("ALTER DATABASE {name} RESET default_transaction_read_only")).await;
    say("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()".to_owned())
        .await;
    goes_on(&world, &session, "PostgreSQL is read-only").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_its_folder_of_files_is_not_ready_and_is_again_by_itself() {
    let world = World::start(Backend::Sqlite).await;
    until_readiness(&world, "the start", true).await;
    let (folder, away) = (world.dir().join("gateway/media"), world.dir().join("away"));
    std::fs::rename(&folder, &away).unwrap();
    let reason = until_readiness(&world, "the folder of files is away", false).await;
    assert!(reason.contains("file store"), "{reason}");
    std::fs::rename(&away, &folder).unwrap();
    until_readiness(&world, "the folder of files is away", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_may_open_nothing_more_is_not_ready_and_is_again_by_itself() {
    let mut world = World::start(Backend::Sqlite).await;
    let session = world.pair(OWNER).await;
    until_readiness(&world, "the start", true).await;
    let id = world.gateway().id().to_string();
    let limit = |limit: &str| {
        let changed = Command::new("prlimit").args(["--pid", &id, &format!("--nofile={limit}:")]).status().unwrap();
        assert!(changed.success());
    };
    // What is open stays so, the connection of this client too.
    let api = world.api();
    api.get("/readyz").await.ok(200);
    limit("3");
    let reason = readiness::until(&api, "no descriptor is left", false).await;
    assert!(reason.contains("too many files and sockets"), "{reason}");
    limit("1024");
    goes_on(&world, &session, "no descriptor is left").await;
}

/// What the gateway says when it does not start.
pub async fn refused(world: &World) -> String {
    let data = world.dir().join("gateway");
    let network = world.network_url();
    let mut args = vec!["--json", "--port", "0", "--data-dir", data.to_str().unwrap(), "--network", &network];
    if let Some(url) = world.database().url() {
        args.extend(["--database-url", url]);
    }
    match Process::try_start(&program("wharf-sandbox"), &args, &[]).await {
        Ok(_) => panic!("it starts"),
        Err(words) => words,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_on_a_disk_that_is_full_or_read_only_is_refused_in_words_that_name_it() {
    let Some(disk) = Small::mount() else {
        eprintln!("no small disk can be made here: the test shows nothing");
        return;
    };
    let mut world = World::start_in(Backend::Sqlite, disk.path()).await;
    world.pair(OWNER).await;
    world.stop_gateway().await;
    disk.fill();
    let words = refused(&world).await;
    let folder = world.dir().join("gateway");
    assert!(words.contains(&format!("the disk of {} is full", folder.display())), "{words}");
    disk.empty();
    disk.seal(true);
    let words = refused(&world).await;
    assert!(words.contains(folder.join("wharf.sqlite").to_str().unwrap()), "{words}");
    disk.seal(false);
    world.start_gateway(&[]).await;
    world.api().get("/v1/sessions").await.ok(200);
}

both_backends! {
    async fn a_database_without_the_key_that_sealed_it_is_refused_by_name_and_no_other_key_is_made(backend) {
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        world.stop_gateway().await;
        let (key, away) = (world.dir().join("gateway/master.key"), world.dir().join("away.key"));
        std::fs::rename(&key, &away).unwrap();
        let words = refused(&world).await;
        assert!(words.contains("master.key") && words.contains("put the key back"), "{words}");
        assert!(!key.exists(), "none is made in its place");

        std::fs::write(&key, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n").unwrap();
        let words = refused(&world).await;
        assert!(words.contains("another one than the one that sealed"), "{words}");

        std::fs::rename(&away, &key).unwrap();
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
        world.send(&session, SILENT, "the right key").await.ok(201);
    }

    async fn a_start_that_is_refused_leaves_an_older_releases_database_as_it_is(backend) {
        const OLDER: &str = "CREATE TABLE newest AS SELECT * FROM _sqlx_migrations ORDER BY version DESC LIMIT 1; \
            DELETE FROM _sqlx_migrations WHERE version = (SELECT version FROM newest)";
        let mut world = World::start(backend).await;
        let session = world.pair(OWNER).await;
        world.stop_gateway().await;
        let data = world.dir().join("gateway");
        world.database().execute(&data, OLDER).await;
        for (name, other, word) in [
            ("master.key", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", "another one than the one that sealed"),
            ("database-id", "018f0000-0000-7000-8000-000000000000\n", "empty or another one"),
        ] {
            let own = std::fs::read(data.join(name)).unwrap();
            std::fs::write(data.join(name), other).unwrap();
            let words = refused(&world).await;
            assert!(words.contains(word), "{words}");
            std::fs::write(data.join(name), own).unwrap();
        }
        // There is one row of each migration: this fails where the newest has been applied.
        world.database().execute(&data, "INSERT INTO _sqlx_migrations SELECT * FROM newest").await;
        world.start_gateway(&[]).await;
        world.until_connected(&session).await;
    }

    async fn a_folder_that_was_used_with_another_database_is_refused_until_that_is_meant(backend) {
        let mut world = World::start(backend).await;
        world.pair(OWNER).await;
        world.stop_gateway().await;
        let data = world.dir().join("gateway");
        match backend {
            Backend::Sqlite => {
                for name in ["wharf.sqlite", "wharf.sqlite-wal", "wharf.sqlite-shm"] {
                    let _ = std::fs::remove_file(data.join(name));
                }
            }
            Backend::Postgres => world.database().execute(&data, "DROP SCHEMA public CASCADE; CREATE SCHEMA public").await,
        }
        let words = refused(&world).await;
        assert!(words.contains("database-id") && words.contains("empty or another one"), "{words}");
        let words = refused(&world).await;
        assert!(words.contains("database-id"), "the second start is no wiser: {words}");
        // Meant: the demo keys belong to the old database, too.
        for name in ["database-id", "demo-keys.json"] {
            std::fs::remove_file(data.join(name)).unwrap();
        }
        world.start_gateway(&[]).await;
        world.api().get("/v1/sessions").await.ok(200);
        assert!(data.join("database-id").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_node_with_another_key_is_refused_before_it_takes_a_session() {
    let world = World::start(Backend::Postgres).await;
    let session = world.pair(OWNER).await;
    let data = fresh_dir();
    let network = world.network_url();
    let url = world.database().url().unwrap();
    let args = ["--json", "--port", "0", "--data-dir", data.to_str().unwrap(), "--network", &network, "--database-url", url];
    std::fs::write(data.join("master.key"), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n").unwrap();
    let Err(words) = Process::try_start(&program("wharf-sandbox"), &args, &[]).await else { panic!("it starts") };
    assert!(words.contains("another one than the one that sealed"), "{words}");
    world.until_connected(&session).await;
    world.send(&session, SILENT, "still ours").await.ok(201);
}
