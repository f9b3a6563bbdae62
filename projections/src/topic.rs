//! Topics as their brokers list them.

use domain::broker::TopicsChanged;
use domain::{
    BrokerId, Event, Thing, TopicId, TopicName, of_algorithm, of_cluster, of_command, of_grant,
    of_organization, of_worker,
};

use crate::change::{Find, Noted};
use crate::database::{FromRow, Row, Statement, Tx, text};
use crate::error::ReadModelError;
use crate::fact::Fact;
use crate::list::{Listed, Select, Sort, Sorted};
use crate::model::ReadModel;

/// A topic that a connected broker has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    pub id: TopicId,
    /// How many partitions, where the broker has them.
    pub partitions: Option<u32>,
    /// How many algorithms may use it in any way, retired ones not counted.
    pub algorithms: u64,
}

/// How much there is of a topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TopicCounts {
    /// Grants to read it, those of patterns among them.
    pub subscribe_grants: u64,
    /// Grants to write results to it, those of patterns among them.
    pub publish_grants: u64,
    /// Grants to write faulty messages to it, those of patterns among them.
    pub dead_letter_grants: u64,
    /// Algorithms that may read it, retired ones not counted.
    pub subscribe_algorithms: u64,
    /// Algorithms whose results may be written to it, retired ones not counted.
    pub publish_algorithms: u64,
    /// Algorithms with a grant to write faulty messages to it, retired ones not counted.
    pub dead_letter_algorithms: u64,
    /// The enabled ones, the paused among them.
    pub listeners: u64,
    /// The enabled ones.
    pub publishers: u64,
}

/// The topics of a broker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TopicFilter {
    pub broker: BrokerId,
    /// One of these.
    pub names: Option<Vec<TopicName>>,
    /// Part of the name.
    pub search: Option<String>,
    /// Those that it chooses are left out.
    pub not: Option<Box<Self>>,
}

/// What topics can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TopicSort {
    #[default]
    Name,
    /// Those without partitions first.
    Partitions,
    /// By how many algorithms may use it.
    Algorithms,
}

impl Sort for TopicSort {
    fn column(self) -> Option<&'static str> {
        match self {
            Self::Name => None,
            Self::Partitions => Some("coalesce(partitions, 0)"),
            Self::Algorithms => Some("algorithms"),
        }
    }
}

pub(crate) fn apply(tx: &mut dyn Tx, fact: &Fact, noted: &mut Noted) -> Result<(), ReadModelError> {
    match &fact.event {
        Event::TopicsChanged(e) => {
            list(tx, fact, e, noted)?;
            count(tx, e.broker)
        }
        Event::ListenerEnabled(e) => name(tx, &e.listener.topic),
        Event::DlqSet(e) => name(tx, &e.listener.topic.sibling(&e.dlq)),
        Event::PublisherEnabled(e) => name(tx, &e.publisher.topic),
        Event::BrokerReplaced(e) => {
            forget(tx, fact, e.broker, noted)?;
            count(tx, e.broker)
        }
        Event::BrokerDisconnected(e) => {
            forget(tx, fact, e.broker, noted)?;
            count(tx, e.broker)
        }
        of_organization!()
        | of_algorithm!()
        | of_worker!()
        | of_cluster!()
        | of_command!()
        | of_grant!()
        | Event::BrokerConnected(_)
        | Event::BrokerCredentialsRotated(_)
        | Event::TopicPatternGranted(_)
        | Event::TopicPatternRevoked(_)
        | Event::ListenerVersionChanged(_)
        | Event::ListenerSettingsChanged(_)
        | Event::ListenerPaused(_)
        | Event::ListenerResumed(_)
        | Event::ListenerPositionReset(_)
        | Event::ListenerDisabled(_)
        | Event::DlqCleared(_)
        | Event::PublisherVersionChanged(_)
        | Event::PublisherDisabled(_) => Ok(()),
    }
}

