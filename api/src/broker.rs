//! Brokers over GraphQL.

pub mod connect;
pub mod disconnect;
pub mod discover_topics;
pub mod input;
pub mod kafka;
pub mod mutation;
mod probe;
pub mod query;
pub mod replace;
pub mod replacement;
pub mod rotate_credential;
pub mod service_bus;
pub mod settings;
pub mod sqs;
pub mod types;

pub use settings::BrokerSettings;
pub use types::Broker;
