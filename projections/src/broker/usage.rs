//! What uses a broker: its topics in use, and what stops when it is deleted.

use domain::{BrokerId, ListenerId, PublisherId, TopicName};

use crate::database::{FromRow, Row, Statement, text};
use crate::error::ReadModelError;
use crate::list::{MOST_LISTS, list_of};
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

    /// What would stop now if each of those brokers were disconnected, in their order.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn deletions(&self, brokers: &[BrokerId]) -> Result<Vec<Deletion>, ReadModelError> {
        let mut deletions = Vec::with_capacity(brokers.len());
        for brokers in brokers.chunks(MOST_LISTS) {
            deletions.extend(self.some_deletions(brokers).await?);
        }
        Ok(deletions)
    }

    async fn some_deletions(&self, brokers: &[BrokerId]) -> Result<Vec<Deletion>, ReadModelError> {
        let counts = "SELECT (SELECT count(*) FROM grants WHERE broker = ?1), \
             (SELECT count(*) FROM listeners WHERE broker = ?1 AND enabled = 1), \
             (SELECT count(*) FROM publishers WHERE broker = ?1 AND enabled = 1)";
        let listeners = "SELECT key FROM listeners WHERE broker = ?1 AND enabled = 1 \
                         ORDER BY key LIMIT ?2";
        let publishers = "SELECT key FROM publishers WHERE broker = ?1 AND enabled = 1 \
                          ORDER BY key LIMIT ?2";
        let each = |select| {
            let of = move |broker: &BrokerId| Statement::new(select).bind(text(broker));
            brokers.iter().map(of)
        };
        let named = |select| each(select).map(|select| select.bind(i64::from(MOST_NAMED)));
        // At the same moment, so that counts and names belong together.
        let statements = vec![
            Statement::union(each(counts).collect()),
            Statement::union(named(listeners).collect()),
            Statement::union(named(publishers).collect()),
        ];
        let mut answers = self.answers(statements).await?.into_iter();
        let mut next = || answers.next().unwrap_or_default();
        let mut deletions = vec![Deletion::default(); brokers.len()];
        for mut row in next() {
            let deletion = list_of(&mut row, &mut deletions)?;
            deletion.grants = row.take()?;
            deletion.listeners = row.take()?;
            deletion.publishers = row.take()?;
        }
        for mut row in next() {
            let deletion = list_of(&mut row, &mut deletions)?;
            deletion.first_listeners.push(row.parse()?);
        }
        for mut row in next() {
            let deletion = list_of(&mut row, &mut deletions)?;
            deletion.first_publishers.push(row.parse()?);
        }
        for deletion in &mut deletions {
            deletion.first_listeners.sort_unstable();
            deletion.first_publishers.sort_unstable();
        }
        Ok(deletions)
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
