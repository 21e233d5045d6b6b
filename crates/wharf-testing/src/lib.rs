//! What the tests of several rooms share. No program is built with it.

#![warn(unreachable_pub)]

pub mod ledger;
