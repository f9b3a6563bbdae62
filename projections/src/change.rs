//! The change feed: which things show something else from a position on, written with the rows by
//! the code that writes them.

mod feed;

use std::collections::BTreeSet;

use domain::Thing;
use serde::Serialize;

pub(crate) use self::feed::Feed;
pub use self::feed::{Changes, ChangesError, ThingsChanged};
use crate::database::{Row, Tx};
use crate::error::ReadModelError;
use crate::fact::Fact;

/// The changes of so many positions up to the checkpoint are kept: a reader further behind
/// reads the lists again, which costs less.
pub const POSITIONS_KEPT: u64 = 10_000;

/// The most things that are found in the rows for one event, beside those that it names.
const MOST_FOUND: usize = 1000;

/// In the place of a kind: more things changed than are named.
const MORE: &str = "more";

/// Rows written in one statement.
const CHUNK: usize = 4096;

/// The changes that a batch makes, noted as its rows are written.
#[derive(Debug)]
pub(crate) struct Noted {
    /// Changes up to here would be removed before anybody reads them.
    after: i64,
    things: BTreeSet<(i64, Thing)>,
    more: BTreeSet<i64>,
}

impl Noted {
    /// Changes up to `after` are not noted.
    pub(crate) fn after(after: i64) -> Self {
        Self {
            after,
            things: BTreeSet::new(),
            more: BTreeSet::new(),
        }
    }

    /// Notes that a thing shows something else after `fact`.
    pub(crate) fn note(&mut self, fact: &Fact, thing: Thing) {
        if fact.position > self.after {
            self.things.insert((fact.position, thing));
        }
    }

    /// Notes what a statement with `values` finds in the rows, up to a bound, its last value.
    pub(crate) fn note_found(
        &mut self,
        tx: &mut dyn Tx,
        fact: &Fact,
        statement: Find<'_>,
    ) -> Result<(), ReadModelError> {
        if fact.position <= self.after {
            return Ok(());
        }
        let mut values = statement.values.to_vec();
        values.push(i64::try_from(MOST_FOUND + 1).unwrap_or(i64::MAX).into());
        let rows = tx.query(statement.sql, &values)?;
        if rows.len() > MOST_FOUND {
            self.more.insert(fact.position);
        }
        for mut row in rows.into_iter().take(MOST_FOUND) {
            let thing = (statement.thing)(&mut row)?;
            self.things.insert((fact.position, thing));
        }
        Ok(())
    }

    /// Writes what was noted, and removes what is too old for the checkpoint `last`.
    pub(crate) fn write(self, tx: &mut dyn Tx, last: i64) -> Result<(), ReadModelError> {
        let things = self.things.iter().map(|(position, thing)| Written {
            position: *position,
            kind: thing.kind(),
            key: thing.to_string(),
        });
        let more = self.more.iter().map(|position| Written {
            position: *position,
            kind: MORE,
            key: String::new(),
        });
        let written: Vec<Written> = things.chain(more).collect();
        for chunk in written.chunks(CHUNK) {
            tx.execute(
                "INSERT INTO changes (position, kind, key) \
                 SELECT CAST(value ->> 'position' AS BIGINT), value ->> 'kind', value ->> 'key' \
                 FROM json_each(?1)",
                &[serde_json::to_string(chunk)?.into()],
            )?;
        }
        tx.execute(
            "DELETE FROM changes WHERE position <= ?1",
            &[oldest(last).into()],
        )
    }
}

/// The position after which changes are kept at the checkpoint `last`.
pub(crate) fn oldest(last: i64) -> i64 {
    last.saturating_sub(i64::try_from(POSITIONS_KEPT).unwrap_or(i64::MAX))
}

/// A statement that finds things: its values but the last, which is a limit.
pub(crate) struct Find<'f> {
    pub(crate) sql: &'static str,
    pub(crate) values: &'f [crate::database::Value],
    pub(crate) thing: fn(&mut Row) -> Result<Thing, ReadModelError>,
}

/// A row of the feed, to be written.
#[derive(Serialize)]
struct Written {
    position: i64,
    kind: &'static str,
    key: String,
}
