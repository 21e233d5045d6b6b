//! `wharf mcp`: operations of a gateway as tools of the Model Context Protocol, so that an assistant writes and reads WhatsApp. It may what
//! its key may, and nothing else: every call is one of the API, refused as that refuses it.

mod over_http;
mod tools;

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::Args;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult, PaginatedRequestParams,
    ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::{RequestContext, RoleServer, ServiceExt as _};
use serde_json::Value;
use wharf_api::ErrorCode;

use super::operations::{Client, Refused, ask_with};
use super::target::{Target, no_key};
use super::unmet::Usage;
use crate::machine::Signals;
use tools::Asked;

const INSTRUCTIONS: &str = "Reads and writes WhatsApp through a Wharf gateway. A session is a linked WhatsApp account: list the sessions first, and name one in \
    each call. People are named by phone number with country code. A message that was sent cannot be taken out of people's heads: ask your user before you send, \
    edit or delete. What a refusal says in `reason` and `fix` helps; `recipient_not_on_whatsapp` means that the number has no WhatsApp.";

/// What is told of `--allow-origin`.
const ALLOWED: &str = "Lets in, over HTTP, what names this origin in its Origin header: scheme, host and port must be those that are said here. \
    No port is the scheme's usual one, and any where it has none. May be said several times. Without it nothing is let in but what has no Origin \
    header, and http://localhost, http://127.0.0.1, http://[::1] and the address of --listen, each with the port of --listen";

#[derive(Args)]
pub struct Mcp {
    #[command(flatten)]
    target: Target,
    /// Offers the tools that read, and none that change anything
    #[arg(long)]
    read_only: bool,
    /// Listens for HTTP at this address of the own machine instead of talking over the standard input and output; the tools are at /mcp
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,
    #[arg(long, value_name = "ORIGIN", requires = "listen", help = ALLOWED)]
    allow_origin: Vec<String>,
}

/// The tools that a key may use.
#[derive(Clone)]
struct Server(Arc<Shared>);

struct Shared {
    client: Client,
    tools: Vec<tools::Offered>,
}

impl Mcp {
    pub async fn run(self) -> anyhow::Result<()> {
        let place = self.target.place()?;
        if place.key.is_none() {
            return Err(no_key().into());
        }
        // Whoever reaches it has the key.
        if self.listen.is_some_and(|address| !address.ip().is_loopback()) {
            let wanted = "an address of the own machine is expected, such as 127.0.0.1:8090: whoever reaches it acts with the key";
            return Err(Usage(format!("--listen: {wanted}")).into());
        }
        let allowed = self.allow_origin.iter().map(|text| over_http::origin(text)).collect::<Result<Vec<_>, _>>()?;
        let client = Client::new(&place)?;
        let offered = tools::offered(&client, self.read_only).await?;
        if offered.is_empty() {
            bail!("the key may use none of the tools: give it messages:read or messages:send");
        }
        let server = Server(Arc::new(Shared { client, tools: offered }));
        let mut signals = Signals::listen()?;
        if let Some(address) = self.listen {
            return over_http::serve(server, address, allowed, &mut signals).await;
        }
        tokio::select! {
            ended = talk(server) => ended,
            () = signals.asked_to_end() => Ok(()),
        }
    }
}

/// Talks over the standard input and output until the client closes the line.
async fn talk(server: Server) -> anyhow::Result<()> {
    let running = server.serve(rmcp::transport::stdio()).await.context("the client did not begin as the protocol wants")?;
    running.waiting().await?;
    Ok(())
}

impl Server {
    async fn call(&self, name: &str, arguments: &serde_json::Map<String, Value>) -> anyhow::Result<Value> {
        let offered = self.0.tools.iter().find(|offered| offered.name == name).context("there is no such tool")?;
        let Asked(request) = offered.asked(arguments)?;
        let mut body = ask_with(&self.0.client, &request).await?;
        if let Some(body) = body.as_object_mut() {
            body.remove("success");
        }
        Ok(body)
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new("wharf", env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, rmcp::ErrorData> {
        Ok(ListToolsResult::with_all_items(self.0.tools.iter().map(tools::Offered::shown).collect()))
    }

    async fn call_tool(&self, request: CallToolRequestParams, _: RequestContext<RoleServer>) -> Result<CallToolResponse, rmcp::ErrorData> {
        let arguments = request.arguments.unwrap_or_default();
        Ok(match self.call(&request.name, &arguments).await {
            Ok(body) => CallToolResult::structured(body).into(),
            Err(error) => CallToolResult::error(vec![ContentBlock::text(told(&error))]).into(),
        })
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.0.tools.iter().find(|offered| offered.name == name).map(tools::Offered::shown)
    }
}

/// A refusal as the API told it, with what helps; anything else in its own words.
fn told(error: &anyhow::Error) -> String {
    let Some(refused) = error.downcast_ref::<Refused>() else { return format!("{error:#}") };
    let mut body = refused.body()["error"].clone();
    let fix = ErrorCode::parse(body["code"].as_str().unwrap_or_default()).map(|code| code.row().fix);
    if let (Some(body), Some(fix)) = (body.as_object_mut(), fix) {
        body.insert("fix".to_owned(), fix.into());
    }
    body.to_string()
}
