//! The laws of the difference, on a model that refuses what the API refuses.

mod model;

use std::collections::{BTreeMap, BTreeSet};

use domain::grant::{Access, Grantee};
use domain::{AlgorithmId, TopicName, VersionSelector};
use proptest::collection::{btree_map, btree_set};
use proptest::prelude::*;

use self::model::perform;
use super::*;
use crate::state::algorithm::VersionSpec;
use crate::state::broker::{BrokerSpec, Credential, Kafka, KafkaSasl, SaslMechanism};
use crate::state::edge::Edge;
use crate::state::grant::Covered;

fn parse<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn topics() -> impl Strategy<Value = TopicName> {
    prop_oneof![Just("orders"), Just("scores"), Just("dead")].prop_map(parse)
}

fn organizations() -> impl Strategy<Value = OrganizationName> {
    prop_oneof![Just("acme"), Just("zeta")].prop_map(parse)
}

fn algorithms() -> impl Strategy<Value = AlgorithmId> {
    prop_oneof![Just("acme/one"), Just("acme/two"), Just("zeta/one")].prop_map(parse)
}

fn brokers() -> impl Strategy<Value = domain::BrokerName> {
    prop_oneof![Just("east"), Just("west")].prop_map(parse)
}

fn selectors() -> impl Strategy<Value = VersionSelector> {
    prop_oneof![Just("1.0.0"), Just("1.*"), Just("latest")].prop_map(parse)
}

fn roles() -> impl Strategy<Value = Role> {
    prop_oneof![Just(Role::Owner), Just(Role::Member), Just(Role::Executor)]
}

fn accesses() -> impl Strategy<Value = Access> {
    prop_oneof![
        Just(Access::Subscribe),
        Just(Access::Publish),
        Just(Access::DeadLetter),
    ]
}

fn members() -> impl Strategy<Value = Members> {
    let names = prop_oneof![Just("ann"), Just("bob"), Just("cid")].prop_map(parse);
    // An organization keeps an owner once it has one, so one is always named.
    btree_map(names, roles(), 0..3).prop_map(|mut members| {
        members.insert(parse("eve"), Role::Owner);
        members
    })
}

/// Version 1.0.0 is always published, so that every selector picks one.
fn algorithm() -> impl Strategy<Value = AlgorithmSpec> {
    let version = any::<bool>().prop_map(|withdrawn| VersionSpec {
        endpoint: "http://127.0.0.1:9/".to_owned(),
        protocol: domain::algorithm::Protocol::Raw,
        timeout_ms: 1000,
        connect_timeout_ms: 3000,
        first_byte_timeout_ms: None,
        idle_timeout_ms: None,
        batches_callers: false,
        withdrawn,
        withdrawn_reason: None,
    });
    let more = prop_oneof![Just("1.1.0"), Just("2.0.0-rc.1")].prop_map(parse);
    (version.clone(), btree_map(more, version, 0..2)).prop_map(|(first, mut versions)| {
        versions.insert(parse("1.0.0"), first);
        AlgorithmSpec {
            description: None,
            versions,
        }
    })
}

fn broker() -> impl Strategy<Value = BrokerSpec> {
    (1_u32..3).prop_map(|version| {
        BrokerSpec::Kafka(Kafka {
            bootstrap_servers: vec!["127.0.0.1:9092".to_owned()],
            tls: None,
            sasl: Some(KafkaSasl {
                mechanism: SaslMechanism::ScramSha256,
                credential: Credential {
                    name: parse("file/kafka"),
                    version,
                },
            }),
        })
    })
}

fn permissions() -> impl Strategy<Value = BTreeSet<Permission>> {
    let grantee = prop_oneof![
        algorithms().prop_map(Grantee::Algorithm),
        organizations().prop_map(Grantee::Organization),
    ];
    let permission = (grantee, accesses());
    btree_set(
        permission.prop_map(|(grantee, access)| Permission { grantee, access }),
        1..4,
    )
}

fn scopes() -> impl Strategy<Value = TopicScope> {
    let covered = prop_oneof![
        topics().prop_map(Covered::Topic),
        prop_oneof![Just("*s"), Just("d*")].prop_map(|text| Covered::Pattern(parse(text))),
    ];
    (brokers(), covered).prop_map(|(broker, covered)| TopicScope { broker, covered })
}

fn edges() -> impl Strategy<Value = Edge> {
    (brokers(), topics(), algorithms()).prop_map(|(broker, topic, algorithm)| Edge {
        broker,
        topic,
        algorithm,
    })
}

fn listener() -> impl Strategy<Value = ListenerSpec> {
    let expression = || proptest::option::of(Just("body"));
    let settings = (1_u32..4, expression(), expression());
    let settings = settings.prop_map(|(concurrency, filter, result)| {
        serde_json::from_value(serde_json::json!({
            "start": { "at": "EARLIEST" }, "concurrency": concurrency, "filter": filter,
            "transform": { "result": result },
        }))
        .unwrap()
    });
    let dlq = proptest::option::of(topics());
    (selectors(), settings, dlq, any::<bool>()).prop_map(|(version, settings, dlq, paused)| {
        ListenerSpec {
            version,
            settings,
            dlq,
            paused,
        }
    })
}

