//! Where the bytes of media lie, and what is read out of them.

pub mod bucket;
mod inspect;
pub mod local;
mod picture;

pub use local::LocalFiles;
