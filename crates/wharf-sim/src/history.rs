//! What a phone tells a new device of the time before: its chats, with the tokens that people gave it, the salt of its own, and who goes
//! by which names. Small ones come inside the message, large ones as a file.

mod told;

use std::collections::HashMap;
use std::sync::Mutex;

use crate::account::lock;
use crate::address::Number;

pub(crate) use told::share;

/// Chats and messages that are made up for a large one.
#[derive(Clone, Copy, Default)]
pub(crate) struct Size {
    pub(crate) chats: u32,
    pub(crate) messages: u32,
    /// It tells nothing at all.
    pub(crate) withheld: bool,
}

/// How much phones tell beyond what they know.
#[derive(Default)]
pub(crate) struct Sizes(Mutex<HashMap<Number, Size>>);

impl Sizes {
    pub(crate) fn set(&self, number: Number, size: Size) {
        lock(&self.0).insert(number, size);
    }

    fn of(&self, number: Number) -> Size {
        lock(&self.0).get(&number).copied().unwrap_or_default()
    }
}
