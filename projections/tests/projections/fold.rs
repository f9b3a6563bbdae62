//! After any history the rows are what a plain fold in memory makes of it: the states by which the
//! domain decides.

use domain::algorithm::{Algorithm, VersionPublished};
use domain::broker::{Broker, Phase};
use domain::grant::{Access, GrantKey};
use domain::listener::ListenerSettings;
use domain::testing::{
    algorithm_registered, broker_id, keys_connected, listener_of, publisher_of, topic_on,
};
use domain::topic::Topic;
use domain::{
    AlgorithmId, Assignment, BrokerId, Each, Event, ListenerId, Outputs, PublisherId, State,
    TopicId, TopicName, VersionSelector,
};
use projections::ReadModel;
use projections::broker::BrokerFilter;
use projections::grant::GrantFilter;
use projections::topic::TopicFilter;
use proptest::prelude::*;

use crate::fixture::{Fixture, Place, all, assignments, history};
use crate::random::{
    ALGORITHMS, BROKERS, TOPICS, of_algorithms, of_brokers, of_listeners, of_topic_lists,
    of_topics, of_workers,
};

/// The states of everything.
#[derive(Default)]
struct Fold {
    brokers: Each<Broker>,
    topics: Each<Topic>,
    algorithms: Each<Algorithm>,
}

impl Fold {
    fn apply(&mut self, event: &Event) {
        self.brokers.apply(event);
        self.topics.apply(event);
        self.algorithms.apply(event);
    }

    /// Whether an engine could have appended the event: things begin once and end once. That
    /// nothing is enabled without a grant is not asked for, so that more is tried.
    fn admits(&self, event: &Event) -> bool {
        let alive = |id: &BrokerId| self.brokers.get(id).phase == Phase::Connected;
        let algorithm = |id: &AlgorithmId| self.algorithms.get(id);
        let topic = |id: &TopicId| self.topics.get(id);
        let listens = |id: &ListenerId| topic(&id.topic).listeners.contains_key(&id.algorithm);
        let publishes = |id: &PublisherId| topic(&id.topic).publishers.contains_key(&id.algorithm);
        match event {
            Event::BrokerConnected(e) => self.brokers.get(&e.broker).phase == Phase::New,
            Event::BrokerCredentialsRotated(e) => alive(&e.broker),
            Event::BrokerReplaced(e) => alive(&e.broker),
            Event::BrokerDisconnected(e) => alive(&e.broker),
            Event::TopicsChanged(e) => alive(&e.broker),
            Event::AlgorithmRegistered(e) => !algorithm(&e.algorithm).registered,
            Event::AlgorithmRetired(e) => algorithm(&e.algorithm).registered,
            Event::VersionPublished(e) => {
                let algorithm = algorithm(&e.algorithm);
                algorithm.registered && !algorithm.versions.contains_key(&e.version)
            }
            Event::VersionWithdrawn(e) => algorithm(&e.algorithm).versions.contains_key(&e.version),
            Event::ListenerVersionChanged(e) => listens(&e.listener),
            Event::ListenerSettingsChanged(e) => listens(&e.listener),
            Event::ListenerPaused(e) => listens(&e.listener),
            Event::ListenerResumed(e) => listens(&e.listener),
            Event::ListenerPositionReset(e) => listens(&e.listener),
            Event::DlqSet(e) => listens(&e.listener),
            Event::DlqCleared(e) => listens(&e.listener),
            Event::ListenerDisabled(e) => listens(&e.listener),
            Event::PublisherVersionChanged(e) => publishes(&e.publisher),
            Event::PublisherDisabled(e) => publishes(&e.publisher),
            _ => true,
        }
    }

    /// What workers are to run, by the rules that decisions follow.
    fn assignments(&self) -> Vec<Expected> {
        let mut expected = Vec::new();
        for (id, topic) in topics().map(|id| (id.clone(), self.topics.get(&id))) {
            for (algorithm, listener) in &topic.listeners {
                if listener.paused || !self.permits(&id, algorithm, Access::Subscribe) {
                    continue;
                }
                let published = self.algorithms.get(algorithm);
                let picked = published.resolve(&listener.version).ok();
                expected.push(Expected {
                    listener: listener_of(algorithm, &id),
                    dlq: listener.dlq.as_ref().map(|dlq| {
                        let queue = id.sibling(dlq);
                        let permitted = Access::TAKING_DEAD_LETTERS
                            .map(|access| self.permits(&queue, algorithm, access));
                        (dlq.clone(), permitted.contains(&true))
                    }),
                    settings: listener.settings.clone(),
                    version: picked.map(|picked| picked.version.to_string()),
                    outputs: picked.map_or(Outputs::Known(vec![]), |picked| self.outputs(picked)),
                });
            }
        }
        expected.sort_by_key(|expected| expected.listener.to_string());
        expected
    }

