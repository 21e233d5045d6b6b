//! Numbers that people write in another way than the network does: a ninth digit more, or a country's 1 less. Whoever asks for one
//! of them is told the number as the network writes it; nothing can be sent to the other.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::account::lock;
use crate::address::Number;

/// By the number as people write it.
#[derive(Default)]
pub(crate) struct Spellings(Mutex<HashMap<Number, Number>>);

impl Spellings {
    pub(crate) fn put(&self, written: Number, known: Number) {
        lock(&self.0).insert(written, known);
    }

    /// The number as the network writes it.
    pub(crate) fn known(&self, written: Number) -> Number {
        lock(&self.0).get(&written).copied().unwrap_or(written)
    }
}
