use http::header::SET_COOKIE;
use wharf_api::types::login::{CreateLogin, Login};
use wharf_api::{ApiError, ErrorCode};
use wharf_core::login;

use super::origin;
use crate::http::auth::cookie;
use crate::http::envelope::{Failure, Reply, invalid};
use crate::http::{Answer, Call};

pub(in crate::http) async fn create_login(mut call: Call) -> Answer {
    // A foreign page signs nobody in: what is done then would be done as somebody else.
    cookie::same_site(&call.http, &call.headers, call.way.peer)?;
    let request: CreateLogin = call.take_json()?;
    let origin = origin(&call);
    let address = origin.address;
    let missing = |name: &str| Failure::from(ApiError::new(ErrorCode::MissingRequiredParameter).field(name));
    let entered = match (&request.name, &request.password, &request.token) {
        (Some(name), Some(password), None) => login::sign_in(call.services(), name, password, origin).await,
        (None, None, Some(token)) => login::enter(call.services(), token, origin).await,
        (Some(_), None, None) => return Err(missing("password")),
        (None, _, None) => return Err(missing("name")),
        (_, _, Some(_)) => return Err(invalid("a token stands alone, without a name and a password").field("token").into()),
    };
    match entered {
        Ok((found, secret)) => {
            let mut reply = Reply::created(Login::from(&found))?.no_store();
            reply.headers.push((SET_COOKIE, cookie::given(&call.http, &call.headers, call.way, &secret)));
            Ok(reply)
        }
        Err(error) => {
            let code = ApiError::from(&error).code;
            if matches!(code.status(), 401 | 403 | 429) {
                login::refused(call.services(), request.name.as_deref(), address, code).await;
            }
            Err(error.into())
        }
    }
}
