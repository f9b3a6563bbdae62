//! Lists of runs: which are asked for, and what is found of them.

use std::str::FromStr;

use jiff::Timestamp;

use super::{CorrelationId, Owner, Run};
use crate::ids::{AlgorithmId, RunId};
use crate::settlement::{Decision, FailureFingerprint, Reason};
use crate::version::Version;

/// Which runs are asked for; all where nothing is set. Of several values any is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct RunFilter {
    pub owners: Option<Vec<Owner>>,
    pub algorithms: Option<Vec<AlgorithmId>>,
    /// Those of direct callers, or those of listeners.
    pub is_direct: Option<bool>,
    /// The versions that were called last.
    pub versions: Option<Vec<Version>>,
    pub decisions: Option<Vec<Decision>>,
    pub is_decided: Option<bool>,
    pub reasons: Option<Vec<Reason>>,
    pub failures: Option<Vec<FailureFingerprint>>,
    /// The HTTP statuses of the last answers.
    pub statuses: Option<Vec<u16>>,
    pub ids: Option<Vec<RunId>>,
    pub correlation: Option<CorrelationId>,
    pub message: Option<MessagePlace>,
    pub min_attempts: Option<u32>,
    pub claimed_from: Option<Timestamp>,
    /// Exclusive.
    pub claimed_before: Option<Timestamp>,
}

/// Where a message stands in its topic.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MessagePlace {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
}

impl FromStr for MessagePlace {
    type Err = NoMessagePlace;

    /// Reads `topic/partition/offset`.
    fn from_str(text: &str) -> Result<Self, NoMessagePlace> {
        let mut parts = text.rsplitn(3, '/');
        let (offset, partition, topic) = (parts.next(), parts.next(), parts.next());
        let place = || {
            Some(Self {
                topic: topic?.to_owned(),
                partition: partition?.parse().ok()?,
                offset: offset?.parse().ok()?,
            })
        };
        place().ok_or(NoMessagePlace)
    }
}

/// A text that is no place of a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the place of a message is topic/partition/offset")]
pub struct NoMessagePlace;

/// A part of a list of runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RunPage {
    pub filter: RunFilter,
    /// Only runs with a higher number; all where there is none.
    pub above: Option<i64>,
    /// Only runs with a lower number; all where there is none.
    pub below: Option<i64>,
    pub end: End,
    pub limit: u32,
}

/// The end of a list that a part of it is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    Newest,
    Oldest,
}

/// What was found of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunList {
    /// The newest first.
    pub runs: Vec<Run>,
    /// Where the search ended before it had found as many runs as were asked for or had seen all:
    /// those from this number on were seen, or up to it, if they were read from the oldest.
    pub seen_to: Option<i64>,
}

impl RunPage {
    /// The newest of all.
    #[must_use]
    pub fn newest(filter: RunFilter, limit: u32) -> Self {
        Self {
            filter,
            above: None,
            below: None,
            end: End::Newest,
            limit,
        }
    }
}

impl RunFilter {
    /// All of one owner.
    #[must_use]
    pub fn of(owner: Owner) -> Self {
        Self {
            owners: Some(vec![owner]),
            ..Self::default()
        }
    }

    /// Those of one workflow.
    #[must_use]
    pub fn of_workflow(id: CorrelationId) -> Self {
        Self {
            correlation: Some(id),
            ..Self::default()
        }
    }

    /// Whether it names what an index finds, so that nothing need be searched.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.correlation.is_some() || self.message.is_some()
    }
}
