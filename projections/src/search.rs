//! Finding things by a part of their name.

use domain::{BrokerId, Thing, TopicId};

use crate::database::{FromRow, Row, Statement};
use crate::error::ReadModelError;
use crate::model::ReadModel;

/// Something that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub thing: Thing,
    /// The name that it was found by.
    pub name: String,
}

/// The names that there are: `kind`, what the thing is written with in its key before the name, and
/// the name. Names whose last part is the text count as the text.
const NAMES: &str = "SELECT 'organization' AS kind, '' AS owner, name, name AS last \
     FROM organizations \
     UNION ALL SELECT 'algorithm', '', id, substr(id, length(organization) + 2) FROM algorithms \
     UNION ALL SELECT 'broker', id, name, name FROM brokers WHERE ended_at IS NULL \
     UNION ALL SELECT 'topic', broker, name, name FROM topics WHERE listed = 1";

impl ReadModel {
    /// Organizations, algorithms, connected brokers and listed topics whose name contains `text`,
    /// whatever the case of its letters: first what is called so, then what begins so, and among
    /// those the shortest names.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn search(&self, text: &str, limit: u32) -> Result<Vec<Found>, ReadModelError> {
        let select = Statement::new("SELECT kind, owner, name FROM (")
            .then(NAMES)
            .then(") AS names WHERE instr(lower(name), lower(?1)) > 0")
            .bind(text)
            .then(
                " ORDER BY CASE WHEN lower(name) = lower(?1) OR lower(last) = lower(?1) THEN 0 \
                 WHEN instr(lower(name), lower(?1)) = 1 OR instr(lower(last), lower(?1)) = 1 THEN 1 \
                 ELSE 2 END, length(name), name, kind, owner",
            )
            .add(" LIMIT ?", i64::from(limit));
        self.rows(select).await
    }
}

impl FromRow for Found {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        let (kind, owner, name): (String, String, String) = (row.take()?, row.take()?, row.take()?);
        let broker = || {
            let id = owner.parse().map(BrokerId);
            id.map_err(|error: uuid::Error| ReadModelError::Row(Box::new(error)))
        };
        let thing = match kind.as_str() {
            "broker" => Some(Thing::Broker(broker()?)),
            "topic" => Some(Thing::Topic(TopicId {
                broker: broker()?,
                topic: name.clone().try_into()?,
            })),
            kind => Thing::parse(kind, &name),
        };
        let thing = thing.ok_or_else(|| ReadModelError::Row(format!("a strange {kind}").into()))?;
        Ok(Self { thing, name })
    }
}