/// A state that names all that it uses.
fn states() -> impl Strategy<Value = State> {
    (
        btree_map(organizations(), members(), 0..3),
        btree_map(algorithms(), algorithm(), 0..4),
        btree_map(brokers(), broker(), 0..3),
        btree_map(scopes(), permissions(), 0..6),
        btree_map(edges(), listener(), 0..6),
        btree_map(edges(), selectors(), 0..6),
    )
        .prop_map(
            |(organizations, algorithms, brokers, grants, listeners, publishers)| {
                closed(State {
                    organizations,
                    algorithms,
                    brokers,
                    grants,
                    listeners,
                    publishers,
                })
            },
        )
}

/// The state without what refers to nothing.
fn closed(mut state: State) -> State {
    let organizations = &state.organizations;
    state
        .algorithms
        .retain(|name, _| organizations.contains_key(&name.organization));
    let (algorithms, brokers) = (&state.algorithms, &state.brokers);
    for permissions in state.grants.values_mut() {
        permissions.retain(|permission| match &permission.grantee {
            Grantee::Algorithm(algorithm) => algorithms.contains_key(algorithm),
            Grantee::Organization(organization) => organizations.contains_key(organization),
        });
    }
    state
        .grants
        .retain(|scope, set| brokers.contains_key(&scope.broker) && !set.is_empty());
    let permitting = state.clone();
    let fits = |edge: &Edge, access| {
        permitting.algorithms.contains_key(&edge.algorithm) && permitting.permits(edge, access)
    };
    state
        .listeners
        .retain(|edge, _| fits(edge, Access::Subscribe));
    for (edge, listener) in &mut state.listeners {
        listener.dlq.take_if(|dlq| {
            let queue = Edge {
                topic: dlq.clone(),
                ..edge.clone()
            };
            let takes = |access| fits(&queue, access);
            !takes(Access::DeadLetter) && !takes(Access::Publish)
        });
    }
    state
        .publishers
        .retain(|edge, _| fits(edge, Access::Publish));
    state
}

fn actual(state: State) -> Actual {
    Actual {
        state,
        retired: BTreeSet::new(),
        disabled: BTreeSet::new(),
    }
}

/// `to` as it can be reached from `from`: versions stay withdrawn.
fn reachable(from: &State, mut to: State) -> State {
    for (name, algorithm) in &mut to.algorithms {
        let present = from.algorithms.get(name);
        for (version, spec) in &mut algorithm.versions {
            spec.withdrawn |= present.is_some_and(|present| is_withdrawn(present, version));
        }
    }
    to
}

/// What is left of `made` where nothing is that `wanted` does not name, but for what never goes.
fn without_remains(mut made: State, wanted: &State) -> State {
    made.organizations
        .retain(|name, _| wanted.organizations.contains_key(name));
    for (name, algorithm) in &mut made.algorithms {
        let named = &wanted.algorithms[name].versions;
        algorithm
            .versions
            .retain(|version, spec| !spec.withdrawn || named.contains_key(version));
    }
    made
}

fn merged<K: Ord + Clone, V: Clone>(
    below: &BTreeMap<K, V>,
    above: &BTreeMap<K, V>,
) -> BTreeMap<K, V> {
    below.clone().into_iter().chain(above.clone()).collect()
}

proptest! {
    #[test]
    fn a_state_does_not_differ_from_itself(state in states(), prune: bool) {
        prop_assert_eq!(difference(&state, &actual(state.clone()), prune), Ok(vec![]));
    }

    #[test]
    fn the_changes_lead_from_one_state_to_another_in_a_possible_order(
        from in states(),
        to in states(),
    ) {
        let to = reachable(&from, to);
        let mut made = actual(from);
        let changes = difference(&to, &made, true).unwrap();
        for change in &changes {
            perform(&mut made, change);
        }
        prop_assert_eq!(difference(&to, &made, true), Ok(vec![]), "applying twice changes nothing");
        prop_assert_eq!(without_remains(made.state, &to), to);
    }

    #[test]
    fn nothing_is_removed_that_is_not_to_be_pruned(from in states(), to in states()) {
        let to = reachable(&from, to);
        let mut made = actual(from.clone());
        let changes = difference(&to, &made, false).unwrap();
        prop_assert!(changes.iter().all(|change| !change.removes()));
        for change in &changes {
            perform(&mut made, change);
        }
        prop_assert_eq!(difference(&to, &made, false), Ok(vec![]));
        prop_assert_eq!(made.state.listeners, merged(&from.listeners, &to.listeners));
        prop_assert_eq!(made.state.publishers, merged(&from.publishers, &to.publishers));
        prop_assert_eq!(made.state.brokers, merged(&from.brokers, &to.brokers));
    }

    #[test]
    fn an_apply_that_stops_anywhere_goes_on_from_there(
        from in states(),
        to in states(),
        share in 0.0..1.0_f64,
    ) {
        let to = reachable(&from, to);
        let mut made = actual(from);
        let changes = difference(&to, &made, true).unwrap();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "a share of a small number"
        )]
        let stop = (share * changes.len() as f64) as usize;
        for change in &changes[..stop] {
            perform(&mut made, change);
        }
        let rest = difference(&to, &made, true).unwrap();
        prop_assert_eq!(&rest, &changes[stop..]);
    }
}
