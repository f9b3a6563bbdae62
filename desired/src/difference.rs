//! Which changes lead from what a cluster holds to what it should hold, and in which order.

use std::collections::{BTreeMap, BTreeSet};

use domain::grant::Permission;
use domain::organization::Role;
use domain::{OrganizationName, Version};

use crate::actual::Actual;
use crate::change::{Change, ListenerChange, Member, PublisherChange};
use crate::problem::{Problem, problems};
use crate::state::algorithm::AlgorithmSpec;
use crate::state::grant::TopicScope;
use crate::state::listener::ListenerSpec;
use crate::state::{Members, State};

/// The most permissions that the API changes at once.
const MAX_GRANTS: usize = 500;

/// The changes from `actual` to `desired`, each possible after those before it. Without `prune`,
/// what `desired` does not name stays as it is.
///
/// Everything is added before anything is removed, so that an apply that stops early has removed
/// nothing that it could not replace. What depends on something is removed before it.
///
/// # Errors
/// All reasons why `desired` cannot be reached from there.
pub(crate) fn difference(
    desired: &State,
    actual: &Actual,
    prune: bool,
) -> Result<Vec<Change>, Vec<Problem>> {
    let problems = problems(desired, actual, prune);
    if !problems.is_empty() {
        return Err(problems);
    }
    let mut changes = Vec::new();
    add_organizations(&mut changes, desired, &actual.state);
    add_algorithms(&mut changes, desired, &actual.state);
    add_brokers(&mut changes, desired, &actual.state);
    grants(&mut changes, &desired.grants, &actual.state, Change::Grant);
    add_listeners(&mut changes, desired, &actual.state);
    add_publishers(&mut changes, desired, &actual.state);
    withdraw(&mut changes, desired, &actual.state);
    if prune {
        remove(&mut changes, desired, &actual.state);
    }
    Ok(changes)
}

fn add_organizations(changes: &mut Vec<Change>, desired: &State, actual: &State) {
    for (organization, members) in &desired.organizations {
        let present = actual.organizations.get(organization);
        if present.is_none() {
            changes.push(Change::CreateOrganization(organization.clone()));
        }
        let empty = Members::new();
        add_members(changes, organization, members, present.unwrap_or(&empty));
    }
}

/// New owners come first, since an organization keeps one.
fn add_members(
    changes: &mut Vec<Change>,
    organization: &OrganizationName,
    wanted: &Members,
    present: &Members,
) {
    let change = |owners: bool| {
        let of_role = wanted
            .iter()
            .filter(move |(_, role)| (**role == Role::Owner) == owners);
        of_role.filter_map(|(name, role)| {
            let member = member(organization, name);
            match present.get(name) {
                None => Some(Change::AddMember(member, *role)),
                Some(from) if from == role => None,
                Some(from) => Some(Change::GiveRole {
                    member,
                    from: *from,
                    to: *role,
                }),
            }
        })
    };
    changes.extend(change(true).chain(change(false)));
}

fn member(organization: &OrganizationName, name: &domain::UserName) -> Member {
    Member {
        organization: organization.clone(),
        name: name.clone(),
    }
}

fn add_algorithms(changes: &mut Vec<Change>, desired: &State, actual: &State) {
    for (algorithm, spec) in &desired.algorithms {
        let present = actual.algorithms.get(algorithm);
        if present.is_none() {
            changes.push(Change::RegisterAlgorithm {
                algorithm: algorithm.clone(),
                description: spec.description.clone(),
            });
        }
        for (version, spec) in &spec.versions {
            if present.is_none_or(|present| !present.versions.contains_key(version)) {
                changes.push(Change::PublishVersion {
                    algorithm: algorithm.clone(),
                    version: version.clone(),
                    spec: spec.clone(),
                });
            }
        }
    }
}

fn add_brokers(changes: &mut Vec<Change>, desired: &State, actual: &State) {
    for (broker, spec) in &desired.brokers {
        let Some(present) = actual.brokers.get(broker) else {
            changes.push(Change::ConnectBroker {
                broker: broker.clone(),
                spec: spec.clone(),
            });
            continue;
        };
        if let (Some(from), Some(to)) = (present.credential(), spec.credential())
            && from != to
        {
            changes.push(Change::RotateCredential {
                broker: broker.clone(),
                from: from.clone(),
                to: to.clone(),
            });
        }
    }
}

type Grants = BTreeMap<TopicScope, BTreeSet<Permission>>;

