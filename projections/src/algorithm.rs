//! Algorithms.

use domain::algorithm::{Algorithm as State, VersionPublished};
use domain::{
    AlgorithmId, Event, OrganizationName, Revision, of_broker, of_cluster, of_command, of_grant,
    of_listener, of_organization, of_publisher, of_worker,
};
use jiff::Timestamp;

use crate::database::{FromRow, Row, Statement, Tx, Value, text};
use crate::error::ReadModelError;
use crate::fact::Fact;
use crate::list::{Listed, Select, Sort, Sorted};
use crate::model::ReadModel;
use crate::revision::revision_of;
use crate::version::{self, PublishedVersion};

/// An algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Algorithm {
    pub id: AlgorithmId,
    pub description: String,
    pub registered_at: Timestamp,
    pub retired_at: Option<Timestamp>,
    pub revision: Revision,
}

/// Which algorithms are asked for; all where nothing is set. Of several values any is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AlgorithmFilter {
    pub ids: Option<Vec<AlgorithmId>>,
    pub organizations: Option<Vec<OrganizationName>>,
    /// Part of the name as `organization/name`.
    pub search: Option<String>,
    pub retired: Option<bool>,
    /// Those that can be granted topics: not retired, with a version that can be called; or others.
    pub grantable: Option<bool>,
    /// Those that it chooses are left out.
    pub not: Option<Box<Self>>,
}

/// What algorithms can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AlgorithmSort {
    /// By organization and name.
    #[default]
    Name,
    RegisteredAt,
}

impl Sort for AlgorithmSort {
    fn column(self) -> Option<&'static str> {
        match self {
            Self::Name => None,
            Self::RegisteredAt => Some("registered_at"),
        }
    }
}

pub(crate) fn apply(tx: &mut dyn Tx, fact: &Fact) -> Result<(), ReadModelError> {
    match &fact.event {
        Event::AlgorithmRegistered(e) => tx.execute(
            "INSERT INTO algorithms (id, organization, description, registered_at) \
             VALUES (?1, ?2, ?3, ?4)",
            &[
                text(&e.algorithm),
                e.algorithm.organization.as_str().into(),
                e.description.as_str().into(),
                fact.at.into(),
            ],
        ),
        Event::AlgorithmRetired(e) => tx.execute(
            "UPDATE algorithms SET retired_at = ?2 WHERE id = ?1",
            &[text(&e.algorithm), fact.at.into()],
        ),
        of_organization!()
        | of_broker!()
        | of_grant!()
        | of_listener!()
        | of_publisher!()
        | of_worker!()
        | of_cluster!()
        | of_command!()
        | Event::VersionPublished(_)
        | Event::VersionWithdrawn(_) => Ok(()),
    }
}

const SELECT: &str = concat!(
    "SELECT id, description, registered_at, retired_at, ",
    revision_of!("algorithm", "a.id"),
    " FROM algorithms a"
);

impl ReadModel {
    /// The algorithms of those ids, in no order; absent ones are left out.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn algorithms_by_id(
        &self,
        ids: &[AlgorithmId],
    ) -> Result<Vec<Algorithm>, ReadModelError> {
        let select = Statement::new(SELECT).then(" WHERE id IN (SELECT value FROM json_each(?1))");
        self.rows(select.bind(serde_json::to_string(ids)?)).await
    }
}

/// Whether topics can be granted, as decisions see it.
macro_rules! grantable {
    () => {
        "(retired_at IS NULL AND EXISTS (SELECT 1 FROM versions AS s \
         WHERE s.algorithm = a.id AND s.withdrawn_at IS NULL))"
    };
}

impl Select for AlgorithmFilter {
    type Row = Algorithm;

    const KEY: &'static str = "id";

    fn rows(&self) -> Statement {
        Statement::new(SELECT).then(" WHERE true")
    }

    fn choose(&self, rows: Statement) -> Result<Statement, ReadModelError> {
        Ok(rows
            .add_any("id", self.ids.as_deref())?
            .add_any("organization", self.organizations.as_deref())?
            .add_if(" AND instr(id, ?) > 0", self.search.as_deref())
            .then(match self.retired {
                None => "",
                Some(true) => " AND retired_at IS NOT NULL",
                Some(false) => " AND retired_at IS NULL",
            })
            .then(match self.grantable {
                None => "",
                Some(true) => concat!(" AND ", grantable!()),
                Some(false) => concat!(" AND NOT ", grantable!()),
            }))
    }

    fn not(&self) -> Option<&Self> {
        self.not.as_deref()
    }
}

impl Listed for Algorithm {
    type Sort = AlgorithmSort;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn sorted(&self, by: AlgorithmSort) -> Option<Sorted> {
        match by {
            AlgorithmSort::Name => None,
            AlgorithmSort::RegisteredAt => {
                Some(Sorted::Integer(self.registered_at.as_microsecond()))
            }
        }
    }
}

/// An algorithm with its versions as its decisions see it: what selectors are resolved by.
#[must_use]
pub fn state(retired: bool, versions: &[PublishedVersion]) -> State {
    let withdrawn = versions.iter().filter_map(|row| {
        let withdrawn = row.withdrawn.as_ref()?;
        Some((row.version.clone(), withdrawn.reason.clone()))
    });
    State {
        registered: true,
        retired,
        versions: versions
            .iter()
            .map(|row| (row.version.clone(), published(row)))
            .collect(),
        withdrawn: withdrawn.collect(),
    }
}

fn published(row: &PublishedVersion) -> VersionPublished {
    VersionPublished {
        algorithm: row.algorithm.clone(),
        version: row.version.clone(),
        endpoint: row.endpoint.clone(),
        protocol: row.protocol,
        timeout_ms: row.timeout_ms,
        calls: row.calls,
    }
}

/// One algorithm with its versions, inside a transaction.
pub(crate) fn by_id(tx: &mut dyn Tx, algorithm: &AlgorithmId) -> Result<State, ReadModelError> {
    let id: [Value; 1] = [text(algorithm)];
    let retired = tx.query(
        "SELECT 1 FROM algorithms WHERE id = ?1 AND retired_at IS NOT NULL",
        &id,
    )?;
    let versions = version::of_algorithm(tx, algorithm)?;
    Ok(state(!retired.is_empty(), &versions))
}

impl FromRow for Algorithm {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        Ok(Self {
            id: row.parse()?,
            description: row.take()?,
            registered_at: row.take()?,
            retired_at: row.take()?,
            revision: row.take()?,
        })
    }
}
