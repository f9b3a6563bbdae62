//! Where the events stand in the log that have something in common: the thing that they are about,
//! who caused them, their type, the request that they belong to.
//!
//! An event is the same at every moment, so that the read models of earlier moments go without.

use std::collections::BTreeSet;

use domain::{Actor, CorrelationId, Event, EventId, OrganizationName, Position, Thing};
use serde::Serialize;
use uuid::Uuid;

use crate::database::{FromRow, Row, Statement, Tx, Value, text};
use crate::error::ReadModelError;
use crate::fact::Fact;
use crate::list::MOST_LISTS;
use crate::model::ReadModel;

/// The namespace of the hashes.
const NAMESPACE: Uuid = Uuid::from_u128(0x3d1b_5f0a_9c1e_4a52_8f7e_61c0_44a9_d7e3);

/// Rows written in one statement.
const CHUNK: usize = 8192;

/// Something that events have in common, as a hash: so the table stays small, and two of its rows
/// are practically never mixed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Term(i64);

/// Which events are asked for; all where nothing is set. Of several values any is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EventFilter {
    /// Those of the history of a thing.
    pub of: Option<Thing>,
    pub correlation: Option<CorrelationId>,
    /// Those about what belongs to such an organization, or about the organization.
    pub organizations: Option<Vec<OrganizationName>>,
    pub actors: Option<Vec<Actor>>,
    pub types: Option<Vec<&'static str>>,
}

/// Which part of a list of events is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventPaging {
    /// Those behind this position.
    pub after: Position,
    /// Those up to this one.
    pub until: Position,
    /// From the newest on.
    pub descending: bool,
    pub limit: u32,
}

impl EventPaging {
    /// Where the events stand in the list of all events: one more than the limit if there are
    /// more.
    #[must_use]
    pub fn positions(&self) -> Vec<Position> {
        let span = self.after.0 + 1..=self.until.0;
        let most = self.limit as usize + 1;
        if self.descending {
            span.rev().take(most).map(Position).collect()
        } else {
            span.take(most).map(Position).collect()
        }
    }
}

impl Term {
    fn of(kind: &str, key: &str) -> Self {
        let hash = Uuid::new_v5(&NAMESPACE, format!("{kind} {key}").as_bytes());
        Self(hash.as_u64_pair().0.cast_signed())
    }

    fn event(id: EventId) -> Self {
        Self::of("event", &id.to_string())
    }

    fn correlation(id: CorrelationId) -> Self {
        Self::of("correlation", &id.to_string())
    }

    fn actor(actor: &Actor) -> Self {
        Self::of("actor", &actor.to_string())
    }

    fn event_type(name: &str) -> Self {
        Self::of("type", name)
    }

    fn history(thing: &Thing) -> Self {
        Self::of(thing.kind(), &thing.to_string())
    }

    fn organization(name: &OrganizationName) -> Self {
        Self::of("of organization", name.as_str())
    }
}

/// Writes what the events of a batch have in common with others.
pub(crate) fn write(tx: &mut dyn Tx, facts: &[Fact]) -> Result<(), ReadModelError> {
    let mut rows = Vec::new();
    for fact in facts {
        let mut terms = terms(fact);
        terms.extend(versions_of(tx, fact)?);
        terms.sort_unstable();
        terms.dedup();
        rows.extend(terms.into_iter().map(|term| Written {
            term: term.0,
            position: fact.position,
        }));
    }
    // In the order of the table, which is written faster then.
    rows.sort_unstable();
    for chunk in rows.chunks(CHUNK) {
        tx.execute(
            "INSERT INTO event_terms (term, position) \
             SELECT CAST(value ->> 'term' AS BIGINT), CAST(value ->> 'position' AS BIGINT) \
             FROM json_each(?1)",
            &[serde_json::to_string(chunk)?.into()],
        )?;
    }
    Ok(())
}

fn terms(fact: &Fact) -> Vec<Term> {
    let subject = fact.event.subject();
    let stream = subject.stream();
    let mut about = fact.event.about();
    let mut terms = vec![
        Term::event(fact.id),
        Term::correlation(fact.correlation),
        Term::actor(&fact.actor),
        Term::event_type(fact.event.type_name()),
    ];
    about.extend(subject.thing());
    for thing in &about {
        // What merely counts other things has another history.
        if thing.stream() == stream {
            terms.push(Term::history(thing));
        }
        terms.extend(thing.organization().map(Term::organization));
    }
    terms
}

/// The versions of an algorithm that is retired: they cannot be called any more either.
fn versions_of(tx: &mut dyn Tx, fact: &Fact) -> Result<Vec<Term>, ReadModelError> {
    let Event::AlgorithmRetired(e) = &fact.event else {
        return Ok(Vec::new());
    };
    let versions = tx.query(
        "SELECT version FROM versions WHERE algorithm = ?1",
        &[text(&e.algorithm)],
    )?;
    let versions = versions.into_iter().map(|mut row| {
        let version = Thing::Version(e.algorithm.clone(), row.parse()?);
        Ok(Term::history(&version))
    });
    versions.collect()
}

/// A row, to be written.
#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Written {
    term: i64,
    position: i64,
}

