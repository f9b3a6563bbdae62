//! What holds for every batch of changes to grants: it is done whole or not at all.

use std::collections::BTreeMap;

use super::{Grantee, Permission};
use crate::algorithm::Algorithm;
use crate::command::Each;
use crate::envelope::StreamName;
use crate::organization::Organization;
use crate::refusal::Refusal;

/// The most changes in one batch.
const MOST_CHANGES: u64 = 500;

/// Which way a grant is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Edit {
    Add,
    Remove,
}

/// Who may be given grants, as far as a batch asks.
pub type Grantees = (Each<Algorithm>, Each<Organization>);

/// Refuses a batch that is empty, endless, or names something twice.
pub(super) fn check<K: Ord>(
    changes: impl ExactSizeIterator<Item = (Edit, K)>,
) -> Result<(), Refusal> {
    Refusal::unless_within("changes", changes.len() as u64, 1..=MOST_CHANGES)?;
    let mut seen = BTreeMap::new();
    for (index, (edit, key)) in changes.enumerate() {
        let Some((first, other)) = seen.insert(key, (index, edit)) else {
            continue;
        };
        let refusal = if other == edit {
            Refusal::DuplicateChange { first }
        } else {
            Refusal::ContradictoryChange { first }
        };
        return Err(at(index)(refusal));
    }
    Ok(())
}

/// The streams that tell whether those may be given grants.
pub(super) fn grantee_streams<'a>(
    permissions: impl IntoIterator<Item = &'a Permission>,
) -> Vec<StreamName> {
    let mut streams: Vec<StreamName> = permissions
        .into_iter()
        .map(|permission| match &permission.grantee {
            Grantee::Algorithm(algorithm) => StreamName::algorithm(algorithm),
            Grantee::Organization(organization) => StreamName::organization(organization),
        })
        .collect();
    streams.sort();
    streams.dedup();
    streams
}

/// Refuses a grantee that is unknown or retired, or has no published version.
pub(super) fn check_grantee(
    grantee: &Grantee,
    (algorithms, organizations): &Grantees,
) -> Result<(), Refusal> {
    match grantee {
        Grantee::Algorithm(id) => algorithms.get(id).check_grantable(id),
        Grantee::Organization(name) => organizations.get(name).check_exists(name),
    }
}

/// Whether the grantee is a retired algorithm.
pub(super) fn is_retired(grantee: &Grantee, (algorithms, _): &Grantees) -> bool {
    match grantee {
        Grantee::Algorithm(id) => algorithms.get(id).retired,
        Grantee::Organization(_) => false,
    }
}

/// Says which change of the batch was refused.
pub(super) fn at(index: usize) -> impl FnOnce(Refusal) -> Refusal {
    move |refusal| Refusal::InBatch {
        index,
        refusal: Box::new(refusal),
    }
}
