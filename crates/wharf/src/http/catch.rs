//! A panic ends one request, not the process; its words go to the log only.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;

use super::envelope::Failure;

/// Does work and catches its panic. No `async fn`, which would have room for the work twice: where it comes, and where it runs.
pub(super) fn panics<T>(work: impl Future<Output = Result<T, Failure>>) -> impl Future<Output = Result<T, Failure>> {
    // What the handler shares with others is behind locks that outlive a panic.
    AssertUnwindSafe(work).catch_unwind().map(|outcome| match outcome {
        Ok(answer) => answer,
        Err(payload) => {
            let words = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
            Err(Failure::internal(format!("panic: {}", words.unwrap_or("without words"))))
        }
    })
}

#[cfg(test)]
mod tests {
    use wharf_api::ErrorCode;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_internal_error_whose_words_stay_inside() {
        let failure = panics::<()>(async { panic!("the secret") }).await.unwrap_err();
        assert_eq!(failure.error, ErrorCode::InternalServerError.into());
        assert_eq!(failure.cause.unwrap().to_string(), "panic: the secret");
    }
}
