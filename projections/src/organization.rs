//! Organizations and their members.

use domain::organization::Role;
use domain::{Event, OrganizationName, UserName};
use jiff::Timestamp;
use serde_json::Value;
use sqlx::SqliteConnection;

use crate::page::{Page, Paging};
use crate::projector::Fact;
use crate::read::{ReadModel, ReadModelError, time_of};

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    pub name: OrganizationName,
    pub created_at: Timestamp,
}

/// A person in an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub organization: OrganizationName,
    pub name: UserName,
    pub role: Role,
    /// When the member got this role.
    pub since: Timestamp,
}

pub(crate) async fn apply(
    tx: &mut SqliteConnection,
    fact: &Fact<'_>,
) -> Result<(), ReadModelError> {
    match fact.event {
        Event::OrganizationCreated(e) => {
            sqlx::query("INSERT INTO organizations (name, created_at) VALUES (?1, ?2)")
                .bind(e.name.as_str())
                .bind(fact.at)
                .execute(tx)
                .await?;
        }
        Event::MemberAdded(e) => put(tx, fact, &e.organization, &e.member, e.role).await?,
        Event::MemberRoleChanged(e) => put(tx, fact, &e.organization, &e.member, e.role).await?,
        Event::MemberRemoved(e) => {
            sqlx::query("DELETE FROM members WHERE organization = ?1 AND member = ?2")
                .bind(e.organization.as_str())
                .bind(e.member.as_str())
                .execute(tx)
                .await?;
        }
        _ => {}
    }
    Ok(())
}

async fn put(
    tx: &mut SqliteConnection,
    fact: &Fact<'_>,
    organization: &OrganizationName,
    member: &UserName,
    role: Role,
) -> Result<(), ReadModelError> {
    sqlx::query(
        "INSERT OR REPLACE INTO members (organization, member, role, since) \
         VALUES (?1, ?2, ?3, ?4)",
    )
    .bind(organization.as_str())
    .bind(member.as_str())
    .bind(role.as_str())
    .bind(fact.at)
    .execute(tx)
    .await?;
    Ok(())
}

impl ReadModel {
    /// The organization of that name.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn organization(
        &self,
        name: &OrganizationName,
    ) -> Result<Option<Organization>, ReadModelError> {
        let row: Option<Row> =
            sqlx::query_as("SELECT name, created_at FROM organizations WHERE name = ?1")
                .bind(name.as_str())
                .fetch_optional(&self.readers)
                .await?;
        row.map(Organization::try_from).transpose()
    }

    /// The organizations of those names, in no order; absent ones are left out.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn organizations_by_name(
        &self,
        names: &[OrganizationName],
    ) -> Result<Vec<Organization>, ReadModelError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT name, created_at FROM organizations \
             WHERE name IN (SELECT value FROM json_each(?1))",
        )
        .bind(serde_json::to_string(names)?)
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(Organization::try_from).collect()
    }

    /// Organizations by name.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn organizations(
        &self,
        paging: &Paging,
    ) -> Result<Page<Organization>, ReadModelError> {
        let page = paging.take(async |limit| {
            let rows: Vec<Row> = sqlx::query_as(
                "SELECT name, created_at FROM organizations WHERE name > ?1 \
                 ORDER BY name LIMIT ?2",
            )
            .bind(&paging.after)
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
            rows.into_iter().map(Organization::try_from).collect()
        });
        page.await
    }

    /// The members of an organization by name.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn members(
        &self,
        organization: &OrganizationName,
        paging: &Paging,
    ) -> Result<Page<Member>, ReadModelError> {
        let page = paging.take(async |limit| {
            let rows: Vec<MemberRow> = sqlx::query_as(
                "SELECT organization, member, role, since FROM members \
                 WHERE organization = ?1 AND member > ?2 ORDER BY member LIMIT ?3",
            )
            .bind(organization.as_str())
            .bind(&paging.after)
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
            rows.into_iter().map(Member::try_from).collect()
        });
        page.await
    }
}

type Row = (String, i64);

impl TryFrom<Row> for Organization {
    type Error = ReadModelError;

    fn try_from((name, created_at): Row) -> Result<Self, ReadModelError> {
        Ok(Self {
            name: name.try_into()?,
            created_at: time_of(created_at)?,
        })
    }
}

type MemberRow = (String, String, String, i64);

impl TryFrom<MemberRow> for Member {
    type Error = ReadModelError;

    fn try_from(row: MemberRow) -> Result<Self, ReadModelError> {
        let (organization, name, role, since) = row;
        Ok(Self {
            organization: organization.try_into()?,
            name: name.try_into()?,
            role: serde_json::from_value(Value::String(role))?,
            since: time_of(since)?,
        })
    }
}
