//! Broker connections over GraphQL.

pub mod mutation;
pub mod query;
pub mod types;

pub use types::{Broker, BrokerSettings};
