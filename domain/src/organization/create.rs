//! Creating an organization.

use super::{Organization, OrganizationCreated};
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::event::Event;
use crate::name::OrganizationName;
use crate::refusal::Refusal;

/// Create an organization under a name that nobody has.
#[derive(Clone, Debug)]
pub struct CreateOrganization {
    pub name: OrganizationName,
}

impl Command for CreateOrganization {
    type State = Organization;

    fn stream(&self) -> StreamName {
        StreamName::organization(&self.name)
    }

    fn requires(&self) -> Right {
        Right::AdministerCluster
    }

    fn decide(&self, state: &Organization, _ctx: Ctx) -> Decided {
        if state.exists {
            return Err(Refusal::OrganizationNameTaken(self.name.clone()));
        }
        Ok(vec![Event::OrganizationCreated(OrganizationCreated {
            name: self.name.clone(),
        })])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{given, organization_created};

    fn create() -> CreateOrganization {
        CreateOrganization {
            name: "acme".parse().unwrap(),
        }
    }

    #[test]
    fn a_new_name_creates_the_organization() {
        given([])
            .when(create())
            .then([organization_created("acme")]);
    }

    #[test]
    fn a_taken_name_is_refused() {
        given([organization_created("acme")])
            .when(create())
            .then_refused(Refusal::OrganizationNameTaken("acme".parse().unwrap()));
    }
}
