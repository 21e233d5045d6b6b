//! The wire as WhatsApp writes it, where the real library would take another writing too and other people's clients would not.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use wacore::iq::contacts::{ProfilePictureSpec, ProfilePictureType};
use wacore::iq::privacy::{PrivacyCategory, PrivacyValue};
use whatsapp_rust::{GroupCreateOptions, IqError, Jid, NodeFilter};

use crate::harness::{Device, Folder, OWNER, SILENT, Sim};

#[tokio::test]
async fn each_change_of_a_group_is_told_with_the_version_that_it_makes() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    let group = device.client.groups().create_group(GroupCreateOptions::new("The crew")).await.unwrap().metadata.id;
    let (path, members) = (format!("/control/groups/{group}/settings"), format!("/control/groups/{group}/participants"));
    let mut versions = Vec::new();
    for (path, change) in [
        (&path, json!({"by": OWNER, "announcement": true})),
        (&path, json!({"by": OWNER, "subject": "Harbour"})),
        (&members, json!({"by": OWNER, "action": "add", "numbers": [SILENT]})),
        (&members, json!({"by": OWNER, "action": "promote", "numbers": [SILENT]})),
    ] {
        let filter = NodeFilter::tag("notification").attr("type", "w:gp2").from_jid(&group);
        let told = device.client.wait_for_node(filter);
        sim.post(path, &change).await;
        let told = told.await.unwrap();
        let changed = told.get().children().unwrap().first().unwrap();
        let version = changed.get_attr("v_id").unwrap_or_else(|| panic!("{change}: {changed:?}"));
        versions.push(version.as_str().parse::<u64>().unwrap());
    }
    assert!(versions.is_sorted(), "{versions:?}");
}

#[tokio::test]
async fn who_has_no_picture_is_answered_with_an_error_of_the_request_itself() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    let asked = async || device.client.execute(ProfilePictureSpec::new(&Jid::pn(SILENT), ProfilePictureType::Full)).await;
    let refused = asked().await;
    assert!(matches!(refused, Err(IqError::ServerError { code: 404, .. })), "{refused:?}");
    sim.post(&format!("/control/phones/{SILENT}/profile"), json!({"picture": "/9j/4AAQ"})).await;
    assert!(asked().await.unwrap().is_some());
}

#[tokio::test]
async fn a_file_is_taken_under_its_hash_with_padding_and_without() {
    let sim = Sim::start().await;
    let device = Device::linked(&sim, OWNER).await;
    let place = device.client.refresh_media_conn(true).await.unwrap();
    let host = &place.hosts[0].hostname;
    #[expect(clippy::disallowed_methods, reason = "a client of WhatsApp's media servers, not the gateway's")]
    let http = reqwest::Client::builder().no_proxy().tls_danger_accept_invalid_certs(true).build().unwrap();
    for (content, is_padded) in [("sealed", true), ("and sealed", false)] {
        let padded = BASE64_URL_SAFE.encode(Sha256::digest(content));
        assert!(padded.ends_with('='));
        let name = if is_padded { padded.as_str() } else { padded.trim_end_matches('=') };
        let url = format!("https://{host}/mms/image/{name}?auth={}&token={name}", place.auth);
        let web = "https://web.whatsapp.com";
        let request = http.post(url).header("origin", web).header("referer", web).header("user-agent", "Mozilla/5.0 ").body(content);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{name}");
        let answer: Value = answer.json().await.unwrap();
        let path = answer["direct_path"].as_str().unwrap();
        assert!(path.contains('?'), "a client adds its own words behind an &: {path}");
        let url = format!("https://{host}{path}&hash={name}&mms-type=image");
        let back = http.get(url).header("origin", web).send().await.unwrap();
        assert_eq!((back.status().as_u16(), back.text().await.unwrap().as_str()), (200, content));
    }
}

#[tokio::test]
async fn who_may_see_what_is_kept_as_it_was_set() {
    let folder = Folder::new("privacy");
    let sim = Sim::open(0, Some(folder.path())).await;
    let device = Device::linked(&sim, OWNER).await;
    device.client.set_privacy_setting(PrivacyCategory::Last, PrivacyValue::Contacts).await.unwrap();
    let port = sim.port();
    sim.shutdown().await;
    let sim = Sim::open(port, Some(folder.path())).await;
    let other = Device::linked(&sim, OWNER).await;
    let settings = other.client.fetch_privacy_settings().await.unwrap();
    assert_eq!(settings.get_value(&PrivacyCategory::Last), Some(&PrivacyValue::Contacts));
    assert_eq!(settings.get_value(&PrivacyCategory::Online), Some(&PrivacyValue::All));
}
