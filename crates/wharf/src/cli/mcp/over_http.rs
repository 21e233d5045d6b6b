//! The tools over Streamable HTTP, for programs of this machine: not for what a browser was lured to.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use rmcp::handler::server::ServerHandler;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::cli::plain::plain;
use crate::cli::unmet::Usage;
use crate::machine::Signals;

/// How long a client that still reads is waited for at the end.
const STOP: Duration = Duration::from_secs(5);

/// Serves at `/mcp` until the process is asked to end.
pub(super) async fn serve<S: ServerHandler + Clone>(
    server: S,
    address: SocketAddr,
    allowed: Vec<String>,
    signals: &mut Signals,
) -> anyhow::Result<()> {
    let listener = TcpListener::bind(address).await.with_context(|| format!("{address} cannot be listened at"))?;
    let here = listener.local_addr()?;
    let ending = CancellationToken::new();
    // A page whose name was made to lead here says that name as `Host`, and each page its own as `Origin`. Programs say no origin.
    let config = StreamableHttpServerConfig::default()
        .with_allowed_hosts(["localhost".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned(), here.to_string()])
        .with_allowed_origins(own(here).into_iter().chain(allowed))
        .enforce_origin_validation()
        .with_cancellation_token(ending.clone());
    let service = StreamableHttpService::new(move || Ok(server.clone()), LocalSessionManager::default().into(), config);
    let routes = axum::Router::new().nest_service("/mcp", service);
    let served = axum::serve(listener, routes).with_graceful_shutdown(ending.clone().cancelled_owned());
    eprintln!("wharf mcp listens at http://{here}/mcp");
    let asked = async {
        signals.asked_to_end().await;
        // Streams that are open end, and their lines with them.
        ending.cancel();
        tokio::select! {
            () = tokio::time::sleep(STOP) => {}
            () = signals.asked_to_end() => {}
        }
    };
    tokio::select! {
        ended = served.into_future() => Ok(ended?),
        // Whoever asks twice is in a hurry, and so is whoever waits for a client that reads no more.
        () = asked => Ok(()),
    }
}

/// The origins of pages at this very address.
fn own(here: SocketAddr) -> Vec<String> {
    let port = here.port();
    let names = [format!("localhost:{port}"), format!("127.0.0.1:{port}"), format!("[::1]:{port}"), here.to_string()];
    names.into_iter().map(|name| format!("http://{name}")).collect()
}

/// An origin that somebody allows, with its port: a scheme without a usual one has any.
pub(super) fn origin(text: &str) -> Result<String, Usage> {
    let bare = |url: &Url| {
        let nobody = url.username().is_empty() && url.password().is_none();
        nobody && matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none()
    };
    let named = Url::parse(text).ok().filter(bare).and_then(|url| {
        let host = url.host_str().filter(|host| !host.is_empty())?;
        let port = url.port_or_known_default().map_or_else(|| "*".to_owned(), |port| port.to_string());
        Some(format!("{}://{host}:{port}", url.scheme()))
    });
    named.ok_or_else(|| Usage(format!("--allow-origin: {} is no origin: one such as https://app.example.com is expected", plain(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_a_scheme_a_name_and_a_port_and_nothing_else() {
        for (said, meant) in [
            ("https://app.example.com", "https://app.example.com:443"),
            ("http://localhost:6274", "http://localhost:6274"),
            ("http://[::1]/", "http://[::1]:80"),
            ("vscode-webview://panel", "vscode-webview://panel:*"),
        ] {
            assert_eq!(origin(said).unwrap(), meant);
        }
        for strange in ["", "*", "null", "localhost:6274", "app.example.com", "file:///", "https://", "https://a/b", "https://a?b"] {
            assert!(origin(strange).is_err(), "{strange}");
        }
        assert!(origin("https://me:word@app.example.com").is_err());
    }

    #[test]
    fn a_page_of_another_port_is_none_of_its_own() {
        let own = own("127.0.0.2:8090".parse().unwrap());
        assert_eq!(own, ["http://localhost:8090", "http://127.0.0.1:8090", "http://[::1]:8090", "http://127.0.0.2:8090"]);
    }
}
