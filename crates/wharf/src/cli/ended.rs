//! How a command ended that did not do what it was asked: what is told on the standard error, and the exit code.

use std::process::ExitCode;

use wharf_core::store;

use super::doctor::Unwell;
use super::operations::Refused;
use super::unmet::{NoAnswer, NotYet, Usage};

/// The gateway refused it, or it failed here.
const FAILED: u8 = 1;
/// The line cannot be meant; clap ends with the same.
const USAGE: u8 = 2;
/// Nobody answers, or the gateway says «later»: the same line may succeed in a while.
const LATER: u8 = 3;

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
    let later = error.downcast_ref::<NotYet>().is_some() || error.downcast_ref::<NoAnswer>().is_some() || database_is_away(error);
    let code = if error.downcast_ref::<Usage>().is_some() {
        USAGE
    } else if later {
        LATER
    } else {
        FAILED
    };
    ExitCode::from(code)
}

/// Whether the database did not answer a command that works on it.
fn database_is_away(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| matches!(cause.downcast_ref::<store::Error>(), Some(store::Error::Unavailable(_))))
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;
    use wharf_store::OpenError;

    use super::*;

    #[test]
    fn what_may_succeed_later_is_told_apart_from_what_does_not() {
        let away = || OpenError::Connect(store::Error::Unavailable("refused".into()));
        let opened: anyhow::Result<()> = Err(away()).context("the database cannot be opened");
        let no_answer: anyhow::Result<()> = Err(anyhow::anyhow!("connection refused")).context(NoAnswer);
        let refused: anyhow::Error = OpenError::Connect(store::Error::Refused("a right".to_owned())).into();
        for (error, code) in [
            (opened.unwrap_err(), LATER),
            (no_answer.unwrap_err(), LATER),
            (NotYet("not read".to_owned()).into(), LATER),
            (Usage("no key".to_owned()).into(), USAGE),
            (refused, FAILED),
            (anyhow::anyhow!("there is no user x"), FAILED),
            (Unwell::Unreached.into(), 4),
        ] {
            assert_eq!(format!("{:?}", tell(&error)), format!("{:?}", ExitCode::from(code)), "{error:#}");
        }
    }
}
