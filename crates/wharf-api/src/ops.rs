//! Every operation of the API: method, path, permission, and the codes that it may answer.
//!
//! The router mounts what stands in the table and nothing else; a test layer refuses an answer that is not declared.

mod table;

use crate::openapi::parameter::Parameter;
use crate::{ErrorCode, Permission, limits};

/// The methods in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether requests of this method say what they want in a body.
    pub const fn has_body(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch)
    }
}

/// Who may call an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Open,
    /// A key with this permission.
    Key(Permission),
    /// An operator's key, whatever its permissions.
    Operator,
    /// A log-in, whatever its role, and no key.
    Login,
}

impl Access {
    /// Whether it is called with a key.
    pub const fn takes_keys(self) -> bool {
        matches!(self, Self::Key(_) | Self::Operator)
    }
}

/// What an operation answers, by the names of the schemas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    One(&'static str),
    /// A list that is answered whole: `page.next` is null.
    Whole(&'static str),
    /// A list in pages.
    List(&'static str),
    /// Not in the envelope: the types that it comes in.
    Raw(&'static [&'static str]),
    /// A file of whatever type: in part (206) where a part was asked for, and not again (304) to whom has it.
    File,
}

/// What an operation reads of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing: its method has none.
    None,
    /// JSON of at most so many bytes.
    Json(usize),
    /// JSON of the usual size, or no body at all.
    Optional,
    /// A file, as it comes.
    Stream,
}

/// How long a request may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    Usual,
    /// As long as a file may: its bytes are on their way to us or from us.
    Files,
    /// As long as its caller asked us to wait, besides.
    LongPoll,
}

/// Whether an operation takes an `Idempotency-Key`, and when the key is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idempotency {
    No,
    /// In the commit of what is created, which a repeat finds even where the first request died.
    WithCommit,
    /// Before the work, where nothing can be committed with the key or made anew.
    Before,
}

/// One operation.
#[derive(Debug)]
pub struct Operation {
    /// The operation's name: also the handler's and its file's.
    pub id: &'static str,
    pub method: Method,
    /// The path, parameters in braces.
    pub path: &'static str,
    pub access: Access,
    /// The schema of the JSON that it takes.
    pub request: Option<&'static str>,
    /// The status of success.
    pub success: u16,
    pub answer: Answer,
    /// Other forms of the answer, by type, outside the envelope.
    pub also: &'static [&'static str],
    /// One sentence.
    pub summary: &'static str,
    pub body: Body,
    pub patience: Patience,
    pub idempotency: Idempotency,
    /// The parameters of its query string, besides those of its kind.
    pub(crate) query: fn() -> Vec<Parameter>,
    /// The codes of its own, beyond those that every operation of its kind may answer.
    own_codes: &'static [ErrorCode],
}

/// What any request can meet, whatever it asks for.
pub const COMMON_CODES: &[ErrorCode] = &[ErrorCode::InvalidRequest, ErrorCode::InternalServerError, ErrorCode::ServiceUnavailable];
/// What any request with a key can meet.
pub const KEYED_CODES: &[ErrorCode] = &[
    ErrorCode::MissingApiKey,
    ErrorCode::InvalidApiKey,
    ErrorCode::ExpiredApiKey,
    ErrorCode::InsufficientPermissions,
    ErrorCode::RateLimitExceeded,
    ErrorCode::ConcurrentRequestLimitExceeded,
];
/// What any request with an `Idempotency-Key` can meet.
const IDEMPOTENT_CODES: &[ErrorCode] = &[ErrorCode::IdempotencyKeyInUse, ErrorCode::IdempotencyKeyReused];
/// What any request with a JSON body can meet.
const BODY_CODES: &[ErrorCode] = &[ErrorCode::MissingRequiredParameter, ErrorCode::InvalidParameterType];
/// What a path that is not served can meet, with or without a key.
pub const UNROUTED_CODES: &[ErrorCode] = &[ErrorCode::ResourceNotFound, ErrorCode::MethodNotAllowed];

impl Operation {
    /// A row of the table without the columns that most leave out.
    const fn new(
        id: &'static str,
        (method, path): (Method, &'static str),
        access: Access,
        (success, answer): (u16, Answer),
        summary: &'static str,
        own_codes: &'static [ErrorCode],
    ) -> Self {
        Self {
            id,
            method,
            path,
            access,
            request: None,
            success,
            answer,
            also: &[],
            summary,
            body: if method.has_body() { Body::Json(limits::JSON_BODY_BYTES) } else { Body::None },
            patience: Patience::Usual,
            idempotency: Idempotency::No,
            query: Vec::new,
            own_codes,
        }
    }

    const fn request(self, name: &'static str) -> Self {
        Self { request: Some(name), ..self }
    }

    const fn also(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }

    const fn body(self, body: Body) -> Self {
        Self { body, ..self }
    }

    const fn patience(self, patience: Patience) -> Self {
        Self { patience, ..self }
    }

    const fn idempotency(self, idempotency: Idempotency) -> Self {
        Self { idempotency, ..self }
    }

    const fn query(self, query: fn() -> Vec<Parameter>) -> Self {
        Self { query, ..self }
    }

    /// Every code that this operation may answer.
    pub fn codes(&self) -> impl Iterator<Item = ErrorCode> {
        let keyed = if self.access == Access::Open { &[] } else { KEYED_CODES };
        let body = if self.method.has_body() { BODY_CODES } else { &[] };
        [COMMON_CODES, keyed, body].into_iter().flatten().copied().chain(self.own_codes())
    }

    /// The codes of its own, beyond those that every operation of its kind may answer.
    pub fn own_codes(&self) -> impl Iterator<Item = ErrorCode> {
        let idempotent = if self.idempotent() { IDEMPOTENT_CODES } else { &[] };
        self.own_codes.iter().chain(idempotent).copied()
    }

    /// The types that the answer comes in outside the envelope.
    pub fn raw(&self) -> &'static [&'static str] {
        match self.answer {
            Answer::Raw(kinds) => kinds,
            Answer::File => &["*/*"],
            Answer::One(_) | Answer::Whole(_) | Answer::List(_) => self.also,
        }
    }

