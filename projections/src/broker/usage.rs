//! What depends on a broker: its topics in use, and how much there is of it.

use domain::{BrokerId, TopicName};

use crate::database::{FromRow, Row, Statement, text};
use crate::error::ReadModelError;
use crate::model::ReadModel;

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
