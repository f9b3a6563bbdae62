//! Organizations and their members.

use domain::organization::Role;
use domain::{
    Event, OrganizationName, Revision, UserName, of_algorithm, of_broker, of_cluster, of_command,
    of_grant, of_listener, of_publisher, of_worker,
};
use jiff::Timestamp;

use crate::database::{FromRow, Row, Statement, Tx};
use crate::error::ReadModelError;
use crate::fact::Fact;
use crate::list::{ByKey, Listed, Select, Sort, Sorted};
use crate::model::ReadModel;
use crate::revision::revision_of;

/// An organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    pub name: OrganizationName,
    pub created_at: Timestamp,
    pub revision: Revision,
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

/// Which organizations are asked for; all where nothing is set. Of several values any is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct OrganizationFilter {
    pub names: Option<Vec<OrganizationName>>,
    /// Part of the name.
    pub search: Option<String>,
    /// Those that it chooses are left out.
    pub not: Option<Box<Self>>,
}

/// What organizations can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OrganizationSort {
    #[default]
    Name,
    CreatedAt,
}

impl Sort for OrganizationSort {
    fn column(self) -> Option<&'static str> {
        match self {
            Self::Name => None,
            Self::CreatedAt => Some("created_at"),
        }
    }
}

/// The members of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MemberFilter {
    pub organization: OrganizationName,
    /// Those with one of these.
    pub roles: Option<Vec<Role>>,
    /// Part of the name.
    pub search: Option<String>,
    /// Those that it chooses are left out.
    pub not: Option<Box<Self>>,
}

pub(crate) fn apply(tx: &mut dyn Tx, fact: &Fact) -> Result<(), ReadModelError> {
    match &fact.event {
        Event::OrganizationCreated(e) => tx.execute(
            "INSERT INTO organizations (name, created_at) VALUES (?1, ?2)",
            &[e.name.as_str().into(), fact.at.into()],
        ),
        Event::MemberAdded(e) => put(tx, fact, &e.organization, &e.member, e.role),
        Event::MemberRoleChanged(e) => put(tx, fact, &e.organization, &e.member, e.role),
        Event::MemberRemoved(e) => tx.execute(
            "DELETE FROM members WHERE organization = ?1 AND member = ?2",
            &[e.organization.as_str().into(), e.member.as_str().into()],
        ),
        of_algorithm!()
        | of_broker!()
        | of_grant!()
        | of_listener!()
        | of_publisher!()
        | of_worker!()
        | of_cluster!()
        | of_command!() => Ok(()),
    }
}

fn put(
    tx: &mut dyn Tx,
    fact: &Fact,
    organization: &OrganizationName,
    member: &UserName,
    role: Role,
) -> Result<(), ReadModelError> {
    tx.execute(
        "INSERT INTO members (organization, member, role, since) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (organization, member) DO UPDATE \
         SET role = excluded.role, since = excluded.since",
        &[
            organization.as_str().into(),
            member.as_str().into(),
            role.as_str().into(),
            fact.at.into(),
        ],
    )
}

const SELECT: &str = concat!(
    "SELECT name, created_at, ",
    revision_of!("organization", "o.name"),
    " FROM organizations o"
);

impl ReadModel {
    /// The organization of that name.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn organization(
        &self,
        name: &OrganizationName,
    ) -> Result<Option<Organization>, ReadModelError> {
        self.row(
            Statement::new(SELECT)
                .then(" WHERE name = ?1")
                .bind(name.as_str()),
        )
        .await
    }

    /// The organizations of those names, in no order; absent ones are left out.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn organizations_by_name(
        &self,
        names: &[OrganizationName],
    ) -> Result<Vec<Organization>, ReadModelError> {
        let select =
            Statement::new(SELECT).then(" WHERE name IN (SELECT value FROM json_each(?1))");
        self.rows(select.bind(serde_json::to_string(names)?)).await
    }
}

impl Select for OrganizationFilter {
    type Row = Organization;

    const KEY: &'static str = "name";

    fn rows(&self) -> Statement {
        Statement::new(SELECT).then(" WHERE true")
    }

    fn choose(&self, rows: Statement) -> Result<Statement, ReadModelError> {
        let rows = rows.add_any("name", self.names.as_deref())?;
        Ok(rows.add_if(" AND instr(name, ?) > 0", self.search.as_deref()))
    }

    fn not(&self) -> Option<&Self> {
        self.not.as_deref()
    }
}

impl Listed for Organization {
    type Sort = OrganizationSort;

    fn key(&self) -> String {
        self.name.to_string()
    }

    fn sorted(&self, by: OrganizationSort) -> Option<Sorted> {
        match by {
            OrganizationSort::Name => None,
            OrganizationSort::CreatedAt => Some(Sorted::Integer(self.created_at.as_microsecond())),
        }
    }
}

impl Select for MemberFilter {
    type Row = Member;

    const KEY: &'static str = "member";

    fn rows(&self) -> Statement {
        let select = "SELECT organization, member, role, since FROM members \
                      WHERE organization = ?1";
        Statement::new(select).bind(self.organization.as_str())
    }

    fn choose(&self, rows: Statement) -> Result<Statement, ReadModelError> {
        let roles = self.roles.as_ref();
        let roles: Option<Vec<&str>> =
            roles.map(|roles| roles.iter().map(|role| role.as_str()).collect());
        let rows = rows.add_any("role", roles.as_deref())?;
        Ok(rows.add_if(" AND instr(member, ?) > 0", self.search.as_deref()))
    }

    fn not(&self) -> Option<&Self> {
        self.not.as_deref()
    }
}

impl Listed for Member {
    type Sort = ByKey;

    fn key(&self) -> String {
        self.name.to_string()
    }

    fn sorted(&self, _by: ByKey) -> Option<Sorted> {
        None
    }
}

impl FromRow for Organization {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        Ok(Self {
            name: row.parse()?,
            created_at: row.take()?,
            revision: row.take()?,
        })
    }
}

impl FromRow for Member {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        Ok(Self {
            organization: row.parse()?,
            name: row.parse()?,
            role: row.word()?,
            since: row.take()?,
        })
    }
}
