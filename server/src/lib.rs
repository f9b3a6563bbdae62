//! The binary's parts: command line, configuration, wiring, shutdown, and the demo.
//!
//! The environment, the clock and randomness enter here; everywhere else they are arguments.
// The futures of a GraphQL answer hold each other deeper than the compiler looks by itself, which
// an optimised build finds out.
#![recursion_limit = "256"]

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
pub mod local;
pub mod log;
pub mod logging;
pub mod parts;
pub mod serve;
pub mod signal;
