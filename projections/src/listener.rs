//! Listeners, the enabled and the disabled.

use domain::listener::ListenerSettings;
use domain::{
    AlgorithmId, ConnectionId, Event, ListenerId, OrganizationName, Position, TopicId,
    VersionSelector,
};
use jiff::Timestamp;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{FromRow, Sqlite, SqliteConnection};
use uuid::Uuid;

use crate::connection::{self, connection_id};
use crate::page::{Page, Paging};
use crate::projector::Fact;
use crate::read::{ReadModel, ReadModelError, position_of, time_of};

/// A listener that was enabled at least once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    pub id: ListenerId,
    pub enabled: bool,
    /// Enabled, and to consume nothing until it is resumed.
    pub paused: bool,
    pub version: VersionSelector,
    pub settings: ListenerSettings,
    /// The consumer group that holds its position on the broker.
    pub group: Uuid,
    /// A topic of the same connection.
    pub dlq: Option<String>,
    /// The position of the event that last changed it.
    pub revision: Position,
    pub changed_at: Timestamp,
    /// The event that a policy enabled or disabled it for.
    pub cause: Option<String>,
}

/// Whose listeners are asked for; all where nothing is set.
#[derive(Clone, Debug, Default)]
pub struct ListenerFilter {
    pub connection: Option<ConnectionId>,
    pub topic: Option<TopicId>,
    pub organization: Option<OrganizationName>,
    pub algorithm: Option<AlgorithmId>,
    pub enabled: Option<bool>,
    pub paused: Option<bool>,
    /// Part of the name of the topic or of the algorithm.
    pub search: Option<String>,
}

pub(crate) async fn apply(
    tx: &mut SqliteConnection,
    fact: &Fact<'_>,
) -> Result<(), ReadModelError> {
    if let Event::ListenerEnabled(e) = fact.event {
        return enable(tx, fact, e).await;
    }
    let Some((listener, change)) = change(fact.event)? else {
        return Ok(());
    };
    change
        .bind(fact.position)
        .bind(fact.at)
        .bind(listener.to_string())
        .execute(tx)
        .await?;
    Ok(())
}

type Update<'q> = Query<'q, Sqlite, SqliteArguments>;

/// The change that an event makes to the row of a listener, the value of its column bound.
fn change(event: &Event) -> Result<Option<(&ListenerId, Update<'static>)>, ReadModelError> {
    Ok(Some(match event {
        Event::ListenerVersionChanged(e) => {
            let update = sqlx::query(
                "UPDATE listeners SET version = ?1, revision = ?2, changed_at = ?3 WHERE key = ?4",
            );
            (&e.listener, update.bind(e.version.to_string()))
        }
        Event::ListenerSettingsChanged(e) => {
            let update = sqlx::query(
                "UPDATE listeners SET settings = ?1, revision = ?2, changed_at = ?3 WHERE key = ?4",
            );
            (
                &e.listener,
                update.bind(serde_json::to_string(&e.settings)?),
            )
        }
        Event::ListenerPaused(e) => (&e.listener, pause(true)),
        Event::ListenerResumed(e) => (&e.listener, pause(false)),
        Event::DlqSet(e) => (&e.listener, set_dlq(Some(e.dlq.to_string()))),
        Event::DlqCleared(e) => (&e.listener, set_dlq(None)),
        Event::ListenerDisabled(e) => {
            let update = sqlx::query(
                "UPDATE listeners SET enabled = 0, paused = 0, cause = ?1, revision = ?2, \
                 changed_at = ?3 WHERE key = ?4",
            );
            (
                &e.listener,
                update.bind(e.cause.map(|cause| cause.to_string())),
            )
        }
        _ => return Ok(None),
    }))
}

fn pause(paused: bool) -> Update<'static> {
    sqlx::query("UPDATE listeners SET paused = ?1, revision = ?2, changed_at = ?3 WHERE key = ?4")
        .bind(paused)
}

fn set_dlq(dlq: Option<String>) -> Update<'static> {
    sqlx::query("UPDATE listeners SET dlq = ?1, revision = ?2, changed_at = ?3 WHERE key = ?4")
        .bind(dlq)
}

