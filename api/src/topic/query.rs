//! What lists of topics are asked for by.

use async_graphql::{Enum, InputObject};
use projections::topic::TopicSort;

/// Which topics of a broker to list; all of them by default.
#[derive(InputObject, Default)]
pub struct TopicFilterInput {
    /// Part of the name.
    pub search: Option<String>,
}

/// What topics can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "TopicSort")]
pub enum TopicOrderField {
    /// By name.
    Name,
    /// By the number of partitions, topics without any first.
    Partitions,
    /// By the number of algorithms that may use it.
    Algorithms,
}
