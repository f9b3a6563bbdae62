//! One loader per entity and view, so that a list of n things asks the database once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::dataloader::{DataLoader, Loader};
use domain::grant::GrantKey;
use domain::{
    AlgorithmId, BrokerId, ListenerId, OrganizationName, PublisherId, Revision, TopicId, WorkerId,
};
use projections::algorithm::Algorithm;
use projections::broker::{Broker, BrokerCounts};
use projections::consumer::ConsumerCounts;
use projections::ending::{Ended, Ending};
use projections::grant::Grant;
use projections::listener::Listener;
use projections::organization::Organization;
use projections::publisher::Publisher;
use projections::topic::{Topic, TopicCounts};
use projections::version::PublishedVersion;
use projections::worker::Worker;
use projections::{ReadModel, ReadModelError};
use uuid::Uuid;

use crate::gathering::Gathering;

/// Loads rows by key, in batches.
pub(crate) struct Rows(pub(crate) ReadModel);

/// The loader of a view.
pub(crate) type RowLoader = DataLoader<Rows>;

/// A fresh loader of what `source` loads. It loads when the request that gathers is idle, and waits
/// no longer for more keys.
pub(crate) fn loader<T>(source: T, gathering: &Gathering) -> DataLoader<T> {
    let gathering = gathering.clone();
    DataLoader::new(source, move |load| gathering.add(load)).delay(Duration::ZERO)
}

/// The versions of an algorithm.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct VersionsOf(pub(crate) AlgorithmId);

/// A listener whose algorithm has no grant to write to its dead letter queue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DlqNotGranted(pub(crate) ListenerId);

/// How much there is of a broker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct CountsOf(pub(crate) BrokerId);

/// How many consumers there are on a broker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ConsumersOn(pub(crate) BrokerId);

/// A topic as its broker lists it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Listed(pub(crate) TopicId);

/// The revision of a topic, whether or not its broker lists it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RevisionOf(pub(crate) TopicId);

impl Loader<RevisionOf> for Rows {
    type Value = Revision;
    type Error = Arc<ReadModelError>;

    async fn load(
        &self,
        keys: &[RevisionOf],
    ) -> Result<HashMap<RevisionOf, Revision>, Self::Error> {
        let topics: Vec<TopicId> = keys.iter().map(|key| key.0.clone()).collect();
        let rows = self.0.topic_revisions(&topics).await.map_err(Arc::new)?;
        let rows = rows.into_iter();
        Ok(rows
            .map(|(topic, revision)| (RevisionOf(topic), revision))
            .collect())
    }
}

impl Loader<Listed> for Rows {
    type Value = Topic;
    type Error = Arc<ReadModelError>;

    async fn load(&self, keys: &[Listed]) -> Result<HashMap<Listed, Topic>, Self::Error> {
        let ids: Vec<TopicId> = keys.iter().map(|key| key.0.clone()).collect();
        let rows = self.0.topics_by_id(&ids).await.map_err(Arc::new)?;
        Ok(rows
            .into_iter()
            .map(|row| (Listed(row.id.clone()), row))
            .collect())
    }
}

impl Loader<TopicId> for Rows {
    type Value = TopicCounts;
    type Error = Arc<ReadModelError>;

    async fn load(&self, keys: &[TopicId]) -> Result<HashMap<TopicId, TopicCounts>, Self::Error> {
        let rows = self.0.topic_counts(keys).await.map_err(Arc::new)?;
        Ok(rows.into_iter().collect())
    }
}

impl Loader<ListenerId> for Rows {
    type Value = Listener;
    type Error = Arc<ReadModelError>;

    async fn load(
        &self,
        keys: &[ListenerId],
    ) -> Result<HashMap<ListenerId, Listener>, Self::Error> {
        let rows = self.0.listeners_by_id(keys).await.map_err(Arc::new)?;
        Ok(rows.into_iter().map(|row| (row.id.clone(), row)).collect())
    }
}

/// The listener that reads with that consumer group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ListenerOf(pub(crate) Uuid);

impl Loader<ListenerOf> for Rows {
    type Value = Listener;
    type Error = Arc<ReadModelError>;

    async fn load(
        &self,
        keys: &[ListenerOf],
    ) -> Result<HashMap<ListenerOf, Listener>, Self::Error> {
        let groups: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let rows = self.0.listeners_by_group(&groups).await;
        let rows = rows.map_err(Arc::new)?.into_iter();
        Ok(rows.map(|row| (ListenerOf(row.group), row)).collect())
    }
}

impl Loader<PublisherId> for Rows {
    type Value = Publisher;
    type Error = Arc<ReadModelError>;

    async fn load(
        &self,
        keys: &[PublisherId],
    ) -> Result<HashMap<PublisherId, Publisher>, Self::Error> {
        let rows = self.0.publishers_by_id(keys).await.map_err(Arc::new)?;
        Ok(rows.into_iter().map(|row| (row.id.clone(), row)).collect())
    }
}

impl Loader<GrantKey> for Rows {
    type Value = Grant;
    type Error = Arc<ReadModelError>;

