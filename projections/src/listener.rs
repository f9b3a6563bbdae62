//! Listeners, enabled and disabled.

mod pause;

use domain::grant::{Access, GrantKey, Scope};
use domain::listener::{ListenerEnabled, ListenerSettings, Pause};
use domain::{
    AlgorithmId, BrokerId, Event, ListenerId, OrganizationName, Position, PositionReset, Revision,
    Thing, TopicId, VersionSelector, of_cluster, of_command, of_organization, of_publisher,
    of_worker,
};
use jiff::Timestamp;
use uuid::Uuid;

use crate::broker;
use crate::change::{Find, Noted};
use crate::consumer::ConsumerState;
use crate::database::{FromRow, Row, Statement, Tx, Value, text, texts};
use crate::error::ReadModelError;
use crate::fact::Fact;
use crate::list::{FlowFilter, KeyRange, Listed, Places, Select, Sort, Sorted};
use crate::model::{ReadModel, position_of};
use crate::revision::revision_of;

/// A listener that was enabled at least once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    pub id: ListenerId,
    pub enabled: bool,
    /// Who paused it and when: enabled, it consumes nothing until it is resumed.
    pub pause: Option<Pause>,
    pub version: VersionSelector,
    pub settings: ListenerSettings,
    /// The consumer group that it reads with.
    pub group: Uuid,
    /// A topic of the same broker.
    pub dlq: Option<String>,
    /// The last reset of its position, if there was one.
    pub reset: Option<PositionReset>,
    /// The position of the event that last changed it.
    pub position: Position,
    pub changed_at: Timestamp,
    /// The event that a policy enabled or disabled it for.
    pub cause: Option<String>,
    pub revision: Revision,
}

/// Whose listeners are asked for; all where nothing is set. Of several values any is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ListenerFilter {
    pub ids: Option<Vec<ListenerId>>,
    pub brokers: Option<Vec<BrokerId>>,
    pub topics: Option<Vec<TopicId>>,
    pub organizations: Option<Vec<OrganizationName>>,
    pub algorithms: Option<Vec<AlgorithmId>>,
    pub enabled: Option<bool>,
    pub paused: Option<bool>,
    /// Those with a consumer in one of these states.
    pub consumer_states: Option<Vec<ConsumerState>>,
    /// Part of the name of the topic or of the algorithm.
    pub search: Option<String>,
    /// Those that it chooses are left out.
    pub not: Option<Box<Self>>,
}

/// What listeners can be sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ListenerSort {
    /// By broker and by the name of the topic.
    #[default]
    Topic,
    Algorithm,
    ChangedAt,
}

impl Sort for ListenerSort {
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
        Event::ListenerEnabled(e) => enable(tx, fact, e),
        Event::ListenerVersionChanged(e) => {
            let sql = "UPDATE listeners SET version = ?1, position = ?2, changed_at = ?3 \
                       WHERE key = ?4";
            change(tx, fact, &e.listener, sql, text(&e.version))
        }
        Event::ListenerSettingsChanged(e) => {
            let sql = "UPDATE listeners SET settings = ?1, position = ?2, changed_at = ?3 \
                       WHERE key = ?4";
            let settings = serde_json::to_string(&e.settings)?;
            change(tx, fact, &e.listener, sql, settings.into())
        }
        Event::ListenerPaused(e) => pause::pause(tx, fact, e),
        Event::ListenerResumed(e) => pause::resume(tx, fact, e),
        Event::ListenerPositionReset(e) => {
            let sql = "UPDATE listeners SET reset = ?1, position = ?2, changed_at = ?3 \
                       WHERE key = ?4";
            let reset = PositionReset {
                at: position_of(fact.position),
                to: e.to.clone(),
            };
            let reset = serde_json::to_string(&reset)?;
            change(tx, fact, &e.listener, sql, reset.into())
        }
        Event::DlqSet(e) => change(tx, fact, &e.listener, SET_DLQ, e.dlq.as_str().into()),
        Event::DlqCleared(e) => change(tx, fact, &e.listener, SET_DLQ, Value::Text(None)),
        Event::ListenerDisabled(e) => {
            let sql = "UPDATE listeners SET enabled = 0, paused = 0, paused_by = NULL, \
                       paused_at = NULL, cause = ?1, position = ?2, changed_at = ?3 WHERE key = ?4";
            let cause = e.cause.map(|cause| cause.to_string());
            change(tx, fact, &e.listener, sql, cause.into())
        }
        Event::VersionPublished(e) => note_of(tx, fact, &e.algorithm, noted),
        Event::VersionWithdrawn(e) => note_of(tx, fact, &e.algorithm, noted),
        Event::AlgorithmRetired(e) => note_of(tx, fact, &e.algorithm, noted),
        Event::BrokerReplaced(e) => note_on(tx, fact, e.broker, noted),
        Event::BrokerDisconnected(e) => note_on(tx, fact, e.broker, noted),
        Event::TopicGranted(e) => {
            let grant = GrantKey::of_topic(&e.topic, &e.permission);
            note_dead_lettering(tx, fact, &grant, noted)
        }
        Event::TopicRevoked(e) => {
            let grant = GrantKey::of_topic(&e.topic, &e.permission);
            note_dead_lettering(tx, fact, &grant, noted)
        }
        Event::TopicPatternGranted(e) => {
            let grant = GrantKey::of_pattern(e.broker, &e.pattern, &e.permission);
            note_dead_lettering(tx, fact, &grant, noted)
        }
        Event::TopicPatternRevoked(e) => {
            let grant = GrantKey::of_pattern(e.broker, &e.pattern, &e.permission);
            note_dead_lettering(tx, fact, &grant, noted)
        }
        of_organization!()
        | of_worker!()
        | of_cluster!()
        | of_command!()
        | of_publisher!()
        | Event::AlgorithmRegistered(_)
        | Event::BrokerConnected(_)
        | Event::BrokerCredentialsRotated(_)
        | Event::TopicsChanged(_) => Ok(()),
    }
}

