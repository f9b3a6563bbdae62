//! The organization type.

use async_graphql::connection::Connection;
use async_graphql::{Enum, ID, Object, Result};
use domain::OrganizationName;
use domain::organization::Role as DomainRole;
use projections::algorithm::AlgorithmFilter;
use projections::grant::GrantFilter;

use crate::algorithm::Algorithm;
use crate::algorithm::query::algorithms_where;
use crate::grant::Grant;
use crate::grant::query::grants_where;
use crate::id::GlobalId;
use crate::paging::{Cursor, paging};
use crate::scalar::DateTime;
use crate::view::View;

/// Who owns algorithms.
pub struct Organization(
    pub(crate) projections::organization::Organization,
    pub(crate) View,
);

#[Object]
impl Organization {
    pub async fn id(&self) -> ID {
        GlobalId::Organization(self.0.name.clone()).encode()
    }

    async fn name(&self) -> &str {
        self.0.name.as_str()
    }

    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }

    /// Who belongs to it, by name.
    async fn members(
        &self,
        first: Option<i32>,
        after: Option<String>,
    ) -> Option<Result<Connection<Cursor, Member>>> {
        Some(members(&self.1, &self.0.name, first, after.as_deref()).await)
    }

    /// What all of its algorithms, or single ones, may read or write.
    async fn grants(
        &self,
        first: Option<i32>,
        after: Option<String>,
    ) -> Option<Result<Connection<Cursor, Grant>>> {
        let filter = GrantFilter {
            organization: Some(self.0.name.clone()),
            ..Default::default()
        };
        Some(grants_where(&self.1, &filter, first, after).await)
    }

    /// Its algorithms, by name.
    async fn algorithms(
        &self,
        first: Option<i32>,
        after: Option<String>,
    ) -> Option<Result<Connection<Cursor, Algorithm>>> {
        let filter = AlgorithmFilter {
            organization: Some(self.0.name.clone()),
            ..Default::default()
        };
        Some(algorithms_where(&self.1, &filter, first, after).await)
    }
}

/// A person in an organization.
pub struct Member(projections::organization::Member);

#[Object]
impl Member {
    /// The name that the person signs in with.
    async fn name(&self) -> &str {
        self.0.name.as_str()
    }

    async fn role(&self) -> Role {
        self.0.role.into()
    }

    /// When the member got this role.
    async fn since(&self) -> DateTime {
        DateTime(self.0.since)
    }
}

async fn members(
    view: &View,
    organization: &OrganizationName,
    first: Option<i32>,
    after: Option<&str>,
) -> Result<Connection<Cursor, Member>> {
    let paging = paging(first, after)?;
    let page = view.model().members(organization, &paging).await;
    view.connection(
        page,
        &paging,
        |row| row.name.to_string(),
        |row, _| Member(row),
    )
}

/// What a member may do in the organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "DomainRole")]
pub enum Role {
    /// Everything, members among it.
    Owner,
    /// Publish versions, enable and change listeners and publishers.
    Member,
    /// Call the algorithms and read their runs.
    Executor,
}
