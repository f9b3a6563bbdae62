//! The topics that an algorithm may use.

use async_graphql::{Enum, ID, InputObject, Object, Result};
use domain::grant::Access as DomainAccess;
use domain::{AlgorithmId, ListenerId, PublisherId};
use projections::algorithm_topic::{AlgorithmTopic as Row, AlgorithmTopicFilter};
use projections::grant::GrantFilter;

use crate::filter::{FilterInput, Members};
use crate::grant::{Grant, GrantAccess};
use crate::id;
use crate::list::{Bounds, List, Part};
use crate::listener::Listener;
use crate::publisher::Publisher;
use crate::topic::Topic;
use crate::view::View;

/// Which topics of an algorithm to list; all that it may use by default. Each field given must
/// match; a list matches if any of its values does. A list has at most 100 values, and an empty
/// list matches nothing.
#[derive(InputObject, Default)]
pub struct AlgorithmTopicFilterInput {
    /// Only on one of these brokers.
    pub broker_ids: Option<Vec<ID>>,
    /// Only these.
    pub topic_ids: Option<Vec<ID>>,
    /// Only topics with one of these kinds of access.
    pub access: Option<Vec<GrantAccess>>,
    /// Part of the name of the topic.
    pub search: Option<String>,
    /// Only those that this filter does not match; it must not contain another `not`.
    pub not: Option<Box<AlgorithmTopicFilterInput>>,
}

impl FilterInput for AlgorithmTopicFilterInput {
    type Scope = AlgorithmId;
    type Filter = AlgorithmTopicFilter;

    fn not(&mut self) -> &mut Option<Box<Self>> {
        &mut self.not
    }

    fn read(
        self,
        members: Members,
        algorithm: &AlgorithmId,
        not: Option<Box<AlgorithmTopicFilter>>,
    ) -> Result<AlgorithmTopicFilter> {
        Ok(AlgorithmTopicFilter {
            algorithm: algorithm.clone(),
            brokers: members.ids("brokerIds", self.broker_ids, id::broker)?,
            topics: members.ids("topicIds", self.topic_ids, id::topic)?,
            access: members.words("access", self.access)?,
            search: self.search,
            not,
        })
    }
}

pub struct AlgorithmTopic {
    algorithm: AlgorithmId,
    row: Row,
    view: View,
}

/// A topic that an algorithm may use in one way, and whether it does. A topic that it may both
/// read and write is listed twice.
#[Object]
impl AlgorithmTopic {
    /// The topic.
    async fn topic(&self) -> Topic {
        Topic::of_id(self.row.topic.clone(), self.view.clone())
    }

    /// What the algorithm may do.
    async fn access(&self) -> GrantAccess {
        self.row.access.into()
    }

    /// The grants that permit it: of the topic or of a pattern, to the algorithm or to its
    /// organization.
    async fn grants(
        &self,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<List<Grant>>> {
        let filter = GrantFilter {
            topics: Some(vec![self.row.topic.clone()]),
            algorithms: Some(vec![self.algorithm.clone()]),
            access: Some(vec![self.row.access]),
            ..GrantFilter::default()
        };
        let bounds = Bounds {
            first,
            after,
            last,
            before,
        };
        let part = Part::in_order(bounds);
        Some(self.view.list(filter, part, Grant).await)
    }

    /// The listener on it; null if none was ever enabled, or if `access` is not `SUBSCRIBE`.
    async fn listener(&self) -> Option<Result<Listener>> {
        if self.row.access != DomainAccess::Subscribe {
            return None;
        }
        self.view.find(self.listener_id(), Listener).await
    }

    /// The publisher to it; null if none was ever enabled, or if `access` is not `PUBLISH`.
    async fn publisher(&self) -> Option<Result<Publisher>> {
        if self.row.access != DomainAccess::Publish {
            return None;
        }
        self.view.find(self.publisher_id(), Publisher).await
    }

    /// Whether the algorithm uses it; null for a topic that may only be a dead letter queue.
    async fn state(&self) -> Option<Result<AlgorithmTopicState>> {
        self.find_state().await.transpose()
    }
}

impl AlgorithmTopic {
    /// A row of the list of an algorithm.
    pub(super) fn of_row(row: Row, view: View) -> Self {
        Self {
            algorithm: row.algorithm.clone(),
            row,
            view,
        }
    }

    async fn find_state(&self) -> Result<Option<AlgorithmTopicState>> {
        let state = match self.row.access {
            DomainAccess::Subscribe => {
                let row = self.view.load(self.listener_id()).await?;
                row.map(|row| (row.enabled, row.pause.is_some()))
            }
            DomainAccess::Publish => {
                let row = self.view.load(self.publisher_id()).await?;
                row.map(|row| (row.enabled, false))
            }
            DomainAccess::DeadLetter => return Ok(None),
        };
        Ok(Some(match state {
            None => AlgorithmTopicState::NeverEnabled,
            Some((false, _)) => AlgorithmTopicState::Disabled,
            Some((true, true)) => AlgorithmTopicState::Paused,
            Some((true, false)) => AlgorithmTopicState::Enabled,
        }))
    }

    fn listener_id(&self) -> ListenerId {
        ListenerId {
            topic: self.row.topic.clone(),
            algorithm: self.algorithm.clone(),
        }
    }

    fn publisher_id(&self) -> PublisherId {
        PublisherId {
            topic: self.row.topic.clone(),
            algorithm: self.algorithm.clone(),
        }
    }
}

/// Whether an algorithm uses a topic that it may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum AlgorithmTopicState {
    /// No listener or publisher was ever enabled.
    NeverEnabled,
    /// The listener or publisher is enabled.
    Enabled,
    /// The listener is enabled and paused.
    Paused,
    /// The listener or publisher was disabled.
    Disabled,
}
