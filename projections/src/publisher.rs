//! Publishers, the enabled and the disabled.

use domain::publisher::PublisherEnabled;
use domain::{
    AlgorithmId, BrokerId, Event, OrganizationName, Position, PublisherId, Revision, Thing,
    TopicId, VersionSelector, of_cluster, of_command, of_grant, of_listener, of_organization,
    of_worker,
};
use jiff::Timestamp;

use crate::change::{Find, Noted};
use crate::database::{FromRow, Row, Statement, Tx, text, texts};
use crate::error::ReadModelError;
use crate::fact::Fact;
use crate::list::{FlowFilter, KeyRange, Listed, Places, Select, Sort, Sorted};
use crate::model::ReadModel;
use crate::revision::revision_of;

/// A publisher that was enabled at least once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publisher {
    pub id: PublisherId,
    pub enabled: bool,
    pub version: VersionSelector,
    /// The position of the event that last changed it.
    pub position: Position,
    pub changed_at: Timestamp,
    /// The event that a policy enabled or disabled it for.
    pub cause: Option<String>,
    pub revision: Revision,
}

/// Whose publishers are asked for; all where nothing is set. Of several values any is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PublisherFilter {
    pub ids: Option<Vec<PublisherId>>,
    pub brokers: Option<Vec<BrokerId>>,
    pub topics: Option<Vec<TopicId>>,
    pub organizations: Option<Vec<OrganizationName>>,
    pub algorithms: Option<Vec<AlgorithmId>>,
    pub enabled: Option<bool>,
    /// Part of the name of the topic or of the algorithm.
    pub search: Option<String>,
    /// Those that it chooses are left out.
    pub not: Option<Box<Self>>,
}

/// What publishers can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PublisherSort {
    /// By broker and by the name of the topic.
    #[default]
    Topic,
    Algorithm,
    ChangedAt,
}

impl Sort for PublisherSort {
    fn column(self) -> Option<&'static str> {
        match self {
            Self::Topic => None,
            Self::Algorithm => Some("algorithm"),
            Self::ChangedAt => Some("changed_at"),
        }
    }
}

pub(crate) fn apply(tx: &mut dyn Tx, fact: &Fact, noted: &mut Noted) -> Result<(), ReadModelError> {
    match &fact.event {
        Event::PublisherEnabled(e) => enable(tx, fact, e),
        Event::PublisherVersionChanged(e) => tx.execute(
            "UPDATE publishers SET version = ?2, position = ?3, changed_at = ?4 WHERE key = ?1",
            &[
                text(&e.publisher),
                text(&e.version),
                fact.position.into(),
                fact.at.into(),
            ],
        ),
        Event::PublisherDisabled(e) => tx.execute(
            "UPDATE publishers SET enabled = 0, cause = ?2, position = ?3, changed_at = ?4 \
             WHERE key = ?1",
            &[
                text(&e.publisher),
                e.cause.map(|cause| cause.to_string()).into(),
                fact.position.into(),
                fact.at.into(),
            ],
        ),
        Event::VersionPublished(e) => note_of(tx, fact, &e.algorithm, noted),
        Event::VersionWithdrawn(e) => note_of(tx, fact, &e.algorithm, noted),
        Event::AlgorithmRetired(e) => note_of(tx, fact, &e.algorithm, noted),
        Event::BrokerReplaced(e) => note_on(tx, fact, e.broker, noted),
        Event::BrokerDisconnected(e) => note_on(tx, fact, e.broker, noted),
        of_organization!()
        | of_worker!()
        | of_cluster!()
        | of_command!()
        | of_grant!()
        | of_listener!()
        | Event::AlgorithmRegistered(_)
        | Event::BrokerConnected(_)
        | Event::BrokerCredentialsRotated(_)
        | Event::TopicsChanged(_)
        | Event::TopicPatternGranted(_)
        | Event::TopicPatternRevoked(_) => Ok(()),
    }
}