async fn enable(
    tx: &mut SqliteConnection,
    fact: &Fact<'_>,
    e: &domain::listener::ListenerEnabled,
) -> Result<(), ReadModelError> {
    let connected_at = connection::connected_at(tx, e.listener.topic.connection).await?;
    sqlx::query(
        "INSERT OR REPLACE INTO listeners \
         (key, connection, topic, algorithm, enabled, version, settings, revision, changed_at, \
          consumer_group, cause) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, ?8, ?9, ?10)",
    )
    .bind(e.listener.to_string())
    .bind(e.listener.topic.connection.to_string())
    .bind(e.listener.topic.topic.as_str())
    .bind(e.listener.algorithm.to_string())
    .bind(e.version.to_string())
    .bind(serde_json::to_string(&e.settings)?)
    .bind(fact.position)
    .bind(fact.at)
    .bind(e.listener.group(connected_at).to_string())
    .bind(e.cause.map(|cause| cause.to_string()))
    .execute(tx)
    .await?;
    Ok(())
}

impl ReadModel {
    /// The listener, if it was ever enabled.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn listener(&self, id: &ListenerId) -> Result<Option<Listener>, ReadModelError> {
        let mut connection = self.readers.acquire().await?;
        by_key(&mut connection, &id.to_string()).await
    }

    /// Listeners by topic and algorithm, on connections that are alive.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn listeners(
        &self,
        filter: &ListenerFilter,
        paging: &Paging,
    ) -> Result<Page<Listener>, ReadModelError> {
        let topic = filter.topic.as_ref();
        let connection = topic.map(|topic| topic.connection).or(filter.connection);
        let page = paging.take(async |limit| {
            let rows: Vec<Row> = sqlx::query_as(
                "SELECT l.* FROM listeners l \
                 JOIN connections c ON c.id = l.connection AND c.replaced_at IS NULL \
                 WHERE key > ?1 AND (?2 IS NULL OR connection = ?2) \
                 AND (?3 IS NULL OR topic = ?3) AND (?4 IS NULL OR algorithm = ?4) \
                 AND (?5 IS NULL OR algorithm GLOB ?5 || '/*') AND (?6 IS NULL OR enabled = ?6) \
                 AND (?7 IS NULL OR paused = ?7) \
                 AND (?8 IS NULL OR instr(topic, ?8) > 0 OR instr(algorithm, ?8) > 0) \
                 ORDER BY key LIMIT ?9",
            )
            .bind(&paging.after)
            .bind(connection.map(|id| id.to_string()))
            .bind(topic.map(|topic| topic.topic.as_str()))
            .bind(filter.algorithm.as_ref().map(ToString::to_string))
            .bind(filter.organization.as_ref().map(OrganizationName::as_str))
            .bind(filter.enabled)
            .bind(filter.paused)
            .bind(&filter.search)
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
            rows.into_iter().map(Listener::try_from).collect()
        });
        page.await
    }
}

/// A listener by its key, inside a transaction or not.
pub(crate) async fn by_key(
    connection: &mut SqliteConnection,
    key: &str,
) -> Result<Option<Listener>, ReadModelError> {
    let row: Option<Row> = sqlx::query_as("SELECT * FROM listeners WHERE key = ?1")
        .bind(key)
        .fetch_optional(connection)
        .await?;
    row.map(Listener::try_from).transpose()
}

#[derive(FromRow)]
struct Row {
    connection: String,
    topic: String,
    algorithm: String,
    enabled: bool,
    paused: bool,
    version: String,
    settings: String,
    consumer_group: String,
    dlq: Option<String>,
    revision: i64,
    changed_at: i64,
    cause: Option<String>,
}

impl TryFrom<Row> for Listener {
    type Error = ReadModelError;

    fn try_from(row: Row) -> Result<Self, ReadModelError> {
        Ok(Self {
            id: ListenerId {
                topic: TopicId {
                    connection: connection_id(&row.connection)?,
                    topic: row.topic.try_into()?,
                },
                algorithm: row.algorithm.try_into()?,
            },
            enabled: row.enabled,
            paused: row.paused,
            version: row.version.try_into()?,
            settings: serde_json::from_str(&row.settings)?,
            group: row
                .consumer_group
                .parse()
                .map_err(|error: uuid::Error| ReadModelError::Row(Box::new(error)))?,
            dlq: row.dlq,
            revision: position_of(row.revision),
            changed_at: time_of(row.changed_at)?,
            cause: row.cause,
        })
    }
}
