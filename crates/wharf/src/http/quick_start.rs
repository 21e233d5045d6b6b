//! The quick start's two requests: other words for operations that exist, and the same code behind them.

mod quick_create_session;
mod quick_send_text;

pub(super) use quick_create_session::quick_create_session;
pub(super) use quick_send_text::quick_send_text;
