//! Publishers over GraphQL.

pub mod disable;
pub mod enable;
pub mod mutation;
pub mod query;
pub mod types;
pub mod update;

pub use types::Publisher;
