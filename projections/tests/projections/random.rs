//! Random events, of few names, so that they meet.

use domain::algorithm::{Protocol, VersionPublished, VersionWithdrawn};
use domain::broker::{DiscoveredTopic, TopicsChanged};
use domain::cluster::JournalAdopted;
use domain::grant::{Access, Grantee, Permission, TopicPatternGranted, TopicPatternRevoked};
use domain::listener::{
    DlqCleared, DlqSet, ListenerEnabled, ListenerSettings, ListenerSettingsChanged,
    ListenerVersionChanged, StartPosition,
};
use domain::publisher::{PublisherEnabled, PublisherVersionChanged};
use domain::testing::{
    algorithm_retired, broker_disconnected, broker_id, broker_replaced, credential_rotated,
    granted, listener_disabled, listener_paused, listener_resumed, publisher_disabled, revoked,
};
use domain::worker::{ConsumerStarted, ConsumerStopped, ListenerBlocked, WorkerJoined, WorkerLeft};
use domain::{AlgorithmId, BrokerId, Event, JournalId, ListenerId, PublisherId, TopicId, WorkerId};
use proptest::prelude::*;
use uuid::Uuid;

pub(crate) const BROKERS: [&str; 2] = ["main", "next"];
pub(crate) const TOPICS: [&str; 2] = ["orders.eu", "scores"];
pub(crate) const PATTERNS: [&str; 3] = ["*", "s*", "*.eu"];
pub(crate) const ALGORITHMS: [&str; 3] = ["acme/score", "acme/rank", "beta/fold"];
pub(crate) const VERSIONS: [&str; 4] = ["1.0.0", "1.1.0", "1.2.0-rc.1", "2.0.0"];
pub(crate) const SELECTORS: [&str; 5] = ["1.0.0", "1.1.*", "1.*", "latest", "2.0.0"];

/// Each of the choices as often as the others.
fn one_of<T: std::str::FromStr<Err: std::fmt::Debug> + std::fmt::Debug>(
    choices: &'static [&'static str],
) -> impl Strategy<Value = T> {
    (0..choices.len()).prop_map(|index| choices[index].parse().unwrap())
}

fn a_broker() -> impl Strategy<Value = BrokerId> {
    (0..BROKERS.len()).prop_map(|index| broker_id(BROKERS[index]))
}

fn a_topic() -> impl Strategy<Value = TopicId> {
    (a_broker(), one_of(&TOPICS)).prop_map(|(broker, topic)| TopicId { broker, topic })
}

fn a_permission() -> impl Strategy<Value = Permission> {
    let access = proptest::sample::select(Access::ALL.to_vec());
    (one_of::<AlgorithmId>(&ALGORITHMS), any::<bool>(), access).prop_map(
        |(algorithm, whole, access)| Permission {
            grantee: if whole {
                Grantee::Organization(algorithm.organization)
            } else {
                Grantee::Algorithm(algorithm)
            },
            access,
        },
    )
}

/// Ends are rare, so that there is something to end.
pub(crate) fn of_brokers() -> impl Strategy<Value = Event> {
    let id = a_broker;
    let pattern = || (a_broker(), one_of(&PATTERNS), a_permission());
    let cause = None;
    prop_oneof![
        4 => (id(), 1_u32..4).prop_map(|(broker, version)| credential_rotated(broker, version)),
        12 => pattern().prop_map(move |(broker, pattern, permission)| TopicPatternGranted {
            broker, pattern, permission, cause,
        }.into()),
        6 => pattern().prop_map(move |(broker, pattern, permission)| TopicPatternRevoked {
            broker, pattern, permission, cause,
        }.into()),
        1 => id().prop_map(broker_disconnected),
        1 => id().prop_map(|broker| broker_replaced(broker, "other")),
    ]
}

pub(crate) fn of_algorithms() -> impl Strategy<Value = Event> {
    let id = || one_of::<AlgorithmId>(&ALGORITHMS);
    let version = || (one_of(&ALGORITHMS), one_of(&VERSIONS));
    prop_oneof![
           8 => version().prop_map(|(algorithm, version)| VersionPublished {
               algorithm,
               version,
               endpoint: "http://h/".to_owned(),
               protocol: Protocol::Raw,
               timeout_ms: 1,
    calls: Default::default(),
           }.into()),
           4 => version().prop_map(|(algorithm, version)| VersionWithdrawn {
               algorithm, version, reason: None,
           }.into()),
           1 => id().prop_map(algorithm_retired),
       ]
}

