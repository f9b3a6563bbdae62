//! The published versions of algorithms.

use std::fmt::Write;

use domain::algorithm::{CallSettings, Protocol, VersionPublished, VersionWithdrawn};
use domain::{
    AlgorithmId, Event, Position, Revision, Version, of_broker, of_cluster, of_command, of_grant,
    of_listener, of_organization, of_publisher, of_worker,
};
use jiff::Timestamp;

use crate::database::{FromRow, Row, Statement, Tx, text};
use crate::error::ReadModelError;
use crate::fact::Fact;
use crate::list::{Listed, Select, Sort, Sorted};
use crate::model::{self, ReadModel};
use crate::revision::revision_of;

/// A published version of an algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedVersion {
    pub algorithm: AlgorithmId,
    pub version: Version,
    pub endpoint: String,
    pub protocol: Protocol,
    pub timeout_ms: u64,
    pub calls: CallSettings,
    pub published_at: Timestamp,
    pub position: Position,
    pub withdrawn: Option<Withdrawn>,
    pub revision: Revision,
}

/// That a version is no longer called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawn {
    pub at: Timestamp,
    pub reason: Option<String>,
}

/// Which versions of an algorithm are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct VersionFilter {
    pub algorithm: AlgorithmId,
    /// One of these.
    pub versions: Option<Vec<Version>>,
    pub withdrawn: Option<bool>,
    /// Those that it chooses are left out.
    pub not: Option<Box<Self>>,
}

/// What versions can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum VersionSort {
    /// By precedence.
    #[default]
    Version,
    PublishedAt,
}

impl Sort for VersionSort {
    fn column(self) -> Option<&'static str> {
        Some(match self {
            Self::Version => "precedence",
            Self::PublishedAt => "published_at",
        })
    }
}

pub(crate) fn apply(tx: &mut dyn Tx, fact: &Fact) -> Result<(), ReadModelError> {
    match &fact.event {
        Event::VersionPublished(e) => publish(tx, fact, e),
        Event::VersionWithdrawn(e) => withdraw(tx, fact, e),
        of_organization!()
        | of_broker!()
        | of_grant!()
        | of_listener!()
        | of_publisher!()
        | of_worker!()
        | of_cluster!()
        | of_command!()
        | Event::AlgorithmRegistered(_)
        | Event::AlgorithmRetired(_) => Ok(()),
    }
}

fn publish(tx: &mut dyn Tx, fact: &Fact, e: &VersionPublished) -> Result<(), ReadModelError> {
    tx.execute(
        "INSERT INTO versions (algorithm, version, precedence, endpoint, protocol, timeout_ms, \
         calls, published_at, position) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        &[
            text(&e.algorithm),
            text(&e.version),
            precedence(&e.version).into(),
            e.endpoint.as_str().into(),
            protocol_text(e.protocol).into(),
            i64::try_from(e.timeout_ms).unwrap_or(i64::MAX).into(),
            serde_json::to_string(&e.calls)?.into(),
            fact.at.into(),
            fact.position.into(),
        ],
    )
}

fn withdraw(tx: &mut dyn Tx, fact: &Fact, e: &VersionWithdrawn) -> Result<(), ReadModelError> {
    tx.execute(
        "UPDATE versions SET withdrawn_at = ?3, withdrawn_reason = ?4 \
         WHERE algorithm = ?1 AND version = ?2",
        &[
            text(&e.algorithm),
            text(&e.version),
            fact.at.into(),
            e.reason.as_deref().into(),
        ],
    )
}

/// Versions, of which `$which` are meant.
macro_rules! versions {
    ($which:literal) => {
        concat!(
            "SELECT algorithm, version, endpoint, protocol, timeout_ms, calls, published_at, position, \
             withdrawn_at, withdrawn_reason, ",
            revision_of!("version", "v.algorithm || '@' || v.version"),
            " FROM versions v WHERE ",
            $which
        )
    };
}

impl ReadModel {
    /// The published versions of those algorithms, the withdrawn among them, each algorithm's
    /// highest first.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn versions_of(
        &self,
        algorithms: &[AlgorithmId],
    ) -> Result<Vec<PublishedVersion>, ReadModelError> {
        let select = versions!("algorithm IN (SELECT value FROM json_each(?1))");
        let select = Statement::new(select).bind(serde_json::to_string(algorithms)?);
        let mut versions: Vec<PublishedVersion> = self.rows(select).await?;
        versions.sort_by(|a, b| (&a.algorithm, &b.version).cmp(&(&b.algorithm, &a.version)));
        Ok(versions)
    }
}

