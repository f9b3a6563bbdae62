//! Assignments: what workers are to run, made of listeners, grants, connections, versions and
//! publishers. The one projection that has no events of its own.

use domain::algorithm::{Algorithm, Protocol, VersionPublished};
use domain::connection::BrokerSettings;
use domain::grant::{Access, Grantee};
use domain::listener::ListenerSettings;
use domain::{
    AlgorithmId, ConnectionId, Event, ListenerId, Position, PublisherId, TopicName, Version,
};
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::grant::{GrantKey, Scope};
use crate::projector::Fact;
use crate::read::{self, ReadModel, ReadModelError};
use crate::{algorithm, connection, grant, listener, publisher};

/// Everything a worker needs to serve a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    pub listener: ListenerId,
    /// The position of the event that last changed the listener itself.
    pub revision: Position,
    /// The consumer group: the same for all of the listener's life.
    pub group: Uuid,
    pub connection: BrokerSettings,
    pub dlq: Option<String>,
    /// What the version selector picks now.
    pub version: Option<AssignedVersion>,
    pub settings: ListenerSettings,
    /// Where results of that version go.
    pub outputs: Vec<Output>,
}

/// The version that a listener's messages are sent to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssignedVersion {
    pub version: Version,
    pub endpoint: String,
    pub protocol: Protocol,
    pub timeout_ms: u64,
}

/// A topic that takes results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Output {
    pub publisher: PublisherId,
    pub connection: BrokerSettings,
    pub topic: TopicName,
}

/// What changed for one listener; without an assignment it is to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignmentChange {
    pub listener: ListenerId,
    pub assignment: Option<Assignment>,
}