    /// Where results of the version go.
    fn outputs(&self, picked: &VersionPublished) -> Outputs {
        let algorithm = &picked.algorithm;
        let standing = || self.algorithms.get(algorithm).standing();
        let takes = |selector: &VersionSelector| selector.takes(&picked.version, standing());
        let mut outputs = Vec::new();
        let mut is_moving = false;
        for id in topics() {
            let (topic, broker) = (self.topics.get(&id), self.brokers.get(&id.broker));
            let publisher = topic.publishers.get(algorithm);
            if !publisher.is_some_and(takes) {
                continue;
            }
            if let Some(next) = broker.replaced_by {
                is_moving = true;
                let arrived = topic_on(next, id.topic.as_str());
                let publisher = self.topics.get(&arrived).publishers.get(algorithm);
                if !publisher.is_some_and(takes)
                    || !self.permits(&arrived, algorithm, Access::Publish)
                {
                    outputs.push(id);
                }
                continue;
            }
            if self.permits(&id, algorithm, Access::Publish) {
                outputs.push(id);
            }
        }
        outputs.sort_by_key(ToString::to_string);
        match is_moving {
            true => Outputs::Moving(outputs),
            false => Outputs::Known(outputs),
        }
    }

    /// Whether a connected broker's topic is open to the algorithm: by the rule of decisions, which
    /// is that of the grants' keys too.
    fn permits(&self, id: &TopicId, algorithm: &AlgorithmId, access: Access) -> bool {
        let (topic, broker) = (self.topics.get(id), self.brokers.get(&id.broker));
        let mut grants = self.grants().into_iter();
        assert_eq!(
            topic.permits(&id.topic, algorithm, access, broker),
            grants.any(|grant| grant.covers(id, algorithm, access)),
        );
        topic.may_stay_enabled(&id.topic, algorithm, access, broker)
    }

    fn grants(&self) -> Vec<GrantKey> {
        let of_topics = topics().flat_map(|id| {
            let grants = self.topics.get(&id).grants.clone();
            let keys = grants.into_iter().map(move |p| GrantKey::of_topic(&id, &p));
            keys.collect::<Vec<_>>()
        });
        let of_patterns = BROKERS.iter().flat_map(|name| {
            let id = broker_id(name);
            let patterns = self.brokers.get(&id).patterns.clone();
            let keys = patterns
                .into_iter()
                .map(move |(p, g)| GrantKey::of_pattern(id, &p, &g));
            keys.collect::<Vec<_>>()
        });
        let mut keys: Vec<_> = of_topics.chain(of_patterns).collect();
        keys.sort_by_key(ToString::to_string);
        keys
    }
}

/// What of an assignment the events alone decide.
#[derive(Debug, PartialEq, Eq)]
struct Expected {
    listener: ListenerId,
    /// With whether it may be used.
    dlq: Option<(TopicName, bool)>,
    settings: ListenerSettings,
    version: Option<String>,
    outputs: Outputs,
}

impl From<Assignment> for Expected {
    fn from(assignment: Assignment) -> Self {
        Self {
            listener: assignment.listener,
            dlq: assignment.dlq.map(|dlq| (dlq, !assignment.dlq_not_granted)),
            settings: assignment.settings,
            version: assignment
                .version
                .map(|version| version.version.to_string()),
            outputs: assignment.outputs,
        }
    }
}

fn topics() -> impl Iterator<Item = TopicId> {
    BROKERS
        .iter()
        .flat_map(|name| TOPICS.iter().map(|topic| topic_on(*name, topic)))
}

