//! What lists of topics are asked for by.

use async_graphql::{Enum, ID, InputObject, Result};
use domain::BrokerId;
use projections::topic::{TopicFilter, TopicSort};

use crate::filter::{FilterInput, Members};
use crate::id;

/// Which topics of a broker to list; all of them by default. Each field given must match; a list
/// matches if any of its values does. A list has at most 100 values, and an empty list matches
/// nothing.
#[derive(InputObject, Default)]
pub struct TopicFilterInput {
    /// Only these.
    pub ids: Option<Vec<ID>>,
    /// Part of the name.
    pub search: Option<String>,
    /// Only those that this filter does not match; it must not contain another `not`.
    pub not: Option<Box<TopicFilterInput>>,
}

impl FilterInput for TopicFilterInput {
    type Scope = BrokerId;
    type Filter = TopicFilter;

    fn not(&mut self) -> &mut Option<Box<Self>> {
        &mut self.not
    }

    fn read(
        self,
        members: Members,
        broker: &BrokerId,
        not: Option<Box<TopicFilter>>,
    ) -> Result<TopicFilter> {
        let topics = members.ids("ids", self.ids, id::topic)?;
        Ok(TopicFilter {
            broker: *broker,
            names: topics.map(|topics| {
                let own = topics.into_iter().filter(|topic| topic.broker == *broker);
                own.map(|topic| topic.topic).collect()
            }),
            search: self.search,
            not,
        })
    }
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