/// Those whose dead letter queue a grant includes show whether they are permitted to use it.
fn note_dead_lettering(
    tx: &mut dyn Tx,
    fact: &Fact,
    grant: &GrantKey,
    noted: &mut Noted,
) -> Result<(), ReadModelError> {
    if !Access::TAKING_DEAD_LETTERS.contains(&grant.permission.access) {
        return Ok(());
    }
    let sql = match &grant.scope {
        Scope::Topic(_) => {
            "SELECT key FROM listeners WHERE broker = ?1 AND dlq = ?2 ORDER BY key LIMIT ?3"
        }
        // A pattern that is a value alone would have SQLite plan the statement for each one.
        Scope::Pattern(_) => {
            "SELECT key FROM listeners WHERE broker = ?1 AND dlq IS NOT NULL \
             AND glob(?2 || '', dlq) ORDER BY key LIMIT ?3"
        }
    };
    let dead_lettering = Find {
        sql,
        values: &[text(grant.broker), grant.scope.as_str().into()],
        thing: |row| Ok(Thing::Listener(row.parse()?)),
    };
    noted.note_found(tx, fact, dead_lettering)
}

/// Those of an algorithm show what their version selectors pick.
fn note_of(
    tx: &mut dyn Tx,
    fact: &Fact,
    algorithm: &AlgorithmId,
    noted: &mut Noted,
) -> Result<(), ReadModelError> {
    let of_algorithm = Find {
        sql: "SELECT key FROM listeners WHERE algorithm = ?1 ORDER BY key LIMIT ?2",
        values: &[text(algorithm)],
        thing: |row| Ok(Thing::Listener(row.parse()?)),
    };
    noted.note_found(tx, fact, of_algorithm)
}

/// Those on a broker that has ended are in no list.
fn note_on(
    tx: &mut dyn Tx,
    fact: &Fact,
    broker: BrokerId,
    noted: &mut Noted,
) -> Result<(), ReadModelError> {
    let on_broker = Find {
        sql: "SELECT key FROM listeners WHERE broker = ?1 ORDER BY key LIMIT ?2",
        values: &[text(broker)],
        thing: |row| Ok(Thing::Listener(row.parse()?)),
    };
    noted.note_found(tx, fact, on_broker)
}

const SET_DLQ: &str =
    "UPDATE listeners SET dlq = ?1, position = ?2, changed_at = ?3 WHERE key = ?4";

/// The change that an event makes to the row of a listener: `value` is that of its column.
fn change(
    tx: &mut dyn Tx,
    fact: &Fact,
    listener: &ListenerId,
    sql: &'static str,
    value: Value,
) -> Result<(), ReadModelError> {
    let values = [value, fact.position.into(), fact.at.into(), text(listener)];
    tx.execute(sql, &values)
}

/// Enabled again, it keeps only its position, and so the reset that led there.
fn enable(tx: &mut dyn Tx, fact: &Fact, e: &ListenerEnabled) -> Result<(), ReadModelError> {
    let connected_at = broker::connected_at(tx, e.listener.topic.broker)?;
    tx.execute(
        "INSERT INTO listeners (key, broker, topic, algorithm, enabled, paused, version, \
         settings, consumer_group, dlq, position, changed_at, cause) \
         VALUES (?1, ?2, ?3, ?4, 1, 0, ?5, ?6, ?7, NULL, ?8, ?9, ?10) \
         ON CONFLICT (key) DO UPDATE SET enabled = 1, paused = 0, paused_by = NULL, \
         paused_at = NULL, version = excluded.version, settings = excluded.settings, consumer_group = excluded.consumer_group, dlq = NULL, \
         position = excluded.position, changed_at = excluded.changed_at, cause = excluded.cause",
        &[
            text(&e.listener),
            text(e.listener.topic.broker),
            e.listener.topic.topic.as_str().into(),
            text(&e.listener.algorithm),
            text(&e.version),
            serde_json::to_string(&e.settings)?.into(),
            text(e.listener.group(connected_at)),
            fact.position.into(),
            fact.at.into(),
            e.cause.map(|cause| cause.to_string()).into(),
        ],
    )
}

