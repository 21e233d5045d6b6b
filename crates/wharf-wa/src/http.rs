//! The library's way to HTTP. Media comes later; until then every request is refused, which no text needs.

use async_trait::async_trait;
use wacore::net::{HttpClient, HttpRequest, HttpResponse};

/// Refuses every request.
pub(crate) struct NoHttp;

#[async_trait]
impl HttpClient for NoHttp {
    async fn execute(&self, _request: HttpRequest) -> anyhow::Result<HttpResponse> {
        Err(anyhow::anyhow!("this version of the engine makes no HTTP requests"))
    }
}
