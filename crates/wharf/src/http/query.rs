//! The query string and the path, decoded strictly: what cannot be decoded is refused, not guessed.

use wharf_api::{ApiError, ErrorCode, Timestamp};

use super::envelope::invalid;

/// How many parameters a query string may have: the API knows fewer. Each is compared with all before it, so more are not even read.
const PARAMETERS: usize = 50;

/// What is told of an empty word that must not mean «all».
pub(super) const EMPTY: &str = "it is empty; leave it out";

/// The parameters of a query string, each named once. An empty one is absent.
#[derive(Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(query: Option<&str>) -> Result<Self, ApiError> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for part in query.unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
            if pairs.len() == PARAMETERS {
                return Err(invalid("the query string has too many parameters").limit(PARAMETERS as u64, PARAMETERS as u64 + 1));
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = decode(name, true).ok_or_else(|| invalid("the query string is not percent-encoded UTF-8"))?;
            let value = decode(value, true).ok_or_else(|| invalid("the value is not percent-encoded UTF-8").field(shown(&name)))?;
            if pairs.iter().any(|(known, _)| *known == name) {
                return Err(invalid("the parameter stands there more than once").field(shown(&name)));
            }
            pairs.push((name, value));
        }
        Ok(Self(pairs))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses parameters that the operation does not know: a filter with a typing error must not list everything.
    pub fn only(&self, known: &[&str]) -> Result<(), ApiError> {
        match self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, _)) if known.is_empty() => Err(invalid("unknown parameter; there is none").field(shown(name))),
            Some((name, _)) => Err(invalid(format!("unknown parameter; known are {}", known.join(", "))).field(shown(name))),
        }
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A parameter that says whose things are meant. An empty one is refused: it must not list everybody's.
    pub fn whose(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match self.0.iter().find(|(known, _)| known == name) {
            Some((_, value)) if value.is_empty() => Err(invalid(EMPTY).field(name)),
            found => Ok(found.map(|(_, value)| value.as_str())),
        }
    }

    /// A parameter that must be there.
    pub fn required(&self, name: &'static str) -> Result<&str, ApiError> {
        self.get(name).ok_or_else(|| ApiError::new(ErrorCode::MissingRequiredParameter).field(name))
    }

    /// A whole number between `min` and `max`.
    pub fn number(&self, name: &str, min: u64, max: u64) -> Result<Option<u64>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ApiError::new(ErrorCode::InvalidParameterType).field(name).reason("a whole number is expected"));
        }
        match text.parse() {
            Ok(number) if (min..=max).contains(&number) => Ok(Some(number)),
            Ok(number) => Err(invalid(format!("a number from {min} to {max} is expected")).field(name).limit(max, number)),
            Err(_) => Err(invalid(format!("a number from {min} to {max} is expected")).field(name)),
        }
    }

    /// Words of at most `max` characters.
    pub fn text(&self, name: &str, max: usize) -> Result<Option<String>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let chars = text.chars().count();
        if chars > max {
            let reason = format!("at most {max} characters are allowed");
            return Err(invalid(reason).field(name).limit(max as u64, chars as u64));
        }
        Ok(Some(text.to_owned()))
    }

    /// A moment, with its offset from UTC.
    pub fn time(&self, name: &str) -> Result<Option<Timestamp>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| invalid("an RFC 3339 time with its offset is expected").field(name))
    }

    /// One word out of a closed set.
    pub fn word<T>(&self, name: &str, parse: impl Fn(&str) -> Option<T>, words: &[&str]) -> Result<Option<T>, ApiError> {
        let Some(text) = self.get(name) else { return Ok(None) };
        match parse(text) {
            Some(value) => Ok(Some(value)),
            None => Err(invalid(format!("one of {} is expected", words.join(", "))).field(name)),
        }
    }
}

/// A name that came from outside, short enough to be shown.
pub(super) fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// The text behind a percent-encoding, or `None` where there is none. In query strings `+` is a space.
pub(super) fn decode(text: &str, plus_is_space: bool) -> Option<String> {
    if !text.contains(['%', '+', '\0']) {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'%' => {
                let [high, low, after @ ..] = tail else { return None };
                let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
                bytes.push(digit(*high)? << 4 | digit(*low)?);
                rest = after;
            }
            b'+' if plus_is_space => bytes.push(b' '),
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<Query, ApiError> {
        Query::parse(Some(query))
    }

    #[test]
    fn a_parameter_is_decoded() {
        let query = parse("a=1%202&b=x+y&c&=z&d=%C3%A9").unwrap();
        assert_eq!(query.get("a"), Some("1 2"));
        assert_eq!(query.get("b"), Some("x y"));
        assert_eq!(query.get("c"), None);
        assert_eq!(query.whose("b").unwrap(), Some("x y"));
        assert_eq!(query.whose("e").unwrap(), None);
        assert_eq!(query.whose("c").unwrap_err().details.reason.as_deref(), Some(EMPTY));
        assert_eq!(query.get("d"), Some("é"));
        assert_eq!(query.get("e"), None);
    }

    #[test]
    fn bad_encoding_and_repeats_are_refused() {
        for query in ["a=%", "a=%4", "a=%zz", "%ff=1", "a=%ff", "a=%00", "a=%+1", "a=1&a=2", "a=1&%61=2"] {
            assert_eq!(parse(query).unwrap_err().code, ErrorCode::InvalidRequest, "{query}");
        }
    }

    #[test]
    fn fifty_parameters_pass_and_the_next_is_refused_before_what_follows_is_read() {
        let named = |count: usize| (0..count).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
        assert_eq!(parse(&named(PARAMETERS)).unwrap().0.len(), PARAMETERS);
        // What comes after the bound is never looked at, so its bad encoding is not what is told.
        let error = parse(&format!("{}&%zz", named(PARAMETERS))).unwrap_err();
        assert_eq!((error.code, error.details.limit), (ErrorCode::InvalidRequest, Some(PARAMETERS as u64)));
        assert_eq!(parse(&named(16_000)).unwrap_err().code, ErrorCode::InvalidRequest);
    }

    #[test]
    fn a_number_is_a_number_in_its_range() {
        let number = |query| parse(query).unwrap().number("n", 1, 200).map_err(|error| error.code);
        assert_eq!(number("n=200"), Ok(Some(200)));
        assert_eq!(number(""), Ok(None));
        assert_eq!(number("n="), Ok(None));
        for query in ["n=abc", "n=1.5", "n=-", "n=0x10", "n=%201"] {
            assert_eq!(number(query), Err(ErrorCode::InvalidParameterType), "{query}");
        }
        for query in ["n=0", "n=201", "n=-1", "n=99999999999999999999999"] {
            assert_eq!(number(query), Err(ErrorCode::InvalidRequest), "{query}");
        }
    }

    #[test]
    fn an_unknown_parameter_is_named() {
        let error = parse("sesionId=1").unwrap().only(&["sessionId"]).unwrap_err();
        assert_eq!(error.details.field.as_deref(), Some("sesionId"));
    }
}
