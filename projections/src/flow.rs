//! The listeners and publishers that lead on from one of them, for the search for cycles.

use domain::flow::{Flow, Flows};
use domain::{ListenerId, PublisherId};

use crate::database::{FromRow, Row, Statement, Value};
use crate::error::ReadModelError;
use crate::model::ReadModel;

impl ReadModel {
    /// Every enabled flow that messages of `flow` could take, the paused among them: enough to
    /// find each cycle that `flow` is or would be part of.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn flows_beyond(&self, flow: &Flow) -> Result<Flows, ReadModelError> {
        let (algorithm, topic) = match flow {
            Flow::Listener(ListenerId { algorithm, .. }) => (Some(algorithm), None),
            Flow::Publisher(PublisherId { topic, .. }) => (None, Some(topic)),
        };
        // An algorithm that nothing reads or writes for leads nowhere.
        let select = "WITH RECURSIVE reached (algorithm) AS ( \
             SELECT algorithm FROM listeners WHERE algorithm = ?1 AND enabled = 1 \
             UNION SELECT algorithm FROM publishers WHERE algorithm = ?1 AND enabled = 1 \
             UNION SELECT algorithm FROM listeners \
             WHERE broker = ?2 AND topic = ?3 AND enabled = 1 \
             UNION SELECT l.algorithm FROM reached r \
             JOIN publishers p ON p.algorithm = r.algorithm AND p.enabled = 1 \
             JOIN listeners l ON l.broker = p.broker AND l.topic = p.topic \
             AND l.enabled = 1) \
             SELECT 1, key FROM listeners JOIN reached USING (algorithm) WHERE enabled = 1 \
             UNION ALL \
             SELECT 0, key FROM publishers JOIN reached USING (algorithm) WHERE enabled = 1";
        let select = Statement::new(select)
            .bind(Value::Text(algorithm.map(ToString::to_string)))
            .bind(topic.map(|topic| topic.broker.to_string()))
            .bind(topic.map(|topic| topic.topic.as_str()));
        Ok(self.rows(select).await?.into_iter().collect())
    }
}

impl FromRow for Flow {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        Ok(if row.take()? {
            Self::Listener(row.parse()?)
        } else {
            Self::Publisher(row.parse()?)
        })
    }
}
