//! The header `traceparent` of W3C's Trace Context: read of a request, and written for a delivery.
//!
//! What is not exactly of its form is no trace at all. `tracestate` is neither kept nor passed on: it is free text of a stranger.

use http::{HeaderMap, HeaderValue};
use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

const NAME: &str = "traceparent";

/// The span of the caller that the request belongs to.
pub(super) fn read(headers: &HeaderMap) -> Option<SpanContext> {
    let mut values = headers.get_all(NAME).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let parts: Vec<&str> = value.split('-').collect();
    let [version, trace, span, flags, rest @ ..] = parts.as_slice() else { return None };
    // A later version may add parts at the end; ff is none.
    let known = is_hex(version, 2) && *version != "ff" && (*version != "00" || rest.is_empty());
    if !(known && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2)) {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    // All zeros are no id.
    Some(SpanContext::new(trace, span, flags, true, TraceState::default())).filter(SpanContext::is_valid)
}

/// The header for whoever is asked within the span.
pub(super) fn write(span: &SpanContext) -> Option<HeaderValue> {
    if !span.is_valid() {
        return None;
    }
    let flags = span.trace_flags() & TraceFlags::SAMPLED;
    HeaderValue::try_from(format!("00-{}-{}-{flags:02x}", span.trace_id(), span.span_id())).ok()
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn of(values: &[&str]) -> Option<SpanContext> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(NAME, HeaderValue::from_str(value).unwrap());
        }
        read(&headers)
    }

    #[test]
    fn what_is_read_is_written_the_same() {
        let quiet = GOOD.replace("-01", "-00");
        for value in [GOOD, &quiet] {
            let span = of(&[value]).unwrap();
            assert!(span.is_remote());
            assert_eq!(write(&span).unwrap(), value);
        }
        // Other flags than the one that is known are not passed on.
        assert_eq!(write(&of(&[&GOOD.replace("-01", "-03")]).unwrap()).unwrap(), GOOD);
        let later = format!("{}-more", GOOD.replace("00-4", "01-4"));
        assert_eq!(write(&of(&[&later]).unwrap()).unwrap(), GOOD);
    }

    #[test]
    fn what_is_not_of_its_form_is_no_trace() {
        let (no_trace, no_span) =
            (format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)), GOOD.replace("00f067aa0ba902b7", "0000000000000000"));
        let (upper, longer, newest) = (GOOD.to_uppercase(), format!("{GOOD}-more"), GOOD.replace("00-4", "ff-4"));
        for bad in ["", "hello", "00", &no_trace, &no_span, &upper, &longer, &newest, &GOOD[1..], &GOOD[..54], &GOOD.replace('f', "g")] {
            assert_eq!(of(&[bad]), None, "{bad}");
        }
        assert_eq!(of(&[GOOD, GOOD]), None, "two say nothing");
        assert_eq!(of(&[]), None);
        assert_eq!(write(&SpanContext::empty_context()), None);
    }
}
