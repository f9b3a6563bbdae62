//! The workers' side of the API: joining, assignments, reports, requests.

pub mod assignment;
pub mod mutation;
pub mod query;
pub mod requests;
pub mod subscription;

pub use requests::{AskError, WorkerRequests};
