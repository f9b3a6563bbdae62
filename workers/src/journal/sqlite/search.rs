//! Searching the runs.

use domain::run::{
    CallTime, CorrelationId, End, OutputState, Run, RunFilter, RunList, RunOutput, RunPage,
};
use domain::{RunId, run};
use futures_util::FutureExt;
use rusqlite::types::{ToSqlOutput, Value as Sql};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params_from_iter};
use uuid::Uuid;

use super::reads::{
    RECORDED, RECORDED_COLUMNS, damaged, ended_outputs, parsed, recorded, text, time, topics,
};
use crate::journal::MOST_READ;
use crate::journal::condition::{
    BESIDE_RUNS, BLOCK, Condition, FIRST_AND_LAST, Place, RUN, Value, by_place, by_trace,
};
use crate::journal::decision::call_time;
use crate::journal::record::{MessageId, Origin};
use crate::journal::search::{Range, Seen, Shelf, search};

/// What is found of a list where about `most` runs are looked at.
pub(super) fn page_of(
    journal: &Connection,
    page: &RunPage,
    most: u64,
) -> rusqlite::Result<RunList> {
    let mut runs = Runs {
        journal,
        filter: &page.filter,
        of_workflow: of_workflow(journal, &page.filter)?,
    };
    // Nothing in it waits for anything.
    let found = search(&mut runs, page, most).now_or_never();
    found.unwrap_or_else(|| Err(rusqlite::Error::QueryReturnedNoRows))
}

/// The runs of the workflow that is asked for, and some that may be at its place.
fn of_workflow(journal: &Connection, filter: &RunFilter) -> rusqlite::Result<Vec<Place>> {
    let Some(id) = filter.correlation else {
        return Ok(Vec::new());
    };
    let place = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let ends: (Option<i64>, Option<i64>) =
        journal.query_row(FIRST_AND_LAST, (), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut found = Vec::new();
    if let (Some(first), Some(last)) = ends {
        let select = by_trace("?1", first >> BLOCK, last >> BLOCK, MOST_READ + 1);
        let mut select = journal.prepare(&select)?;
        let runs = select.query_map([&id.0[..]], place)?;
        found = runs.collect::<Result<_, _>>()?;
    }
    let standing = id.standing();
    let mut select = journal.prepare("SELECT listener, topic FROM listeners")?;
    let mut rows = select.query(())?;
    let mut roots = Vec::new();
    while let Some(row) = rows.next()? {
        if standing.is_in(row.get_ref(1)?.as_str()?) {
            roots.push(row.get(0)?);
        }
    }
    if !roots.is_empty() {
        let mut select = journal.prepare(&by_place(&roots, &standing))?;
        for run in select.query_map((), place)? {
            found.push(run?);
        }
    }
    Ok(found)
}

/// The runs of those who are asked for.
struct Runs<'a> {
    journal: &'a Connection,
    filter: &'a RunFilter,
    /// Those of the workflow, if one is asked for.
    of_workflow: Vec<Place>,
}

