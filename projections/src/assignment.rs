//! Assignments: what workers are to run, made of listeners, grants, brokers, versions and
//! publishers. The one projection that has no events of its own.

use std::collections::BTreeMap;

use domain::algorithm::Protocol;
use domain::broker::BrokerSettings;
use domain::grant::{Access, GrantKey};
use domain::listener::ListenerSettings;
use domain::{AlgorithmId, BrokerId, Event, ListenerId, Position, Version};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::database::{FromRow, Row, Statement, Tx, text};
use crate::error::ReadModelError;
use crate::fact::Fact;
use crate::model::{self, CHECKPOINT, ReadModel};
use crate::output::Outputs;
use crate::{algorithm, broker, grant, listener, output};

/// Everything a worker needs to serve a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    pub listener: ListenerId,
    /// The position of the event that last changed the listener itself.
    pub revision: Position,
    /// The consumer group: the same for all of the listener's life.
    pub group: Uuid,
    pub broker: BrokerSettings,
    pub dlq: Option<String>,
    /// Whether no grant permits the algorithm to send faulty messages to `dlq`: it holds its position
    /// until one does.
    pub dlq_not_granted: bool,
    /// What the version selector picks now.
    pub version: Option<AssignedVersion>,
    pub settings: ListenerSettings,
    /// Where results of that version go.
    pub outputs: Outputs,
}

/// The version that a listener's messages are sent to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignedVersion {
    pub version: Version,
    pub endpoint: String,
    pub protocol: Protocol,
    pub timeout_ms: u64,
}

/// What changed for one listener; without an assignment it is to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignmentChange {
    pub listener: ListenerId,
    pub assignment: Option<Assignment>,
}

/// The listeners whose assignments the events of a batch may have changed, by their keys.
#[derive(Debug, Default)]
pub(crate) struct Touched(BTreeMap<String, Touch>);

#[derive(Debug, Default)]
struct Touch {
    /// The position of the last event that may have changed it.
    position: i64,
    /// How many may have.
    times: u32,
}

