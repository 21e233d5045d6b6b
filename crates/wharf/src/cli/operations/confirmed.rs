//! What cannot be taken back and takes more along than it names is asked for once more.

use std::io::{IsTerminal as _, stderr, stdin};

use anyhow::{Context as _, bail};
use wharf_api::ops::{self, Operation};

use super::wire::{self, Client, Request};
use crate::cli::plain::plain;
use crate::cli::unmet::Usage;

/// The flag that says that it is meant.
pub(super) const FLAG: &str = "yes";
pub(super) const HELP: &str = "Says that it is meant: what goes cannot be taken back. Without it a terminal asks, and a script is refused.";

static FINAL: &[&Operation] = &[&ops::admin_delete_account];

pub(super) fn is_final(op: &Operation) -> bool {
    FINAL.iter().any(|one| one.id == op.id)
}

/// Asks whoever sits there for the name of the account that goes.
pub(super) async fn confirm(client: &Client, request: &Request) -> anyhow::Result<()> {
    if !stdin().is_terminal() || !stderr().is_terminal() {
        return Err(Usage("an account goes with everything in it, for good: --yes says that it is meant".to_owned()).into());
    }
    let id = request.path.last().cloned().unwrap_or_default();
    let mut look = Request::of(&ops::admin_get_account);
    look.fill("accountId", id.clone());
    let account = wire::json(client.ask(&look, 1).await?).await?;
    let name = account["data"]["name"].as_str().unwrap_or_default();
    eprint!("The account «{}» ({}) goes with everything in it, for good. Type its name to go on: ", plain(name), plain(&id));
    let mut line = String::new();
    stdin().read_line(&mut line).context("the answer cannot be read")?;
    if line.trim() != name {
        bail!("that is not its name: nothing was deleted");
    }
    Ok(())
}
