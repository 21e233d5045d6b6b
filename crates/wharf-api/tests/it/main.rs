//! The promises of this crate, tested.

mod promised_page;
