//! The topics that an algorithm may use, each with one kind of access.

use domain::grant::Access;
use domain::{AlgorithmId, BrokerId, TopicId};

use crate::database::{FromRow, Row, Statement, text};
use crate::error::ReadModelError;
use crate::grant::words;
use crate::list::{ByKey, Listed, Select, Sorted, on_topics};

/// A topic that an algorithm may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlgorithmTopic {
    pub algorithm: AlgorithmId,
    pub topic: TopicId,
    pub access: Access,
}

/// Which topics of an algorithm are asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AlgorithmTopicFilter {
    pub algorithm: AlgorithmId,
    /// On one of these.
    pub brokers: Option<Vec<BrokerId>>,
    /// One of these.
    pub topics: Option<Vec<TopicId>>,
    /// With one of these.
    pub access: Option<Vec<Access>>,
    /// Part of the name of the topic.
    pub search: Option<String>,
    /// Those that it chooses are left out.
    pub not: Option<Box<Self>>,
}

impl Select for AlgorithmTopicFilter {
    type Row = AlgorithmTopic;

    const KEY: &'static str = "key";

    fn rows(&self) -> Statement {
        // Several grants may permit the same.
        let select = "SELECT algorithm, broker, topic, access FROM ( \
                      SELECT DISTINCT algorithm, broker, topic, access, \
                      broker || '/' || topic || '|' || access AS key \
                      FROM permitted WHERE algorithm = ?1) AS permitted_topics WHERE true";
        Statement::new(select).bind(text(&self.algorithm))
    }

    fn choose(&self, rows: Statement) -> Result<Statement, ReadModelError> {
        let rows = rows.add_any("broker", self.brokers.as_deref())?;
        let rows = match self.topics.as_deref() {
            None => rows,
            Some(topics) => on_topics(rows, topics)?,
        };
        let rows = rows.add_any("access", words(self.access.as_deref()).as_deref())?;
        Ok(rows.add_if(" AND instr(topic, ?) > 0", self.search.as_deref()))
    }

    fn not(&self) -> Option<&Self> {
        self.not.as_deref()
    }
}

impl Listed for AlgorithmTopic {
    type Sort = ByKey;

    fn key(&self) -> String {
        format!("{}|{}", self.topic, self.access.as_str())
    }

    fn sorted(&self, _by: ByKey) -> Option<Sorted> {
        None
    }
}

impl FromRow for AlgorithmTopic {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        Ok(Self {
            algorithm: row.parse()?,
            topic: TopicId::from_row(row)?,
            access: row.word()?,
        })
    }
}
