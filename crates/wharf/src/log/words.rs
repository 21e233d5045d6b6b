//! The fields of spans in the text of the log, written at once where they are plain words: each request that is let in has a span, and
//! hardly any has a line.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{DefaultFields, Writer};

/// Writes fields as the library's own [`DefaultFields`] does, which looks at each letter and each style on its way.
pub(super) struct PlainFields;

impl<'writer> FormatFields<'writer> for PlainFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut look = FieldsLook { plain: !writer.has_ansi_escapes(), length: 0 };
        fields.record(&mut look);
        if !look.plain {
            return DefaultFields::new().format_fields(writer, fields);
        }
        let mut words = FieldsInWords(String::with_capacity(look.length));
        fields.record(&mut words);
        // At once, so that what it is written to makes room once.
        writer.write_str(&words.0)
    }
}

/// Whether all fields are words that stand in the log as they are, and how long they are with what stands between them.
struct FieldsLook {
    plain: bool,
    length: usize,
}

impl Visit for FieldsLook {
    fn record_str(&mut self, field: &Field, value: &str) {
        let name = field.name();
        let special = name == "message" || name.starts_with("log.") || name.starts_with("r#");
        self.length += name.len() + value.len() + " =\"\"".len();
        // Looked at to its end, which the machine does many letters at a time.
        let is_word = |word: bool, byte: u8| word & matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~');
        self.plain &= !special && value.bytes().fold(true, is_word);
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {
        self.plain = false;
    }
}

struct FieldsInWords(String);

impl FieldsInWords {
    fn write(&mut self, parts: [&str; 4]) {
        if !self.0.is_empty() {
            self.0.push(' ');
        }
        self.0.extend(parts);
    }
}

impl Visit for FieldsInWords {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.write([field.name(), "=\"", value, "\""]);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write([field.name(), "=", &format!("{value:?}"), ""]);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::span::{Attributes, Id};
    use tracing::subscriber::with_default;
    use tracing::{Subscriber, error_span};
    use tracing_subscriber::Layer;
    use tracing_subscriber::fmt::FormattedFields;
    use tracing_subscriber::layer::{Context, SubscriberExt as _};

    use super::*;

    /// The fields of each span as we write them and as the library does.
    #[derive(Clone, Default)]
    struct BothWays(Arc<Mutex<Vec<(String, String)>>>);

    impl<S: Subscriber> Layer<S> for BothWays {
        fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
            let (mut ours, mut theirs) =
                (FormattedFields::<PlainFields>::new(String::new()), FormattedFields::<DefaultFields>::new(String::new()));
            PlainFields.format_fields(ours.as_writer(), attributes).unwrap();
            DefaultFields::new().format_fields(theirs.as_writer(), attributes).unwrap();
            self.0.lock().unwrap().push((ours.fields, theirs.fields));
        }
    }

    #[test]
    fn fields_are_written_as_the_library_writes_them() {
        let seen = BothWays::default();
        with_default(tracing_subscriber::registry().with(seen.clone()), || {
            for id in ["req_1", "", "two words", "it's", "a \"quote\"", "a\\b", "line\nbreak", "\u{1b}[31m", "é", "\u{7f}"] {
                let _ = error_span!("request", id, operation = "send_text");
            }
            let _ = error_span!("worker", work = "the node's lease");
            let _ = error_span!("session", id = "ses_1", epoch = 7, state = ?Some("x"), shown = %"y", r#type = "z", message = "m");
            let _ = error_span!("nothing");
        });
        let seen = seen.0.lock().unwrap();
        assert_eq!(seen.len(), 13);
        assert_eq!(seen[0].0, "id=\"req_1\" operation=\"send_text\"");
        for (ours, theirs) in seen.iter() {
            assert_eq!(ours, theirs);
        }
    }
}
