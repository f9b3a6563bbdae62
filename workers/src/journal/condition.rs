//! What is asked for of runs, in the SQL that both stores take.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use domain::run::{RunFilter, Standing};
use uuid::Uuid;

use super::record::DIRECT;
use super::search::Range;

/// The columns of a run, after those of its decision.
pub(super) const RUN: &str = "run, run_id, listeners.topic, partition, \"offset\", claimed_at, attempts, \
    topics, outbox.run IS NOT NULL, consumer_group, algorithm, sent_at, runs.digest, correlation, \
    parent, called_at, call_took, CASE WHEN decision = 'DEAD_LETTERED' THEN (SELECT o.topic \
    FROM outputs AS o WHERE o.run = decisions.run AND o.state = 'DEAD_LETTERED' LIMIT 1) END";

/// The tables that they are in, but for the first two, whose order each store is told in its own way.
pub(super) const BESIDE_RUNS: &str = "LEFT JOIN decisions USING (run) LEFT JOIN outbox USING (run) \
    LEFT JOIN destinations USING (destination)";

/// The runs whose messages brought a trace id, which stands for `{id}`: at most `{most}`, of the blocks
/// from `{first}` to `{last}`.
pub(super) fn by_trace(id: &str, first: i64, last: i64, most: u32) -> String {
    format!(
        "WITH RECURSIVE blocks(block) AS (
            SELECT {first} UNION ALL SELECT block + 1 FROM blocks WHERE block < {last})
         SELECT runs.listener, runs.run FROM blocks CROSS JOIN runs
         WHERE (runs.run >> {BLOCK}) = blocks.block AND runs.correlation = {id}
         ORDER BY runs.run LIMIT {most}"
    )
}

/// The numbers of the first and the last run, in one row.
pub(super) const FIRST_AND_LAST: &str = "SELECT min(first), max(last) FROM (SELECT \
    (SELECT min(x.run) FROM runs AS x WHERE x.listener = listeners.listener) AS first, \
    (SELECT max(x.run) FROM runs AS x WHERE x.listener = listeners.listener) AS last \
    FROM listeners) AS ends";

/// The runs at a place in one of those listeners' topics.
pub(super) fn by_place(listeners: &[i64], standing: &Standing) -> String {
    let listeners: Vec<_> = listeners.iter().map(ToString::to_string).collect();
    let Standing {
        partition, offset, ..
    } = standing;
    format!(
        "SELECT runs.listener, runs.run FROM runs
         WHERE runs.listener IN ({}) AND runs.correlation IS NULL
           AND runs.partition = {partition} AND runs.\"offset\" = {offset}{ANY_LIFE}",
        listeners.join(", ")
    )
}

/// A run: the key of its listener, and its number.
pub(super) type Place = (i64, i64);

/// How many bits of a run's number tell its place in a block of the index of workflows.
pub(super) const BLOCK: u32 = 12;

/// Holds for every run, and has SQLite find a place by the index of places.
const ANY_LIFE: &str = " AND runs.incarnation >= 0";

/// A value in a condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Integer(i64),
    Text(String),
    Id(Uuid),
}

/// A condition, and the values of its parameters in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Condition {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
    parameter: &'static str,
}

impl Condition {
    /// That holds for everything; parameters begin with `parameter` and have a number.
    pub(super) fn new(parameter: &'static str) -> Self {
        Self {
            sql: "TRUE".to_owned(),
            values: Vec::new(),
            parameter,
        }
    }

    /// Also: the rows of `listeners` are of those whose runs are asked for.
    pub(super) fn owners(mut self, filter: &RunFilter) -> Self {
        let owners = texts(filter.owners.as_ref());
        self.and_any("listeners.consumer_group", owners);
        self.and_any("listeners.algorithm", texts(filter.algorithms.as_ref()));
        if let Some(is_direct) = filter.is_direct {
            let is = if is_direct { "=" } else { "<>" };
            let sql = format!(" AND substr(listeners.consumer_group, 1, 7) {is} '{DIRECT}'");
            self.sql.push_str(&sql);
        }
        if let Some(message) = &filter.message {
            let topic = Value::Text(message.topic.clone());
            self.and("listeners.topic = ", topic);
            self.sql
                .push_str(" AND substr(listeners.consumer_group, 1, 7) <> 'direct:'");
        }
        self
    }

    /// Also: the runs have numbers within the range, and so have the decisions that are asked for,
    /// so that it costs little in whichever order the tables are read.
    pub(super) fn within(mut self, range: Range, filter: &RunFilter) -> Self {
        // With a sign, so that the range is no reason to read all of it.
        let sign = if filter.is_exact() { "+" } else { "" };
        for table in ["runs", "decisions"] {
            if table == "runs" || (asks_for_decisions(filter) && !filter.is_exact()) {
                self.and(
                    &format!("{sign}{table}.run >= "),
                    Value::Integer(range.from),
                );
                self.and(
                    &format!("{sign}{table}.run < "),
                    Value::Integer(range.until),
                );
            }
        }
        self
    }