    /// Whether a call leaves a row in the audit log: whoever changes keys, users, accounts, plans, sessions or webhooks, or is
    /// refused it. What is sent and said has a log of its own.
    pub fn audited(&self) -> bool {
        let told = match self.access {
            Access::Open => false,
            Access::Operator | Access::Login => true,
            Access::Key(permission) => {
                use Permission::{KeysManage, SessionsWrite, UsersManage, WebhooksManage};
                matches!(permission, SessionsWrite | KeysManage | UsersManage | WebhooksManage)
            }
        };
        told && self.method != Method::Get
    }

    /// Whether it waits for WhatsApp's word on something that it sends.
    pub fn sends(&self) -> bool {
        self.own_codes.contains(&ErrorCode::MessageSendingFailed)
    }

    /// Whether it says on request what it would do, and does nothing.
    pub fn may_be_dry(&self) -> bool {
        self.sends() && self.success == 201 && self.id != quick_send_text.id
    }

    /// Whether it serves files.
    pub fn serves_files(&self) -> bool {
        self.answer == Answer::File
    }

    /// Whether success may have this status.
    pub fn may_succeed_with(&self, status: u16) -> bool {
        self.success == status || (self.may_be_dry() && status == 200) || (self.serves_files() && matches!(status, 206 | 304))
    }

    /// Whether the request carries an `Idempotency-Key`.
    pub fn idempotent(&self) -> bool {
        self.idempotency != Idempotency::No
    }
}

/// The operation that a request meets; `path` without its query string. Fixed parts of a path win over parameters.
pub fn find(method: &str, path: &str) -> Option<&'static Operation> {
    let fits = |known: &str| {
        let mut parts = known.split('/').zip(path.split('/'));
        known.matches('/').count() == path.matches('/').count()
            && parts.all(|(known, asked)| known == asked || (known.starts_with('{') && !asked.is_empty()))
    };
    let known = ALL.iter().map(|op| op.path).filter(|known| fits(known)).min_by_key(|known| known.matches('{').count())?;
    let of_method = |op: &&&Operation| op.method.as_str() == method || (op.method == Method::Get && method == "HEAD");
    ALL.iter().filter(|op| op.path == known).find(of_method).copied()
}

/// The name of a schema, or what stands there in its place.
macro_rules! named {
    ($name:ident) => {
        stringify!($name)
    };
    ($other:tt) => {
        &$other
    };
}

macro_rules! operations {
    ($($id:ident {
        $method:ident $path:literal, $access:ident$(($permission:ident))?, $($request:ident =>)? $success:literal $answer:ident$(($of:tt))?,
        $summary:literal, [$($code:ident),*] $(, $column:ident($($value:tt)*))*
    })+) => {
        /// The names are those of files and handlers, hence in lower case.
        #[expect(non_upper_case_globals, reason = "an operation is named as its handler and its file are")]
        mod all {
            use super::Body::{Json, Optional, Stream};
            use super::Idempotency::{Before, WithCommit};
            use super::Patience::{Files, LongPoll};
            use super::{Access, Answer, ErrorCode, Method, Operation, Permission};
            use crate::{limits, openapi::parameter};

            $(pub static $id: Operation = Operation::new(
                stringify!($id),
                (Method::$method, $path),
                Access::$access$((Permission::$permission))?,
                ($success, Answer::$answer$((named!($of)))?),
                $summary,
                &[$(ErrorCode::$code),*],
            )$(.request(stringify!($request)))?$(.$column($($value)*))*;)+
        }

        pub use all::*;

        /// The whole table.
        pub static ALL: &[&Operation] = &[$(&$id),+];
    };
}

crate::each_operation!(operations);

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_operations_share_a_name_or_a_method_and_path() {
        let names: HashSet<_> = ALL.iter().map(|op| op.id).collect();
        let places: HashSet<_> = ALL.iter().map(|op| (op.method, op.path)).collect();
        assert_eq!((names.len(), places.len()), (ALL.len(), ALL.len()));
    }

    #[test]
    fn a_request_finds_its_operation_as_the_router_does() {
        let id = |method, path| find(method, path).map(|op| op.id);
        assert_eq!(id("GET", "/v1/sessions"), Some("list_sessions"));
        assert_eq!(id("HEAD", "/v1/sessions/ses_1"), Some("get_session"));
        assert_eq!(id("POST", "/v1/messages/text"), Some("send_text"));
        assert_eq!(id("POST", "/api/whatsapp/sessions/ses_1/messages"), Some("quick_send_text"));
        for (method, path) in [("PUT", "/v1/sessions"), ("GET", "/v1/sessions/"), ("GET", "/v1/messages/text"), ("GET", "/")] {
            assert_eq!(id(method, path), None, "{method} {path}");
        }
    }

    #[test]
    fn an_open_operation_never_speaks_of_keys() {
        // Whoever signs in has no key, and is refused as one with a wrong key is.
        for op in ALL.iter().filter(|op| op.access == Access::Open && op.id != create_login.id) {
            assert!(op.codes().all(|code| !KEYED_CODES.contains(&code)), "{}", op.id);
        }
    }
}
