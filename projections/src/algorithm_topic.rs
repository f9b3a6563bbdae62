//! The topics that an algorithm may use, each with one kind of access.

use domain::grant::Access;
use domain::{AlgorithmId, BrokerId, TopicId};

use crate::database::{FromRow, Row, Statement, text};
use crate::error::ReadModelError;
use crate::list::{ByKey, Listed, Select, Sorted};

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
    pub broker: Option<BrokerId>,
    /// With one of these; with any where it is empty.
    pub access: Vec<Access>,
    /// Part of the name of the topic.
    pub search: Option<String>,
}

impl Select for AlgorithmTopicFilter {
    type Row = AlgorithmTopic;

    const KEY: &'static str = "key";

    fn select(&self) -> Result<Statement, ReadModelError> {
        // Several grants may permit the same.
        let select = "SELECT algorithm, broker, topic, access FROM ( \
                      SELECT DISTINCT algorithm, broker, topic, access, \
                      broker || '/' || topic || '|' || access AS key \
                      FROM permitted WHERE algorithm = ?1) AS permitted_topics WHERE true";
        let access: Vec<&str> = self.access.iter().map(|access| access.as_str()).collect();
        let access = (!access.is_empty()).then(|| serde_json::to_string(&access));
        Ok(Statement::new(select)
            .bind(text(&self.algorithm))
            .add_if(" AND broker = ?", self.broker.map(|id| id.to_string()))
            .add_if(" AND instr(topic, ?) > 0", self.search.as_deref())
            .add_if(
                " AND access IN (SELECT value FROM json_each(?))",
                access.transpose()?,
            ))
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