/// The permissions of `these` that `others` lacks, in batches.
fn grants(
    changes: &mut Vec<Change>,
    these: &Grants,
    others: &State,
    change: fn(TopicScope, BTreeSet<Permission>) -> Change,
) {
    let none = BTreeSet::new();
    for (scope, permissions) in these {
        let others = others.grants.get(scope).unwrap_or(&none);
        let lacking: Vec<_> = permissions.difference(others).cloned().collect();
        let batches = lacking.chunks(MAX_GRANTS);
        changes.extend(batches.map(|batch| change(scope.clone(), batch.iter().cloned().collect())));
    }
}

fn add_listeners(changes: &mut Vec<Change>, desired: &State, actual: &State) {
    for (edge, wanted) in &desired.listeners {
        let steps = match actual.listeners.get(edge) {
            None => vec![ListenerChange::Enable(Box::new(wanted.clone()))],
            Some(present) => change_listener(present, wanted),
        };
        let steps = steps.into_iter();
        changes.extend(steps.map(|step| Change::Listener(edge.clone(), step)));
    }
}

/// A listener that is to pause does so before anything else changes, and one that is to resume
/// resumes once everything has.
fn change_listener(present: &ListenerSpec, wanted: &ListenerSpec) -> Vec<ListenerChange> {
    let mut steps = Vec::new();
    if wanted.paused && !present.paused {
        steps.push(ListenerChange::Pause);
    }
    if !present.changes(wanted).is_empty() {
        steps.push(ListenerChange::Update {
            from: Box::new(present.clone()),
            to: Box::new(wanted.clone()),
        });
    }
    if present.paused && !wanted.paused {
        steps.push(ListenerChange::Resume);
    }
    steps
}

fn add_publishers(changes: &mut Vec<Change>, desired: &State, actual: &State) {
    for (edge, wanted) in &desired.publishers {
        let change = match actual.publishers.get(edge) {
            None => PublisherChange::Enable(wanted.clone()),
            Some(present) if present == wanted => continue,
            Some(present) => PublisherChange::Version {
                from: present.clone(),
                to: wanted.clone(),
            },
        };
        changes.push(Change::Publisher(edge.clone(), change));
    }
}

/// Versions are withdrawn last: nothing can be enabled for a withdrawn version, but what was
/// enabled before stays.
fn withdraw(changes: &mut Vec<Change>, desired: &State, actual: &State) {
    for (algorithm, spec) in &desired.algorithms {
        let present = actual.algorithms.get(algorithm);
        for (version, spec) in spec.versions.iter().filter(|(_, spec)| spec.withdrawn) {
            if !present.is_some_and(|present| is_withdrawn(present, version)) {
                changes.push(Change::WithdrawVersion {
                    algorithm: algorithm.clone(),
                    version: version.clone(),
                    reason: spec.withdrawn_reason.clone(),
                    unnamed: false,
                });
            }
        }
    }
}

fn is_withdrawn(algorithm: &AlgorithmSpec, version: &Version) -> bool {
    algorithm
        .versions
        .get(version)
        .is_some_and(|spec| spec.withdrawn)
}

/// Removes what `desired` does not name, except organizations, which cannot be deleted.
fn remove(changes: &mut Vec<Change>, desired: &State, actual: &State) {
    for edge in unnamed(&actual.publishers, &desired.publishers) {
        changes.push(Change::Publisher(edge.clone(), PublisherChange::Disable));
    }
    for edge in unnamed(&actual.listeners, &desired.listeners) {
        changes.push(Change::Listener(edge.clone(), ListenerChange::Disable));
    }
    grants(changes, &actual.grants, desired, Change::Revoke);
    for broker in unnamed(&actual.brokers, &desired.brokers) {
        changes.push(Change::DisconnectBroker(broker.clone()));
    }
    for (algorithm, spec) in &desired.algorithms {
        let present = actual.algorithms.get(algorithm);
        let present = present.into_iter().flat_map(|present| &present.versions);
        for (version, _) in present.filter(|(version, present)| {
            !present.withdrawn && !spec.versions.contains_key(*version)
        }) {
            changes.push(Change::WithdrawVersion {
                algorithm: algorithm.clone(),
                version: version.clone(),
                reason: None,
                unnamed: true,
            });
        }
    }
    for algorithm in unnamed(&actual.algorithms, &desired.algorithms) {
        changes.push(Change::RetireAlgorithm(algorithm.clone()));
    }
    for (organization, members) in &desired.organizations {
        let present = actual.organizations.get(organization);
        let present = present.into_iter().flat_map(Members::keys);
        for name in present.filter(|name| !members.contains_key(*name)) {
            changes.push(Change::RemoveMember(member(organization, name)));
        }
    }
}

fn unnamed<'a, K: Ord, P, W>(
    present: &'a BTreeMap<K, P>,
    wanted: &'a BTreeMap<K, W>,
) -> impl Iterator<Item = &'a K> {
    present.keys().filter(|key| !wanted.contains_key(*key))
}

#[cfg(test)]
mod tests;