/// Lists what the broker has now. What it lost is kept where anything was enabled on it, or where
/// it is a dead letter queue.
fn list(
    tx: &mut dyn Tx,
    fact: &Fact,
    e: &TopicsChanged,
    noted: &mut Noted,
) -> Result<(), ReadModelError> {
    let there: Vec<_> = e.gained.iter().chain(&e.changed).collect();
    let lost = [text(e.broker), serde_json::to_string(&e.lost)?.into()];
    let there = [text(e.broker), serde_json::to_string(&there)?.into()];
    let named = Find {
        sql: "SELECT ?1, value ->> 'name' FROM json_each(?2) LIMIT ?3",
        values: &there,
        thing: listed_topic,
    };
    noted.note_found(tx, fact, named)?;
    let named = Find {
        sql: "SELECT ?1, value FROM json_each(?2) LIMIT ?3",
        values: &lost,
        thing: listed_topic,
    };
    noted.note_found(tx, fact, named)?;
    tx.execute(
        "UPDATE topics SET listed = 0, partitions = NULL WHERE broker = ?1 \
         AND name IN (SELECT value FROM json_each(?2))",
        &lost,
    )?;
    tx.execute(
        "DELETE FROM topics WHERE broker = ?1 AND listed = 0 \
         AND name IN (SELECT value FROM json_each(?2)) \
         AND NOT EXISTS (SELECT 1 FROM listeners l \
         WHERE l.broker = topics.broker AND l.topic = topics.name) \
         AND NOT EXISTS (SELECT 1 FROM listeners d \
         WHERE d.broker = topics.broker AND d.dlq = topics.name) \
         AND NOT EXISTS (SELECT 1 FROM publishers p \
         WHERE p.broker = topics.broker AND p.topic = topics.name)",
        &lost,
    )?;
    tx.execute(
        "INSERT INTO topics (broker, name, partitions, listed) \
         SELECT ?1, value ->> 'name', CAST(value ->> 'partitions' AS BIGINT), 1 \
         FROM json_each(?2) WHERE true \
         ON CONFLICT (broker, name) DO UPDATE \
         SET partitions = excluded.partitions, listed = excluded.listed",
        &there,
    )
}

fn listed_topic(row: &mut Row) -> Result<Thing, ReadModelError> {
    Ok(Thing::Topic(TopicId::from_row(row)?))
}

/// Keeps the name of a topic that something is on, listed or not.
fn name(tx: &mut dyn Tx, topic: &TopicId) -> Result<(), ReadModelError> {
    tx.execute(
        "INSERT INTO topics (broker, name, listed) VALUES (?1, ?2, 0) \
         ON CONFLICT (broker, name) DO NOTHING",
        &[text(topic.broker), topic.topic.as_str().into()],
    )
}

/// Keeps how many topics a broker has, since a list of brokers is asked for that often.
fn count(tx: &mut dyn Tx, broker: BrokerId) -> Result<(), ReadModelError> {
    tx.execute(
        "UPDATE brokers SET topics = (SELECT count(*) FROM topics WHERE broker = ?1 AND listed = 1) \
         WHERE id = ?1",
        &[text(broker)],
    )
}

fn forget(
    tx: &mut dyn Tx,
    fact: &Fact,
    broker: BrokerId,
    noted: &mut Noted,
) -> Result<(), ReadModelError> {
    let all = Find {
        sql: "SELECT broker, name FROM topics WHERE broker = ?1 AND listed = 1 LIMIT ?2",
        values: &[text(broker)],
        thing: listed_topic,
    };
    noted.note_found(tx, fact, all)?;
    tx.execute("DELETE FROM topics WHERE broker = ?1", &[text(broker)])
}

/// How many algorithms that are not retired may use a topic, by whichever grants.
macro_rules! algorithms {
    ($broker:literal, $topic:literal, $which:literal) => {
        concat!(
            "(SELECT count(DISTINCT p.algorithm) FROM permitted AS p \
             JOIN algorithms AS reached ON reached.id = p.algorithm \
             WHERE p.broker = ",
            $broker,
            " AND p.topic = ",
            $topic,
            " AND reached.retired_at IS NULL",
            $which,
            ")"
        )
    };
}

