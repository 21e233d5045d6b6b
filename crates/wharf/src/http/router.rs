//! Mounts the operations that the contract declares, and answers for everything that it does not.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::routing::{MethodFilter, MethodRouter, Route};
use futures::FutureExt as _;
use tower::layer::layer_fn;
use tower::service_fn;
use wharf_api::ops::{self, Method, Operation};

use super::call::{self, Handler};
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
            &[$((&ops::$operation, |call| Box::pin($operation(call)))),+]
        };
    };
}

wharf_api::each_operation!(handlers);

/// The whole API, and what a program serves beside it.
pub fn router(http: &Arc<Http>, beside: Router) -> Router {
    let mut router = Router::new();
    for path in paths() {
        let mut methods: MethodRouter = MethodRouter::new().fallback(move |request: Request| ready(wrong_method(&allowed(path), &request)));
        for (operation, handler) in HANDLERS.iter().filter(|(operation, _)| operation.path == path) {
            let (operation, handler, http) = (*operation, *handler, Arc::clone(http));
            methods =
                methods.on(filter(operation.method), move |request: Request| call::serve(Arc::clone(&http), operation, handler, request));
        }
        router = router.route(path, methods);
    }
    #[cfg(feature = "dashboard")]
    let router = router.merge(super::dashboard::router(http));
    let http = Arc::clone(http);
    // Not by axum's way for functions, which allocates what is behind it anew for each request.
    router.merge(beside).fallback(unknown_path).layer(layer_fn(move |behind: Route| {
        let http = Arc::clone(&http);
        service_fn(move |request: Request| front::pass(Arc::clone(&http), request, behind.clone()).map(Ok::<_, Infallible>))
    }))
}

/// Every path, once.
fn paths() -> Vec<&'static str> {
    let mut paths: Vec<_> = ops::ALL.iter().map(|operation| operation.path).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
}

fn filter(method: Method) -> MethodFilter {
    match method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Patch => MethodFilter::PATCH,
        Method::Delete => MethodFilter::DELETE,
    }
}

/// The methods that a path knows, as `Allow` lists them. Where there is GET there is HEAD.
fn allowed(path: &str) -> String {
    let methods = ops::ALL.iter().filter(|operation| operation.path == path).map(|operation| operation.method);
    let names = methods.flat_map(|method| if method == Method::Get { vec!["GET", "HEAD"] } else { vec![method.as_str()] });
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
}