/// The listeners whose assignments an event may change.
enum Reach<'a> {
    Nothing,
    Listener(&'a ListenerId),
    AllOf(&'a AlgorithmId),
    /// Those that read from the broker, and those whose results go to it.
    AllOn(BrokerId),
    Granted(GrantKey),
}

/// Notes whose assignments `fact` may have changed, once the rows show it. They are found before
/// what comes next can hide them, and assigned once, at the end of the batch.
pub(crate) fn touch(
    tx: &mut dyn Tx,
    fact: &Fact,
    touched: &mut Touched,
) -> Result<(), ReadModelError> {
    touched.note(fact, keys(tx, reach(&fact.event))?);
    Ok(())
}

/// Notes who is about to lose a grant, while its row is there.
pub(crate) fn touch_before(
    tx: &mut dyn Tx,
    fact: &Fact,
    touched: &mut Touched,
) -> Result<(), ReadModelError> {
    let grant = match &fact.event {
        Event::TopicRevoked(e) => GrantKey::of_topic(&e.topic, &e.permission),
        Event::TopicPatternRevoked(e) => GrantKey::of_pattern(e.broker, &e.pattern, &e.permission),
        _ => return Ok(()),
    };
    touched.note(fact, keys(tx, Reach::Granted(grant))?);
    Ok(())
}

impl Touched {
    fn note(&mut self, fact: &Fact, listeners: Vec<String>) {
        for listener in listeners {
            let touch = self.0.entry(listener).or_default();
            touch.position = fact.position;
            touch.times += 1;
        }
    }
}

/// Assigns what was touched, from the rows as they are now.
///
/// A body that is the same is no change, and workers do not hear of it. Unless it was touched more
/// than once: then it may have been another in between, which a worker may have heard of from
/// a generation whose batches ended elsewhere.
pub(crate) fn assign(tx: &mut dyn Tx, touched: Touched) -> Result<(), ReadModelError> {
    for (key, touch) in touched.0 {
        let assignment = assignment(tx, &key)?;
        let body = assignment.as_ref().map(serde_json::to_string).transpose()?;
        let sql = if touch.times == 1 {
            "INSERT INTO assignments (listener, position, body) VALUES (?1, ?2, ?3) \
             ON CONFLICT (listener) DO UPDATE \
             SET position = excluded.position, body = excluded.body \
             WHERE assignments.body IS DISTINCT FROM excluded.body"
        } else {
            "INSERT INTO assignments (listener, position, body) VALUES (?1, ?2, ?3) \
             ON CONFLICT (listener) DO UPDATE \
             SET position = excluded.position, body = excluded.body"
        };
        tx.execute(sql, &[key.into(), touch.position.into(), body.into()])?;
    }
    Ok(())
}

fn reach(event: &Event) -> Reach<'_> {
    match event {
        Event::ListenerEnabled(e) => Reach::Listener(&e.listener),
        Event::ListenerVersionChanged(e) => Reach::Listener(&e.listener),
        Event::ListenerSettingsChanged(e) => Reach::Listener(&e.listener),
        Event::ListenerPaused(e) => Reach::Listener(&e.listener),
        Event::ListenerResumed(e) => Reach::Listener(&e.listener),
        Event::ListenerDisabled(e) => Reach::Listener(&e.listener),
        Event::DlqSet(e) => Reach::Listener(&e.listener),
        Event::DlqCleared(e) => Reach::Listener(&e.listener),
        Event::VersionPublished(e) => Reach::AllOf(&e.algorithm),
        Event::VersionWithdrawn(e) => Reach::AllOf(&e.algorithm),
        Event::AlgorithmRetired(e) => Reach::AllOf(&e.algorithm),
        Event::PublisherEnabled(e) => Reach::AllOf(&e.publisher.algorithm),
        Event::PublisherVersionChanged(e) => Reach::AllOf(&e.publisher.algorithm),
        Event::PublisherDisabled(e) => Reach::AllOf(&e.publisher.algorithm),
        Event::TopicGranted(e) => Reach::Granted(GrantKey::of_topic(&e.topic, &e.permission)),
        Event::TopicPatternGranted(e) => {
            let key = GrantKey::of_pattern(e.broker, &e.pattern, &e.permission);
            Reach::Granted(key)
        }
        Event::BrokerCredentialsRotated(e) => Reach::AllOn(e.broker),
        Event::BrokerReplaced(e) => Reach::AllOn(e.broker),
        Event::BrokerDisconnected(e) => Reach::AllOn(e.broker),
        _ => Reach::Nothing,
    }
}

/// The keys of the listeners in reach. The disabled are left out: they have no assignment.
fn keys(tx: &mut dyn Tx, reach: Reach<'_>) -> Result<Vec<String>, ReadModelError> {
    let enabled = match reach {
        Reach::Nothing => return Ok(Vec::new()),
        Reach::Listener(listener) => return Ok(vec![listener.to_string()]),
        Reach::Granted(grant) => return keys_granted(tx, &grant),
        Reach::AllOf(algorithm) => tx.query(
            "SELECT key FROM listeners WHERE algorithm = ?1 AND enabled = 1",
            &[text(algorithm)],
        ),
        Reach::AllOn(broker) => tx.query(
            "SELECT key FROM listeners WHERE broker = ?1 AND enabled = 1 \
             UNION SELECT l.key FROM publishers p JOIN listeners l ON l.algorithm = p.algorithm \
             WHERE p.broker = ?1 AND p.enabled = 1 AND l.enabled = 1",
            &[text(broker)],
        ),
    };
    model::rows(enabled?)
}

