//! What an event may show otherwise: what it is about, and what is derived from that.

use async_graphql::Result;
use domain::{
    AlgorithmId, BrokerId, Envelope, Event, ListenerId, PublisherId, Revision, StreamName, TopicId,
    TopicPattern, WorkerId, codec,
};
use engine::Engine;
use projections::grant::GrantKey;
use projections::list::{Filter, Listed};
use projections::listener::ListenerFilter;
use projections::publisher::PublisherFilter;
use projections::topic::{Topic, TopicFilter};
use projections::{Page, Paging, ReadModel};

use crate::error::{Code, fault, log_failure, read_failure};
use crate::id::GlobalId;

/// Rows read at once.
const PAGE: u32 = 1000;

/// The most things that are derived from one event.
const MOST: usize = 1000;

/// Events of a stream read at once, backwards.
const BACK: u64 = 64;

/// The most events of a worker that are looked through for its consumers.
const MOST_BACK: u64 = 4096;

/// What an event touches.
#[derive(Debug, Default)]
pub(super) struct Touched {
    pub(super) ids: Vec<GlobalId>,
    /// There is more than [`MOST`].
    pub(super) more: bool,
}

/// What is touched beside what the event names.
enum Wider<'a> {
    Nothing,
    /// The listeners and publishers of an algorithm, whose selectors resolve anew.
    Of(&'a AlgorithmId),
    /// The topics that a pattern covers.
    Covered(BrokerId, &'a TopicPattern),
    /// The topics of the broker that came, went or changed.
    Listed(BrokerId),
    /// Everything on a broker that ends.
    On(BrokerId),
    /// The listeners that a worker's consumers served, and their brokers.
    Served(WorkerId),
}

/// What `envelope` touches, by its own word and by what `model` and the log say; `model` has
/// reached it.
pub(super) async fn touched(
    envelope: &Envelope,
    model: &ReadModel,
    engine: &Engine,
) -> Result<Touched> {
    let event = codec::decode(envelope).map_err(|cause| fault(Code::Internal, &cause))?;
    let mut touched = Touched {
        ids: named(&event),
        more: false,
    };
    let look = Look {
        envelope,
        model,
        engine,
    };
    let wider = match wider(&event) {
        Wider::Nothing => Vec::new(),
        Wider::Of(algorithm) => look.of(algorithm).await?,
        Wider::Covered(broker, pattern) => look.covered(broker, pattern).await?,
        Wider::Listed(broker) => look.listed(broker, &event).await?,
        Wider::On(broker) => look.on(broker).await?,
        Wider::Served(worker) => {
            let served = look.served(worker).await?;
            // It served more than is looked for.
            touched.more = served.is_none();
            served.unwrap_or_default()
        }
    };
    touched.more |= wider.len() > MOST;
    touched.ids.extend(wider.into_iter().take(MOST));
    Ok(touched)
}

/// The things that an event itself names, and those whose counts it changes.
fn named(event: &Event) -> Vec<GlobalId> {
    match event {
        Event::OrganizationCreated(e) => vec![GlobalId::Organization(e.name.clone())],
        Event::MemberAdded(e) => vec![GlobalId::Organization(e.organization.clone())],
        Event::MemberRoleChanged(e) => vec![GlobalId::Organization(e.organization.clone())],
        Event::MemberRemoved(e) => vec![GlobalId::Organization(e.organization.clone())],
        Event::AlgorithmRegistered(e) => vec![GlobalId::Algorithm(e.algorithm.clone())],
        Event::AlgorithmRetired(e) => vec![GlobalId::Algorithm(e.algorithm.clone())],
        Event::VersionPublished(e) => version(&e.algorithm, &e.version),
        Event::VersionWithdrawn(e) => version(&e.algorithm, &e.version),
        Event::BrokerConnected(e) => vec![GlobalId::Broker(e.broker)],
        Event::BrokerCredentialsRotated(e) => vec![GlobalId::Broker(e.broker)],
        Event::TopicsDiscovered(e) => vec![GlobalId::Broker(e.broker)],
        Event::BrokerDisconnected(e) => vec![GlobalId::Broker(e.broker)],
        Event::BrokerReplaced(e) => {
            vec![GlobalId::Broker(e.broker), GlobalId::Broker(e.replacement)]
        }
        Event::TopicGranted(e) => granted(&e.topic, GrantKey::of_topic(&e.topic, &e.permission)),
        Event::TopicRevoked(e) => granted(&e.topic, GrantKey::of_topic(&e.topic, &e.permission)),
        Event::TopicPatternGranted(e) => {
            let key = GrantKey::of_pattern(e.broker, &e.pattern, &e.permission);
            vec![GlobalId::Grant(key), GlobalId::Broker(e.broker)]
        }
        Event::TopicPatternRevoked(e) => {
            let key = GrantKey::of_pattern(e.broker, &e.pattern, &e.permission);
            vec![GlobalId::Grant(key), GlobalId::Broker(e.broker)]
        }
        Event::ListenerEnabled(e) => counted_listener(&e.listener),
        Event::ListenerDisabled(e) => counted_listener(&e.listener),
        Event::ListenerVersionChanged(e) => listener(&e.listener),
        Event::ListenerSettingsChanged(e) => listener(&e.listener),
        Event::ListenerPaused(e) => listener(&e.listener),
        Event::ListenerResumed(e) => listener(&e.listener),
        Event::DlqSet(e) => listener(&e.listener),
        Event::DlqCleared(e) => listener(&e.listener),
        Event::ConsumerStarted(e) => consumer(&e.listener),
        Event::ConsumerStopped(e) => consumer(&e.listener),
        Event::ConsumerFailed(e) => consumer(&e.listener),
        Event::ListenerBlocked(e) => consumer(&e.listener),
        Event::ListenerUnblocked(e) => consumer(&e.listener),
        Event::PublisherEnabled(e) => counted_publisher(&e.publisher),
        Event::PublisherDisabled(e) => counted_publisher(&e.publisher),
        Event::PublisherVersionChanged(e) => vec![GlobalId::Publisher(e.publisher.clone())],
        Event::WorkerJoined(_) | Event::WorkerLeft(_) => Vec::new(),
    }
}

fn version(algorithm: &AlgorithmId, version: &domain::Version) -> Vec<GlobalId> {
    vec![
        GlobalId::Version(algorithm.clone(), version.clone()),
        GlobalId::Algorithm(algorithm.clone()),
    ]
}

fn granted(topic: &TopicId, key: GrantKey) -> Vec<GlobalId> {
    vec![
        GlobalId::Grant(key),
        GlobalId::Topic(topic.clone()),
        GlobalId::Broker(topic.broker),
    ]
}

fn listener(id: &ListenerId) -> Vec<GlobalId> {
    vec![GlobalId::Listener(id.clone())]
}

/// A broker's status counts the consumers on it.
fn consumer(id: &ListenerId) -> Vec<GlobalId> {
    vec![
        GlobalId::Listener(id.clone()),
        GlobalId::Broker(id.topic.broker),
    ]
}

fn counted_listener(id: &ListenerId) -> Vec<GlobalId> {
    vec![
        GlobalId::Listener(id.clone()),
        GlobalId::Topic(id.topic.clone()),
        GlobalId::Broker(id.topic.broker),
    ]
}

fn counted_publisher(id: &PublisherId) -> Vec<GlobalId> {
    vec![
        GlobalId::Publisher(id.clone()),
        GlobalId::Topic(id.topic.clone()),
        GlobalId::Broker(id.topic.broker),
    ]
}

fn wider(event: &Event) -> Wider<'_> {
    match event {
        Event::VersionPublished(e) => Wider::Of(&e.algorithm),
        Event::VersionWithdrawn(e) => Wider::Of(&e.algorithm),
        Event::AlgorithmRetired(e) => Wider::Of(&e.algorithm),
        Event::TopicPatternGranted(e) => Wider::Covered(e.broker, &e.pattern),
        Event::TopicPatternRevoked(e) => Wider::Covered(e.broker, &e.pattern),
        Event::TopicsDiscovered(e) => Wider::Listed(e.broker),
        Event::BrokerReplaced(e) => Wider::On(e.broker),
        Event::BrokerDisconnected(e) => Wider::On(e.broker),
        Event::WorkerJoined(e) => Wider::Served(e.worker),
        Event::WorkerLeft(e) => Wider::Served(e.worker),
        _ => Wider::Nothing,
    }
}

