//! The ways out: through proxies, and not out of loopback.

use std::fs::OpenOptions;
use std::sync::Arc;

use wharf_api::types::media::MediaKind;
use wharf_api::types::message::MessageStatus;
use wharf_api::types::session::SessionStatus;
use wharf_core::chance::SystemChance;
use wharf_core::clock::SystemClock;
use wharf_core::engine::Engine as _;
use wharf_core::message::outcomes::Outcomes;
use wharf_core::seal::Seal;
use wharf_core::session::{self, update};
use wharf_wa::{Config, WaEngine};

use crate::harness::{OWNER, SILENT, World, until};
use crate::proxy::{Kind, Proxy};

const OTHER: &str = "15550000002";

/// The port at the end of an address.
fn port(url: &str) -> u16 {
    url.parse::<url::Url>().unwrap().port().unwrap()
}

async fn world(proxy: &Proxy, password: &str) -> World {
    let url = proxy.url(password);
    World::start_with(move |config| config.proxy = Some(url.parse().unwrap())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn socket_and_media_of_a_session_go_through_the_proxy() {
    for kind in [Kind::Socks5, Kind::Http] {
        let proxy = Proxy::start(kind, "secret").await;
        let world = world(&proxy, "secret").await;
        let session = world.paired(OWNER).await;
        let sent = world.send(&session, SILENT, "through a proxy").await.unwrap();
        world.message(&sent, &[MessageStatus::Sent, MessageStatus::Delivered]).await;
        let network = port(&world.network.url());
        assert!(proxy.led_to().iter().all(|led| *led == network), "{kind:?}: {:?}", proxy.led_to());

        let folder = std::env::temp_dir().join(format!("wharf-ways-{kind:?}-{}", std::process::id()));
        std::fs::write(&folder, b"a file").unwrap();
        let scratch = folder.with_extension("scratch");
        let file = OpenOptions::new().create(true).truncate(true).read(true).write(true).open(&scratch).unwrap();
        world.engine.upload(&session, &folder, MediaKind::Document, file).await.unwrap();
        let led = proxy.led_to();
        assert!(led.iter().any(|led| *led != network), "{kind:?}: the file did not go through the proxy: {led:?}");
        std::fs::remove_file(folder).unwrap();
        std::fs::remove_file(scratch).unwrap();
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_refuses_the_password_is_asked_again_and_nothing_goes_around_it() {
    for kind in [Kind::Socks5, Kind::Http] {
        let proxy = Proxy::start(kind, "other").await;
        let world = world(&proxy, "secret").await;
        let fresh = session::create(&world.services, &world.caller, "shop", None).await.unwrap();
        until("the proxy to refuse twice", async || (proxy.refused() >= 2).then_some(())).await;
        assert_eq!(world.engine.link(&fresh.row.id).unwrap().borrow().status, SessionStatus::Starting);
        let stats = world.get("stats").await;
        assert_eq!((&stats["handshakes"]["xx"], proxy.led_to().len()), (&serde_json::json!(0), 0), "{kind:?}: {stats}");
        proxy.takes("secret");
        world.status(&fresh.row.id, SessionStatus::Qr).await;
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_pretend_network_neither_server_nor_proxy_is_anywhere_but_on_loopback() {
    let world = World::start().await;
    let engine = |url: &str, proxy: Option<&str>| {
        let mut config = Config::new("node-1", Seal::new(&[7; 32], Arc::new(SystemChance)));
        config.server_url = Some(url.parse().unwrap());
        config.proxy = proxy.map(|proxy| proxy.parse().unwrap());
        WaEngine::new(config, world.store.clone(), Arc::new(SystemClock), Arc::new(SystemChance), Arc::new(Outcomes::default()))
    };
    let near = world.network.url();
    assert!(engine(&near, Some("socks5://127.0.0.1:1080")).is_ok());
    for far in ["socks5://10.0.0.1:1080", "http://proxy.example:3128", "socks5://localhost:1080"] {
        let error = engine(&near, Some(far)).err().unwrap_or_else(|| panic!("{far} was taken")).to_string();
        assert!(error.contains("loopback"), "{error}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_goes_through_its_own_proxy_after_a_restart_too_and_others_do_not() {
    let proxy = Proxy::start(Kind::Socks5, "secret").await;
    let mut world = World::start().await;
    let url = proxy.url("secret");
    let fresh = session::create_hooked(&world.services, &world.caller, "abroad", None, Some(&url), None).await.unwrap();
    let row = &fresh.row;
    let shown = session::view(&world.services, row).proxy.unwrap();
    assert_eq!(shown, format!("socks5://***@{}", proxy.address));
    let sealed = row.proxy.clone().unwrap();
    assert!(!sealed.windows(6).any(|bytes| bytes == b"secret"), "a password lies open in the database");
    world.control(&format!("scan?phone={OWNER}"), fresh.qr.unwrap().text).await;
    world.status(&row.id, SessionStatus::Connected).await;
    let before = proxy.led_to().len();
    assert!(before >= 1);

    world.restart().await;
    world.status(&row.id, SessionStatus::Connected).await;
    let after = proxy.led_to().len();
    assert!(after > before, "it went around its proxy after the restart");
    world.paired(OTHER).await;
    assert_eq!(proxy.led_to().len(), after, "another session went through it");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_is_changed_or_taken_away_counts_at_once_and_nothing_is_scanned_again() {
    let (first, second) = (Proxy::start(Kind::Socks5, "secret").await, Proxy::start(Kind::Http, "secret").await);
    let mut world = World::start().await;
    let session = world.paired(OWNER).await;
    let by = async |world: &World, proxy: Option<&str>| {
        let change = update::Change { proxy: Some(proxy), ..update::Change::default() };
        let row = session::update(&world.services, &world.caller, session.as_str(), change).await.unwrap();
        let link = world.status(&session, SessionStatus::Connected).await;
        assert!(link.jid.is_some_and(|jid| jid.starts_with(OWNER)), "the same link");
        let sent = world.send(&session, SILENT, "by this way").await.unwrap();
        world.message(&sent, &[MessageStatus::Sent, MessageStatus::Delivered]).await;
        row.proxy
    };
    let sealed = by(&world, Some(&first.url("secret"))).await.unwrap();
    assert!(!sealed.windows(6).any(|bytes| bytes == b"secret"), "a password lies open in the database");
    let went = first.led_to().len();
    assert!(went >= 1, "it went around its proxy");

    by(&world, Some(&second.url("secret"))).await;
    assert!(!second.led_to().is_empty());
    assert_eq!(first.led_to().len(), went, "the old one is not used any more");
    world.restart().await;
    world.status(&session, SessionStatus::Connected).await;
    let there = second.led_to().len();
    assert!(there >= 2, "the change is kept");

    assert_eq!(by(&world, None).await, None);
    assert_eq!((first.led_to().len(), second.led_to().len()), (went, there), "it goes by itself");
    let bad = update::Change { proxy: Some(Some("ftp://host")), ..update::Change::default() };
    assert!(matches!(session::update(&world.services, &world.caller, session.as_str(), bad).await, Err(session::Error::Proxy(_))));
    world.end().await;
}
