//! The log: where it goes and what may not stand in it.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Format, Log};

/// The client library's lines name phone numbers, ids and pairing codes, also in warnings and under targets of its own
/// choice: nothing below an error from it, and nothing at all from those targets, whatever the filter says, unless the operator asks for
/// its lines by name.
const QUIET: &[&str] = &[
    "whatsapp_rust=error",
    "wacore=error",
    "wacore_binary=error",
    "wacore_libsignal=error",
    "waproto=error",
    "Blocking=off",
    "Bot=off",
    "Chatstate=off",
    "Client=off",
    "MessageQueue=off",
    "PresenceHandler=off",
    "UnifiedSession=off",
];

/// Starts to log to standard error. A second call in one process changes nothing.
pub fn init(log: &Log) -> Result<(), tracing_subscriber::filter::ParseError> {
    let registry = tracing_subscriber::registry().with(filter(&log.filter, log.library)?);
    // The only other caller is a program that has set up a log of its own.
    let _ = match log.format {
        Format::Text => {
            let colours = std::io::stderr().is_terminal();
            registry.with(tracing_subscriber::fmt::layer().with_ansi(colours).with_writer(std::io::stderr)).try_init()
        }
        Format::Json => registry.with(tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)).try_init(),
    };
    if log.library {
        tracing::warn!("log.library is on: phone numbers, ids and pairing codes will stand in this log");
    }
    Ok(())
}

/// Whether [`init`] can read the filter.
pub fn is_filter(text: &str) -> bool {
    filter(text, false).is_ok()
}

fn filter(text: &str, library: bool) -> Result<EnvFilter, tracing_subscriber::filter::ParseError> {
    let quiet: &[&str] = if library { &[] } else { QUIET };
    quiet.iter().try_fold(EnvFilter::builder().parse(text)?, |filter, rule| Ok(filter.add_directive(rule.parse()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quiet_libraries_stay_quiet_whatever_the_filter_says() {
        let filter = filter("trace,whatsapp_rust=trace", false).unwrap().to_string();
        assert!(filter.contains("whatsapp_rust=error") && !filter.contains("whatsapp_rust=trace"), "{filter}");
    }

    #[test]
    fn asked_for_by_name_the_library_speaks_as_the_filter_says() {
        let filter = filter("warn,whatsapp_rust=trace", true).unwrap().to_string();
        assert!(filter.contains("whatsapp_rust=trace") && !filter.contains("error") && !filter.contains("off"), "{filter}");
    }
}