/// A history that begins with all there can be, so that most of what follows has an effect.
pub(crate) fn a_history() -> impl Strategy<Value = Vec<Event>> {
    let any_event = prop_oneof![
        2 => of_brokers(),
        2 => of_algorithms(),
        3 => of_topics(),
        4 => of_listeners(),
        1 => of_topic_lists(),
        2 => of_workers(),
    ];
    proptest::collection::vec(any_event, 0..160).prop_map(|random| {
        let registered = ALGORITHMS.into_iter().map(algorithm_registered);
        let connected = BROKERS.into_iter().map(keys_connected);
        let mut fold = Fold::default();
        let mut admitted = Vec::new();
        for event in registered.chain(connected).chain(random) {
            if fold.admits(&event) {
                fold.apply(&event);
                admitted.push(event);
            }
        }
        admitted
    })
}

async fn rows_are_the_fold(model: &ReadModel, fold: &Fold) {
    let (_, changes) = assignments(model, None).await;
    let assigned = changes.into_iter().filter_map(|change| change.assignment);
    let mut assigned: Vec<Expected> = assigned.map(Expected::from).collect();
    assigned.sort_by_key(|assigned| assigned.listener.to_string());
    assert_eq!(assigned, fold.assignments());

    let grants = model.page(&GrantFilter::default(), &all()).await.unwrap();
    let grants: Vec<_> = grants.rows.into_iter().map(|row| row.key).collect();
    assert_eq!(grants, fold.grants());

    for id in topics() {
        let topic = fold.topics.get(&id);
        for algorithm in ALGORITHMS.map(|name| name.parse::<AlgorithmId>().unwrap()) {
            let listener = listener_of(&algorithm, &id);
            let row = model
                .listeners_by_id(&[listener])
                .await
                .unwrap()
                .pop()
                .filter(|row| row.enabled);
            let row = row.map(|row| (row.version, row.settings, row.dlq, row.pause.is_some()));
            let folded = topic.listeners.get(&algorithm).cloned();
            let folded = folded.map(|l| (l.version, l.settings, l.dlq.map(String::from), l.paused));
            assert_eq!(row, folded);
            let publisher = publisher_of(&algorithm, &id);
            let row = model
                .publishers_by_id(&[publisher])
                .await
                .unwrap()
                .pop()
                .filter(|row| row.enabled);
            let folded = topic.publishers.get(&algorithm).cloned();
            assert_eq!(row.map(|row| row.version), folded);
        }
    }

    let connected = BrokerFilter::connected();
    let alive = model.page(&connected, &all()).await.unwrap();
    let alive: Vec<_> = alive
        .rows
        .into_iter()
        .map(|row| (row.id, Some(row.settings)))
        .collect();
    let folded = BROKERS.map(broker_id).map(|id| (id, fold.brokers.get(&id)));
    let folded = folded
        .into_iter()
        .filter(|(_, broker)| broker.phase == Phase::Connected);
    let folded: Vec<_> = folded
        .map(|(id, broker)| (id, broker.settings.clone()))
        .collect();
    assert_eq!(alive, folded);

    for id in BROKERS.map(broker_id) {
        let (filter, folded) = (listed_on(id), fold.brokers.get(&id));
        let rows = model.page(&filter, &all()).await.unwrap().rows;
        let rows: Vec<_> = rows
            .into_iter()
            .map(|row| (row.id.topic, row.partitions))
            .collect();
        let is_listed = |_: &_| folded.phase == Phase::Connected;
        let topics = folded.topics.values().filter(is_listed);
        let topics: Vec<_> = topics
            .map(|topic| (topic.name.clone(), topic.partitions))
            .collect();
        assert_eq!(rows, topics);
    }
}

fn listed_on(broker: BrokerId) -> TopicFilter {
    TopicFilter {
        broker,
        names: None,
        search: None,
        not: None,
    }
}

/// Applies a history in batches, and looks at the rows after each.
async fn the_rows_follow(fixture: &Fixture, events: &[Event], batch: usize) {
    let mut fold = Fold::default();
    let history = history(events);
    for (envelopes, events) in history.chunks(batch).zip(events.chunks(batch)) {
        fixture.apply(envelopes).await;
        events.iter().for_each(|event| fold.apply(event));
        rows_are_the_fold(&fixture.model, &fold).await;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn after_any_history_the_rows_are_the_fold(events in a_history(), batch in 1_usize..32) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            the_rows_follow(&Fixture::new().await, &events, batch).await;
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn after_any_history_the_rows_in_postgresql_are_the_fold(
        events in a_history(),
        batch in 8_usize..64,
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let fixture = Fixture::at(Place::postgres().await).await;
            the_rows_follow(&fixture, &events, batch).await;
        });
    }
}
