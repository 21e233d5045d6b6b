//! Watches in debug builds that an operation answers only with the codes that it declares.

use std::sync::atomic::{AtomicU64, Ordering};

use wharf_api::ErrorCode;
use wharf_api::ops::{COMMON_CODES, Operation, UNROUTED_CODES};

static UNDECLARED: AtomicU64 = AtomicU64::new(0);

/// How many answers of this process carried a code that their operation does not declare. Always 0 in release builds.
pub fn undeclared() -> u64 {
    UNDECLARED.load(Ordering::Relaxed)
}

pub(super) fn observe(operation: Option<&Operation>, code: ErrorCode) {
    if cfg!(debug_assertions) && !is_declared(operation, code) {
        UNDECLARED.fetch_add(1, Ordering::Relaxed);
        let operation = operation.map_or("none", |operation| operation.id);
        tracing::error!(operation, code = code.name(), "an operation answered with a code that it does not declare");
    }
}

fn is_declared(operation: Option<&Operation>, code: ErrorCode) -> bool {
    match operation {
        Some(operation) => operation.codes().any(|declared| declared == code),
        None => UNROUTED_CODES.contains(&code) || COMMON_CODES.contains(&code),
    }
}

#[cfg(test)]
mod tests {
    use wharf_api::ops;

    use super::*;

    #[test]
    fn an_operation_may_answer_what_it_declares_and_nothing_else() {
        assert!(is_declared(Some(&ops::get_session), ErrorCode::SessionNotFound));
        assert!(!is_declared(Some(&ops::get_session), ErrorCode::MessageNotFound));
        assert!(!is_declared(Some(&ops::get_health), ErrorCode::InvalidApiKey));
        assert!(is_declared(None, ErrorCode::MethodNotAllowed));
    }
}
