//! The organization type.

use async_graphql::{Enum, ID, Object, Result};
use domain::organization::Role as DomainRole;

use super::query::OrganizationMemberFilterInput;
use crate::algorithm::Algorithm;
use crate::algorithm::query::{AlgorithmFilterInput, AlgorithmOrderField};
use crate::filter::FilterInput;
use crate::grant::Grant;
use crate::grant::query::{GrantFilterInput, GrantOrderField};
use crate::id::GlobalId;
use crate::list::{Bounds, List, OrderBy, Part};
use crate::scalar::{DateTime, Revision};
use crate::view::View;

pub struct Organization(
    pub(crate) projections::organization::Organization,
    pub(crate) View,
);

/// An owner of algorithms, which has members.
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

    /// Identifies the state that is shown; mutations take it as `expectedRevision`.
    async fn revision(&self) -> Revision {
        Revision(Some(self.0.revision))
    }

    /// Its members, by name.
    async fn members(
        &self,
        filter: Option<OrganizationMemberFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
    ) -> Option<Result<List<OrganizationMember>>> {
        let filter = match filter.unwrap_or_default().filter(&self.0.name) {
            Ok(filter) => filter,
            Err(error) => return Some(Err(error)),
        };
        let bounds = Bounds {
            first,
            after,
            last,
            before,
        };
        let part = Part::in_order(bounds);
        Some(
            self.1
                .list(filter, part, |row, _| OrganizationMember(row))
                .await,
        )
    }

    /// Grants to the organization and to individual algorithms of it.
    #[expect(clippy::too_many_arguments, reason = "they are the field's")]
    async fn grants(
        &self,
        filter: Option<GrantFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        order_by: Option<OrderBy<GrantOrderField>>,
    ) -> Option<Result<List<Grant>>> {
        let filter = match filter.unwrap_or_default().for_organization(&self.0.name) {
            Ok(filter) => filter,
            Err(error) => return Some(Err(error)),
        };
        let bounds = Bounds {
            first,
            after,
            last,
            before,
        };
        let part = Part::new(bounds, order_by);
        Some(self.1.list(filter, part, Grant).await)
    }

    /// Its algorithms, by name.
    #[expect(clippy::too_many_arguments, reason = "they are the field's")]
    async fn algorithms(
        &self,
        filter: Option<AlgorithmFilterInput>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        order_by: Option<OrderBy<AlgorithmOrderField>>,
    ) -> Option<Result<List<Algorithm>>> {
        let filter = match filter.unwrap_or_default().of_organization(&self.0.name) {
            Ok(filter) => filter,
            Err(error) => return Some(Err(error)),
        };
        let bounds = Bounds {
            first,
            after,
            last,
            before,
        };
        let part = Part::new(bounds, order_by);
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

    /// When the member got this role.
    async fn role_since(&self) -> DateTime {
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
