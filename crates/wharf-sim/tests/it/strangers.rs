//! What other people's clients and suites expect of a network that stands in for the real one. The clients themselves are met by
//! `scripts/strangers/run`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use wacore::types::events::Event;
use wacore::types::presence::ChatPresence;
use wharf_sim::Wishes;
use whatsapp_rust::{GroupCreateOptions, GroupParticipantOptions, Jid};

use crate::harness::{Device, Folder, OWNER, SILENT, Sim, until};

const FRIEND: &str = "15550000002";

/// Asks the protocol's own port in HTTP: the status and the body.
async fn asked(mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin, request: &str) -> (u16, String) {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A server that ends its side of TLS without a word has said all the same what it had to say.
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

async fn plain(sim: &Sim) -> TcpStream {
    TcpStream::connect(("127.0.0.1", sim.port())).await.unwrap()
}

/// A person's scan through the port that clients connect to.
async fn scan(sim: &Sim, qr: &str) -> (u16, Value) {
    let head = "POST /admin/mock-phone/scan-qr HTTP/1.1\r\nHost: localhost\r\nConnection: close";
    let request = format!("{head}\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{qr}\r\n0\r\n\r\n", qr.len());
    let (status, body) = asked(plain(sim).await, &request).await;
    (status, serde_json::from_str(&body).unwrap_or_default())
}

#[tokio::test]
async fn the_protocols_port_speaks_tls_beside_plain_under_a_root_that_it_tells() {
    let sim = Sim::start().await;
    let question = "GET /root.pem HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let (status, pem) = asked(plain(&sim).await, question).await;
    assert_eq!(status, 200);
    for name in ["localhost", "web.whatsapp.com"] {
        let mut roots = rustls::RootCertStore::empty();
        let der = pem.lines().filter(|line| !line.starts_with("-----")).collect::<String>();
        let der = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, der).unwrap();
        roots.add(der.into()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let connector = TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
        let secured = connector.connect(name.try_into().unwrap(), plain(&sim).await).await.unwrap();
        let (status, again) = asked(secured, question).await;
        assert_eq!((status, again.as_str()), (200, pem.as_str()), "{name}");
    }
    let upgrade = "GET /ws/chat HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_ne!(asked(plain(&sim).await, upgrade).await.0, 200, "what is no page is a client, and this one asks for no WebSocket");
}

#[tokio::test]
async fn a_scan_at_the_protocols_port_gives_the_account_of_the_name_that_the_device_brings() {
    let sim = Sim::start().await;
    let mut linked = Vec::new();
    for name in ["Ada", "Bob", "Ada"] {
        let device = Device::named(&sim.url, name).await;
        let (status, answer) = scan(&sim, &device.qr().await).await;
        assert_eq!(status, 200, "{answer}");
        device.connected().await;
        linked.push((answer["data"]["phone"].as_str().unwrap().to_owned(), answer["data"]["device"].clone(), device));
    }
    assert_eq!(linked[0].0, linked[2].0, "the same name is the same account");
    assert_ne!(linked[0].0, linked[1].0);
    assert_eq!((&linked[0].1, &linked[2].1), (&json!(1), &json!(2)));
    assert_eq!(sim.get(&format!("/control/phones/{}", linked[1].0)).await["name"], "Bob");
    let mut nameless = Vec::new();
    for _ in 0..2 {
        let device = Device::new(&sim).await;
        nameless.push(scan(&sim, &device.qr().await).await.1["data"]["phone"].clone());
    }
    assert_ne!(nameless[0], nameless[1], "who brings no name is somebody else each time");
    assert_eq!(scan(&sim, "no code").await.0, 400);
}

#[tokio::test]
async fn a_person_is_called_as_the_device_says() {
    let sim = Sim::start().await;
    let (device, friend) = tokio::join!(Device::linked(&sim, OWNER), Device::linked(&sim, FRIEND));
    device.client.profile().set_push_name("Grace").await.unwrap();
    until("the new name", async || (sim.get(&format!("/control/phones/{OWNER}")).await["name"] == "Grace").then_some(())).await;
    let id = device.send(FRIEND, "it is me").await;
    let name = friend
        .event("the message", |event| match event {
            Event::Messages(batch) => batch.iter().find(|inbound| inbound.info.id == id).map(|inbound| inbound.info.push_name.clone()),
            _ => None,
        })
        .await;
    assert_eq!(name, "Grace");
}

/// Passes bytes on both ways, and counts the connections that the server was the first to end.
async fn watched(port: u16) -> (String, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/ws/chat", listener.local_addr().unwrap());
    let (by_server, by_client) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = (Arc::clone(&by_server), Arc::clone(&by_client));
    tokio::spawn(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            let (by_server, by_client) = (Arc::clone(&by_server), Arc::clone(&by_client));
            tokio::spawn(async move {
                let ((mut from_client, mut to_client), (mut from_server, mut to_server)) = (client.into_split(), server.into_split());
                tokio::select! {
                    _ = tokio::io::copy(&mut from_server, &mut to_client) => by_server.fetch_add(1, Ordering::SeqCst),
                    _ = tokio::io::copy(&mut from_client, &mut to_server) => by_client.fetch_add(1, Ordering::SeqCst),
                };
            });
        }
    });
    (url, counts.0, counts.1)
}

#[tokio::test]
async fn the_client_hangs_up_first_when_its_stream_is_to_begin_again() {
    let sim = Sim::start().await;
    let (url, by_server, by_client) = watched(sim.port()).await;
    let device = Device::named(&url, "Ada").await;
    sim.scan(&device.qr().await, OWNER).await;
    device.connected().await;
    assert_eq!((by_server.load(Ordering::SeqCst), by_client.load(Ordering::SeqCst)), (0, 1));
}

