//! The binary's parts: command line, configuration, wiring, shutdown, and the demo.
//!
//! The environment, the clock and randomness enter here; everywhere else they are arguments.

mod admission;
pub mod audit;
pub mod checkpoints;
pub mod cli;
pub mod config;
pub mod connector;
pub mod data_dir;
pub mod demo;
pub mod desired;
pub mod environment;
pub mod failure;
mod lease;
pub mod local;
pub mod log;
pub mod logging;
pub mod parts;
pub mod serve;
pub mod signal;
