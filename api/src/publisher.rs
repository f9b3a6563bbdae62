//! Publishers over GraphQL.

pub mod change_version;
pub mod disable;
pub mod enable;
pub mod mutation;
pub mod query;
pub mod types;

pub use types::Publisher;
