use crate::http::envelope::{Failure, Reply};
use crate::http::{Answer, Call};

pub(in crate::http) async fn get_metrics(call: Call) -> Answer {
    let text = call.http.metrics.text(call.services()).await.map_err(Failure::internal)?;
    Ok(Reply::raw("text/plain; version=0.0.4; charset=utf-8", text).no_store())
}
