//! Publishers, the enabled and the disabled.

use domain::{
    AlgorithmId, ConnectionId, Event, OrganizationName, Position, PublisherId, TopicId,
    VersionSelector,
};
use jiff::Timestamp;

use crate::batch::Fact;
use crate::database::{FromRow, Row, Statement, Tx, text};
use crate::key::KeyRange;
use crate::page::{Page, Paging};
use crate::read::{self, ReadModel, ReadModelError};

/// A publisher that was enabled at least once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publisher {
    pub id: PublisherId,
    pub enabled: bool,
    pub version: VersionSelector,
    /// The position of the event that last changed it.
    pub revision: Position,
    pub changed_at: Timestamp,
    /// The event that a policy enabled or disabled it for.
    pub cause: Option<String>,
}

/// Whose publishers are asked for; all where nothing is set.
#[derive(Clone, Debug, Default)]
pub struct PublisherFilter {
    pub connection: Option<ConnectionId>,
    pub topic: Option<TopicId>,
    pub organization: Option<OrganizationName>,
    pub algorithm: Option<AlgorithmId>,
    pub enabled: Option<bool>,
    /// Part of the name of the topic or of the algorithm.
    pub search: Option<String>,
}

pub(crate) fn apply(tx: &mut dyn Tx, fact: &Fact) -> Result<(), ReadModelError> {
    match &fact.event {
        Event::PublisherEnabled(e) => tx.execute(
            "INSERT INTO publishers (key, connection, topic, algorithm, enabled, version, \
             revision, changed_at, cause) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, ?8) \
             ON CONFLICT (key) DO UPDATE SET enabled = 1, version = excluded.version, \
             revision = excluded.revision, changed_at = excluded.changed_at, \
             cause = excluded.cause",
            &[
                text(&e.publisher),
                text(e.publisher.topic.connection),
                e.publisher.topic.topic.as_str().into(),
                text(&e.publisher.algorithm),
                text(&e.version),
                fact.position.into(),
                fact.at.into(),
                e.cause.map(|cause| cause.to_string()).into(),
            ],
        ),
        Event::PublisherVersionChanged(e) => tx.execute(
            "UPDATE publishers SET version = ?2, revision = ?3, changed_at = ?4 WHERE key = ?1",
            &[
                text(&e.publisher),
                text(&e.version),
                fact.position.into(),
                fact.at.into(),
            ],
        ),
        Event::PublisherDisabled(e) => tx.execute(
            "UPDATE publishers SET enabled = 0, cause = ?2, revision = ?3, changed_at = ?4 \
             WHERE key = ?1",
            &[
                text(&e.publisher),
                e.cause.map(|cause| cause.to_string()).into(),
                fact.position.into(),
                fact.at.into(),
            ],
        ),
        _ => Ok(()),
    }
}

impl ReadModel {
    /// The publisher, if it was ever enabled.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn publisher(&self, id: &PublisherId) -> Result<Option<Publisher>, ReadModelError> {
        let select = "SELECT connection, topic, algorithm, enabled, version, revision, \
                      changed_at, cause FROM publishers WHERE key = ?1";
        self.row(Statement::new(select).bind(text(id))).await
    }

    /// Publishers by topic and algorithm, on connections that are alive.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn publishers(
        &self,
        filter: &PublisherFilter,
        paging: &Paging,
    ) -> Result<Page<Publisher>, ReadModelError> {
        let keys = KeyRange::new(filter.connection, filter.topic.as_ref(), paging);
        let algorithms = filter.organization.as_ref().map(OrganizationName::as_str);
        let select = "SELECT connection, topic, algorithm, enabled, version, revision, \
                      changed_at, cause FROM publishers p \
                      WHERE EXISTS (SELECT 1 FROM connections c \
                      WHERE c.id = p.connection AND c.replaced_at IS NULL)";
        let select = Statement::new(select)
            .add(" AND key > ?", keys.after)
            .add_if(" AND key < ?", keys.before)
            .add_if(
                " AND algorithm = ?",
                filter.algorithm.as_ref().map(ToString::to_string),
            )
            // Between the slash and the sign after it.
            .add_if(
                " AND algorithm > ? || '/' AND algorithm < ? || '0'",
                algorithms,
            )
            .add_if(" AND enabled = ?", filter.enabled)
            .add_if(
                " AND (instr(topic, ?) > 0 OR instr(algorithm, ?) > 0)",
                filter.search.as_deref(),
            )
            .then(" ORDER BY key");
        self.page(select, paging).await
    }
}

/// The enabled publishers of an algorithm, inside a transaction.
pub(crate) fn enabled(
    tx: &mut dyn Tx,
    algorithm: &AlgorithmId,
) -> Result<Vec<Publisher>, ReadModelError> {
    let rows = tx.query(
        "SELECT connection, topic, algorithm, enabled, version, revision, changed_at, cause \
         FROM publishers WHERE algorithm = ?1 AND enabled = 1 ORDER BY key",
        &[text(algorithm)],
    )?;
    read::rows(rows)
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
            revision: row.take()?,
            changed_at: row.take()?,
            cause: row.take()?,
        })
    }
}
