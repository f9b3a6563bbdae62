//! The organization type.

use async_graphql::{Enum, ID, Object, Result};
use domain::organization::Role as DomainRole;
use projections::algorithm::AlgorithmFilter;
use projections::grant::GrantFilter;
use projections::organization::MemberFilter;

use crate::algorithm::Algorithm;
use crate::algorithm::query::AlgorithmOrderField;
use crate::grant::Grant;
use crate::grant::query::GrantOrderField;
use crate::id::GlobalId;
use crate::list::{List, OrderBy, Part};
use crate::scalar::{DateTime, Revision};
use crate::view::View;

pub struct Organization(
    pub(crate) projections::organization::Organization,
    pub(crate) View,
);

/// What owns algorithms, and has members.
#[Object]
impl Organization {
    /// Its global id.
    pub async fn id(&self) -> ID {
        GlobalId::Organization(self.0.name.clone()).encode()
    }

    /// Its name, which never changes.
    async fn name(&self) -> &str {
        self.0.name.as_str()
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// Which state is shown; mutations take it as `expectedRevision`.
    async fn revision(&self) -> Revision {
        Revision(Some(self.0.revision))
    }

    /// Its members, by name.
    async fn members(
        &self,
        first: Option<i32>,
        after: Option<String>,
    ) -> Option<Result<List<OrganizationMember>>> {
        let filter = MemberFilter {
            organization: self.0.name.clone(),
        };
        let part = Part::in_order(first, after);
        Some(
            self.1
                .list(filter, part, |row, _| OrganizationMember(row))
                .await,
        )
    }

    /// Grants to the organization and to single algorithms of it.
    async fn grants(
        &self,
        first: Option<i32>,
        after: Option<String>,
        order_by: Option<OrderBy<GrantOrderField>>,
    ) -> Option<Result<List<Grant>>> {
        let filter = GrantFilter {
            organization: Some(self.0.name.clone()),
            ..Default::default()
        };
        let part = Part::new(first, after, order_by);
        Some(self.1.list(filter, part, Grant).await)
    }

    /// Its algorithms, by name.
    async fn algorithms(
        &self,
        first: Option<i32>,
        after: Option<String>,
        order_by: Option<OrderBy<AlgorithmOrderField>>,
    ) -> Option<Result<List<Algorithm>>> {
        let filter = AlgorithmFilter {
            organization: Some(self.0.name.clone()),
            ..Default::default()
        };
        let part = Part::new(first, after, order_by);
        Some(self.1.list(filter, part, Algorithm).await)
    }
}

pub struct OrganizationMember(projections::organization::Member);

/// A member of an organization.
#[Object]
impl OrganizationMember {
    /// The name that the person signs in with.
    async fn name(&self) -> &str {
        self.0.name.as_str()
    }

    /// What the member may do.
    async fn role(&self) -> OrganizationRole {
        self.0.role.into()
    }

    /// Since when the member has had this role.
    async fn since(&self) -> DateTime {
        DateTime(self.0.since)
    }
}

/// What a member may do in the organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainRole")]
pub enum OrganizationRole {
    /// Everything, including managing members.
    Owner,
    /// Publish versions; enable and change listeners and publishers.
    Member,
    /// Call the algorithms and read their runs.
    Executor,
}
