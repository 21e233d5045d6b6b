//! `sw.js` and the front page, as the real network serves them: to browsers alone, with the revision among much else.

use std::time::Duration;

use super::{Fault, Page};
use crate::network::Net;

/// Longer than anybody waits for a page.
const SLOW: Duration = Duration::from_secs(30);

/// What is written to the connection before it is closed.
pub(crate) async fn answer(net: &Net, page: Page, head: &str) -> Vec<u8> {
    let Some((served, fault)) = net.versions.asked(page, is_a_browser(head)) else {
        return response("400 Bad Request", "text/plain", "");
    };
    match fault {
        Some(Fault::Forbidden) => response("403 Forbidden", "text/plain", ""),
        Some(Fault::Broken) => response("500 Internal Server Error", "text/plain", ""),
        Some(Fault::Redirect) => {
            let place = format!("{}/control/version/elsewhere", net.control_url());
            format!("HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").into_bytes()
        }
        Some(Fault::Cut) => {
            let mut whole = good(page, &served.to_string());
            whole.truncate(whole.len() / 2);
            whole
        }
        Some(Fault::Slow) => {
            // A network that stops does not wait for it.
            let _ = tokio::time::timeout(SLOW, net.stop.cancelled()).await;
            good(page, &served.to_string())
        }
        Some(Fault::NoNumber) => response("200 OK", "text/html", "<!DOCTYPE html><title>WhatsApp</title>"),
        Some(Fault::Zero) => good(page, "0"),
        Some(Fault::Lower) => good(page, "1000000000"),
        Some(Fault::Absurd) => good(page, "4000000000"),
        None => good(page, &served.to_string()),
    }
}

/// The real page answers 400 to whoever comes from somewhere or is no browser.
fn is_a_browser(head: &str) -> bool {
    let header = |name: &str| {
        let mut lines = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.find(|(known, _)| known.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    };
    header("sec-fetch-site").as_deref() == Some("none") && header("user-agent").is_some_and(|agent| agent.starts_with("Mozilla/5.0 "))
}

fn good(page: Page, revision: &str) -> Vec<u8> {
    let site = format!("{{\"server_revision\":{revision},\"client_revision\":{revision},\"push_phase\":\"C3\"}}");
    match page {
        // The page tells it in JSON that is a string of the script.
        Page::Worker => {
            let escaped = site.replace('"', "\\\"");
            let script = format!(
                "__DEV__=0;/*FB_PKG_DELIM*/\nself.__swData=JSON.parse(/*BTDS*/\"{{\\\"dynamic_data\\\":{{\\\"SiteData\\\":{escaped}}}}}\");\n"
            );
            response("200 OK", "application/x-javascript; charset=utf-8", &script)
        }
        Page::Front => {
            let html =
                format!("<!DOCTYPE html><title>WhatsApp Web</title><script>requireLazy([],{{\"SiteData\":{site},\"x\":1}})</script>");
            response("200 OK", "text/html; charset=utf-8", &html)
        }
    }
}

fn response(status: &str, kind: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).into_bytes()
}