/// Where what is touched is looked for. Each answer is cut off behind [`MOST`].
struct Look<'a> {
    envelope: &'a Envelope,
    model: &'a ReadModel,
    engine: &'a Engine,
}

impl Look<'_> {
    async fn of(&self, algorithm: &AlgorithmId) -> Result<Vec<GlobalId>> {
        let mut found = self.listeners_of(algorithm).await?;
        found.extend(self.publishers_of(algorithm).await?);
        Ok(found)
    }

    async fn listeners_of(&self, algorithm: &AlgorithmId) -> Result<Vec<GlobalId>> {
        let filter = ListenerFilter {
            algorithm: Some(algorithm.clone()),
            ..ListenerFilter::default()
        };
        let rows = self.all(filter, |_| true).await?;
        Ok(rows
            .into_iter()
            .map(|row| GlobalId::Listener(row.id))
            .collect())
    }

    async fn publishers_of(&self, algorithm: &AlgorithmId) -> Result<Vec<GlobalId>> {
        let filter = PublisherFilter {
            algorithm: Some(algorithm.clone()),
            ..PublisherFilter::default()
        };
        let rows = self.all(filter, |_| true).await?;
        Ok(rows
            .into_iter()
            .map(|row| GlobalId::Publisher(row.id))
            .collect())
    }

    async fn covered(&self, broker: BrokerId, pattern: &TopicPattern) -> Result<Vec<GlobalId>> {
        let filter = TopicFilter {
            broker,
            search: None,
        };
        let covered = |row: &Topic| pattern.covers(&row.id.topic);
        let rows = self.all(filter, covered).await?;
        Ok(rows
            .into_iter()
            .map(|row| GlobalId::Topic(row.id))
            .collect())
    }

    /// The rows of a list that are `wanted`: all of them, or more than [`MOST`].
    async fn all<F: Filter>(
        &self,
        filter: F,
        wanted: impl Fn(&F::Row) -> bool,
    ) -> Result<Vec<F::Row>> {
        let mut paging = Paging::first(PAGE);
        let mut found = Vec::new();
        loop {
            let page = self.model.page(&filter, &paging).await;
            let Page { rows, more } = page.map_err(|cause| read_failure(&cause))?;
            paging.after = rows.last().map(|row| row.place(paging.order));
            found.extend(rows.into_iter().filter(&wanted));
            if !more || found.len() > MOST {
                return Ok(found);
            }
        }
    }

    async fn listed(&self, broker: BrokerId, event: &Event) -> Result<Vec<GlobalId>> {
        let before = self.topics_before(broker).await?;
        let Event::TopicsDiscovered(now) = event else {
            return Ok(Vec::new());
        };
        let gone = before.iter().filter(|topic| !now.topics.contains(topic));
        let new = now.topics.iter().filter(|topic| !before.contains(topic));
        let topics = gone.chain(new).take(MOST + 1);
        Ok(topics.map(|topic| on_topic(broker, topic)).collect())
    }

    async fn on(&self, broker: BrokerId) -> Result<Vec<GlobalId>> {
        let before = self.topics_before(broker).await?;
        let topics = before.iter().map(|topic| on_topic(broker, topic));
        let limit = u32::try_from(MOST + 1).unwrap_or(u32::MAX);
        let flows = self.model.flows_on(broker, limit).await;
        let flows = flows.map_err(|cause| read_failure(&cause))?;
        let listeners = flows.listeners.into_iter().map(GlobalId::Listener);
        let publishers = flows.publishers.into_iter().map(GlobalId::Publisher);
        let flows = listeners.chain(publishers);
        Ok(flows.chain(topics).take(MOST + 1).collect())
    }

    /// The topics that the broker had before the event, by its own history.
    async fn topics_before(
        &self,
        broker: BrokerId,
    ) -> Result<Vec<domain::broker::DiscoveredTopic>> {
        let stream = StreamName::broker(broker);
        let mut until = self.envelope.revision.0;
        while until > 0 {
            let page = self.back(&stream, until).await?;
            for earlier in page.iter().rev() {
                if let Ok(Event::TopicsDiscovered(e)) = codec::decode(earlier) {
                    return Ok(e.topics);
                }
            }
            until = until.saturating_sub(BACK);
        }
        Ok(Vec::new())
    }

    /// The listeners of the worker's events since it joined before, and their brokers; none where
    /// that is too far back.
    async fn served(&self, worker: WorkerId) -> Result<Option<Vec<GlobalId>>> {
        let stream = StreamName::worker(worker);
        let mut served: Vec<GlobalId> = Vec::new();
        let mut until = self.envelope.revision.0;
        let far = until.saturating_sub(MOST_BACK);
        while until > far {
            for earlier in self.back(&stream, until).await?.iter().rev() {
                match codec::decode(earlier) {
                    Ok(Event::WorkerJoined(_) | Event::WorkerLeft(_)) => return Ok(Some(served)),
                    Ok(event) => served.extend(
                        named(&event)
                            .into_iter()
                            .filter(|id| !served.contains(id))
                            .collect::<Vec<_>>(),
                    ),
                    Err(_) => {}
                }
            }
            until = until.saturating_sub(BACK);
        }
        Ok((until == 0).then_some(served))
    }

    /// The last events of a stream before the revision `until`.
    async fn back(&self, stream: &StreamName, until: u64) -> Result<Vec<Envelope>> {
        let from = until.saturating_sub(BACK);
        let limit = usize::try_from(until - from).unwrap_or(usize::MAX);
        let page = self
            .engine
            .store()
            .read_stream(stream, Revision(from), limit)
            .await;
        page.map_err(|cause| log_failure(&cause))
    }
}

fn on_topic(broker: BrokerId, topic: &domain::broker::DiscoveredTopic) -> GlobalId {
    GlobalId::Topic(TopicId {
        broker,
        topic: topic.name.clone(),
    })
}
