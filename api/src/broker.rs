//! Brokers over GraphQL.

pub mod input;
pub mod mutation;
pub mod query;
pub mod replacement;
pub mod settings;
pub mod types;

pub use settings::BrokerSettings;
pub use types::Broker;