/// The listeners that a grant lets read a topic, or lets write their results or faulty messages to
/// one, while its row is there.
fn keys_granted(tx: &mut dyn Tx, grant: &GrantKey) -> Result<Vec<String>, ReadModelError> {
    let sql = match grant.permission.access {
        Access::Subscribe => {
            "SELECT l.key FROM permitted g JOIN listeners l ON l.broker = g.broker \
             AND l.topic = g.topic AND l.algorithm = g.algorithm \
             WHERE g.by_grant = ?1 AND l.enabled = 1"
        }
        Access::Publish => {
            "SELECT l.key FROM permitted g JOIN publishers p ON p.broker = g.broker \
             AND p.topic = g.topic AND p.algorithm = g.algorithm \
             JOIN listeners l ON l.algorithm = p.algorithm \
             WHERE g.by_grant = ?1 AND p.enabled = 1 AND l.enabled = 1 \
             UNION SELECT l.key FROM permitted g JOIN listeners l ON l.broker = g.broker \
             AND l.dlq = g.topic AND l.algorithm = g.algorithm \
             WHERE g.by_grant = ?1 AND l.enabled = 1"
        }
        Access::DeadLetter => {
            "SELECT l.key FROM permitted g JOIN listeners l ON l.broker = g.broker \
             AND l.dlq = g.topic AND l.algorithm = g.algorithm \
             WHERE g.by_grant = ?1 AND l.enabled = 1"
        }
    };
    model::rows(tx.query(sql, &[text(grant)])?)
}

/// The assignment of a listener: none unless it is enabled, not paused, granted, and its
/// broker connected. One whose selector picks nothing is assigned without a version.
fn assignment(tx: &mut dyn Tx, key: &str) -> Result<Option<Assignment>, ReadModelError> {
    let listener = listener::by_key(tx, key)?;
    let Some(listener) = listener.filter(|l| l.enabled && !l.paused) else {
        return Ok(None);
    };
    let ListenerId { topic, algorithm } = &listener.id;
    if !grant::permits(tx, topic, algorithm, Access::Subscribe)? {
        return Ok(None);
    }
    let Some(settings) = broker::settings(tx, topic.broker)? else {
        return Ok(None);
    };
    let published = algorithm::by_id(tx, algorithm)?;
    let picked = published.resolve(&listener.version).ok();
    let outputs = match picked {
        Some(picked) => output::of_version(tx, algorithm, &published, &picked.version)?,
        None => Outputs::Known(Vec::new()),
    };
    let dlq_not_granted = match &listener.dlq {
        Some(dlq) => !grant::permits_dead_letters(tx, &topic.sibling(&dlq.parse()?), algorithm)?,
        None => false,
    };
    Ok(Some(Assignment {
        dlq_not_granted,
        group: listener.group,
        revision: listener.position,
        broker: settings,
        dlq: listener.dlq,
        version: picked.map(|picked| AssignedVersion {
            version: picked.version.clone(),
            endpoint: picked.endpoint.clone(),
            protocol: picked.protocol,
            timeout_ms: picked.timeout_ms,
        }),
        settings: listener.settings,
        outputs,
        listener: listener.id,
    }))
}

impl ReadModel {
    /// What changed after `after`, and the position up to which that is all. From the start
    /// (`None`) only what is to run; from a position on also what is to stop.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn assignments(
        &self,
        after: Option<Position>,
    ) -> Result<(Position, Vec<AssignmentChange>), ReadModelError> {
        let changed = match after {
            None => Statement::new(
                "SELECT listener, body FROM assignments WHERE body IS NOT NULL \
                 ORDER BY position, listener",
            ),
            Some(after) => Statement::new(
                "SELECT listener, body FROM assignments WHERE position > ?1 \
                 ORDER BY position, listener",
            )
            .bind(model::stored_position(after)),
        };
        // At the same moment, so that the checkpoint and the rows belong together.
        let statements = vec![Statement::new(CHECKPOINT), changed];
        let mut answers = self.answers(statements).await?;
        let changes = model::rows(answers.pop().unwrap_or_default())?;
        let position = model::position_in(answers.pop().unwrap_or_default())?;
        Ok((position, changes))
    }
}

impl FromRow for AssignmentChange {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        let listener = row.parse()?;
        let body: Option<String> = row.take()?;
        Ok(Self {
            listener,
            assignment: body.as_deref().map(serde_json::from_str).transpose()?,
        })
    }
}
