//! What uses a broker: its topics in use, and what stops when it is deleted.

use domain::{BrokerId, ListenerId, PublisherId, TopicName};

use crate::database::{FromRow, Row, Statement, text};
use crate::error::ReadModelError;
use crate::model::ReadModel;

/// The most listeners, and publishers, that a preview names.
pub const MOST_NAMED: u32 = 100;

/// What stops when a broker is deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deletion {
    /// Grants of topics and of patterns.
    pub grants: u64,
    pub listeners: u64,
    pub publishers: u64,
    /// The first of the listeners by key, at most [`MOST_NAMED`].
    pub first_listeners: Vec<ListenerId>,
    /// The first of the publishers by key, at most [`MOST_NAMED`].
    pub first_publishers: Vec<PublisherId>,
}

/// How much there is of a broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BrokerCounts {
    /// Topics that its broker has.
    pub topics: u64,
    pub grants: u64,
    /// The enabled ones, the paused among them.
    pub listeners: u64,
    /// The enabled ones.
    pub publishers: u64,
}

impl ReadModel {
    /// The topics of a broker that grants of topics, enabled listeners or enabled publishers
    /// hang on, by name, at most `limit`.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn topics_in_use(
        &self,
        broker: BrokerId,
        limit: u32,
    ) -> Result<Vec<TopicName>, ReadModelError> {
        let select = "SELECT topic FROM grants WHERE broker = ?1 AND topic IS NOT NULL \
             UNION SELECT topic FROM listeners WHERE broker = ?1 AND enabled = 1 \
             UNION SELECT topic FROM publishers WHERE broker = ?1 AND enabled = 1 \
             ORDER BY topic LIMIT ?2";
        let select = Statement::new(select)
            .bind(text(broker))
            .bind(i64::from(limit));
        let names: Vec<String> = self.rows(select).await?;
        names.into_iter().map(|name| Ok(name.try_into()?)).collect()
    }

    /// What would stop now if the broker were deleted.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn deletion(&self, broker: BrokerId) -> Result<Deletion, ReadModelError> {
        let counts = "SELECT (SELECT count(*) FROM grants WHERE broker = ?1), \
             (SELECT count(*) FROM listeners WHERE broker = ?1 AND enabled = 1), \
             (SELECT count(*) FROM publishers WHERE broker = ?1 AND enabled = 1)";
        let listeners = "SELECT key FROM listeners WHERE broker = ?1 AND enabled = 1 \
                         ORDER BY key LIMIT ?2";
        let publishers = "SELECT key FROM publishers WHERE broker = ?1 AND enabled = 1 \
                          ORDER BY key LIMIT ?2";
        let statements = [listeners, publishers].map(|select| {
            let select = Statement::new(select).bind(text(broker));
            select.bind(i64::from(MOST_NAMED))
        });
        let [listeners, publishers] = statements;
        let counts = Statement::new(counts).bind(text(broker));
        // At the same moment, so that counts and names belong together.
        let answers = self.answers(vec![counts, listeners, publishers]).await?;
        let mut answers = answers.into_iter().map(Vec::into_iter);
        let mut next = || answers.next().unwrap_or_default();
        let (mut counts, listeners, publishers) = (next(), next(), next());
        let counts = counts.next();
        let mut counts = counts.ok_or_else(|| ReadModelError::Row("nothing is counted".into()))?;
        Ok(Deletion {
            grants: counts.take()?,
            listeners: counts.take()?,
            publishers: counts.take()?,
            first_listeners: listeners
                .map(|mut row| row.parse())
                .collect::<Result<_, _>>()?,
            first_publishers: publishers
                .map(|mut row| row.parse())
                .collect::<Result<_, _>>()?,
        })
    }

    /// How much there is of each of those brokers, in no order.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn broker_counts(
        &self,
        brokers: &[BrokerId],
    ) -> Result<Vec<(BrokerId, BrokerCounts)>, ReadModelError> {
        let select = "SELECT value, coalesce((SELECT topics FROM brokers WHERE id = value), 0), \
             (SELECT count(*) FROM grants WHERE broker = value), \
             (SELECT count(*) FROM listeners WHERE broker = value AND enabled = 1), \
             (SELECT count(*) FROM publishers WHERE broker = value AND enabled = 1) \
             FROM json_each(?1)";
        let brokers = serde_json::to_string(brokers)?;
        self.rows(Statement::new(select).bind(brokers)).await
    }
}

impl FromRow for (BrokerId, BrokerCounts) {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        let id = row.take()?;
        let counts = BrokerCounts {
            topics: row.take()?,
            grants: row.take()?,
            listeners: row.take()?,
            publishers: row.take()?,
        };
        Ok((id, counts))
    }
}
