//! The GraphQL API; a folder per noun.
// The futures of a GraphQL answer hold each other deeper than the compiler looks by itself, which
// an optimised build finds out.
#![recursion_limit = "256"]

pub(crate) mod absent;
pub mod algorithm;
pub mod as_of;
pub mod broker;
pub mod change;
pub mod control;
pub(crate) mod cycle;
pub mod diff;
pub mod ending;
pub mod error;
pub mod event;
mod filter;
pub mod flow;
pub(crate) mod gathering;
pub mod grant;
pub mod id;
pub mod job;
pub mod limits;
pub(crate) mod list;
pub mod listener;
pub(crate) mod loaders;
pub mod local;
pub mod model_server;
pub mod mutation;
pub mod node;
pub(crate) mod order;
pub mod organization;
pub mod paging;
pub mod publisher;
pub mod read_models;
pub mod run;
pub mod scalar;
pub mod schema;
pub mod search;
pub mod server_info;
pub mod topic;
pub mod user_error;
pub mod view;
pub mod worker;

pub use control::{Control, Principal};
pub use local::LocalError;
pub use schema::{Item, Schema, sdl};
