//! Taking back what happened to publishers.

use super::{Inverse, NoUndo, Past, Standing, unless_changed};
use crate::ids::PublisherId;
use crate::publisher::{
    ChangePublisherVersion, DisablePublisher, EnablePublisher, PublisherDisabled, PublisherEnabled,
    PublisherVersionChanged,
};
use crate::version::VersionSelector;

pub(super) fn enabled(e: &PublisherEnabled, past: &Past<'_>) -> Result<Inverse, NoUndo> {
    version_in(past.now, &e.publisher)?;
    Ok(Inverse::DisablePublisher(DisablePublisher {
        publisher: e.publisher.clone(),
        cause: None,
    }))
}

pub(super) fn version_changed(
    e: &PublisherVersionChanged,
    past: &Past<'_>,
) -> Result<Inverse, NoUndo> {
    unless_changed(*version_in(past.now, &e.publisher)? == e.version)?;
    Ok(Inverse::ChangePublisherVersion(ChangePublisherVersion {
        publisher: e.publisher.clone(),
        version: version_in(past.before, &e.publisher)?.clone(),
    }))
}

pub(super) fn disabled(e: &PublisherDisabled, past: &Past<'_>) -> Result<Inverse, NoUndo> {
    unless_changed(version_in(past.now, &e.publisher).is_err())?;
    Ok(Inverse::EnablePublisher(EnablePublisher {
        publisher: e.publisher.clone(),
        version: version_in(past.before, &e.publisher)?.clone(),
        flows: past.flows.clone(),
        allow_cycle: false,
    }))
}

/// The version of the publisher as it was or is, if it was or is enabled.
fn version_in<'a>(
    standing: &'a Standing,
    publisher: &PublisherId,
) -> Result<&'a VersionSelector, NoUndo> {
    let version = standing.topic.publishers.get(&publisher.algorithm);
    version.ok_or(NoUndo::ChangedSince)
}
