//! Retiring an algorithm.

use super::{Algorithm, AlgorithmRetired};
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::ids::AlgorithmId;

/// End an algorithm for good. A policy then ends its grants and what was enabled under them.
#[derive(Clone, Debug)]
pub struct RetireAlgorithm {
    pub algorithm: AlgorithmId,
}

impl Command for RetireAlgorithm {
    type State = Algorithm;

    fn stream(&self) -> StreamName {
        StreamName::algorithm(&self.algorithm)
    }

    fn requires(&self) -> Right {
        Right::Develop(self.algorithm.organization.clone())
    }

    fn decide(&self, state: &Algorithm, _ctx: Ctx) -> Decided {
        state.check_in_use(&self.algorithm)?;
        Ok(vec![
            AlgorithmRetired {
                algorithm: self.algorithm.clone(),
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Refusal;
    use crate::testing::{algorithm_registered, algorithm_retired, given};

    fn retire() -> RetireAlgorithm {
        RetireAlgorithm {
            algorithm: "acme/score".parse().unwrap(),
        }
    }

    #[test]
    fn an_algorithm_is_retired_once() {
        given([algorithm_registered("acme/score")])
            .when(retire())
            .then([algorithm_retired("acme/score")]);
        given([
            algorithm_registered("acme/score"),
            algorithm_retired("acme/score"),
        ])
        .when(retire())
        .then_refused(Refusal::AlgorithmRetired("acme/score".parse().unwrap()));
    }

    #[test]
    fn an_unknown_algorithm_is_refused() {
        given([])
            .when(retire())
            .then_refused(Refusal::UnknownAlgorithm("acme/score".parse().unwrap()));
    }
}