/// The listeners of which `$which` is true.
macro_rules! listeners {
    ($which:literal) => {
        concat!(
            "SELECT broker, topic, algorithm, enabled, paused_by, paused_at, version, settings, \
             consumer_group, dlq, reset, position, changed_at, cause, ",
            revision_of!("listener", "l.key"),
            " FROM listeners l WHERE ",
            $which
        )
    };
}

impl ReadModel {
    /// Those listeners that were ever enabled, in no order.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn listeners_by_id(
        &self,
        ids: &[ListenerId],
    ) -> Result<Vec<Listener>, ReadModelError> {
        let select = listeners!("key IN (SELECT value FROM json_each(?1))");
        self.rows(Statement::new(select).bind(texts(ids)?)).await
    }

    /// The listeners that read with those consumer groups, in no order.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn listeners_by_group(
        &self,
        groups: &[Uuid],
    ) -> Result<Vec<Listener>, ReadModelError> {
        let select = listeners!("consumer_group IN (SELECT value FROM json_each(?1))");
        self.rows(Statement::new(select).bind(texts(groups)?)).await
    }

    /// Which of those listeners are not permitted to send faulty messages to their dead letter
    /// queues, in no order.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn without_dlq_grant(
        &self,
        listeners: &[ListenerId],
    ) -> Result<Vec<ListenerId>, ReadModelError> {
        let select = "SELECT key FROM listeners l \
                      WHERE key IN (SELECT value FROM json_each(?1)) AND dlq IS NOT NULL \
                      AND NOT EXISTS (SELECT 1 FROM permitted p WHERE p.broker = l.broker \
                      AND p.topic = l.dlq AND p.algorithm = l.algorithm \
                      AND p.access IN (SELECT value FROM json_each(?2)))";
        let keys: Vec<String> = listeners.iter().map(ToString::to_string).collect();
        let select = Statement::new(select)
            .bind(serde_json::to_string(&keys)?)
            .bind(serde_json::to_string(&Access::TAKING_DEAD_LETTERS)?);
        self.rows(select).await
    }
}

impl FromRow for ListenerId {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        row.parse()
    }
}

/// Listeners on connected brokers.
impl Select for ListenerFilter {
    type Row = Listener;

    const KEY: &'static str = "key";

    fn rows(&self) -> Statement {
        Statement::new(listeners!(
            "EXISTS (SELECT 1 FROM brokers c WHERE c.id = l.broker AND c.ended_at IS NULL)"
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
        let rows = flows
            .choose(rows)?
            .add_if(" AND enabled = ?", self.enabled)
            .add_if(" AND paused = ?", self.paused);
        let Some(states) = &self.consumer_states else {
            return Ok(rows);
        };
        let consumed = " AND EXISTS (SELECT 1 FROM consumers s WHERE s.listener = l.key";
        let rows = rows.then(consumed).add_any("s.state", Some(states))?;
        Ok(rows.then(")"))
    }

    fn keys(&self) -> KeyRange {
        self.places().keys()
    }

    fn not(&self) -> Option<&Self> {
        self.not.as_deref()
    }
}

impl ListenerFilter {
    fn places(&self) -> Places<'_> {
        Places {
            brokers: self.brokers.as_deref(),
            topics: self.topics.as_deref(),
        }
    }
}

impl Listed for Listener {
    type Sort = ListenerSort;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn sorted(&self, by: ListenerSort) -> Option<Sorted> {
        match by {
            ListenerSort::Topic => None,
            ListenerSort::Algorithm => Some(Sorted::Text(self.id.algorithm.to_string())),
            ListenerSort::ChangedAt => Some(Sorted::Integer(self.changed_at.as_microsecond())),
        }
    }
}

const BY_KEY: &str = listeners!("key = ?1");

/// A listener by its key, inside a transaction.
pub(crate) fn by_key(tx: &mut dyn Tx, key: &str) -> Result<Option<Listener>, ReadModelError> {
    let row = tx.query(BY_KEY, &[key.into()])?.into_iter().next();
    row.map(|mut row| Listener::from_row(&mut row)).transpose()
}

impl FromRow for Listener {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        Ok(Self {
            id: ListenerId {
                topic: TopicId::from_row(row)?,
                algorithm: row.parse()?,
            },
            enabled: row.take()?,
            pause: pause::of_row(row)?,
            version: row.parse()?,
            settings: row.json()?,
            group: row.parse()?,
            dlq: row.take()?,
            reset: row.json_if_any()?,
            position: row.take()?,
            changed_at: row.take()?,
            cause: row.take()?,
            revision: row.take()?,
        })
    }
}