/// The published versions of one algorithm, inside a transaction.
pub(crate) fn of_algorithm(
    tx: &mut dyn Tx,
    algorithm: &AlgorithmId,
) -> Result<Vec<PublishedVersion>, ReadModelError> {
    model::rows(tx.query(versions!("algorithm = ?1"), &[text(algorithm)])?)
}

impl Select for VersionFilter {
    type Row = PublishedVersion;

    const KEY: &'static str = "version";

    fn rows(&self) -> Statement {
        Statement::new(versions!("algorithm = ?1")).bind(text(&self.algorithm))
    }

    fn choose(&self, rows: Statement) -> Result<Statement, ReadModelError> {
        let rows = rows.add_any("version", self.versions.as_deref())?;
        Ok(rows.then(match self.withdrawn {
            None => "",
            Some(true) => " AND withdrawn_at IS NOT NULL",
            Some(false) => " AND withdrawn_at IS NULL",
        }))
    }

    fn not(&self) -> Option<&Self> {
        self.not.as_deref()
    }
}

impl Listed for PublishedVersion {
    type Sort = VersionSort;

    fn key(&self) -> String {
        self.version.to_string()
    }

    fn sorted(&self, by: VersionSort) -> Option<Sorted> {
        Some(match by {
            VersionSort::Version => Sorted::Text(precedence(&self.version)),
            VersionSort::PublishedAt => Sorted::Integer(self.published_at.as_microsecond()),
        })
    }
}

/// A text that sorts, byte by byte, as the version does among others by the rules of semantic
/// versions. Versions that differ in build metadata alone have the same.
fn precedence(version: &Version) -> String {
    let mut key = format!(
        "{:020}.{:020}.{:020}",
        version.major, version.minor, version.patch
    );
    if version.pre.is_empty() {
        // After every pre-release.
        key.push('~');
        return key;
    }
    for identifier in version.pre.split('.') {
        // `!` sorts before whatever an identifier is made of, and so does the end of the text.
        let is_number = identifier.bytes().all(|byte| byte.is_ascii_digit());
        let _ = match is_number {
            // A number may be longer than any type; it has no leading zeros.
            true => write!(key, "!0{:05}{identifier}", identifier.len()),
            false => write!(key, "!1{identifier}"),
        };
    }
    key
}

fn protocol_text(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Raw => "RAW",
        Protocol::Algorithmia => "ALGORITHMIA",
    }
}

impl FromRow for PublishedVersion {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        Ok(Self {
            algorithm: row.parse()?,
            version: row.parse()?,
            endpoint: row.take()?,
            protocol: row.word()?,
            timeout_ms: row.take()?,
            calls: serde_json::from_str(&row.take::<String>()?)?,
            published_at: row.take()?,
            position: row.take()?,
            withdrawn: {
                let (at, reason): (Option<Timestamp>, _) = (row.take()?, row.take()?);
                at.map(|at| Withdrawn { at, reason })
            },
            revision: row.take()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn version() -> impl Strategy<Value = Version> {
        let identifier = "0|[1-9][0-9]{0,24}|[a-zA-Z-][a-zA-Z0-9-]{0,3}|[0-9]{1,2}[a-z-]";
        let pre = prop::collection::vec(identifier, 0..4);
        (0..3_u64, any::<u64>(), 0..12_u64, pre).prop_map(|(major, minor, patch, pre)| {
            let mut version = Version::new(major, minor % 12, patch);
            version.pre = pre.join(".").parse().unwrap();
            version
        })
    }

    proptest! {
        #[test]
        fn the_text_sorts_as_the_versions_do(a in version(), b in version()) {
            let texts = precedence(&a).cmp(&precedence(&b));
            prop_assert_eq!(texts, a.cmp_precedence(&b), "{} {}", a, b);
        }
    }

    #[test]
    fn the_example_of_the_specification_is_in_its_order() {
        let order = [
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.9.0",
            "1.10.0",
        ];
        let texts = order.map(|version| precedence(&version.parse().unwrap()));
        assert!(texts.is_sorted(), "{texts:#?}");
        let built = precedence(&"1.0.0+b".parse().unwrap());
        assert_eq!(built, texts[7]);
    }
}