/// The listeners whose assignments an event may change.
enum Touched<'a> {
    Nothing,
    Listener(&'a ListenerId),
    AllOf(&'a AlgorithmId),
    /// Those that read from the connection, and those whose results go to it.
    AllOn(ConnectionId),
    Granted(GrantKey),
}

pub(crate) async fn apply(
    tx: &mut SqliteConnection,
    fact: &Fact<'_>,
) -> Result<(), ReadModelError> {
    for key in keys(tx, touched(fact.event)).await? {
        let assignment = assign(tx, &key).await?;
        let body = assignment.as_ref().map(serde_json::to_string).transpose()?;
        // A body that is the same is no change, and workers do not hear of it.
        sqlx::query(
            "INSERT INTO assignments (listener, position, body) VALUES (?1, ?2, ?3) \
             ON CONFLICT (listener) DO UPDATE SET position = ?2, body = ?3 \
             WHERE body IS NOT ?3",
        )
        .bind(&key)
        .bind(fact.position)
        .bind(body)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

fn touched(event: &Event) -> Touched<'_> {
    match event {
        Event::ListenerEnabled(e) => Touched::Listener(&e.listener),
        Event::ListenerVersionChanged(e) => Touched::Listener(&e.listener),
        Event::ListenerSettingsChanged(e) => Touched::Listener(&e.listener),
        Event::ListenerPaused(e) => Touched::Listener(&e.listener),
        Event::ListenerResumed(e) => Touched::Listener(&e.listener),
        Event::ListenerDisabled(e) => Touched::Listener(&e.listener),
        Event::DlqSet(e) => Touched::Listener(&e.listener),
        Event::DlqCleared(e) => Touched::Listener(&e.listener),
        Event::VersionPublished(e) => Touched::AllOf(&e.algorithm),
        Event::VersionWithdrawn(e) => Touched::AllOf(&e.algorithm),
        Event::AlgorithmRetired(e) => Touched::AllOf(&e.algorithm),
        Event::PublisherEnabled(e) => Touched::AllOf(&e.publisher.algorithm),
        Event::PublisherVersionChanged(e) => Touched::AllOf(&e.publisher.algorithm),
        Event::PublisherDisabled(e) => Touched::AllOf(&e.publisher.algorithm),
        Event::TopicGranted(e) => Touched::Granted(GrantKey::of_topic(&e.topic, &e.permission)),
        Event::TopicRevoked(e) => Touched::Granted(GrantKey::of_topic(&e.topic, &e.permission)),
        Event::TopicPatternGranted(e) => {
            let key = GrantKey::of_pattern(e.connection, &e.pattern, &e.permission);
            Touched::Granted(key)
        }
        Event::TopicPatternRevoked(e) => {
            let key = GrantKey::of_pattern(e.connection, &e.pattern, &e.permission);
            Touched::Granted(key)
        }
        Event::BrokerCredentialsRotated(e) => Touched::AllOn(e.connection),
        Event::BrokerReplaced(e) => Touched::AllOn(e.connection),
        Event::BrokerDisconnected(e) => Touched::AllOn(e.connection),
        _ => Touched::Nothing,
    }
}

/// The keys of the listeners touched. The disabled are left out: they have no assignment.
async fn keys(
    tx: &mut SqliteConnection,
    touched: Touched<'_>,
) -> Result<Vec<String>, ReadModelError> {
    let enabled = match touched {
        Touched::Nothing => return Ok(Vec::new()),
        Touched::Listener(listener) => return Ok(vec![listener.to_string()]),
        Touched::Granted(grant) => return keys_granted(tx, &grant).await,
        Touched::AllOf(algorithm) => sqlx::query_scalar(
            "SELECT key FROM listeners WHERE algorithm = ?1 AND enabled = 1 ORDER BY key",
        )
        .bind(algorithm.to_string()),
        Touched::AllOn(connection) => sqlx::query_scalar(
            "SELECT key FROM listeners WHERE connection = ?1 AND enabled = 1 \
             UNION SELECT l.key FROM publishers p JOIN listeners l ON l.algorithm = p.algorithm \
             WHERE p.connection = ?1 AND p.enabled = 1 AND l.enabled = 1 ORDER BY key",
        )
        .bind(connection.to_string()),
    };
    Ok(enabled.fetch_all(tx).await?)
}

/// The listeners that a grant lets read a topic, or lets publish to one.
async fn keys_granted(
    tx: &mut SqliteConnection,
    grant: &GrantKey,
) -> Result<Vec<String>, ReadModelError> {
    let enabled = match grant.permission.access {
        Access::Subscribe => sqlx::query_scalar(
            "SELECT key FROM listeners WHERE connection = ?1 AND (?2 IS NULL OR topic = ?2) \
             AND (?3 IS NULL OR topic GLOB ?3) AND (algorithm = ?4 OR algorithm GLOB ?5) \
             AND enabled = 1 ORDER BY key",
        ),
        Access::Publish => sqlx::query_scalar(
            "SELECT DISTINCT l.key FROM publishers p \
             JOIN listeners l ON l.algorithm = p.algorithm \
             WHERE p.connection = ?1 AND (?2 IS NULL OR p.topic = ?2) \
             AND (?3 IS NULL OR p.topic GLOB ?3) \
             AND (p.algorithm = ?4 OR p.algorithm GLOB ?5) \
             AND p.enabled = 1 AND l.enabled = 1 ORDER BY l.key",
        ),
    };
    let (topic, pattern) = match &grant.scope {
        Scope::Topic(topic) => (Some(topic.as_str()), None),
        Scope::Pattern(pattern) => (None, Some(pattern.as_str())),
    };
    let (algorithm, all_of) = match &grant.permission.grantee {
        Grantee::Algorithm(algorithm) => (Some(algorithm.to_string()), None),
        Grantee::Organization(organization) => (None, Some(format!("{organization}/*"))),
    };
    Ok(enabled
        .bind(grant.connection.to_string())
        .bind(topic)
        .bind(pattern)
        .bind(algorithm)
        .bind(all_of)
        .fetch_all(tx)
        .await?)
}

/// The assignment of a listener: none unless it is enabled, not paused, granted, and its
/// connection alive. One whose selector picks nothing is assigned without a version.
async fn assign(
    tx: &mut SqliteConnection,
    key: &str,
) -> Result<Option<Assignment>, ReadModelError> {
    let listener = listener::by_key(tx, key).await?;
    let Some(listener) = listener.filter(|l| l.enabled && !l.paused) else {
        return Ok(None);
    };
    let ListenerId { topic, algorithm } = &listener.id;
    if !grant::stands(tx, topic, algorithm, Access::Subscribe).await? {
        return Ok(None);
    }
    let Some(settings) = connection::settings(tx, topic.connection).await? else {
        return Ok(None);
    };
    let published = algorithm::by_id(tx, algorithm).await?;
    let picked = published.resolve(&listener.version).ok();
    let outputs = match picked {
        Some(picked) => outputs(tx, &published, picked).await?,
        None => Vec::new(),
    };
    Ok(Some(Assignment {
        group: listener.group,
        revision: listener.revision,
        connection: settings,
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

/// The topics that take the results of the version `picked`.
async fn outputs(
    tx: &mut SqliteConnection,
    published: &Algorithm,
    picked: &VersionPublished,
) -> Result<Vec<Output>, ReadModelError> {
    let mut outputs = Vec::new();
    let VersionPublished {
        algorithm, version, ..
    } = picked;
    for publisher in publisher::enabled(tx, algorithm).await? {
        let topic = &publisher.id.topic;
        let takes = publisher.version.takes(version, published.standing());
        if !takes || !grant::stands(tx, topic, algorithm, Access::Publish).await? {
            continue;
        }
        if let Some(connection) = connection::settings(tx, topic.connection).await? {
            outputs.push(Output {
                topic: topic.topic.clone(),
                connection,
                publisher: publisher.id,
            });
        }
    }
    Ok(outputs)
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
        // One transaction, so that the checkpoint and the rows are of the same moment.
        let mut tx = self.readers.begin().await?;
        let position = read::checkpoint(&mut *tx).await?;
        let rows: Vec<(String, Option<String>)> = sqlx::query_as(
            "SELECT listener, body FROM assignments \
             WHERE position > ?1 AND (?2 OR body IS NOT NULL) ORDER BY position, listener",
        )
        .bind(after.map_or(0, read::stored_position))
        .bind(after.is_some())
        .fetch_all(&mut *tx)
        .await?;
        let changes = rows
            .into_iter()
            .map(|(listener, body)| change(&listener, body.as_deref()))
            .collect::<Result<_, _>>()?;
        Ok((position, changes))
    }
}

fn change(key: &str, body: Option<&str>) -> Result<AssignmentChange, ReadModelError> {
    Ok(AssignmentChange {
        listener: key.parse()?,
        assignment: body.map(serde_json::from_str).transpose()?,
    })
}

impl ReadModel {
    /// The topics that take results of a published version now.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn outputs(
        &self,
        algorithm: &AlgorithmId,
        version: &Version,
    ) -> Result<Vec<Output>, ReadModelError> {
        let mut tx = self.readers.begin().await?;
        let published = algorithm::by_id(&mut tx, algorithm).await?;
        match published.versions.get(version) {
            Some(picked) => outputs(&mut tx, &published, picked).await,
            None => Ok(Vec::new()),
        }
    }
}
