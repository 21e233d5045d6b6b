//! How a message is sent, whatever it says.

use wharf_api::limits;

use super::Error;
use super::shape::{Shape, within};

#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// Answer as soon as the message is durable.
    pub(super) asynchronous: bool,
    /// The caller's own name for it.
    pub(super) reference: Option<String>,
    /// Say what would happen, and do nothing.
    pub(super) dry_run: bool,
}

impl Manner {
    pub(super) fn parse(asynchronous: bool, reference: Option<&str>, dry_run: bool) -> Result<Self, Error> {
        if let Some(reference) = reference {
            within("reference", reference, 1, limits::REFERENCE_CHARS)?;
            if reference.chars().any(char::is_control) {
                return Err(Shape::new("reference", "no control character is expected").into());
            }
        }
        Ok(Self { asynchronous, reference: reference.map(str::to_owned), dry_run })
    }
}
