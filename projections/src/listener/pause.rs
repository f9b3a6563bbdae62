//! Who paused a listener, and when.

use domain::Actor;
use domain::listener::{ListenerPaused, ListenerResumed, Pause};
use jiff::Timestamp;

use super::change;
use crate::database::{Row, Tx, Value};
use crate::error::ReadModelError;
use crate::fact::Fact;

pub(super) fn pause(
    tx: &mut dyn Tx,
    fact: &Fact,
    e: &ListenerPaused,
) -> Result<(), ReadModelError> {
    let sql = "UPDATE listeners SET paused = 1, paused_by = ?1, paused_at = ?3, position = ?2, \
               changed_at = ?3 WHERE key = ?4";
    change(tx, fact, &e.listener, sql, who(&fact.actor).into())
}

pub(super) fn resume(
    tx: &mut dyn Tx,
    fact: &Fact,
    e: &ListenerResumed,
) -> Result<(), ReadModelError> {
    let sql = "UPDATE listeners SET paused = 0, paused_by = ?1, paused_at = NULL, position = ?2, \
               changed_at = ?3 WHERE key = ?4";
    change(tx, fact, &e.listener, sql, Value::Text(None))
}

/// Who an actor is, in the words of a sentence.
fn who(actor: &Actor) -> String {
    match actor {
        Actor::User { name } => name.to_string(),
        Actor::Worker { id } => format!("worker {id}"),
        Actor::Policy { name } => format!("policy {name}"),
    }
}

/// The columns `paused_by` and `paused_at`.
pub(super) fn of_row(row: &mut Row) -> Result<Option<Pause>, ReadModelError> {
    let by: Option<String> = row.take()?;
    let at: Option<Timestamp> = row.take()?;
    Ok(by.zip(at).map(|(by, at)| Pause { by, at }))
}