    /// Also: the rows of runs and decisions are those asked for, whoever's they are; of a workflow, if
    /// one is asked for, those that are given.
    pub(super) fn runs(mut self, filter: &RunFilter, of_workflow: &[Place]) -> Self {
        let all = &mut self;
        let codes = |codes: Option<Vec<&'static str>>| {
            let codes = codes?.into_iter().map(|code| Value::Text(code.to_owned()));
            Some(codes.collect())
        };
        let decisions = filter.decisions.as_ref();
        let decisions = decisions.map(|all| all.iter().map(|one| one.as_str()).collect());
        all.and_any("decisions.decision", codes(decisions));
        let reasons = filter.reasons.as_ref();
        let reasons = reasons.map(|all| all.iter().map(|one| one.as_str()).collect());
        all.and_any("decisions.reason", codes(reasons));
        all.and_any("decisions.version", texts(filter.versions.as_ref()));
        all.and_any("decisions.failure", texts(filter.failures.as_ref()));
        let statuses = filter.statuses.as_ref();
        let statuses = statuses.map(|all| all.iter().map(|one| Value::Integer((*one).into())));
        all.and_any("decisions.status", statuses.map(Iterator::collect));
        let ids = filter.ids.as_ref();
        let ids = ids.map(|all| all.iter().map(|one| Value::Id(one.0)));
        all.and_any("runs.run_id", ids.map(Iterator::collect));
        match filter.is_decided {
            Some(true) => all.sql.push_str(" AND decisions.run IS NOT NULL"),
            Some(false) => all.sql.push_str(" AND decisions.run IS NULL"),
            None => {}
        }
        if let Some(least) = filter.min_attempts {
            all.and("runs.attempts >= ", Value::Integer(least.into()));
        }
        let micros = |time: jiff::Timestamp| Value::Integer(time.as_microsecond());
        if let Some(from) = filter.claimed_from {
            all.and("runs.claimed_at >= ", micros(from));
        }
        if let Some(before) = filter.claimed_before {
            all.and("runs.claimed_at < ", micros(before));
        }
        if let Some(message) = &filter.message {
            all.and(
                "runs.partition = ",
                Value::Integer(message.partition.into()),
            );
            all.and("runs.\"offset\" = ", Value::Integer(message.offset));
            all.sql.push_str(ANY_LIFE);
        }
        if filter.correlation.is_some() {
            all.and_of_workflow(of_workflow);
        }
        self
    }

    /// Also: `sql`, followed by the value.
    fn and(&mut self, sql: &str, value: Value) {
        self.sql.push_str(" AND ");
        self.sql.push_str(sql);
        self.bind(value);
    }

    /// Also: a column has one of those values, where there are any.
    fn and_any(&mut self, column: &str, values: Option<Vec<Value>>) {
        let Some(values) = values else {
            return;
        };
        if values.is_empty() {
            self.sql.push_str(" AND FALSE");
            return;
        }
        let _ = write!(self.sql, " AND {column} IN (");
        for (place, value) in values.into_iter().enumerate() {
            if place > 0 {
                self.sql.push_str(", ");
            }
            self.bind(value);
        }
        self.sql.push(')');
    }

    /// Also: the runs are among those, whose numbers are ours and may be too many for parameters.
    fn and_of_workflow(&mut self, runs: &[Place]) {
        if runs.is_empty() {
            self.sql.push_str(" AND FALSE");
            return;
        }
        let list = |of: fn(&Place) -> i64| {
            let numbers: BTreeSet<i64> = runs.iter().map(of).collect();
            let numbers: Vec<_> = numbers.iter().map(ToString::to_string).collect();
            numbers.join(", ")
        };
        let (listeners, runs) = (list(|place| place.0), list(|place| place.1));
        let sql = format!(
            " AND listeners.listener IN ({listeners}) AND runs.listener IN ({listeners}) \
             AND runs.run IN ({runs})"
        );
        self.sql.push_str(&sql);
    }

    fn bind(&mut self, value: Value) {
        self.values.push(value);
        let _ = write!(self.sql, "{}{}", self.parameter, self.values.len());
    }
}

fn texts<T: ToString>(values: Option<&Vec<T>>) -> Option<Vec<Value>> {
    let values = values?.iter().map(|value| Value::Text(value.to_string()));
    Some(values.collect())
}

/// Whether a run without a decision cannot be among those asked for.
fn asks_for_decisions(filter: &RunFilter) -> bool {
    filter.is_decided == Some(true)
        || filter.decisions.is_some()
        || filter.reasons.is_some()
        || filter.versions.is_some()
        || filter.failures.is_some()
        || filter.statuses.is_some()
}
