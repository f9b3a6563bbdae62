//! The flows that lead on from one, for the search for cycles.

use domain::flow::{Flow, Flows};
use domain::{ListenerId, PublisherId};

use crate::read::{ReadModel, ReadModelError};

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
        let rows: Vec<(bool, String)> = sqlx::query_as(
            "WITH RECURSIVE reached (algorithm) AS ( \
             SELECT ?1 WHERE ?1 IS NOT NULL \
             UNION SELECT algorithm FROM listeners \
             WHERE connection = ?2 AND topic = ?3 AND enabled = 1 \
             UNION SELECT l.algorithm FROM reached r \
             JOIN publishers p ON p.algorithm = r.algorithm AND p.enabled = 1 \
             JOIN listeners l ON l.connection = p.connection AND l.topic = p.topic \
             AND l.enabled = 1) \
             SELECT 1, key FROM listeners JOIN reached USING (algorithm) WHERE enabled = 1 \
             UNION ALL \
             SELECT 0, key FROM publishers JOIN reached USING (algorithm) WHERE enabled = 1",
        )
        .bind(algorithm.map(ToString::to_string))
        .bind(topic.map(|topic| topic.connection.to_string()))
        .bind(topic.map(|topic| topic.topic.as_str()))
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter()
            .map(|(reads, key)| {
                Ok(if reads {
                    Flow::Listener(key.parse()?)
                } else {
                    Flow::Publisher(key.parse()?)
                })
            })
            .collect()
    }
}
