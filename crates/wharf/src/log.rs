//! The log: where it goes, what may not stand in it, and that nobody ever waits for whoever reads it.
//!
//! Lines go through a bounded queue to a thread of their own. Who does not read loses lines, which are counted; the service goes on.

mod words;

use std::io::IsTerminal;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer as _, fmt, registry};

use crate::config::{Format, Log};
use crate::traces::Traces;
use words::PlainFields;

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

/// How many lines wait for whoever reads them. A line is some hundred bytes.
const QUEUE: usize = 4096;
/// How long the last lines may take at the end.
const LAST_LINES: Duration = Duration::from_millis(1500);

/// The count of lines that found no room.
static COUNTER: OnceLock<ErrorCounter> = OnceLock::new();
static TOLD: AtomicUsize = AtomicUsize::new(0);

/// Writes the last lines when it is dropped, as far as somebody reads them.
#[must_use = "the log ends with it"]
pub struct Writer(Option<WorkerGuard>);

impl Drop for Writer {
    fn drop(&mut self) {
        let (done, ended) = std::sync::mpsc::channel();
        let writer = self.0.take();
        std::thread::spawn(move || {
            drop(writer);
            // Whoever waited has gone on.
            let _ = done.send(());
        });
        let _ = ended.recv_timeout(LAST_LINES);
    }
}

/// Starts to log to standard error, panics too, and to trace where traces were begun. A second call in one process changes nothing.
pub fn init(log: &Log, traces: Option<&Traces>) -> Result<Writer, tracing_subscriber::filter::ParseError> {
    let filter = filter(&log.filter, log.library)?;
    let (lines, guard) = NonBlockingBuilder::default().lossy(true).buffered_lines_limit(QUEUE).thread_name("log").finish(std::io::stderr());
    let counter = lines.error_counter();
    let colours = std::io::stderr().is_terminal();
    let begun = match (log.format, traces) {
        (Format::Text, None) => {
            registry().with(filter).with(fmt::layer().with_ansi(colours).fmt_fields(PlainFields).with_writer(lines)).try_init()
        }
        (Format::Json, None) => {
            registry().with(filter).with(fmt::layer().json().flatten_event(true).with_current_span(false).with_writer(lines)).try_init()
        }
        // What the log does not want to hear of is traced all the same: its filter is for its own lines.
        (Format::Text, Some(traces)) => registry()
            .with(traces.layer())
            .with(fmt::layer().with_ansi(colours).fmt_fields(PlainFields).with_writer(lines).with_filter(filter))
            .try_init(),
        (Format::Json, Some(traces)) => registry()
            .with(traces.layer())
            .with(fmt::layer().json().flatten_event(true).with_current_span(false).with_writer(lines).with_filter(filter))
            .try_init(),
    };
    // The only other caller is a program that has set up a log of its own.
    if begun.is_ok() {
        COUNTER.get_or_init(|| counter);
        std::panic::set_hook(Box::new(|panic| {
            let trace = std::backtrace::Backtrace::capture();
            let thread = std::thread::current();
            tracing::error!(thread = thread.name(), %panic, ?trace, "a panic");
        }));
    }
    if log.library {
        tracing::warn!("log.library is on: phone numbers, ids and pairing codes will stand in this log");
    }
    Ok(Writer(Some(guard)))
}

/// How many lines found no room since the start.
pub fn dropped() -> usize {
    COUNTER.get().map_or(0, ErrorCounter::dropped_lines)
}

/// Says how many lines were dropped since that was said last.
pub fn tell_dropped() {
    let (told, dropped) = (TOLD.load(Ordering::Relaxed), self::dropped());
    if dropped == told {
        return;
    }
    tracing::warn!(lines = dropped - told, "lines of this log were dropped: nobody reads it, or not fast enough");
    // Without room for this very line it is said again.
    if self::dropped() == dropped {
        TOLD.store(dropped, Ordering::Relaxed);
    }
}

/// Prints to standard output, and waits for nobody who does not read it.
pub fn print(text: impl Into<String>) {
    let text = text.into();
    std::thread::spawn(move || println!("{text}"));
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