pub(crate) fn of_topics() -> impl Strategy<Value = Event> {
    let grant = || (a_topic(), a_permission());
    let publisher = || {
        (a_topic(), one_of(&ALGORITHMS))
            .prop_map(|(topic, algorithm)| PublisherId { topic, algorithm })
    };
    let cause = None;
    prop_oneof![
        6 => grant().prop_map(|(topic, permission)| granted(topic, permission)),
        2 => grant().prop_map(|(topic, permission)| revoked(topic, permission)),
        4 => (publisher(), one_of(&SELECTORS)).prop_map(move |(publisher, version)| {
            PublisherEnabled { publisher, version, cause }.into()
        }),
        1 => (publisher(), one_of(&SELECTORS)).prop_map(|(publisher, version)| {
            PublisherVersionChanged { publisher, version }.into()
        }),
        1 => publisher().prop_map(publisher_disabled),
    ]
}

pub(crate) fn of_topic_lists() -> impl Strategy<Value = Event> {
    let listed = proptest::sample::subsequence(TOPICS.to_vec(), 0..=TOPICS.len());
    (a_broker(), listed, 1_u32..4, 0..3).prop_map(|(broker, names, partitions, kind)| {
        let topics = names.iter().map(|name| DiscoveredTopic {
            name: name.parse().unwrap(),
            partitions: Some(partitions),
        });
        let mut changed = TopicsChanged::gained(broker, Vec::new());
        match kind {
            0 => changed.gained = topics.collect(),
            1 => changed.changed = topics.collect(),
            _ => changed.lost = names.iter().map(|name| name.parse().unwrap()).collect(),
        }
        changed.into()
    })
}

pub(crate) fn of_workers() -> impl Strategy<Value = Event> {
    let worker = || (1_u128..3).prop_map(|number| WorkerId(Uuid::from_u128(number)));
    let journal = || (1_u128..3).prop_map(|number| JournalId(Uuid::from_u128(number)));
    let consumer = move || {
        (worker(), a_topic(), one_of(&ALGORITHMS))
            .prop_map(|(worker, topic, algorithm)| (worker, ListenerId { topic, algorithm }))
    };
    prop_oneof![
        1 => (worker(), journal()).prop_map(
            |(worker, journal)| WorkerJoined { worker, journal }.into()
        ),
        1 => journal().prop_map(|journal| JournalAdopted { journal }.into()),
        1 => worker().prop_map(|worker| WorkerLeft { worker }.into()),
        6 => consumer().prop_map(|(worker, listener)| ConsumerStarted { worker, listener }.into()),
        1 => consumer().prop_map(|(worker, listener)| ConsumerStopped { worker, listener }.into()),
        2 => consumer().prop_map(|(worker, listener)| ListenerBlocked {
            worker, listener, reason: "the endpoint is down".to_owned(),
        }.into()),
    ]
}

fn settings() -> impl Strategy<Value = ListenerSettings> {
    (1_u32..9).prop_map(|concurrency| ListenerSettings {
        concurrency,
        ..ListenerSettings::starting(StartPosition::Latest)
    })
}

pub(crate) fn of_listeners() -> impl Strategy<Value = Event> {
    let id = || {
        (a_topic(), one_of(&ALGORITHMS))
            .prop_map(|(topic, algorithm)| ListenerId { topic, algorithm })
    };
    let cause = None;
    prop_oneof![
        8 => (id(), one_of(&SELECTORS), settings()).prop_map(
            move |(listener, version, settings)| {
                ListenerEnabled { listener, version, settings, cause }.into()
            }
        ),
        2 => (id(), one_of(&SELECTORS)).prop_map(|(listener, version)| {
            ListenerVersionChanged { listener, version }.into()
        }),
        2 => (id(), settings()).prop_map(|(listener, settings)| {
            ListenerSettingsChanged { listener, settings }.into()
        }),
        2 => id().prop_map(listener_paused),
        2 => id().prop_map(listener_resumed),
        2 => (id(), one_of(&TOPICS)).prop_map(|(listener, dlq)| DlqSet { listener, dlq }.into()),
        1 => id().prop_map(|listener| DlqCleared { listener }.into()),
        1 => id().prop_map(listener_disabled),
    ]
}
