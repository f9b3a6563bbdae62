//! Applies a batch of events to a generation: its rows and its checkpoint in one transaction.

use domain::{Position, Thing};

use crate::assignment::Touched;
use crate::change::{self, Noted};
use crate::database::{Tables, Tx};
use crate::error::ReadModelError;
use crate::fact::Fact;
use crate::model::position_of;
use crate::revision::Revised;
use crate::{
    algorithm, assignment, broker, consumer, event, grant, listener, organization, publisher,
    topic, version, worker,
};

/// What came of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advanced {
    /// The rows reflect this position, whichever server wrote them.
    To(Position),
    /// The generation is not live any more; nothing was done.
    Superseded,
    /// The batch does not continue at the checkpoint; nothing was done.
    Gap { checkpoint: Position },
}

/// What a batch is applied to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Target {
    /// What the generation must say of itself.
    pub(crate) live: bool,
    /// Changes up to here are left out of the feed: they would be removed before they are read.
    pub(crate) changes_after: i64,
    /// Whether events are listed there: those of a moment are those of the present up to it.
    pub(crate) events: bool,
}

/// Applies of `facts`, which follow on each other, those that the rows do not reflect yet.
///
/// Another server may have applied them meanwhile, so where the rows stand is looked up in the
/// same transaction. Only a generation that is `live`, or is not, is touched.
pub(crate) fn advance(
    tables: &dyn Tables,
    facts: &[Fact],
    target: Target,
) -> Result<Advanced, ReadModelError> {
    let mut advanced = Advanced::Superseded;
    let written = tables.write(&mut |tx| {
        let mark = mark(tx)?;
        if mark.live == target.live {
            advanced = apply_after(tx, mark.position, facts, target)?;
        }
        Ok(())
    });
    match written {
        Err(ReadModelError::Gone(_)) => Ok(Advanced::Superseded),
        written => written.map(|()| advanced),
    }
}

/// What a generation's one row of itself says.
pub(crate) struct Mark {
    pub(crate) position: i64,
    pub(crate) live: bool,
}

pub(crate) fn mark(tx: &mut dyn Tx) -> Result<Mark, ReadModelError> {
    let rows = tx.query("SELECT position, live FROM checkpoint WHERE id = 1", &[])?;
    let row = rows.into_iter().next();
    let mut row = row.ok_or_else(|| ReadModelError::Row("the checkpoint is missing".into()))?;
    Ok(Mark {
        position: row.take()?,
        live: row.take()?,
    })
}

fn apply_after(
    tx: &mut dyn Tx,
    checkpoint: i64,
    facts: &[Fact],
    target: Target,
) -> Result<Advanced, ReadModelError> {
    let new = &facts[facts.partition_point(|fact| fact.position <= checkpoint)..];
    let (Some(first), Some(last)) = (new.first(), new.last()) else {
        return Ok(Advanced::To(position_of(checkpoint)));
    };
    if first.position != checkpoint + 1 {
        let checkpoint = position_of(checkpoint);
        return Ok(Advanced::Gap { checkpoint });
    }
    let mut touched = Touched::default();
    let mut revised = Revised::default();
    let changes_after = target.changes_after.max(change::oldest(last.position));
    let mut noted = Noted::after(changes_after);
    for fact in new {
        revised.note(fact);
        apply(tx, fact, &mut touched, &mut noted)?;
    }
    revised.write(tx)?;
    assignment::assign(tx, touched)?;
    noted.write(tx, last.position)?;
    if target.events {
        event::write(tx, new)?;
    }
    tx.execute(
        "UPDATE checkpoint SET position = ?1 WHERE id = 1",
        &[last.position.into()],
    )?;
    Ok(Advanced::To(position_of(last.position)))
}

/// Every noun takes of a fact what concerns it; assignments last, since they are made of the rest.
fn apply(
    tx: &mut dyn Tx,
    fact: &Fact,
    touched: &mut Touched,
    noted: &mut Noted,
) -> Result<(), ReadModelError> {
    for thing in fact.event.about() {
        // No list shows workers.
        if !matches!(thing, Thing::Worker(_)) {
            noted.note(fact, thing);
        }
    }
    assignment::touch_before(tx, fact, touched)?;
    organization::apply(tx, fact)?;
    algorithm::apply(tx, fact)?;
    version::apply(tx, fact)?;
    broker::apply(tx, fact)?;
    topic::apply(tx, fact, noted)?;
    grant::apply(tx, fact, noted)?;
    listener::apply(tx, fact, noted)?;
    publisher::apply(tx, fact, noted)?;
    worker::apply(tx, fact)?;
    consumer::apply(tx, fact, noted)?;
    assignment::touch(tx, fact, touched)
}