fn enable(tx: &mut dyn Tx, fact: &Fact, enabled: &PublisherEnabled) -> Result<(), ReadModelError> {
    let publisher = &enabled.publisher;
    tx.execute(
        "INSERT INTO publishers (key, broker, topic, algorithm, enabled, version, \
         position, changed_at, cause) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, ?8) \
         ON CONFLICT (key) DO UPDATE SET enabled = 1, version = excluded.version, \
         position = excluded.position, changed_at = excluded.changed_at, \
         cause = excluded.cause",
        &[
            text(publisher),
            text(publisher.topic.broker),
            publisher.topic.topic.as_str().into(),
            text(&publisher.algorithm),
            text(&enabled.version),
            fact.position.into(),
            fact.at.into(),
            enabled.cause.map(|cause| cause.to_string()).into(),
        ],
    )
}

/// Those of an algorithm show what their version selectors pick.
fn note_of(
    tx: &mut dyn Tx,
    fact: &Fact,
    algorithm: &AlgorithmId,
    noted: &mut Noted,
) -> Result<(), ReadModelError> {
    let of_algorithm = Find {
        sql: "SELECT key FROM publishers WHERE algorithm = ?1 ORDER BY key LIMIT ?2",
        values: &[text(algorithm)],
        thing: |row| Ok(Thing::Publisher(row.parse()?)),
    };
    noted.note_found(tx, fact, of_algorithm)
}

/// Those on a broker that ends are in no list any more.
fn note_on(
    tx: &mut dyn Tx,
    fact: &Fact,
    broker: BrokerId,
    noted: &mut Noted,
) -> Result<(), ReadModelError> {
    let on_broker = Find {
        sql: "SELECT key FROM publishers WHERE broker = ?1 ORDER BY key LIMIT ?2",
        values: &[text(broker)],
        thing: |row| Ok(Thing::Publisher(row.parse()?)),
    };
    noted.note_found(tx, fact, on_broker)
}

/// The publishers of which `$which` is true.
macro_rules! publishers {
    ($which:literal) => {
        concat!(
            "SELECT broker, topic, algorithm, enabled, version, position, changed_at, cause, ",
            revision_of!("publisher", "p.key"),
            " FROM publishers p WHERE ",
            $which
        )
    };
}

impl ReadModel {
    /// Those publishers that were ever enabled, in no order.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn publishers_by_id(
        &self,
        ids: &[PublisherId],
    ) -> Result<Vec<Publisher>, ReadModelError> {
        let select = publishers!("key IN (SELECT value FROM json_each(?1))");
        self.rows(Statement::new(select).bind(texts(ids)?)).await
    }
}

/// Publishers on connected brokers.
impl Select for PublisherFilter {
    type Row = Publisher;

    const KEY: &'static str = "key";

    fn rows(&self) -> Statement {
        Statement::new(publishers!(
            "EXISTS (SELECT 1 FROM brokers c WHERE c.id = p.broker AND c.ended_at IS NULL)"
        ))
    }

    fn choose(&self, rows: Statement) -> Result<Statement, ReadModelError> {
        let flows = FlowFilter {
            ids: self.ids.as_deref(),
            places: self.places(),
            algorithms: self.algorithms.as_deref(),
            organizations: self.organizations.as_deref(),
            search: self.search.as_deref(),
        };
        Ok(flows.choose(rows)?.add_if(" AND enabled = ?", self.enabled))
    }

    fn keys(&self) -> KeyRange {
        self.places().keys()
    }

    fn not(&self) -> Option<&Self> {
        self.not.as_deref()
    }
}

impl PublisherFilter {
    fn places(&self) -> Places<'_> {
        Places {
            brokers: self.brokers.as_deref(),
            topics: self.topics.as_deref(),
        }
    }
}

impl Listed for Publisher {
    type Sort = PublisherSort;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn sorted(&self, by: PublisherSort) -> Option<Sorted> {
        match by {
            PublisherSort::Topic => None,
            PublisherSort::Algorithm => Some(Sorted::Text(self.id.algorithm.to_string())),
            PublisherSort::ChangedAt => Some(Sorted::Integer(self.changed_at.as_microsecond())),
        }
    }
}

impl FromRow for Publisher {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        Ok(Self {
            id: PublisherId {
                topic: TopicId::from_row(row)?,
                algorithm: row.parse()?,
            },
            enabled: row.take()?,
            version: row.parse()?,
            position: row.take()?,
            changed_at: row.take()?,
            cause: row.take()?,
            revision: row.take()?,
        })
    }
}
