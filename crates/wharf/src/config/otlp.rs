//! Where traces go. Each setting is looked at, also while none are made: what cannot be meant is refused before it is needed.

use std::time::Duration;

use http::HeaderMap;
use http::header::{self, HeaderName, HeaderValue};
use url::Url;

use super::{Error, file, words};
use crate::traces::settings::Settings;

/// What collectors take traces at, below the address that their people give.
const PATH: &str = "v1/traces";
const LONGEST_NAME: usize = 255;
const LONGEST_TIMEOUT_SECS: u64 = 60;

/// What the request to a collector says of itself.
const OURS: &[HeaderName] =
    &[header::HOST, header::CONTENT_LENGTH, header::CONTENT_TYPE, header::CONTENT_ENCODING, header::TRANSFER_ENCODING, header::CONNECTION];

/// All of it; `None` where no collector is named.
pub(super) fn read(settings: file::Otlp) -> Result<Option<Settings>, Error> {
    let file::Otlp { endpoint, headers, service_name, sample_ratio, timeout_secs } = settings;
    let endpoint = endpoint.filter(|text| !text.is_empty()).map(|text| address(&text)).transpose()?;
    let headers = words(headers.as_ref()).map(one_header).collect::<Result<HeaderMap, _>>()?;
    let service_name = service_name.unwrap_or_else(|| "wharf".to_owned());
    if service_name.trim().is_empty() || service_name.len() > LONGEST_NAME || service_name.contains(char::is_control) {
        return Err(invalid("service_name", "a name of 1 to 255 bytes is expected"));
    }
    let sample_ratio = sample_ratio.unwrap_or(1.0);
    // What is no number is no part either.
    let is_part = sample_ratio > 0.0 && sample_ratio <= 1.0;
    if !is_part {
        return Err(invalid("sample_ratio", "a part above 0 and up to 1 is expected; for no traces leave the endpoint empty"));
    }
    let timeout = match timeout_secs.unwrap_or(10) {
        seconds @ 1..=LONGEST_TIMEOUT_SECS => Duration::from_secs(seconds),
        _ => return Err(invalid("timeout_secs", "1 to 60 seconds are expected")),
    };
    Ok(endpoint.map(|endpoint| Settings { endpoint, headers, service_name, sample_ratio, timeout }))
}

/// The whole address that takes traces.
fn address(text: &str) -> Result<Url, Error> {
    let wrong = |reason| invalid("endpoint", reason);
    let is_http = |url: &Url| matches!(url.scheme(), "https" | "http") && url.has_host();
    let mut url = Url::parse(text)
        .ok()
        .filter(is_http)
        .ok_or_else(|| wrong("an address that begins with https:// or http:// is expected, such as http://collector:4318"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("an address without a name and a password is expected; what opens the collector belongs into otlp.headers"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("an address without ? and # is expected"));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    if !path.ends_with(&format!("/{PATH}")) {
        url.set_path(&format!("{path}/{PATH}"));
    }
    Ok(url)
}

/// One of them as it is written.
fn one_header(text: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let wrong = |reason| invalid("headers", reason);
    let (name, value) = text.split_once('=').ok_or_else(|| wrong("each is expected as name=value"))?;
    let name: HeaderName = name.trim().parse().map_err(|_| wrong("one has a name that no header has"))?;
    if OURS.contains(&name) {
        return Err(wrong("what is said of the request itself is not to be set"));
    }
    let mut value = HeaderValue::from_str(value.trim()).map_err(|_| wrong("one has a value that no header has"))?;
    value.set_sensitive(true);
    Ok((name, value))
}

fn invalid(name: &str, reason: &str) -> Error {
    Error::Invalid { name: format!("otlp.{name}"), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn of(set: &[(&str, &str)]) -> Result<Option<Settings>, Error> {
        let config = Config::from_env(|name| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()));
        config.map(|config| config.otlp)
    }

    const ENDPOINT: (&str, &str) = ("WHARF_OTLP_ENDPOINT", "http://collector:4318");

    #[test]
    fn there_are_no_traces_unless_a_collector_is_named() {
        assert!(of(&[]).unwrap().is_none());
        assert!(of(&[("WHARF_OTLP_ENDPOINT", ""), ("WHARF_OTLP_SERVICE_NAME", "shop")]).unwrap().is_none());
        let settings = of(&[ENDPOINT]).unwrap().unwrap();
        assert_eq!((settings.service_name.as_str(), settings.timeout), ("wharf", Duration::from_secs(10)));
        assert!((settings.sample_ratio - 1.0).abs() < f64::EPSILON && settings.headers.is_empty());
    }

    #[test]
    fn an_address_is_where_the_collector_is_or_where_it_takes_traces() {
        for (given, meant) in [
            ("http://collector:4318", "http://collector:4318/v1/traces"),
            ("http://collector:4318/", "http://collector:4318/v1/traces"),
            ("https://x.example/tenants/7", "https://x.example/tenants/7/v1/traces"),
            ("https://x.example/otlp/v1/traces", "https://x.example/otlp/v1/traces"),
        ] {
            let settings = of(&[("WHARF_OTLP_ENDPOINT", given)]).unwrap().unwrap();
            assert_eq!(settings.endpoint.as_str(), meant);
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_its_name_and_not_shown() {
        for (name, value, key) in [
            ("WHARF_OTLP_ENDPOINT", "collector:4318", "otlp.endpoint"),
            ("WHARF_OTLP_ENDPOINT", "grpc://hush:4317", "otlp.endpoint"),
            ("WHARF_OTLP_ENDPOINT", "https://me:hush@x.example", "otlp.endpoint"),
            ("WHARF_OTLP_ENDPOINT", "https://x.example?key=hush", "otlp.endpoint"),
            ("WHARF_OTLP_HEADERS", "hush", "otlp.headers"),
            ("WHARF_OTLP_HEADERS", "hush hush=1", "otlp.headers"),
            ("WHARF_OTLP_HEADERS", "x-key=hush\nx", "otlp.headers"),
            ("WHARF_OTLP_HEADERS", "content-type=hush", "otlp.headers"),
            ("WHARF_OTLP_SERVICE_NAME", " ", "otlp.service_name"),
            ("WHARF_OTLP_SAMPLE_RATIO", "0", "otlp.sample_ratio"),
            ("WHARF_OTLP_SAMPLE_RATIO", "1.5", "otlp.sample_ratio"),
            ("WHARF_OTLP_SAMPLE_RATIO", "NaN", "otlp.sample_ratio"),
            ("WHARF_OTLP_SAMPLE_RATIO", "hush", "WHARF_OTLP_SAMPLE_RATIO"),
            ("WHARF_OTLP_TIMEOUT_SECS", "0", "otlp.timeout_secs"),
            ("WHARF_OTLP_TIMEOUT_SECS", "61", "otlp.timeout_secs"),
        ] {
            let refused = of(&[(name, value)]).err().unwrap_or_else(|| panic!("{name}={value} is taken")).to_string();
            assert!(refused.starts_with(&format!("{key}: ")) && !refused.contains("hush"), "{name}={value}: {refused}");
        }
    }

    #[test]
    fn headers_are_secrets() {
        let settings = of(&[ENDPOINT, ("WHARF_OTLP_HEADERS", "authorization=Bearer hush=, x-team = one")]).unwrap().unwrap();
        assert_eq!(settings.headers["authorization"], "Bearer hush=");
        assert_eq!(settings.headers["x-team"], "one");
        assert!(!format!("{settings:?}").contains("hush"), "{settings:?}");
    }
}
