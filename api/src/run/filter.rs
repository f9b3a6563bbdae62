//! Which runs are listed.

use async_graphql::{Context, ID, InputObject, Result};
use domain::run::{Owner, RunFilter};
use domain::{RunId, Version};

use super::types::{RunDecision, RunReason};
use crate::error::invalid;
use crate::filter::Members;
use crate::id;
use crate::scalar::DateTime;
use crate::view::View;

/// Which runs to list; all of them by default. Each field given must match; a list matches if any of
/// its values does. A list has at most 100 values, and an empty list matches nothing.
#[derive(InputObject, Default)]
pub struct RunFilterInput {
    /// Only of these listeners.
    pub listener_ids: Option<Vec<ID>>,
    /// Only of these algorithms, direct runs included.
    pub algorithm_ids: Option<Vec<ID>>,
    /// If true, only direct runs; if false, only those of listeners.
    pub direct: Option<bool>,
    /// Only those that called one of these versions last.
    pub called_versions: Option<Vec<String>>,
    /// Only those that ended in one of these ways.
    pub decisions: Option<Vec<RunDecision>>,
    /// If true, only runs without a decision; if false, only those with one.
    pub undecided: Option<bool>,
    /// Only those that failed for one of these reasons.
    pub reasons: Option<Vec<RunReason>>,
    /// Only failures of one of these kinds.
    pub failure_fingerprints: Option<Vec<String>>,
    /// Only those whose last answer had one of these HTTP statuses.
    pub http_statuses: Option<Vec<u16>>,
    /// Only the runs with these UUIDs. They are looked for like anything else, so that old ones take
    /// several pages; `messageId` finds a run at once.
    pub uuids: Option<Vec<String>>,
    /// Only those of this workflow. They are found at once.
    pub correlation_id: Option<String>,
    /// Only those of this message: `topic/partition/offset`. They are found at once.
    pub message_id: Option<String>,
    /// Only those with at least as many attempts.
    pub min_attempt_count: Option<u32>,
    /// Only those that began at this time or later.
    pub claimed_from: Option<DateTime>,
    /// Only those that began before this time.
    pub claimed_before: Option<DateTime>,
}

impl RunFilterInput {
    /// The filter of a list of the whole system.
    pub(super) async fn read(self, ctx: &Context<'_>) -> Result<RunFilter> {
        let members = Members::of_filter();
        let listeners = members.ids("listenerIds", self.listener_ids.clone(), id::listener)?;
        let owners = match listeners {
            None => None,
            Some(ids) => {
                // Those that were never enabled have no runs.
                let groups = View::live(ctx).find_all(ids, |row, _| row.group).await?;
                Some(groups.into_iter().map(Owner::Listener).collect())
            }
        };
        let algorithms = members.ids("algorithmIds", self.algorithm_ids.clone(), id::algorithm)?;
        Ok(RunFilter {
            owners,
            algorithms,
            is_direct: self.direct,
            ..self.of_all(members)?
        })
    }

    /// The filter of the list of one listener.
    pub(super) fn read_of(self, owner: Owner) -> Result<RunFilter> {
        let fixed = [
            ("listenerIds", self.listener_ids.is_some()),
            ("algorithmIds", self.algorithm_ids.is_some()),
            ("direct", self.direct.is_some()),
        ];
        if let Some((member, _)) = fixed.iter().find(|(_, is_set)| *is_set) {
            let text =
                format!("the list is already limited to one listener: leave out filter.{member}");
            return Err(invalid(text));
        }
        Ok(RunFilter {
            owners: Some(vec![owner]),
            ..self.of_all(Members::of_filter())?
        })
    }

    /// The filters that apply to the runs of listeners and of direct callers alike.
    fn of_all(self, members: Members) -> Result<RunFilter> {
        let versions = members.few("calledVersions", self.called_versions)?;
        let failures = members.few("failureFingerprints", self.failure_fingerprints)?;
        let ids = members.few("uuids", self.uuids)?;
        let ids: Option<Vec<uuid::Uuid>> = parsed("uuids", "a UUID", ids)?;
        let id = self.correlation_id.as_deref();
        let message = self.message_id.as_deref();
        Ok(RunFilter {
            versions: parsed::<Version>("calledVersions", "a version", versions)?,
            decisions: members.words("decisions", self.decisions)?,
            is_decided: self.undecided.map(|undecided| !undecided),
            reasons: members.words("reasons", self.reasons)?,
            failures: parsed("failureFingerprints", "a fingerprint", failures)?,
            statuses: members.few("httpStatuses", self.http_statuses)?,
            ids: ids.map(|ids| ids.into_iter().map(RunId).collect()),
            correlation: told("correlationId", id)?,
            message: told("messageId", message)?,
            min_attempts: self.min_attempt_count,
            claimed_from: self.claimed_from.map(|time| time.0),
            claimed_before: self.claimed_before.map(|time| time.0),
            ..RunFilter::default()
        })
    }
}

/// What the texts of a member say.
fn parsed<T: std::str::FromStr>(
    member: &str,
    kind: &str,
    texts: Option<Vec<String>>,
) -> Result<Option<Vec<T>>> {
    let Some(texts) = texts else {
        return Ok(None);
    };
    let values = texts.iter().enumerate().map(|(number, text)| {
        let value = text.parse();
        value.map_err(|_| invalid(format!("filter.{member}.{number} is not {kind}")))
    });
    values.collect::<Result<_>>().map(Some)
}

/// What the text of a member says.
fn told<T: std::str::FromStr<Err: std::fmt::Display>>(
    member: &str,
    text: Option<&str>,
) -> Result<Option<T>> {
    let value = text.map(str::parse::<T>).transpose();
    value.map_err(|error| invalid(format!("filter.{member}: {error}")))
}
