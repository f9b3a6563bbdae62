//! What withdrawing a version would do to the listeners that it is called for.

use async_graphql::{Result, SimpleObject};
use domain::algorithm::Algorithm as Versions;
use projections::listener::ListenerFilter;
use projections::version::PublishedVersion;

use super::Version;
use crate::listener::Listener;
use crate::loaders::VersionsOf;
use crate::view::View;

/// The most listeners that are looked at.
const MOST_LISTENERS: u32 = 500;

/// What withdrawing a version would do to enabled listeners, paused ones included.
#[derive(SimpleObject)]
pub struct VersionWithdrawPreview {
    /// Listeners that would call another version.
    pub moves: Vec<VersionMove>,
    /// Listeners that would hold their position, because their selector picks nothing else.
    pub holds: Vec<Listener>,
    /// Whether the algorithm has more listeners than the 500 that are examined.
    pub truncated: bool,
}

/// A listener that would call another version.
#[derive(SimpleObject)]
pub struct VersionMove {
    /// The listener.
    pub listener: Listener,
    /// The version that it would call.
    pub version: Version,
}

/// What withdrawing `withdrawn` would do now.
pub(super) async fn preview(
    view: &View,
    withdrawn: &PublishedVersion,
) -> Result<VersionWithdrawPreview> {
    let id = &withdrawn.algorithm;
    let algorithm = view.load(id.clone()).await?;
    let rows = view.load(VersionsOf(id.clone())).await?.unwrap_or_default();
    let retired = algorithm.is_some_and(|row| row.retired_at.is_some());
    let now = projections::algorithm::state(retired, &rows);
    let mut then = now.clone();
    then.withdrawn.insert(withdrawn.version.clone(), None);
    let enabled = ListenerFilter {
        algorithms: Some(vec![id.clone()]),
        enabled: Some(true),
        ..ListenerFilter::default()
    };
    let listeners = view.first(enabled, MOST_LISTENERS).await?;
    let mut preview = VersionWithdrawPreview {
        moves: Vec::new(),
        holds: Vec::new(),
        truncated: listeners.more,
    };
    let picked = |versions: &Versions, listener: &projections::listener::Listener| {
        let picked = versions.resolve(&listener.version).ok()?;
        Some(picked.version.clone())
    };
    for listener in listeners.rows {
        if picked(&now, &listener).as_ref() != Some(&withdrawn.version) {
            continue;
        }
        let next = picked(&then, &listener);
        let listener = Listener(listener, view.clone());
        let row = rows.iter().find(|row| Some(&row.version) == next.as_ref());
        match row {
            Some(row) => preview.moves.push(VersionMove {
                listener,
                version: Version(row.clone(), view.clone()),
            }),
            None => preview.holds.push(listener),
        }
    }
    Ok(preview)
}