    async fn load(&self, keys: &[GrantKey]) -> Result<HashMap<GrantKey, Grant>, Self::Error> {
        let rows = self.0.grants_by_key(keys).await.map_err(Arc::new)?;
        Ok(rows.into_iter().map(|row| (row.key.clone(), row)).collect())
    }
}

impl Loader<WorkerId> for Rows {
    type Value = Worker;
    type Error = Arc<ReadModelError>;

    async fn load(&self, keys: &[WorkerId]) -> Result<HashMap<WorkerId, Worker>, Self::Error> {
        let rows = self.0.workers_by_id(keys).await.map_err(Arc::new)?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

impl Loader<OrganizationName> for Rows {
    type Value = Organization;
    type Error = Arc<ReadModelError>;

    async fn load(
        &self,
        keys: &[OrganizationName],
    ) -> Result<HashMap<OrganizationName, Organization>, Self::Error> {
        let rows = self.0.organizations_by_name(keys).await.map_err(Arc::new)?;
        Ok(rows
            .into_iter()
            .map(|row| (row.name.clone(), row))
            .collect())
    }
}

impl Loader<AlgorithmId> for Rows {
    type Value = Algorithm;
    type Error = Arc<ReadModelError>;

    async fn load(
        &self,
        keys: &[AlgorithmId],
    ) -> Result<HashMap<AlgorithmId, Algorithm>, Self::Error> {
        let rows = self.0.algorithms_by_id(keys).await.map_err(Arc::new)?;
        Ok(rows.into_iter().map(|row| (row.id.clone(), row)).collect())
    }
}

impl Loader<BrokerId> for Rows {
    type Value = Broker;
    type Error = Arc<ReadModelError>;

    async fn load(&self, keys: &[BrokerId]) -> Result<HashMap<BrokerId, Broker>, Self::Error> {
        let rows = self.0.brokers_by_id(keys).await.map_err(Arc::new)?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }
}

impl Loader<Ending> for Rows {
    type Value = Ended;
    type Error = Arc<ReadModelError>;

    async fn load(&self, keys: &[Ending]) -> Result<HashMap<Ending, Ended>, Self::Error> {
        let ended = self.0.endings(keys).await.map_err(Arc::new)?;
        Ok(keys.iter().cloned().zip(ended).collect())
    }
}

impl Loader<CountsOf> for Rows {
    type Value = BrokerCounts;
    type Error = Arc<ReadModelError>;

    async fn load(
        &self,
        keys: &[CountsOf],
    ) -> Result<HashMap<CountsOf, BrokerCounts>, Self::Error> {
        let ids: Vec<BrokerId> = keys.iter().map(|key| key.0).collect();
        let rows = self.0.broker_counts(&ids).await.map_err(Arc::new)?;
        Ok(rows
            .into_iter()
            .map(|(id, counts)| (CountsOf(id), counts))
            .collect())
    }
}

impl Loader<ConsumersOn> for Rows {
    type Value = ConsumerCounts;
    type Error = Arc<ReadModelError>;

    async fn load(
        &self,
        keys: &[ConsumersOn],
    ) -> Result<HashMap<ConsumersOn, ConsumerCounts>, Self::Error> {
        let ids: Vec<BrokerId> = keys.iter().map(|key| key.0).collect();
        let rows = self.0.consumer_counts(&ids).await.map_err(Arc::new)?;
        Ok(rows
            .into_iter()
            .map(|(id, counts)| (ConsumersOn(id), counts))
            .collect())
    }
}

impl Loader<DlqNotGranted> for Rows {
    type Value = ();
    type Error = Arc<ReadModelError>;

    async fn load(
        &self,
        keys: &[DlqNotGranted],
    ) -> Result<HashMap<DlqNotGranted, ()>, Self::Error> {
        let ids: Vec<ListenerId> = keys.iter().map(|key| key.0.clone()).collect();
        let lacking = self.0.without_dlq_grant(&ids).await.map_err(Arc::new)?;
        Ok(lacking
            .into_iter()
            .map(|id| (DlqNotGranted(id), ()))
            .collect())
    }
}

impl Loader<VersionsOf> for Rows {
    type Value = Vec<PublishedVersion>;
    type Error = Arc<ReadModelError>;

    async fn load(
        &self,
        keys: &[VersionsOf],
    ) -> Result<HashMap<VersionsOf, Vec<PublishedVersion>>, Self::Error> {
        let ids: Vec<AlgorithmId> = keys.iter().map(|key| key.0.clone()).collect();
        let rows = self.0.versions_of(&ids).await.map_err(Arc::new)?;
        Ok(grouped(rows, |row| VersionsOf(row.algorithm.clone())))
    }
}

fn grouped<K: Eq + Hash, R>(rows: Vec<R>, key: impl Fn(&R) -> K) -> HashMap<K, Vec<R>> {
    let mut found: HashMap<K, Vec<R>> = HashMap::new();
    for row in rows {
        found.entry(key(&row)).or_default().push(row);
    }
    found
}
