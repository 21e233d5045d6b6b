//! The pretend network and a gateway on it, each on a core of its own, and tenants with a linked session.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;

use crate::gateway::Http;
use crate::process::{Process, fresh_dir, on_core, sibling};

/// The number of the demonstration's phone.
pub const PHONE: &str = "15550002001";
/// The gateway's data folder.
const DATA: &str = "gateway";

/// What is measured, and what it speaks to. The load generator runs wherever the system likes.
pub struct World {
    pub gateway: Process,
    pub network: Process,
    /// The pretend phones.
    pub control: Http,
    /// The network's own address, for another client of it.
    pub url: String,
    /// The gateway's address.
    pub base: String,
    dir: PathBuf,
    how: How,
}

/// How the gateway is started.
struct How {
    /// Options beside those that every one has.
    more: Vec<String>,
    /// Where its log goes.
    log: Option<PathBuf>,
}

/// An account of its own with a linked session.
pub struct Tenant {
    pub api: Http,
    pub base: String,
    pub key: String,
    pub session: String,
}

/// Who a tenant is: its name, its plan, what its key may do, and the number of its phone.
pub struct Who<'a> {
    pub name: &'a str,
    pub plan: &'a str,
    pub permissions: &'a [&'a str],
    pub phone: &'a str,
}

impl World {
    /// Starts both in a folder of this run, on `SQLite` unless another database is named.
    pub async fn start(name: &str, database_url: Option<&str>) -> Result<Self> {
        let more = database_url.map_or_else(Vec::new, |url| vec!["--database-url", url]);
        Self::begin(name, &more, None).await
    }

    /// Starts both on `SQLite`, the gateway with more options and its log in that file of the folder.
    pub async fn start_logged(name: &str, more: &[&str], log: &str) -> Result<Self> {
        Self::begin(name, more, Some(log)).await
    }

    async fn begin(name: &str, more: &[&str], log: Option<&str>) -> Result<Self> {
        let dir = fresh_dir(name)?;
        let network = Process::start(&sibling("wharf-sim")?, &["--json", "--port", "0"], Some(1)).await?;
        let (url, control) = (network.text("url")?, Http::new(&network.text("controlUrl")?, "")?);
        let how = How { more: more.iter().map(ToString::to_string).collect(), log: log.map(|log| dir.join(log)) };
        let gateway = how.gateway(&dir, &url).await?;
        let base = gateway.text("url")?;
        Ok(Self { gateway, network, control, url, base, dir, how })
    }

    /// Stops the gateway, has its data folder worked on, and starts it again; the network stays.
    pub async fn between<T, F>(self, work: F) -> Result<(Self, T)>
    where
        T: Send + 'static,
        F: FnOnce(&Path) -> Result<T> + Send + 'static,
    {
        let Self { gateway: stopped, network, control, url, dir, how, .. } = self;
        stopped.terminate().await?;
        let data = dir.join(DATA);
        let done = tokio::task::spawn_blocking(move || work(&data)).await??;
        let gateway = how.gateway(&dir, &url).await?;
        let base = gateway.text("url")?;
        Ok((Self { gateway, network, control, url, base, dir, how }, done))
    }

    /// A folder that goes with this run.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// By the key of the demonstration's account.
    pub fn demo(&self) -> Result<Http> {
        Http::new(&self.base, &self.gateway.text("apiKey")?)
    }

    pub fn operator(&self) -> Result<Http> {
        Http::new(&self.base, &self.gateway.text("operatorKey")?)
    }

    /// The demonstration's account without limits, and its one session, linked and connected.
    pub async fn linked_demo(&self) -> Result<(Http, String)> {
        self.operator()?.lift_limits().await?;
        let api = self.demo()?;
        let session = api.pair(&self.control, PHONE).await?;
        api.until_connected(1).await?;
        Ok((api, session))
    }

    /// Makes an account on a plan that is there, and gives its first key.
    pub async fn account(&self, name: &str, plan: &str, permissions: &[&str]) -> Result<String> {
        let operator = self.operator()?;
        let made = operator.post("/v1/admin/accounts", &json!({"name": name, "plan": plan})).await?;
        let account = made["data"]["accountId"].as_str().context("an account")?.to_owned();
        let key = json!({"name": "bench", "permissions": permissions});
        let made = operator.post(&format!("/v1/admin/accounts/{account}/api-keys"), &key).await?;
        Ok(made["data"]["apiKey"].as_str().context("a key")?.to_owned())
    }

    /// Makes an account on a plan that is there, with a key and a linked session.
    pub async fn tenant(&self, who: &Who<'_>) -> Result<Tenant> {
        let key = self.account(who.name, who.plan, who.permissions).await?;
        let api = Http::new(&self.base, &key)?;
        let session = api.pair(&self.control, who.phone).await?;
        api.until_connected(1).await?;
        Ok(Tenant { api, base: self.base.clone(), key, session })
    }

    /// Ends both, the gateway first, and removes the folder.
    pub async fn end(self) -> Result<()> {
        self.gateway.terminate().await?;
        self.network.terminate().await?;
        std::fs::remove_dir_all(self.dir)?;
        Ok(())
    }
}

impl How {
    /// Starts the gateway of the folder on the network of that address.
    async fn gateway(&self, dir: &Path, network: &str) -> Result<Process> {
        let data = dir.join(DATA).display().to_string();
        let args = ["--json", "--quiet", "--port", "0", "--data-dir", &data, "--network", network];
        let mut command = on_core(sibling("wharf-sandbox")?, Some(0));
        command.args(args).args(&self.more);
        match &self.log {
            Some(log) => Process::logged(command, log).await,
            None => Process::of(command).await,
        }
    }
}
