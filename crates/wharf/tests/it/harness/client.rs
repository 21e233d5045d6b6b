//! HTTP to the byte: what well-behaved clients cannot say must be said here.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wharf_api::ErrorCode;
use wharf_api::ops::{self, Operation};
use wharf_testing::ledger;

pub struct Ask {
    address: SocketAddr,
    method: String,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub json: Value,
}

impl Ask {
    pub fn new(address: SocketAddr, method: &str, path: &str) -> Self {
        Self { address, method: method.into(), path: path.into(), headers: Vec::new(), body: Vec::new() }
    }

    pub fn key(self, key: &str) -> Self {
        self.header("Authorization", format!("Bearer {key}"))
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.also(name, value)
    }

    /// One more header, also where there is one of that name.
    pub fn also(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), value.as_ref().to_vec()));
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.header("Content-Type", "application/json").body(body.to_string())
    }

    /// One more parameter in the query string.
    pub fn query(mut self, parameter: &str) -> Self {
        self.path.push(if self.path.contains('?') { '&' } else { '?' });
        self.path.push_str(parameter);
        self
    }

    /// The parameter without a value, whether it stood there or not.
    pub fn emptied(mut self, name: &str) -> Self {
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let others = query.split('&').filter(|part| !part.is_empty() && part.split('=').next() != Some(name));
        let query: Vec<_> = others.map(str::to_owned).chain([format!("{name}=")]).collect();
        self.path = format!("{path}?{}", query.join("&"));
        self
    }

    /// The body cut short, where there is one.
    pub fn spoiled(mut self) -> Self {
        self.body.pop();
        self
    }

    /// The JSON body with another value for one member.
    pub fn member(self, name: &str, value: &Value) -> Self {
        let mut body: Value = serde_json::from_slice(&self.body).unwrap();
        body[name] = value.clone();
        self.json(&body)
    }

    pub fn body(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The operation that the request is for.
    pub fn operation(&self) -> Option<&'static Operation> {
        ops::find(&self.method, self.path.split('?').next().unwrap())
    }

    /// The request as it goes out, its length included where no header says how the body comes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n", self.method, self.path).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        let framed = self
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("transfer-encoding") || name.eq_ignore_ascii_case("content-length"));
        if !framed && (self.method == "POST" || !self.body.is_empty()) {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", self.body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    pub async fn send(self) -> Reply {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let bytes = self.bytes();
        let (mut reading, mut writing) = stream.split();
        // The server may answer, and close, before everything is written.
        let write = async {
            let _ = writing.write_all(&bytes).await;
        };
        let (reply, ()) = tokio::join!(read(&mut reading), write);
        ledger::record(env!("CARGO_TARGET_TMPDIR"), &self.method, self.path.split('?').next().unwrap(), reply.status, &reply.json);
        reply
    }
}

/// What a server says that asks for the body of a request which says `Expect: 100-continue`.
const GO_ON: &str = "HTTP/1.1 100 Continue\r\n\r\n";

/// Waits until the server asks for the body: the request has its places by then.
pub async fn asked_on(stream: &mut TcpStream) {
    let mut said = vec![0; GO_ON.len()];
    stream.read_exact(&mut said).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&said), GO_ON);
}

/// Reads one answer, up to the end of the connection.
pub async fn read(stream: &mut (impl AsyncReadExt + Unpin)) -> Reply {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let split =
        bytes.windows(4).position(|part| part == b"\r\n\r\n").unwrap_or_else(|| panic!("no answer: {:?}", String::from_utf8_lossy(&bytes)));
    let head = String::from_utf8(bytes[..split].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers =
        lines.map(|line| line.split_once(':').unwrap()).map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    let body = bytes[split + 4..].to_vec();
    let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Reply { status, headers, body, json }
}

impl Reply {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    #[track_caller]
    pub fn ok(&self, status: u16) -> &Value {
        assert_eq!((self.status, &self.json["success"]), (status, &Value::Bool(true)), "{}", self.shown());
        assert!(!self.header("x-request-id").is_empty(), "{}", self.shown());
        &self.json["data"]
    }

    /// Asserts the refusal with all that every refusal has, and answers its details.
    #[track_caller]
    pub fn refused(&self, code: ErrorCode) -> &Value {
        let error = &self.json["error"];
        assert_eq!((self.status, error["code"].as_str()), (code.status(), Some(code.name())), "{}", self.shown());
        assert_eq!(self.json["success"], Value::Bool(false), "{}", self.shown());
        assert_eq!(error["message"], code.row().description, "{}", self.shown());
        assert_eq!(self.header("content-type"), "application/json; charset=utf-8", "{}", self.shown());
        assert!(!self.header("x-request-id").is_empty(), "{}", self.shown());
        if matches!(self.status, 429 | 503) {
            assert!(self.header("retry-after").parse::<u64>().unwrap() >= 1, "{}", self.shown());
        }
        &error["details"]
    }

    pub fn shown(&self) -> String {
        format!("{} {:?} {}", self.status, self.headers, String::from_utf8_lossy(&self.body))
    }
}