impl ReadModel {
    /// Where the events of each of those lists stand, as far as the rows reach. A list has one
    /// more than its limit if there are more.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn event_positions(
        &self,
        asked: &[(EventFilter, EventPaging)],
    ) -> Result<Vec<Vec<Position>>, ReadModelError> {
        let mut parts = Vec::new();
        for (number, (filter, paging)) in asked.iter().enumerate() {
            parts.extend(filter.parts().into_iter().map(|part| {
                let part = part.into_statement(*paging);
                (number, part)
            }));
        }
        let mut lists: Vec<Vec<Position>> = asked.iter().map(|_| Vec::new()).collect();
        for parts in parts.chunks(MOST_LISTS) {
            let (numbers, statements): (Vec<_>, Vec<_>) = parts.iter().cloned().unzip();
            for mut row in self.in_one(statements).await? {
                let part: i64 = row.take()?;
                let number = usize::try_from(part)
                    .ok()
                    .and_then(|part| numbers.get(part));
                let list = number.and_then(|number| lists.get_mut(*number));
                let list = list.ok_or_else(|| ReadModelError::Row("a row of no list".into()))?;
                list.push(row.take()?);
            }
        }
        for (list, (_, paging)) in lists.iter_mut().zip(asked) {
            list.sort_unstable();
            // An event can be about several organizations.
            list.dedup();
            if paging.descending {
                list.reverse();
            }
            list.truncate(paging.limit as usize + 1);
        }
        Ok(lists)
    }

    /// Where the events of those ids stand, in no order.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn positions_of(&self, ids: &[EventId]) -> Result<Vec<Position>, ReadModelError> {
        self.first_with(ids.iter().map(|id| Term::event(*id))).await
    }

    /// Where the histories of those things begin, in no order.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn beginnings_of(&self, things: &[Thing]) -> Result<Vec<Position>, ReadModelError> {
        self.first_with(things.iter().map(Term::history)).await
    }

    /// The position of the first event with each of those terms.
    async fn first_with(
        &self,
        terms: impl Iterator<Item = Term>,
    ) -> Result<Vec<Position>, ReadModelError> {
        let terms: Vec<i64> = terms.map(|term| term.0).collect();
        let select = "SELECT min(position) FROM event_terms \
                      WHERE term IN (SELECT CAST(value AS BIGINT) FROM json_each(?1)) \
                      GROUP BY term";
        let terms = serde_json::to_string(&terms)?;
        self.rows(Statement::new(select).bind(terms)).await
    }
}

/// Terms that an event must have all of.
struct AllOf(Vec<Term>);

impl EventFilter {
    /// In how many parts its events are looked up.
    #[must_use]
    pub fn breadth(&self) -> usize {
        let values = self.alternatives();
        let counts = values.iter().flatten().map(Vec::len);
        counts.fold(1, usize::saturating_mul)
    }

    /// What must be one of several, each without repetition.
    fn alternatives(&self) -> [Option<Vec<Term>>; 3] {
        fn terms<V>(values: Option<&Vec<V>>, term: impl Fn(&V) -> Term) -> Option<Vec<Term>> {
            let terms: BTreeSet<Term> = values?.iter().map(term).collect();
            Some(terms.into_iter().collect())
        }
        [
            terms(self.organizations.as_ref(), Term::organization),
            terms(self.actors.as_ref(), Term::actor),
            terms(self.types.as_ref(), |name| Term::event_type(name)),
        ]
    }

    /// Each choice of one among several values is a part of its own: the database finds the first
    /// of its events without sorting all of them.
    fn parts(&self) -> Vec<AllOf> {
        let terms = [
            self.correlation.map(Term::correlation),
            self.of.as_ref().map(Term::history),
        ];
        let mut parts: Vec<Vec<Term>> = vec![terms.into_iter().flatten().collect()];
        for values in self.alternatives().into_iter().flatten() {
            let with = |part: &Vec<Term>, term| [part.as_slice(), &[term]].concat();
            parts = parts
                .iter()
                .flat_map(|part| values.iter().map(move |term| with(part, *term)))
                .collect();
        }
        parts.into_iter().map(AllOf).collect()
    }

    /// Whether it lets every event through.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl AllOf {
    fn into_statement(self, paging: EventPaging) -> Statement {
        let mut terms = self.0.into_iter();
        let first = terms
            .next()
            .map_or(Value::Integer(None), |term| term.0.into());
        let select = Statement::new("SELECT position FROM event_terms AS t WHERE term = ?1");
        let mut select = select
            .bind(first)
            .add(" AND position > ?", bound(paging.after))
            .add(" AND position <= ?", bound(paging.until));
        for term in terms {
            select = select.add(
                " AND EXISTS (SELECT 1 FROM event_terms AS o \
                 WHERE o.term = ? AND o.position = t.position)",
                term.0,
            );
        }
        let direction = if paging.descending { "DESC" } else { "ASC" };
        select
            .then(&format!(" ORDER BY position {direction}"))
            .add(" LIMIT ?", i64::from(paging.limit) + 1)
    }
}

/// A position that a caller gave: no event is at or behind the largest that can be stored.
fn bound(position: Position) -> i64 {
    i64::try_from(position.0).unwrap_or(i64::MAX)
}

impl FromRow for Position {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        row.take()
    }
}
