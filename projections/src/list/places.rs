//! The brokers and topics that lists of grants, listeners and publishers are filtered by.

use domain::{BrokerId, TopicId};

use super::KeyRange;
use crate::database::{Statement, text};
use crate::error::ReadModelError;

/// On which brokers and topics; everywhere where nothing is set.
#[derive(Clone, Copy, Default)]
pub(crate) struct Places<'f> {
    pub(crate) brokers: Option<&'f [BrokerId]>,
    pub(crate) topics: Option<&'f [TopicId]>,
}

impl Places<'_> {
    /// The keys of what is there, where keys begin with the topic.
    pub(crate) fn keys(&self) -> KeyRange {
        match (self.topics, self.brokers) {
            (Some(topics), _) => KeyRange::of_topics(topics.iter()),
            (None, Some(brokers)) => KeyRange::of_brokers(brokers.iter()),
            (None, None) => KeyRange::default(),
        }
    }

    /// Adds the conditions, but for what the keys say: those of one topic or of one broker are
    /// all that is there.
    pub(crate) fn choose(&self, rows: Statement) -> Result<Statement, ReadModelError> {
        let one_topic = matches!(self.topics, Some([_]));
        let one_broker = self.topics.is_none() && matches!(self.brokers, Some([_]));
        let brokers = self.brokers.filter(|_| !one_broker);
        let topics = self.topics.filter(|_| !one_topic);
        let rows = rows.add_any("broker", brokers)?;
        match topics {
            None => Ok(rows),
            Some(topics) => on_topics(rows, topics),
        }
    }
}

/// Adds that a row is of one of those topics, by its columns.
pub(crate) fn on_topics(rows: Statement, topics: &[TopicId]) -> Result<Statement, ReadModelError> {
    let [topic] = topics else {
        let one_of = " AND (broker, topic) IN \
                      (SELECT value ->> 'broker', value ->> 'topic' FROM json_each(?))";
        return Ok(rows.add(one_of, serde_json::to_string(topics)?));
    };
    let rows = rows.add(" AND broker = ?", text(topic.broker));
    Ok(rows.add(" AND topic = ?", topic.topic.as_str()))
}
