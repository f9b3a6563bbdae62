//! Withdrawing a version of an algorithm.

use super::{Algorithm, VersionWithdrawn};
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::ids::AlgorithmId;
use crate::refusal::Refusal;
use crate::version::{Version, VersionSelector};

/// The longest reason, in characters.
const LONGEST_REASON: usize = 500;

/// Stop calling a version, for good. Selectors move to their next match; a listener on exactly
/// this version holds its position. Nothing happens when it is withdrawn already.
#[derive(Clone, Debug)]
pub struct WithdrawVersion {
    pub algorithm: AlgorithmId,
    pub version: Version,
    pub reason: Option<String>,
}

impl Command for WithdrawVersion {
    type State = Algorithm;

    fn stream(&self) -> StreamName {
        StreamName::algorithm(&self.algorithm)
    }

    fn requires(&self) -> Right {
        Right::Develop(self.algorithm.organization.clone())
    }

    fn decide(&self, state: &Algorithm, _ctx: Ctx) -> Decided {
        state.check_in_use(&self.algorithm)?;
        if !state.versions.contains_key(&self.version) {
            return Err(Refusal::UnknownVersion {
                algorithm: self.algorithm.clone(),
                selector: VersionSelector::Exact(self.version.clone()),
            });
        }
        if state.withdrawn.contains_key(&self.version) {
            return Ok(vec![]);
        }
        let reason = self.reason.clone().filter(|reason| !reason.is_empty());
        if reason
            .as_ref()
            .is_some_and(|reason| reason.chars().count() > LONGEST_REASON)
        {
            return Err(Refusal::OutOfRange {
                field: "reason",
                rule: "at most 500 characters",
            });
        }
        Ok(vec![
            VersionWithdrawn {
                algorithm: self.algorithm.clone(),
                version: self.version.clone(),
                reason,
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        algorithm_registered, algorithm_retired, given, version_published, version_withdrawn,
    };

    fn withdraw(version: &str) -> WithdrawVersion {
        WithdrawVersion {
            algorithm: "acme/score".parse().unwrap(),
            version: version.parse().unwrap(),
            reason: Some("it was wrong".to_owned()),
        }
    }

    #[test]
    fn a_published_version_is_withdrawn_once() {
        given([
            algorithm_registered("acme/score"),
            version_published("acme/score", "1.0.0"),
        ])
        .when(withdraw("1.0.0"))
        .then([version_withdrawn("acme/score", "1.0.0")]);
        given([
            algorithm_registered("acme/score"),
            version_published("acme/score", "1.0.0"),
            version_withdrawn("acme/score", "1.0.0"),
        ])
        .when(withdraw("1.0.0"))
        .then([]);
    }

    #[test]
    fn a_version_that_was_never_published_is_refused() {
        given([algorithm_registered("acme/score")])
            .when(withdraw("1.0.0"))
            .then_refused(Refusal::UnknownVersion {
                algorithm: "acme/score".parse().unwrap(),
                selector: "1.0.0".parse().unwrap(),
            });
    }

    #[test]
    fn of_a_retired_algorithm_nothing_is_withdrawn() {
        given([
            algorithm_registered("acme/score"),
            version_published("acme/score", "1.0.0"),
            algorithm_retired("acme/score"),
        ])
        .when(withdraw("1.0.0"))
        .then_refused(Refusal::AlgorithmRetired("acme/score".parse().unwrap()));
    }

    #[test]
    fn an_endless_reason_is_refused() {
        let endless = WithdrawVersion {
            reason: Some("x".repeat(LONGEST_REASON + 1)),
            ..withdraw("1.0.0")
        };
        given([
            algorithm_registered("acme/score"),
            version_published("acme/score", "1.0.0"),
        ])
        .when(endless)
        .then_refused(Refusal::OutOfRange {
            field: "reason",
            rule: "at most 500 characters",
        });
    }
}