#[tokio::test]
async fn a_phone_tells_a_new_device_its_secrets_when_the_one_time_keys_are_there() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    // Thirty are uploaded, and what the phone told was sealed with one of them.
    assert_eq!(sim.devices(OWNER).await[0]["oneTimeKeys"], 29);
    assert!(device.client.is_logged_in());
}

#[tokio::test]
async fn pictures_and_abouts_are_told_to_who_knows_the_person() {
    let sim = Sim::start().await;
    let (device, friend) = tokio::join!(Device::linked(&sim, OWNER), Device::linked(&sim, FRIEND));
    // Whoever writes to somebody has asked for their devices.
    let id = friend.send(OWNER, "hello").await;
    device.inbound(Some(&id)).await;
    let profile = format!("/control/phones/{OWNER}/profile");
    sim.post(&profile, json!({"picture": "/9j/4AAQ", "about": "at sea"})).await;
    for listener in [&device, &friend] {
        let picture = listener
            .event("a new picture", |event| match event {
                Event::PictureUpdate(update) => Some((update.jid.user.to_string(), update.removed, update.picture_id.is_some())),
                _ => None,
            })
            .await;
        assert_eq!(picture, (OWNER.to_owned(), false, true));
        let about = listener
            .event("a new about", |event| match event {
                Event::UserAboutUpdate(update) => Some((update.jid.user.to_string(), update.status.clone())),
                _ => None,
            })
            .await;
        assert_eq!(about, (OWNER.to_owned(), "at sea".to_owned()));
    }
    sim.post(&profile, json!({"picture": ""})).await;
    friend.event("the picture is gone", |event| matches!(event, Event::PictureUpdate(update) if update.removed).then_some(())).await;
    let gone = friend.client.contacts().get_profile_picture(&Jid::pn(OWNER), false).await.unwrap();
    assert!(gone.is_none());
}

#[tokio::test]
async fn who_was_added_to_a_group_is_so_with_a_200() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    let options = GroupCreateOptions::new("The crew").with_participants(vec![GroupParticipantOptions::from_phone(Jid::pn(SILENT))]);
    let group = device.client.groups().create_group(options).await.unwrap().metadata.id;
    let added = device.client.groups().add_participants(&group, &[Jid::pn("15551000001"), Jid::pn(SILENT)]).await.unwrap();
    let statuses: Vec<_> = added.iter().map(|each| (each.status.as_deref(), each.error.as_deref())).collect();
    assert_eq!(statuses[0], (Some("200"), None));
    assert!(statuses[1].1.is_some(), "who is a member already is refused: {statuses:?}");
}

#[tokio::test]
async fn silent_phones_send_no_delivery_receipts_and_their_devices_do() {
    let sim = Sim::wished(0, None, Wishes { silent_phones: true, ..Wishes::default() }).await;
    let (device, friend) = tokio::join!(Device::linked(&sim, OWNER), Device::linked(&sim, FRIEND));
    let to_device = device.send(FRIEND, "to a device").await;
    friend.inbound(Some(&to_device)).await;
    device.receipt(&to_device, "Delivered").await;
    let id = device.send(SILENT, "to a phone").await;
    sim.shown(SILENT, &id).await;
    sim.post(&format!("/control/phones/{SILENT}/read"), "{}").await;
    device.receipt(&id, "Read").await;
    let delivered = |event: &Event| matches!(event, Event::Receipt(receipt) if receipt.message_ids.contains(&id) && format!("{:?}", receipt.r#type) == "Delivered");
    assert_eq!(device.count(delivered), 0);
}

#[tokio::test]
async fn typing_waits_for_a_device_that_is_away_where_it_is_wished() {
    let sim = Sim::wished(0, None, Wishes { chatstate_ttl_secs: 60, ..Wishes::default() }).await;
    let (device, friend) = tokio::join!(Device::linked(&sim, OWNER), Device::linked(&sim, FRIEND));
    let backend = friend.stop().await;
    until("the friend is away", async || (sim.devices(FRIEND).await[0]["connected"] == false).then_some(())).await;
    device.client.chatstate().send_composing(&Jid::pn(FRIEND)).await.unwrap();
    until("the network has it", async || {
        let typing = sim.get(&format!("/control/phones/{FRIEND}/typing")).await;
        (typing[0]["state"] == "typing").then_some(())
    })
    .await;
    let friend = Device::on(&sim.url, backend, None).await;
    friend
        .event("somebody types", |event| match event {
            Event::ChatPresence(update) => (update.state == ChatPresence::Composing && update.source.sender.user == OWNER).then_some(()),
            _ => None,
        })
        .await;
}

#[tokio::test]
async fn a_root_in_a_file_is_the_root_of_every_start() {
    let folder = Folder::new("root-key");
    let path = folder.path().join("root.key");
    let wishes = || Wishes { root_key: Some(path.clone()), ..Wishes::default() };
    let first = Sim::wished(0, None, wishes()).await;
    let second = Sim::wished(0, None, wishes()).await;
    assert_eq!(first.root_key(), second.root_key());
    assert_ne!(first.root_key(), Sim::start().await.root_key());
    let device = Device::linked(&second, OWNER).await;
    assert!(device.client.is_logged_in(), "the chain under it is a good one");
    std::fs::write(&path, "no key").unwrap();
    let config = wharf_sim::Config {
        bind: "127.0.0.1:0".parse().unwrap(),
        control_bind: "127.0.0.1:0".parse().unwrap(),
        data_dir: None,
        wishes: wishes(),
    };
    assert!(matches!(wharf_sim::Network::start(config).await, Err(wharf_sim::Error::Damaged { .. })));
}
