//! The program: HTTP, workers, configuration, the command line, and the one place that wires the rooms together.
//!
//! A library as well, so that the sandbox is the same program in another world.

mod among;
pub mod app;
pub mod cli;
pub mod config;
mod disposition;
pub mod egress;
pub mod http;
pub mod identity;
pub mod log;
pub mod machine;
pub mod media;
pub mod metrics;
mod partners;
pub mod traces;
pub mod worker;
pub mod world;
