//! Assignments: what workers are to run, made of listeners, grants, brokers, versions and
//! publishers. The one projection that has no events of its own.

mod page;

use std::collections::BTreeMap;

use domain::grant::{Access, GrantKey};
use domain::{
    AlgorithmId, Assignment, BrokerId, Event, ListenerId, Outputs, TopicName, of_algorithm,
    of_cluster, of_command, of_listener, of_organization, of_publisher, of_worker,
};

pub use self::page::{AssignedBroker, AssignmentChange, AssignmentCursor, AssignmentPage};
use crate::database::{Tx, text};
use crate::error::ReadModelError;
use crate::fact::Fact;
use crate::{algorithm, broker, grant, listener, model, output};

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
        | Event::TopicPatternGranted(_)
        | Event::BrokerReplaced(_)
        | Event::BrokerDisconnected(_)
        | Event::TopicGranted(_) => return Ok(()),
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
        Event::ListenerPositionReset(e) => Reach::Listener(&e.listener),
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
        Event::BrokerReplaced(e) => Reach::AllOn(e.broker),
        Event::BrokerDisconnected(e) => Reach::AllOn(e.broker),
        of_organization!()
        | of_worker!()
        | of_cluster!()
        | of_command!()
        | Event::AlgorithmRegistered(_)
        | Event::BrokerConnected(_)
        | Event::BrokerCredentialsRotated(_)
        | Event::TopicsChanged(_)
        | Event::TopicPatternRevoked(_)
        | Event::TopicRevoked(_) => Reach::Nothing,
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
    let Some(listener) = listener.filter(|l| l.enabled && l.pause.is_none()) else {
        return Ok(None);
    };
    let ListenerId { topic, algorithm } = &listener.id;
    if !grant::permits(tx, topic, algorithm, Access::Subscribe)? {
        return Ok(None);
    }
    if broker::settings(tx, topic.broker)?.is_none() {
        return Ok(None);
    }
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
        dlq: listener.dlq.map(TopicName::try_from).transpose()?,
        version: picked.map(Into::into),
        settings: listener.settings,
        reset: listener.reset,
        outputs,
        listener: listener.id,
    }))
}
