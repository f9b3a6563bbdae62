//! Events to read tables to queries. Replayable, and with no other effect.
//!
//! Each noun has a file: how its events change its rows, its row as a struct, its queries.

pub mod algorithm;
pub mod assignment;
mod batch;
pub mod broker;
mod database;
mod fill;
pub mod flow;
pub mod flow_on;
pub mod grant;
pub mod hanging;
mod key;
pub mod listener;
pub mod organization;
mod output;
pub mod page;
pub mod past;
pub mod projector;
pub mod publisher;
pub mod read;
mod rebuild;
pub mod topic;
pub mod worker;

pub use page::{Order, Page, Paging};
pub use past::{Moment, Past, PastError, PastLimits};
pub use projector::{Projector, ProjectorError};
pub use read::{ReadModel, ReadModelError};
