//! Organizations.

use domain::{Event, OrganizationName};
use jiff::Timestamp;
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

pub(crate) async fn apply(
    tx: &mut SqliteConnection,
    fact: &Fact<'_>,
) -> Result<(), ReadModelError> {
    if let Event::OrganizationCreated(e) = fact.event {
        sqlx::query("INSERT INTO organizations (name, created_at) VALUES (?1, ?2)")
            .bind(e.name.as_str())
            .bind(fact.at)
            .execute(tx)
            .await?;
    }
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
