//! Registering an algorithm.

use super::{Algorithm, AlgorithmRegistered};
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::ids::AlgorithmId;
use crate::organization::Organization;
use crate::refusal::Refusal;

/// The longest description, in characters.
const LONGEST_DESCRIPTION: usize = 1000;

/// Register an algorithm under an organization.
#[derive(Clone, Debug)]
pub struct RegisterAlgorithm {
    pub algorithm: AlgorithmId,
    pub description: String,
}

impl Command for RegisterAlgorithm {
    type State = (Algorithm, Organization);

    fn stream(&self) -> StreamName {
        StreamName::algorithm(&self.algorithm)
    }

    fn also_reads(&self) -> Vec<StreamName> {
        vec![StreamName::organization(&self.algorithm.organization)]
    }

    fn requires(&self) -> Right {
        Right::Develop(self.algorithm.organization.clone())
    }

    fn decide(&self, (algorithm, organization): &Self::State, _ctx: Ctx) -> Decided {
        if !organization.exists {
            let name = self.algorithm.organization.clone();
            return Err(Refusal::UnknownOrganization(name));
        }
        if algorithm.registered {
            return Err(Refusal::AlgorithmNameTaken(self.algorithm.clone()));
        }
        if self.description.chars().count() > LONGEST_DESCRIPTION {
            return Err(Refusal::OutOfRange {
                field: "description",
                rule: "at most 1000 characters",
            });
        }
        Ok(vec![
            AlgorithmRegistered {
                algorithm: self.algorithm.clone(),
                description: self.description.clone(),
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{algorithm_registered, given, organization_created};

    fn register() -> RegisterAlgorithm {
        RegisterAlgorithm {
            algorithm: "acme/score".parse().unwrap(),
            description: String::new(),
        }
    }

    #[test]
    fn an_organization_registers_an_algorithm() {
        given([organization_created("acme")])
            .when(register())
            .then([algorithm_registered("acme/score")]);
    }

    #[test]
    fn an_unknown_organization_is_refused() {
        given([])
            .when(register())
            .then_refused(Refusal::UnknownOrganization("acme".parse().unwrap()));
    }

    #[test]
    fn a_taken_name_is_refused() {
        given([
            organization_created("acme"),
            algorithm_registered("acme/score"),
        ])
        .when(register())
        .then_refused(Refusal::AlgorithmNameTaken("acme/score".parse().unwrap()));
    }

    #[test]
    fn an_endless_description_is_refused() {
        let endless = RegisterAlgorithm {
            description: "x".repeat(LONGEST_DESCRIPTION + 1),
            ..register()
        };
        given([organization_created("acme")])
            .when(endless)
            .then_refused(Refusal::OutOfRange {
                field: "description",
                rule: "at most 1000 characters",
            });
    }
}
