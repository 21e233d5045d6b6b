//! Made by `cargo xtask version`: the version of WhatsApp Web that was current when the program was made.

/// Its last number.
pub const REVISION: u32 = 1_045_649_367;
/// The day on which it was current, in seconds since the Unix epoch: 2026-08-20.
pub(crate) const AS_OF_SECS: i64 = 1_787_184_000;