#[expect(
    clippy::future_not_send,
    reason = "they are polled once, on the thread that has the connection"
)]
impl Shelf for Runs<'_> {
    type Error = rusqlite::Error;

    async fn outermost(&mut self, within: Range, end: End) -> rusqlite::Result<Option<Seen>> {
        let (most, order) = match end {
            End::Newest => ("max", "DESC"),
            End::Oldest => ("min", "ASC"),
        };
        let mut owners = Condition::new("?");
        owners.values = vec![Value::Integer(within.from), Value::Integer(within.until)];
        let owners = owners.owners(self.filter);
        let select = format!(
            "SELECT r.run, r.claimed_at
             FROM listeners CROSS JOIN runs AS r ON r.listener = listeners.listener AND r.run =
                (SELECT {most}(x.run) FROM runs AS x
                 WHERE x.listener = listeners.listener AND x.run >= ?1 AND x.run < ?2)
             WHERE {} ORDER BY r.run {order} LIMIT 1",
            owners.sql
        );
        let mut select = self.journal.prepare_cached(&select)?;
        let outermost = select.query_row(params_from_iter(owners.values), |row| {
            Ok(Seen {
                run: row.get(0)?,
                claimed_at: row.get(1)?,
            })
        });
        outermost.optional()
    }

    async fn count(&mut self, within: Range) -> rusqlite::Result<u64> {
        let wanted = Condition::new("?").owners(self.filter);
        let wanted = wanted.within(within, &RunFilter::default());
        let select = format!(
            "SELECT count(*) FROM listeners CROSS JOIN runs USING (listener) WHERE {}",
            wanted.sql
        );
        let mut select = self.journal.prepare_cached(&select)?;
        select.query_row(params_from_iter(wanted.values), |row| row.get(0))
    }

    async fn matching(
        &mut self,
        within: Range,
        end: End,
        limit: u32,
    ) -> rusqlite::Result<Vec<Run>> {
        let (select, values) = self.select(within, end, limit);
        let mut select = self.journal.prepare_cached(&select)?;
        let runs = select.query_map(params_from_iter(values), run_of)?;
        let mut runs = runs.collect::<Result<Vec<_>, _>>()?;
        // Another message may have stood at the place that an id tells.
        if let Some(id) = self.filter.correlation {
            runs.retain(|run| run.correlation == id);
        }
        for run in &mut runs {
            end_outputs(self.journal, run)?;
        }
        Ok(runs)
    }
}

impl Runs<'_> {
    /// The statement that reads those that match, and its values.
    fn select(&self, within: Range, end: End, limit: u32) -> (String, Vec<Value>) {
        let order = match end {
            End::Newest => "DESC",
            End::Oldest => "ASC",
        };
        let wanted = Condition::new("?").owners(self.filter);
        let wanted = wanted.runs(self.filter, &self.of_workflow);
        let wanted = wanted.within(within, self.filter);
        // The first is read first: without statistics, SQLite would rather read all runs.
        let select = format!(
            "SELECT {RECORDED}, {RUN} FROM listeners CROSS JOIN runs USING (listener) {BESIDE_RUNS} WHERE {}
             ORDER BY runs.run {order} LIMIT {limit}",
            wanted.sql
        );
        (select, wanted.values)
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Integer(number) => number.to_sql()?,
            Self::Text(text) => text.to_sql()?,
            Self::Id(id) => ToSqlOutput::Owned(Sql::Blob(id.as_bytes().to_vec())),
        })
    }
}

fn end_outputs(journal: &Connection, run: &mut Run) -> rusqlite::Result<()> {
    if run.outputs.is_empty() {
        return Ok(());
    }
    for (topic, state) in ended_outputs(journal, run.number)? {
        let ended = run.outputs.iter_mut().find(|output| output.topic == topic);
        if let Some(output) = ended {
            output.state = state;
        }
    }
    Ok(())
}

fn run_of(row: &Row<'_>) -> rusqlite::Result<Run> {
    const FIRST: usize = RECORDED_COLUMNS;
    let number: i64 = row.get(FIRST)?;
    let id = RunId(Uuid::from_bytes(row.get(FIRST + 1)?));
    let owner: run::Owner = text(row, FIRST + 9)?;
    let is_waiting: bool = row.get(FIRST + 8)?;
    let state = if is_waiting {
        OutputState::Waiting
    } else {
        OutputState::Published
    };
    let outputs = topics(row, FIRST + 7)?.into_iter();
    let origin = Origin {
        topic: row.get(FIRST + 2)?,
        id: MessageId {
            partition: row.get(FIRST + 3)?,
            offset: row.get(FIRST + 4)?,
        },
        sent_at: row.get(FIRST + 11)?,
        digest: row.get(FIRST + 12)?,
    };
    let (message, made) = origin.read(&owner, number, id);
    let brought: Option<[u8; 16]> = row.get(FIRST + 13)?;
    let parent: Option<[u8; 16]> = row.get(FIRST + 14)?;
    let mut end: Option<run::RunEnd> = recorded(row, 0)?.map(Into::into);
    if let Some(end) = &mut end {
        end.call = call(row)?;
    }
    Ok(Run {
        number,
        id,
        owner,
        algorithm: text(row, FIRST + 10)?,
        message,
        correlation: brought.map_or(made, CorrelationId),
        parent: parent.map(|parent| RunId(Uuid::from_bytes(parent))),
        claimed_at: time(row, FIRST + 5)?,
        attempts: row.get(FIRST + 6)?,
        outputs: outputs.map(|topic| RunOutput { topic, state }).collect(),
        dead_letter: parsed(row, FIRST + 17)?,
        end,
    })
}

