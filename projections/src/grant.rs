//! Grants: of a topic or of a pattern of topics, to an algorithm or to all of an organization.

use domain::grant::{Access, GrantKey, Scope};
use domain::{
    AlgorithmId, BrokerId, Event, OrganizationName, Revision, Thing, TopicId, of_algorithm,
    of_cluster, of_command, of_listener, of_organization, of_publisher, of_worker,
};
use jiff::Timestamp;

use crate::change::{Find, Noted};
use crate::database::{FromRow, Row, Statement, Tx, text, texts};
use crate::error::ReadModelError;
use crate::fact::Fact;
use crate::list::{KeyRange, Listed, Select, Sort, Sorted};
use crate::model::ReadModel;
use crate::revision::revision_of;

/// A grant in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub key: GrantKey,
    pub granted_at: Timestamp,
    /// The event that a policy granted it for.
    pub cause: Option<String>,
    pub revision: Revision,
}

/// Which grants are asked for; all where nothing is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct GrantFilter {
    pub broker: Option<BrokerId>,
    /// Those that permit anything on the topic, directly or by a pattern.
    pub topic: Option<TopicId>,
    /// Those that permit the algorithm anything, directly or through its organization.
    pub algorithm: Option<AlgorithmId>,
    /// Those to the organization or to an algorithm of it.
    pub organization: Option<OrganizationName>,
    pub access: Option<Access>,
}

/// What grants can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum GrantSort {
    /// By broker, by topic or pattern, and by grantee.
    #[default]
    Topic,
    GrantedAt,
}

impl Sort for GrantSort {
    fn column(self) -> Option<&'static str> {
        match self {
            Self::Topic => None,
            Self::GrantedAt => Some("granted_at"),
        }
    }
}

pub(crate) fn apply(tx: &mut dyn Tx, fact: &Fact, noted: &mut Noted) -> Result<(), ReadModelError> {
    match &fact.event {
        Event::TopicGranted(e) => {
            let key = GrantKey::of_topic(&e.topic, &e.permission);
            put(tx, fact, &key, e.cause.map(|cause| cause.to_string()))
        }
        Event::TopicPatternGranted(e) => {
            let key = GrantKey::of_pattern(e.broker, &e.pattern, &e.permission);
            note_included(tx, fact, &key, noted)?;
            put(tx, fact, &key, e.cause.map(|cause| cause.to_string()))
        }
        Event::TopicRevoked(e) => remove(tx, &GrantKey::of_topic(&e.topic, &e.permission)),
        Event::TopicPatternRevoked(e) => {
            let key = GrantKey::of_pattern(e.broker, &e.pattern, &e.permission);
            note_included(tx, fact, &key, noted)?;
            remove(tx, &key)
        }
        of_organization!()
        | of_algorithm!()
        | of_worker!()
        | of_cluster!()
        | of_command!()
        | of_listener!()
        | of_publisher!()
        | Event::BrokerConnected(_)
        | Event::BrokerCredentialsRotated(_)
        | Event::TopicsChanged(_)
        | Event::BrokerReplaced(_)
        | Event::BrokerDisconnected(_) => Ok(()),
    }
}

/// Topics count the grants of patterns too.
///
/// A pattern that is a value alone would have SQLite plan the statement for each one.
fn note_included(
    tx: &mut dyn Tx,
    fact: &Fact,
    key: &GrantKey,
    noted: &mut Noted,
) -> Result<(), ReadModelError> {
    let included = Find {
        sql: "SELECT broker, name FROM topics \
              WHERE broker = ?1 AND listed = 1 AND glob(?2 || '', name) LIMIT ?3",
        values: &[text(key.broker), key.scope.as_str().into()],
        thing: |row| Ok(Thing::Topic(TopicId::from_row(row)?)),
    };
    noted.note_found(tx, fact, included)
}

fn put(
    tx: &mut dyn Tx,
    fact: &Fact,
    key: &GrantKey,
    cause: Option<String>,
) -> Result<(), ReadModelError> {
    let (topic, pattern) = match &key.scope {
        Scope::Topic(topic) => (Some(topic.as_str()), None),
        Scope::Pattern(pattern) => (None, Some(pattern.as_str())),
    };
    tx.execute(
        "INSERT INTO grants (key, broker, topic, pattern, organization, algorithm, access, \
         granted_at, cause) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) \
         ON CONFLICT (key) DO UPDATE SET granted_at = excluded.granted_at, cause = excluded.cause",
        &[
            text(key),
            text(key.broker),
            topic.into(),
            pattern.into(),
            key.organization().as_str().into(),
            key.algorithm().map(ToString::to_string).into(),
            key.permission.access.as_str().into(),
            fact.at.into(),
            cause.into(),
        ],
    )
}

