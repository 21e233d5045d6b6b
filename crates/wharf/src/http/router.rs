//! Leads a request to the operation that the contract declares at its path, and answers for everything that it does not.
//!
//! Not axum's router, which has what a program serves besides: it puts each request's way together anew, of boxes that hold boxes, and that
//! costs more than most refusals. What it finds a path by is here too.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use http::header::ALLOW;
use http::{HeaderValue, Method};
use hyper::body::Incoming;
use tower::ServiceExt as _;
use wharf_api::ops::{self, Operation};

use super::call::{self, Handler, pinned};
use super::noted::{AnswerNotes, Came};
use super::server::line::Line;
use super::unknown::{unknown_path, wrong_method};
use super::{Http, front};

/// The handler of each row, which has the row's name.
macro_rules! handlers {
    ($($operation:ident $row:tt)+) => {
        #[allow(clippy::wildcard_imports, reason = "each handler, by the row's name; a row without one does not compile")]
        static HANDLERS: &[(&Operation, Handler)] = {
            use super::{
                account::*, admin::*, api_key::*, chat::*, contact::*, event::*, group::*, login::*, media::*, message::*, open::*,
                quick_start::*, session::*, user::*, webhook::*,
            };
            &[$((&ops::$operation, |call| pinned!($operation(call)))),+]
        };
    };
}

wharf_api::each_operation!(handlers);

/// One path of the contract.
struct Mount {
    /// The methods that it knows, as `Allow` lists them.
    allow: String,
    /// That list where nobody behind has answered: to a browser that asks first, or at the door.
    allow_beside: HeaderValue,
    operations: Vec<(&'static Operation, Handler)>,
}

impl Mount {
    fn new(path: &'static str) -> Self {
        let operations = HANDLERS.iter().filter(|(operation, _)| operation.path == path).copied().collect();
        let allow = allowed(path);
        let allow_beside = HeaderValue::from_str(&allow.replace(' ', "")).expect("names of methods are visible ASCII");
        Self { allow, allow_beside, operations }
    }

    /// The operation behind a method. Where there is GET there is HEAD.
    fn operation(&self, method: &Method) -> Option<(&'static Operation, Handler)> {
        let method = if method == Method::HEAD { "GET" } else { method.as_str() };
        self.operations.iter().find(|(operation, _)| operation.method.as_str() == method).copied()
    }
}

/// The paths of the contract. Where two fit, the one is meant that has a word first.
fn mounts() -> matchit::Router<Mount> {
    let mut mounts = matchit::Router::new();
    for path in paths() {
        mounts.insert(path, Mount::new(path)).expect("each path of the contract has a shape of its own");
    }
    mounts
}

/// The whole API, and what a program serves beside it.
pub(super) struct Routes {
    http: Arc<Http>,
    mounts: matchit::Router<Mount>,
    beside: Router,
}

impl Routes {
    pub fn new(http: Arc<Http>, beside: Router) -> Self {
        #[cfg(feature = "dashboard")]
        let beside = super::dashboard::router(&http).merge(beside);
        // A router without a state has its routes made once.
        let beside = beside.fallback(unknown_path).with_state(());
        Self { http, mounts: mounts(), beside }
    }

    /// Has a request answered that came over this connection, from that address.
    pub async fn answer(&self, peer: IpAddr, line: Arc<Line>, request: http::Request<Incoming>) -> Response {
        let mount = self.mounts.at(request.uri().path()).ok().map(|at| at.value);
        let found = mount.and_then(|mount| mount.operation(request.method()));
        let mut response = front::pass(&self.http, peer, line, request, |request, came| self.lead(mount, found, request, came)).await;
        if let Some(mount) = mount.filter(|_| found.is_none() && !response.headers().contains_key(ALLOW)) {
            response.headers_mut().insert(ALLOW, mount.allow_beside.clone());
        }
        response
    }

    /// What is behind is boxed: a request takes the room of the way that it goes, and not of the longest one.
    async fn lead(
        &self,
        mount: Option<&Mount>,
        found: Option<(&'static Operation, Handler)>,
        mut request: Request,
        came: Came,
    ) -> (Response, AnswerNotes) {
        match (mount, found) {
            (_, Some((operation, handler))) => pinned!(call::serve(&self.http, operation, handler, request, came)).await,
            (Some(mount), None) => with_notes(wrong_method(&mount.allow, &came.id)),
            (None, None) => {
                request.extensions_mut().insert(came);
                let Ok(response) = Box::pin(self.beside.clone().oneshot(request)).await;
                with_notes(response)
            }
        }
    }
}

/// An answer that no operation gave, with what is noted of it.
fn with_notes(response: Response) -> (Response, AnswerNotes) {
    let notes = AnswerNotes::beside(&response);
    (response, notes)
}

/// Every path, once.
fn paths() -> Vec<&'static str> {
    let mut paths: Vec<_> = ops::ALL.iter().map(|operation| operation.path).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

/// The methods that a path knows, as `Allow` lists them. Where there is GET there is HEAD.
fn allowed(path: &str) -> String {
    let methods = ops::ALL.iter().filter(|operation| operation.path == path).map(|operation| operation.method);
    let names = methods.flat_map(|method| if method == ops::Method::Get { vec!["GET", "HEAD"] } else { vec![method.as_str()] });
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_lists_the_methods_that_it_knows() {
        assert_eq!(allowed("/v1/sessions"), "POST, GET, HEAD");
        assert_eq!(allowed("/v1/messages/text"), "POST");
    }

    /// The path that a path leads to.
    fn led(path: &str) -> Option<&'static str> {
        mounts().at(path).ok().map(|at| at.value.operations[0].0.path)
    }

    #[test]
    fn every_operation_is_found_at_its_path_by_its_method_alone() {
        let mounts = mounts();
        for operation in ops::ALL {
            let path: Vec<_> = operation.path.split('/').map(|part| if part.starts_with('{') { "own" } else { part }).collect();
            let mount = mounts.at(&path.join("/")).unwrap().value;
            assert!(mount.operations.iter().all(|(mounted, _)| mounted.path == operation.path), "{}", operation.path);
            let found = |method: &str| mount.operation(&method.parse().unwrap()).map(|(found, _)| found.id);
            assert_eq!(found(operation.method.as_str()), Some(operation.id));
            assert_eq!(found("HEAD"), found("GET"), "{}", operation.path);
            assert_eq!((found("OPTIONS"), found("get")), (None, None), "{}", operation.path);
        }
    }

    #[test]
    fn a_path_is_compared_to_the_letter_and_a_word_goes_before_a_part_of_the_callers_own() {
        for (path, leads_to) in [
            ("/v1/groups/join", Some("/v1/groups/join")),
            ("/v1/groups/joins", Some("/v1/groups/{groupId}")),
            ("/v1/contacts/blocked", Some("/v1/contacts/blocked")),
            ("/v1/contacts/check/picture", Some("/v1/contacts/{contactId}/picture")),
            ("/v1/groups/%2F/invite/revoke", Some("/v1/groups/{groupId}/invite/revoke")),
            ("/v1/sessions//qr", Some("/v1/sessions/{sessionId}/qr")),
            ("/v1/sessions/", None),
            ("/v1/account/", None),
            ("/V1/account", None),
            ("//v1/account", None),
            ("/v1/groups/a/b/c/d/e", None),
            ("/", None),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(led(path), leads_to, "{path}");
        }
    }
}
