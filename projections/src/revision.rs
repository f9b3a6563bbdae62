//! The revision of each thing: that of the last event about it in its own stream.

use std::collections::BTreeMap;

use domain::{Revision, Thing, TopicId};
use serde::Serialize;

use crate::database::{FromRow, FromValue, Row, Statement, Tx, Value};
use crate::error::ReadModelError;
use crate::fact::Fact;
use crate::model::ReadModel;

/// Rows written in one statement.
const CHUNK: usize = 4096;

/// The column of a thing's revision, where `key` is its key in the statement around it.
macro_rules! revision_of {
    ($kind:literal, $key:literal) => {
        concat!(
            "(SELECT r.revision FROM revisions r WHERE r.kind = '",
            $kind,
            "' AND r.key = ",
            $key,
            ")"
        )
    };
}

pub(crate) use revision_of;

/// The revisions that a batch changes.
#[derive(Debug, Default)]
pub(crate) struct Revised(BTreeMap<Thing, u64>);

impl Revised {
    /// Notes what `fact` is about in its own stream.
    pub(crate) fn note(&mut self, fact: &Fact) {
        for thing in fact.event.revises() {
            // No list shows workers, and nobody changes them.
            if !matches!(thing, Thing::Worker(_)) {
                self.0.insert(thing, fact.revision);
            }
        }
    }

    /// Writes what was noted.
    pub(crate) fn write(self, tx: &mut dyn Tx) -> Result<(), ReadModelError> {
        let written = self.0.iter().map(|(thing, revision)| Written {
            kind: thing.kind(),
            key: thing.to_string(),
            revision: *revision,
        });
        let written: Vec<Written> = written.collect();
        for chunk in written.chunks(CHUNK) {
            tx.execute(
                "INSERT INTO revisions (kind, key, revision) \
                 SELECT value ->> 'kind', value ->> 'key', \
                 CAST(value ->> 'revision' AS BIGINT) FROM json_each(?1) WHERE true \
                 ON CONFLICT (kind, key) DO UPDATE SET revision = excluded.revision",
                &[serde_json::to_string(chunk)?.into()],
            )?;
        }
        Ok(())
    }
}

/// A row, to be written.
#[derive(Serialize)]
struct Written {
    kind: &'static str,
    key: String,
    revision: u64,
}

impl ReadModel {
    /// The revisions of those topics, in no order: a topic has one whether or not its broker lists
    /// it, unless nothing was ever done on it.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn topic_revisions(
        &self,
        topics: &[TopicId],
    ) -> Result<Vec<(TopicId, Revision)>, ReadModelError> {
        let select = "SELECT key, revision FROM revisions \
                      WHERE kind = 'topic' AND key IN (SELECT value FROM json_each(?1))";
        let keys: Vec<String> = topics.iter().map(ToString::to_string).collect();
        let keys = serde_json::to_string(&keys)?;
        self.rows(Statement::new(select).bind(keys)).await
    }
}

impl FromRow for (TopicId, Revision) {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        Ok((row.parse()?, row.take()?))
    }
}

impl FromValue for Revision {
    fn from_value(value: Value) -> Result<Self, ReadModelError> {
        u64::from_value(value).map(Self)
    }
}