impl ReadModel {
    /// Those topics, if their brokers have them, in no order.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn topics_by_id(&self, ids: &[TopicId]) -> Result<Vec<Topic>, ReadModelError> {
        let select = concat!(
            "WITH asked (c, t) AS \
             (SELECT value ->> 'broker', value ->> 'topic' FROM json_each(?1)) \
             SELECT broker, name, partitions, ",
            algorithms!("topics.broker", "topics.name", ""),
            " FROM asked JOIN topics ON broker = c AND name = t AND listed = 1"
        );
        let ids = serde_json::to_string(ids)?;
        self.rows(Statement::new(select).bind(ids)).await
    }

    /// How much there is of each of those topics, in no order.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn topic_counts(
        &self,
        topics: &[TopicId],
    ) -> Result<Vec<(TopicId, TopicCounts)>, ReadModelError> {
        let select = concat!(
            "WITH asked (c, t) AS \
             (SELECT value ->> 'broker', value ->> 'topic' FROM json_each(?1)), \
             granted (c, t, access) AS ( \
             SELECT c, t, access FROM asked JOIN grants ON broker = c AND topic = t \
             UNION ALL SELECT c, t, access FROM asked \
             JOIN grants ON broker = c AND topic IS NULL AND glob(pattern, t)) \
             SELECT c, t, \
             (SELECT count(*) FROM granted g \
             WHERE g.c = a.c AND g.t = a.t AND access = 'SUBSCRIBE'), \
             (SELECT count(*) FROM granted g \
             WHERE g.c = a.c AND g.t = a.t AND access = 'PUBLISH'), \
             (SELECT count(*) FROM granted g \
             WHERE g.c = a.c AND g.t = a.t AND access = 'DEAD_LETTER'), ",
            algorithms!("a.c", "a.t", " AND p.access = 'SUBSCRIBE'"),
            ", ",
            algorithms!("a.c", "a.t", " AND p.access = 'PUBLISH'"),
            ", ",
            algorithms!("a.c", "a.t", " AND p.access = 'DEAD_LETTER'"),
            ", (SELECT count(*) FROM listeners WHERE broker = c AND topic = t AND enabled = 1), \
             (SELECT count(*) FROM publishers WHERE broker = c AND topic = t AND enabled = 1) \
             FROM asked a"
        );
        let topics = serde_json::to_string(topics)?;
        self.rows(Statement::new(select).bind(topics)).await
    }
}

impl Select for TopicFilter {
    type Row = Topic;

    const KEY: &'static str = "name";

    fn rows(&self) -> Statement {
        // Counted in a query of its own, so that a list can be sorted by it.
        let select = concat!(
            "SELECT broker, name, partitions, algorithms FROM ( \
             SELECT broker, name, partitions, ",
            algorithms!("t.broker", "t.name", ""),
            " AS algorithms FROM topics AS t WHERE broker = ?1 AND listed = 1) AS listed_topics \
             WHERE true"
        );
        Statement::new(select).bind(text(self.broker))
    }

    fn choose(&self, rows: Statement) -> Result<Statement, ReadModelError> {
        let rows = rows.add_any("name", self.names.as_deref())?;
        Ok(rows.add_if(" AND instr(name, ?) > 0", self.search.as_deref()))
    }

    fn not(&self) -> Option<&Self> {
        self.not.as_deref()
    }
}

impl Listed for Topic {
    type Sort = TopicSort;

    fn key(&self) -> String {
        self.id.topic.to_string()
    }

    fn sorted(&self, by: TopicSort) -> Option<Sorted> {
        match by {
            TopicSort::Name => None,
            TopicSort::Partitions => {
                let partitions = self.partitions.unwrap_or_default();
                Some(Sorted::Integer(partitions.into()))
            }
            TopicSort::Algorithms => Some(Sorted::Integer(self.algorithms.cast_signed())),
        }
    }
}

impl FromRow for TopicId {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        Ok(Self {
            broker: row.take()?,
            topic: row.parse()?,
        })
    }
}

impl FromRow for Topic {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        let id = TopicId::from_row(row)?;
        let partitions: Option<i64> = row.take()?;
        let partitions = partitions.map(u32::try_from).transpose();
        Ok(Self {
            id,
            partitions: partitions.map_err(|error| ReadModelError::Row(Box::new(error)))?,
            algorithms: row.take()?,
        })
    }
}

impl FromRow for (TopicId, TopicCounts) {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        let id = TopicId::from_row(row)?;
        let counts = TopicCounts {
            subscribe_grants: row.take()?,
            publish_grants: row.take()?,
            dead_letter_grants: row.take()?,
            subscribe_algorithms: row.take()?,
            publish_algorithms: row.take()?,
            dead_letter_algorithms: row.take()?,
            listeners: row.take()?,
            publishers: row.take()?,
        };
        Ok((id, counts))
    }
}