fn remove(tx: &mut dyn Tx, key: &GrantKey) -> Result<(), ReadModelError> {
    tx.execute("DELETE FROM grants WHERE key = ?1", &[text(key)])
}

/// The grants of which `$which` is true.
macro_rules! grants {
    ($which:literal) => {
        concat!(
            "SELECT key, granted_at, cause, ",
            revision_of!("grant", "g.key"),
            " FROM grants g WHERE ",
            $which
        )
    };
}

impl ReadModel {
    /// Those grants that are in force, in no order.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn grants_by_key(&self, keys: &[GrantKey]) -> Result<Vec<Grant>, ReadModelError> {
        let select = grants!("key IN (SELECT value FROM json_each(?1))");
        self.rows(Statement::new(select).bind(texts(keys)?)).await
    }
}

impl Select for GrantFilter {
    type Row = Grant;

    const KEY: &'static str = "key";

    fn select(&self) -> Result<Statement, ReadModelError> {
        let algorithm = self.algorithm.as_ref();
        let organization = algorithm
            .map(|algorithm| &algorithm.organization)
            .or(self.organization.as_ref())
            .map(OrganizationName::as_str);
        let select = match (&self.topic, algorithm) {
            // The column is kept from its index, under which an organization has many.
            (Some(topic), _) => Statement::new(COVERING)
                .bind(text(topic.broker))
                .bind(topic.topic.as_str())
                .add_if(" AND organization || '' = ?", organization)
                .add_if(
                    " AND (algorithm IS NULL OR algorithm = ?)",
                    algorithm.map(ToString::to_string),
                ),
            (None, Some(algorithm)) => Statement::new(PERMITTING)
                .bind(algorithm.organization.as_str())
                .bind(text(algorithm)),
            (None, None) => {
                Statement::new(grants!("true")).add_if(" AND organization = ?", organization)
            }
        };
        Ok(select.add_if(" AND access = ?", self.access.map(Access::as_str)))
    }

    fn keys(&self) -> KeyRange {
        // Patterns that cover a topic stand elsewhere in the order of keys.
        let broker = self.topic.as_ref().map(|topic| topic.broker);
        KeyRange::of(broker.or(self.broker), None)
    }
}

impl Listed for Grant {
    type Sort = GrantSort;

    fn key(&self) -> String {
        self.key.to_string()
    }

    fn sorted(&self, by: GrantSort) -> Option<Sorted> {
        match by {
            GrantSort::Topic => None,
            GrantSort::GrantedAt => Some(Sorted::Integer(self.granted_at.as_microsecond())),
        }
    }
}

/// Grants of a topic, directly or by a pattern: each kind by the index on topics.
const COVERING: &str = grants!(
    "key IN (SELECT key FROM grants WHERE broker = ?1 AND topic = ?2 \
     UNION ALL SELECT key FROM grants \
     WHERE broker = ?1 AND topic IS NULL AND glob(pattern, ?2))"
);

/// Grants to an algorithm, directly or through its organization: each kind by the index on those.
const PERMITTING: &str = grants!(
    "key IN (SELECT key FROM grants WHERE organization = ?1 AND algorithm = ?2 \
     UNION ALL SELECT key FROM grants WHERE organization = ?1 AND algorithm IS NULL)"
);

/// Whether any grant permits the algorithm that access, inside a transaction. The topic is one
/// that its broker has or that something is on.
pub(crate) fn permits(
    tx: &mut dyn Tx,
    topic: &TopicId,
    algorithm: &AlgorithmId,
    access: Access,
) -> Result<bool, ReadModelError> {
    let found = tx.query(
        "SELECT 1 FROM permitted \
         WHERE broker = ?1 AND topic = ?2 AND algorithm = ?3 AND access = ?4 LIMIT 1",
        &[
            text(topic.broker),
            topic.topic.as_str().into(),
            text(algorithm),
            access.as_str().into(),
        ],
    )?;
    Ok(!found.is_empty())
}

/// Whether any grant permits the algorithm to send faulty messages to a topic, inside a transaction.
pub(crate) fn permits_dead_letters(
    tx: &mut dyn Tx,
    topic: &TopicId,
    algorithm: &AlgorithmId,
) -> Result<bool, ReadModelError> {
    for access in Access::TAKING_DEAD_LETTERS {
        if permits(tx, topic, algorithm, access)? {
            return Ok(true);
        }
    }
    Ok(false)
}

impl FromRow for Grant {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        let key: String = row.take()?;
        let unread = || ReadModelError::Row(format!("{key:?} is not the key of a grant").into());
        Ok(Self {
            key: GrantKey::parse(&key).ok_or_else(unread)?,
            granted_at: row.take()?,
            cause: row.take()?,
            revision: row.take()?,
        })
    }
}
