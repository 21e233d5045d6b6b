//! Where the bytes of media lie, and what is read out of them.

mod inspect;
pub mod local;

pub use local::LocalFiles;
