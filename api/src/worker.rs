//! The workers' side of the API: joining, assignments, reports, requests.

mod access;
pub mod answer;
pub mod assignment;
pub mod join;
pub mod leave;
pub mod mutation;
pub mod query;
pub mod report;
pub mod request;
pub mod requests;
pub mod subscription;
pub mod types;

pub use requests::{AskError, WorkerRequests};
pub use types::Worker;
