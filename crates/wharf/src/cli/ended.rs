//! How a command ended that did not do what it was asked: what is told on the standard error, and the exit code.

use std::process::ExitCode;

use super::doctor::Unwell;
use super::operations::Refused;

/// The gateway refused it, or it failed here.
const FAILED: u8 = 1;
/// The line cannot be meant; clap ends with the same.
const USAGE: u8 = 2;
/// Nobody answers, or the gateway says «later»: the same line may succeed in a while.
const LATER: u8 = 3;

/// A line that cannot be meant, found out only by looking further than clap does.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Usage(pub String);

/// What was waited for has not happened, and still can.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct NotYet(pub String);

/// Nobody answers at the gateway's address.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the gateway does not answer")]
pub(super) struct NoAnswer;

/// Tells the error, and gives the code.
pub(super) fn tell(error: &anyhow::Error) -> ExitCode {
    if let Some(refused) = error.downcast_ref::<Refused>() {
        refused.tell();
        return ExitCode::from(if refused.later() { LATER } else { FAILED });
    }
    eprintln!("wharf: {error:#}");
    if let Some(unwell) = error.downcast_ref::<Unwell>() {
        return ExitCode::from(unwell.exit_code());
    }
    let later = error.downcast_ref::<NotYet>().is_some() || error.downcast_ref::<NoAnswer>().is_some();
    let code = if error.downcast_ref::<Usage>().is_some() {
        USAGE
    } else if later {
        LATER
    } else {
        FAILED
    };
    ExitCode::from(code)
}
