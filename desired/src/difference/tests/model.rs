//! A cluster that insists on what the API insists on.

use std::collections::BTreeSet;

use domain::grant::{Access, Grantee};

use super::super::*;
use crate::state::algorithm::VersionSpec;
use crate::state::edge::Edge;

/// Makes the change, and insists on what the API insists on.
pub(super) fn perform(actual: &mut Actual, change: &Change) {
    let state = &mut actual.state;
    match change.clone() {
        Change::CreateOrganization(_)
        | Change::AddMember(..)
        | Change::GiveRole { .. }
        | Change::RemoveMember(_) => perform_on_organization(state, change),
        Change::RegisterAlgorithm { .. }
        | Change::PublishVersion { .. }
        | Change::WithdrawVersion { .. } => perform_on_algorithm(state, change),
        Change::RetireAlgorithm(algorithm) => {
            state.algorithms.remove(&algorithm).unwrap();
            let mut edges = state.listeners.keys().chain(state.publishers.keys());
            assert!(edges.all(|edge| edge.algorithm != algorithm));
            let mut given = state.grants.values().flatten();
            let one = Grantee::Algorithm(algorithm.clone());
            assert!(given.all(|permission| permission.grantee != one));
            actual.retired.insert(algorithm);
        }
        Change::ConnectBroker { broker, spec } => {
            assert!(state.brokers.insert(broker, spec).is_none());
        }
        Change::RotateCredential { broker, from, to } => {
            let spec = state.brokers.get_mut(&broker).unwrap();
            assert_eq!(spec.credential(), Some(&from));
            *spec = spec.with_credential(&to);
        }
        Change::DisconnectBroker(broker) => {
            state.brokers.remove(&broker).unwrap();
            let mut edges = state.listeners.keys().chain(state.publishers.keys());
            assert!(edges.all(|edge| edge.broker != broker));
            assert!(state.grants.keys().all(|scope| scope.broker != broker));
        }
        Change::Grant(scope, permissions) => grant(state, scope, permissions),
        Change::Revoke(scope, permissions) => {
            let present = state.grants.get_mut(&scope).unwrap();
            assert!(
                permissions
                    .iter()
                    .all(|permission| present.remove(permission))
            );
            if present.is_empty() {
                state.grants.remove(&scope);
            }
            let permitted = |edge, access| assert!(state.permits(edge, access), "{edge}");
            state
                .listeners
                .keys()
                .for_each(|edge| permitted(edge, Access::Subscribe));
            state
                .publishers
                .keys()
                .for_each(|edge| permitted(edge, Access::Publish));
        }
        Change::Listener(edge, change) => {
            perform_on_listener(state, edge.clone(), change);
            assert_dead_letters_permitted(state, &edge);
        }
        Change::Publisher(edge, change) => perform_on_publisher(state, edge, change),
    }
}

fn perform_on_organization(state: &mut State, change: &Change) {
    match change.clone() {
        Change::CreateOrganization(name) => {
            assert!(state.organizations.insert(name, Members::new()).is_none());
        }
        Change::AddMember(member, role) => {
            let members = state.organizations.get_mut(&member.organization).unwrap();
            assert!(members.insert(member.name, role).is_none());
        }
        Change::GiveRole { member, from, to } => {
            let members = state.organizations.get_mut(&member.organization).unwrap();
            assert_eq!(members.insert(member.name, to), Some(from));
            assert_owned(members);
        }
        Change::RemoveMember(member) => {
            let members = state.organizations.get_mut(&member.organization).unwrap();
            members.remove(&member.name).unwrap();
            assert_owned(members);
        }
        other => panic!("{other} is of no organization"),
    }
}

fn perform_on_algorithm(state: &mut State, change: &Change) {
    match change.clone() {
        Change::RegisterAlgorithm { algorithm, .. } => {
            assert!(state.organizations.contains_key(&algorithm.organization));
            let spec = AlgorithmSpec::default();
            assert!(state.algorithms.insert(algorithm, spec).is_none());
        }
        Change::PublishVersion {
            algorithm,
            version,
            spec,
        } => {
            let versions = &mut state.algorithms.get_mut(&algorithm).unwrap().versions;
            let spec = VersionSpec {
                withdrawn: false,
                ..spec
            };
            assert!(versions.insert(version, spec).is_none());
        }
        Change::WithdrawVersion {
            algorithm, version, ..
        } => {
            let versions = &mut state.algorithms.get_mut(&algorithm).unwrap().versions;
            let spec = versions.get_mut(&version).unwrap();
            assert!(!spec.withdrawn);
            spec.withdrawn = true;
        }
        other => panic!("{other} is of no algorithm"),
    }
}

fn assert_owned(members: &Members) {
    assert!(members.values().any(|role| *role == Role::Owner));
}

fn grant(state: &mut State, scope: TopicScope, permissions: BTreeSet<Permission>) {
    assert!((1..=MAX_GRANTS).contains(&permissions.len()));
    assert!(state.brokers.contains_key(&scope.broker));
    for permission in permissions {
        match &permission.grantee {
            Grantee::Algorithm(algorithm) => {
                assert!(!state.algorithms[algorithm].versions.is_empty());
            }
            Grantee::Organization(organization) => {
                assert!(state.organizations.contains_key(organization));
            }
        }
        let present = state.grants.entry(scope.clone()).or_default();
        assert!(present.insert(permission));
    }
}

fn perform_on_listener(state: &mut State, edge: Edge, change: ListenerChange) {
    if let ListenerChange::Enable(spec) = change {
        assert!(state.permits(&edge, Access::Subscribe));
        assert!(state.listeners.insert(edge, *spec).is_none());
        return;
    }
    let Some(listener) = state.listeners.get_mut(&edge) else {
        panic!("{edge} is not enabled");
    };
    match change {
        ListenerChange::Enable(_) => {}
        ListenerChange::Update { from, to } => {
            let paused = listener.paused;
            let (from, to) = [from, to]
                .map(|spec| ListenerSpec { paused, ..*spec })
                .into();
            assert_ne!(from, to);
            assert_eq!(std::mem::replace(listener, to), from);
        }
        ListenerChange::Pause => assert!(!std::mem::replace(&mut listener.paused, true)),
        ListenerChange::Resume => assert!(std::mem::replace(&mut listener.paused, false)),
        ListenerChange::Disable => {
            state.listeners.remove(&edge);
        }
    }
}

fn assert_dead_letters_permitted(state: &State, edge: &Edge) {
    let listener = state.listeners.get(edge);
    if let Some(dlq) = listener.and_then(|listener| listener.dlq.clone()) {
        let queue = Edge {
            topic: dlq,
            ..edge.clone()
        };
        let takes = |access| state.permits(&queue, access);
        assert!(takes(Access::DeadLetter) || takes(Access::Publish));
    }
}

fn perform_on_publisher(state: &mut State, edge: Edge, change: PublisherChange) {
    match change {
        PublisherChange::Enable(version) => {
            assert!(state.permits(&edge, Access::Publish));
            assert!(state.publishers.insert(edge, version).is_none());
        }
        PublisherChange::Version { from, to } => {
            assert_eq!(state.publishers.insert(edge, to), Some(from));
        }
        PublisherChange::Disable => {
            state.publishers.remove(&edge).unwrap();
        }
    }
}