/// The call that the decision follows from.
fn call(row: &Row<'_>) -> rusqlite::Result<Option<CallTime>> {
    const FIRST: usize = RECORDED_COLUMNS;
    let (began_at, took): (Option<i64>, Option<i64>) = (row.get(FIRST + 15)?, row.get(FIRST + 16)?);
    let call = began_at.zip(took);
    let call = call.map(|(began_at, took)| call_time(began_at, took));
    call.transpose().map_err(|error| damaged(FIRST + 15, error))
}

#[cfg(test)]
mod tests {
    use domain::settlement::Decision;

    use super::*;

    const ALL: Range = Range {
        from: i64::MIN,
        until: i64::MAX,
    };

    /// How SQLite would execute a statement, a line for each step.
    fn plan(journal: &Connection, select: &str, values: Vec<Value>) -> Vec<String> {
        let explain = format!("EXPLAIN QUERY PLAN {select}");
        let mut explain = journal.prepare(&explain).unwrap();
        let lines = explain.query_map(params_from_iter(values), |row| row.get(3));
        lines.unwrap().collect::<Result<_, _>>().unwrap()
    }

    /// How it would read what the filter chooses.
    fn plan_of(journal: &Connection, filter: &RunFilter) -> Vec<String> {
        let runs = Runs {
            journal,
            filter,
            of_workflow: vec![(1, 7), (2, 9)],
        };
        let (select, values) = runs.select(ALL, End::Newest, 50);
        plan(journal, &select, values)
    }

    #[tokio::test]
    async fn no_search_reads_more_than_its_window_or_what_an_index_finds() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal.db");
        super::super::schema::prepare(&path).await.unwrap();
        let journal = super::super::schema::reader(&path).unwrap();
        let window = "SEARCH runs USING PRIMARY KEY (listener=? AND run>? AND run<?)";
        let place = "(listener=? AND partition=? AND offset=? AND incarnation>?)";
        let all = RunFilter::default();
        let decided = RunFilter {
            decisions: Some(vec![Decision::Dropped]),
            ..all.clone()
        };
        let message = RunFilter {
            message: "orders/3/77".parse().ok(),
            ..decided.clone()
        };
        let workflow = RunFilter {
            decisions: decided.decisions.clone(),
            ..RunFilter::of_workflow(CorrelationId([7; 16]))
        };
        let number = "SEARCH runs USING PRIMARY KEY (listener=? AND run=?)";
        let id = CorrelationId([7; 16]);
        let by_place = by_place(&[1, 2], &id.standing());
        let by_trace = by_trace("?1", 0, 9, 50);
        let trace = vec![Value::Id(Uuid::nil())];
        for (plan, expected) in [
            (plan_of(&journal, &all), window),
            (plan_of(&journal, &decided), window),
            (plan_of(&journal, &message), place),
            (plan_of(&journal, &workflow), number),
            (plan(&journal, &by_place, Vec::new()), place),
            (
                plan(&journal, &by_trace, trace),
                "(<expr>=? AND correlation=?)",
            ),
        ] {
            let mut of_runs = plan.iter().filter(|line| line.contains(" runs "));
            let is_as_expected = of_runs.next().unwrap().contains(expected);
            assert!(is_as_expected && of_runs.next().is_none(), "{plan:#?}");
        }
    }
}
