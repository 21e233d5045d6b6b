//! The document and its page as a running gateway serves them.

use wharf_api::{ErrorCode, openapi, ops};

use crate::harness::{Backend, World, api};

#[tokio::test(flavor = "multi_thread")]
async fn the_served_document_is_the_generated_one_and_needs_no_key() {
    let world = World::start(Backend::Sqlite).await;
    let served = world.api().with_key("").get("/openapi.json").await;
    assert_eq!((served.status, served.header("content-type")), (200, "application/json; charset=utf-8"));
    assert_eq!(served.json, openapi::document());
    let written = include_str!("../../../../docs/reference/openapi.json");
    assert_eq!(served.json, serde_json::from_str::<serde_json::Value>(written).unwrap(), "run `cargo xtask gen`");
    assert_eq!(served.json["servers"], serde_json::json!([{"url": "."}]));
    for op in ops::ALL {
        assert_eq!(served.json["paths"][op.path][op.method.as_str().to_ascii_lowercase()]["operationId"], op.id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_served_with_a_policy_that_shuts_everything_else_out() {
    let world = World::start(Backend::Sqlite).await;
    let page = world.api().with_key("").get("/docs").await;
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; ") && policy.contains("connect-src 'self'") && !policy.contains("unsafe"), "{policy}");
    let text = String::from_utf8(page.bytes).unwrap();
    assert!(!text.contains("://"), "no address stands in the page");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_gets_the_reference_of_the_dashboards_files_under_their_policy() {
    let world = World::start(Backend::Sqlite).await;
    let api = world.api().with_key("");
    let page = api::read(api.request("GET", "/docs").header("Accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")).await;
    assert_eq!((page.status, page.header("content-type"), page.header("vary")), (200, "text/html; charset=utf-8", "Accept"));
    assert_eq!((page.header("cache-control"), page.header("x-frame-options")), ("no-store", "DENY"));
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; ") && !policy.contains("unsafe"), "{policy}");
    let text = String::from_utf8(page.bytes).unwrap();
    assert!(text.contains(r#"name="wharf-page" content="docs""#), "{text}");
    let scripts: Vec<_> = text.split('"').filter_map(|word| word.strip_prefix("./")).collect();
    assert!(scripts.len() >= 3, "{text}");
    for path in scripts {
        // Past the harness: a built file is no operation, so that the ledger must not count it.
        #[expect(clippy::disallowed_methods, reason = "a browser, not the gateway's client")]
        let file = reqwest::Client::new().get(format!("{}/{path}", api.base)).send().await.unwrap();
        assert_eq!(file.status().as_u16(), 200, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_goes_out_in_gzip_to_who_takes_it() {
    let world = World::start(Backend::Sqlite).await;
    let api = world.api().with_key("");
    let plain = api.get("/openapi.json").await;
    let zipped = api::read(api.request("GET", "/openapi.json").header("Accept-Encoding", "gzip")).await;
    assert_eq!((zipped.header("content-encoding"), zipped.header("vary")), ("gzip", "Accept-Encoding"));
    assert!(zipped.bytes.len() * 8 < plain.bytes.len(), "{} of {}", zipped.bytes.len(), plain.bytes.len());
    assert_eq!(zipped.bytes[..2], [0x1f, 0x8b]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_links_its_entry_and_the_entry_is_there() {
    let world = World::start(Backend::Sqlite).await;
    let api = world.api();
    let refused = api::read(api.request("GET", "/v1/sessions/ses_none")).await;
    refused.refused(ErrorCode::SessionNotFound);
    let link = refused.header("link");
    let (page, anchor) = link.strip_prefix('<').and_then(|rest| rest.split_once('>')).unwrap().0.split_once('#').unwrap();
    // Relative to what was asked for: `/v1/sessions/ses_none`.
    let page = api.get(&format!("/{}", page.strip_prefix("../../").unwrap())).await;
    assert!(String::from_utf8(page.bytes).unwrap().contains(&format!("id=\"{anchor}\"")), "{link}");
}
