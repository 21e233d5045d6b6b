//! What the tests of several rooms share. No program is built with it.

pub mod ledger;
