//! Grants: of a topic or of a pattern of topics, to an algorithm or to all of an organization.

use std::collections::BTreeSet;

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
use crate::list::{KeyRange, Listed, Places, Select, Sort, Sorted, on_topics};
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

/// Which grants are asked for; all where nothing is set. Of several values any is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct GrantFilter {
    pub keys: Option<Vec<GrantKey>>,
    pub brokers: Option<Vec<BrokerId>>,
    /// Those that permit anything on the topic, directly or by a pattern.
    pub topics: Option<Vec<TopicId>>,
    /// Those that permit the algorithm anything, directly or through its organization.
    pub algorithms: Option<Vec<AlgorithmId>>,
    /// Those to the organization or to an algorithm of it.
    pub organizations: Option<Vec<OrganizationName>>,
    pub access: Option<Vec<Access>>,
    /// Those that it chooses are left out.
    pub not: Option<Box<Self>>,
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

    fn rows(&self) -> Statement {
        Statement::new(grants!("true"))
    }

    fn choose(&self, rows: Statement) -> Result<Statement, ReadModelError> {
        let mut rows = rows.add_any("key", self.keys.as_deref())?;
        let organizations = self.organizations.as_deref();
        match (&self.topics, &self.algorithms) {
            (None, None) => {
                rows = self.places().choose(rows)?;
                rows = rows.add_any("organization", organizations)?;
            }
            (None, Some(algorithms)) => {
                rows = permitting(self.places().choose(rows)?, algorithms)?;
                rows = rows.add_any("organization", organizations)?;
            }
            // The column is kept from its index, under which an organization has many.
            (Some(topics), algorithms) => {
                rows = covering(rows, topics)?.add_any("broker", self.brokers.as_deref())?;
                rows = rows.add_any("organization || ''", organizations)?;
                if let Some(algorithms) = algorithms {
                    rows = rows
                        .add_any("organization || ''", Some(&owners(algorithms)))?
                        .then(" AND (algorithm IS NULL OR true")
                        .add_any("algorithm", Some(algorithms))?
                        .then(")");
                }
            }
        }
        Ok(rows.add_any("access", words(self.access.as_deref()).as_deref())?)
    }

    fn keys(&self) -> KeyRange {
        match &self.topics {
            // Patterns that cover a topic stand elsewhere in the order of keys.
            Some(topics) => KeyRange::of_brokers(topics.iter().map(|topic| &topic.broker)),
            None => self.places().keys(),
        }
    }

    fn not(&self) -> Option<&Self> {
        self.not.as_deref()
    }
}

impl GrantFilter {
    /// Where they are, unless they cover topics.
    fn places(&self) -> Places<'_> {
        Places {
            brokers: self.brokers.as_deref(),
            topics: None,
        }
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

/// Adds that a grant covers one of those topics, directly or by a pattern: each kind by the index on
/// topics.
fn covering(rows: Statement, topics: &[TopicId]) -> Result<Statement, ReadModelError> {
    let rows = rows.then(" AND key IN (SELECT key FROM grants WHERE true");
    let rows = on_topics(rows, topics)?;
    let rows = rows.then(" UNION ALL SELECT key FROM grants WHERE topic IS NULL");
    let rows = match topics {
        [topic] => rows
            .add(" AND broker = ?", text(topic.broker))
            .add(" AND glob(pattern, ?)", topic.topic.as_str()),
        _ => rows.add(
            " AND EXISTS (SELECT 1 FROM json_each(?) asked \
             WHERE asked.value ->> 'broker' = broker AND glob(pattern, asked.value ->> 'topic'))",
            serde_json::to_string(topics)?,
        ),
    };
    Ok(rows.then(")"))
}

/// Adds that a grant is to one of those algorithms, directly or through its organization: each kind
/// by the index on those.
fn permitting(rows: Statement, algorithms: &[AlgorithmId]) -> Result<Statement, ReadModelError> {
    let owners = owners(algorithms);
    let rows = rows
        .then(" AND key IN (SELECT key FROM grants WHERE true")
        .add_any("organization", Some(&owners))?
        .add_any("algorithm", Some(algorithms))?
        .then(" UNION ALL SELECT key FROM grants WHERE algorithm IS NULL")
        .add_any("organization", Some(&owners))?;
    Ok(rows.then(")"))
}

/// The organizations of those algorithms, each once.
fn owners(algorithms: &[AlgorithmId]) -> Vec<&OrganizationName> {
    let owners = algorithms.iter().map(|algorithm| &algorithm.organization);
    BTreeSet::from_iter(owners).into_iter().collect()
}

/// The words for kinds of access in rows.
pub(crate) fn words(access: Option<&[Access]>) -> Option<Vec<&'static str>> {
    access.map(|access| access.iter().map(|access| access.as_str()).collect())
}

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
