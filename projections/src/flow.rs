//! The flows that lead to a topic or an algorithm, for the search for cycles.

use domain::flow::{Flow, Flows, Node};

use crate::database::{FromRow, Row, Statement, Value};
use crate::error::ReadModelError;
use crate::model::ReadModel;

impl ReadModel {
    /// Every enabled flow, of paused listeners too, by which messages may come to `node`: enough to
    /// find each cycle that a flow from there is or would be part of.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn flows_leading_to(&self, node: &Node) -> Result<Flows, ReadModelError> {
        let (topic, algorithm) = match node {
            Node::Topic(topic) => (Some(topic), None),
            Node::Algorithm(algorithm) => (None, Some(algorithm)),
        };
        // One step back at a time: from a topic to the algorithms that publish to it and to the
        // topics that it is the dead letter queue of, from an algorithm to the topics that feed it.
        // PostgreSQL wants the first row in the collation of the columns, which only they give it.
        let select = "WITH RECURSIVE reached (algorithm, broker, topic) AS ( \
             SELECT coalesce((SELECT algorithm FROM listeners WHERE 1 = 0), CAST(?1 AS TEXT)), \
             coalesce((SELECT broker FROM listeners WHERE 1 = 0), CAST(?2 AS TEXT)), \
             coalesce((SELECT topic FROM listeners WHERE 1 = 0), CAST(?3 AS TEXT)) \
             UNION SELECT p.algorithm, coalesce(d.broker, l.broker), coalesce(d.topic, l.topic) \
             FROM reached r \
             CROSS JOIN (SELECT 0 AS step UNION ALL SELECT 1 UNION ALL SELECT 2) s \
             LEFT JOIN publishers p ON s.step = 0 \
             AND p.broker = r.broker AND p.topic = r.topic AND p.enabled = 1 \
             LEFT JOIN listeners d ON s.step = 1 \
             AND d.broker = r.broker AND d.dlq = r.topic AND d.enabled = 1 \
             LEFT JOIN listeners l ON s.step = 2 \
             AND l.algorithm = r.algorithm AND l.enabled = 1 \
             WHERE coalesce(p.key, d.key, l.key) IS NOT NULL) \
             SELECT 0, key, NULL FROM reached r \
             JOIN listeners l ON l.algorithm = r.algorithm AND l.enabled = 1 \
             UNION ALL SELECT 1, key, NULL FROM reached r \
             JOIN publishers p ON p.broker = r.broker AND p.topic = r.topic AND p.enabled = 1 \
             UNION ALL SELECT 2, key, dlq FROM reached r \
             JOIN listeners d ON d.broker = r.broker AND d.dlq = r.topic AND d.enabled = 1";
        let select = Statement::new(select)
            .bind(Value::Text(algorithm.map(ToString::to_string)))
            .bind(topic.map(|topic| topic.broker.to_string()))
            .bind(topic.map(|topic| topic.topic.as_str()));
        Ok(self.rows(select).await?.into_iter().collect())
    }
}

impl FromRow for Flow {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        let kind: i64 = row.take()?;
        Ok(match kind {
            0 => Self::Listener(row.parse()?),
            1 => Self::Publisher(row.parse()?),
            _ => Self::DeadLetters {
                listener: row.parse()?,
                dlq: row.parse()?,
            },
        })
    }
}
