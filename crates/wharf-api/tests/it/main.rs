//! The promises of this crate, tested.

#![expect(clippy::unwrap_used, reason = "a test that panics is a test that failed")]

mod numbers;
mod promised_page;
mod vocabulary;
