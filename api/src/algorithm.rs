//! Algorithms and their versions over GraphQL.

pub mod mutation;
#[expect(
    clippy::too_many_arguments,
    reason = "a list has the arguments that clients choose by"
)]
pub mod query;
pub mod types;

pub use types::{Algorithm, Version};
