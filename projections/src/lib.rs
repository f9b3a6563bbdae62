//! Events to read tables to queries. Replayable, and with no other effect.
//!
//! Each noun has a file: how its events change its rows, its row as a struct, its queries.

// A match on events names each of them, so that a new one is asked for.
#![deny(clippy::wildcard_enum_match_arm)]

pub mod algorithm;
pub mod algorithm_topic;
mod apply;
pub mod assignment;
pub mod broker;
pub mod change;
pub mod consumer;
mod database;
pub mod ending;
mod error;
pub mod event;
mod fact;
pub mod flow;
pub mod grant;
pub mod list;
pub mod listener;
mod model;
pub mod organization;
mod output;
pub mod past;
pub mod projector;
pub mod publisher;
mod rebuild;
mod revision;
pub mod search;
pub mod topic;
pub mod version;
pub mod worker;

pub use error::{ProjectorError, ReadModelError};
pub use list::{Order, Page, Paging};
pub use model::ReadModel;
pub use past::{Moment, Past, PastError, PastLimits};
pub use projector::Projector;
