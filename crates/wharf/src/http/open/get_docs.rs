use std::fmt::Write as _;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONTENT_SECURITY_POLICY, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS};
use sha2::{Digest, Sha256};
use wharf_api::ErrorCode;

use crate::http::envelope::Reply;
use crate::http::{Answer, Call};

const TEMPLATE: &str = include_str!("docs.html");

/// The page and its policy, both made once.
static PAGE: LazyLock<(Bytes, HeaderValue)> = LazyLock::new(|| {
    let page = TEMPLATE.replace("<!-- errors -->", &errors());
    let policy = HeaderValue::from_str(&policy(&page)).expect("a policy is visible ASCII");
    (page.into(), policy)
});

/// Browsers get the dashboard's reference; programs, and builds without it, the plain list.
pub(in crate::http) async fn get_docs(call: Call) -> Answer {
    if let Some(reply) = with_pages(&call) {
        return Ok(reply);
    }
    let (page, policy) = &*PAGE;
    let mut reply = Reply::raw("text/html; charset=utf-8", page.clone()).header(VARY, "Accept");
    reply.headers.push((CONTENT_SECURITY_POLICY, policy.clone()));
    Ok(reply.header(X_CONTENT_TYPE_OPTIONS, "nosniff").header(REFERRER_POLICY, "no-referrer"))
}

#[cfg(feature = "dashboard")]
fn with_pages(call: &Call) -> Option<Reply> {
    crate::http::dashboard::reference(call)
}

#[cfg(not(feature = "dashboard"))]
fn with_pages(_: &Call) -> Option<Reply> {
    None
}

/// Nothing but this page's own script and style, which are named by their hashes, and requests to this server.
fn policy(page: &str) -> String {
    let (script, style) = (hash(page, "script"), hash(page, "style"));
    format!(
        "default-src 'none'; script-src '{script}'; style-src '{style}'; connect-src 'self'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'"
    )
}

fn hash(page: &str, element: &str) -> String {
    let inside = page.split_once(&format!("<{element}>")).and_then(|(_, rest)| rest.split_once(&format!("</{element}>")));
    let inside = inside.map_or("", |(inside, _)| inside);
    format!("sha256-{}", STANDARD.encode(Sha256::digest(inside)))
}

/// The catalogue, in the page itself: the links of failures lead here also where no script runs.
fn errors() -> String {
    let mut rows = String::new();
    for code in ErrorCode::ALL {
        let row = code.row();
        let _ = write!(
            rows,
            "<tr id=\"error-{}\"><td><code>{0}</code></td><td>{}</td><td>{}</td><td>{}</td></tr>",
            row.name,
            row.status,
            escaped(row.description),
            escaped(row.fix)
        );
    }
    rows
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> String {
        String::from_utf8(PAGE.0.to_vec()).unwrap()
    }

    #[test]
    fn the_page_loads_nothing_from_outside() {
        let page = page().to_ascii_lowercase();
        for outside in
            ["http:", "https:", "src=", "href=\"//", "@import", "url(", "<link", "<iframe", "<img", "import(", "innerhtml", "eval("]
        {
            assert!(!page.contains(outside), "{outside}");
        }
    }

    #[test]
    fn every_code_has_its_anchor() {
        let page = page();
        for code in ErrorCode::ALL {
            assert_eq!(page.matches(&format!("id=\"error-{}\"", code.name())).count(), 1, "{}", code.name());
        }
    }

    #[test]
    fn the_policy_names_the_one_script_and_the_one_style_of_the_page() {
        let (page, policy) = (page(), PAGE.1.to_str().unwrap().to_owned());
        assert_eq!((page.matches("<script>").count(), page.matches("<style>").count()), (1, 1));
        assert!(!page.contains(" style=") && !page.contains(" onclick"), "nothing inline beside them");
        let empty = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-") && !policy.contains(empty), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}
