//! Searching the runs.

use domain::run::{
    CallTime, CorrelationId, End, OutputState, Run, RunFilter, RunList, RunOutput, RunPage,
};
use domain::{RunId, run};
use sqlx::postgres::{PgArguments, PgRow, Postgres};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, Row};
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
pub(super) async fn page_of(
    journal: &mut PgConnection,
    page: &RunPage,
    most: u64,
) -> sqlx::Result<RunList> {
    let of_workflow = of_workflow(journal, &page.filter).await?;
    let mut runs = Runs {
        journal,
        filter: &page.filter,
        of_workflow,
    };
    search(&mut runs, page, most).await
}

/// The runs of the workflow that is asked for, and some that may be at its place.
async fn of_workflow(journal: &mut PgConnection, filter: &RunFilter) -> sqlx::Result<Vec<Place>> {
    let Some(id) = filter.correlation else {
        return Ok(Vec::new());
    };
    let ends = sqlx::query_as::<_, (Option<i64>, Option<i64>)>(FIRST_AND_LAST);
    let mut found = Vec::new();
    if let (Some(first), Some(last)) = ends.fetch_one(&mut *journal).await? {
        let select = by_trace("$1", first >> BLOCK, last >> BLOCK, MOST_READ + 1);
        let select = sqlx::query_as::<_, Place>(AssertSqlSafe(select));
        let runs = select.bind(Uuid::from_bytes(id.0));
        found = runs.fetch_all(&mut *journal).await?;
    }
    let standing = id.standing();
    let select = sqlx::query_as::<_, (i64, String)>("SELECT listener, topic FROM listeners");
    let listeners = select.fetch_all(&mut *journal).await?.into_iter();
    let roots = listeners.filter(|(_, topic)| standing.is_in(topic));
    let roots: Vec<i64> = roots.map(|(listener, _)| listener).collect();
    if !roots.is_empty() {
        let select = by_place(&roots, &standing);
        let select = sqlx::query_as::<_, Place>(AssertSqlSafe(select));
        found.extend(select.fetch_all(journal).await?);
    }
    Ok(found)
}

/// The runs of those who are asked for.
struct Runs<'a> {
    journal: &'a mut PgConnection,
    filter: &'a RunFilter,
    /// Those of the workflow, if one is asked for.
    of_workflow: Vec<Place>,
}

impl Shelf for Runs<'_> {
    type Error = sqlx::Error;

    async fn outermost(&mut self, within: Range, end: End) -> sqlx::Result<Option<Seen>> {
        let (most, order) = match end {
            End::Newest => ("max", "DESC"),
            End::Oldest => ("min", "ASC"),
        };
        let mut owners = Condition::new("$");
        owners.values = vec![Value::Integer(within.from), Value::Integer(within.until)];
        let owners = owners.owners(self.filter);
        let select = format!(
            "SELECT r.run, r.claimed_at
             FROM listeners JOIN runs AS r ON r.listener = listeners.listener AND r.run =
                (SELECT {most}(x.run) FROM runs AS x
                 WHERE x.listener = listeners.listener AND x.run >= $1 AND x.run < $2)
             WHERE {} ORDER BY r.run {order} LIMIT 1",
            owners.sql
        );
        let row = bound(&select, &owners.values)
            .fetch_optional(&mut *self.journal)
            .await?;
        let seen = row.map(|row| {
            Ok(Seen {
                run: row.try_get(0)?,
                claimed_at: row.try_get(1)?,
            })
        });
        seen.transpose()
    }

    async fn count(&mut self, within: Range) -> sqlx::Result<u64> {
        let wanted = Condition::new("$").owners(self.filter);
        let wanted = wanted.within(within, &RunFilter::default());
        let select = format!(
            "SELECT count(*) FROM listeners JOIN runs USING (listener) WHERE {}",
            wanted.sql
        );
        let row = bound(&select, &wanted.values)
            .fetch_one(&mut *self.journal)
            .await?;
        let count: i64 = row.try_get(0)?;
        u64::try_from(count).map_err(damaged)
    }

    async fn matching(&mut self, within: Range, end: End, limit: u32) -> sqlx::Result<Vec<Run>> {
        let order = match end {
            End::Newest => "DESC",
            End::Oldest => "ASC",
        };
        let wanted = Condition::new("$").owners(self.filter);
        let wanted = wanted.runs(self.filter, &self.of_workflow);
        let wanted = wanted.within(within, self.filter);
        let select = format!(
            "SELECT {RECORDED}, {RUN} FROM listeners JOIN runs USING (listener) {BESIDE_RUNS}
             WHERE {} ORDER BY runs.run {order} LIMIT {limit}",
            wanted.sql
        );
        let rows = bound(&select, &wanted.values)
            .fetch_all(&mut *self.journal)
            .await?;
        let mut runs = with_outputs(self.journal, &rows).await?;
        // Another message may have stood at the place that an id tells.
        if let Some(id) = self.filter.correlation {
            runs.retain(|run| run.correlation == id);
        }
        Ok(runs)
    }
}

fn bound<'q>(sql: &'q str, values: &[Value]) -> Query<'q, Postgres, PgArguments> {
    // The text holds nothing that comes from outside, but as parameters.
    let mut query = sqlx::query(AssertSqlSafe(sql.to_owned()));
    for value in values {
        query = match value {
            Value::Integer(number) => query.bind(*number),
            Value::Text(text) => query.bind(text.clone()),
            Value::Id(id) => query.bind(*id),
        };
    }
    query
}

/// The runs in `rows`, each with what became of its outputs.
async fn with_outputs(journal: &mut PgConnection, rows: &[PgRow]) -> sqlx::Result<Vec<Run>> {
    let runs = rows.iter().map(run_of).collect::<sqlx::Result<Vec<_>>>();
    let mut runs = runs?;
    let with = runs.iter().filter(|run| !run.outputs.is_empty());
    let with: Vec<_> = with.map(|run| run.number).collect();
    for (number, topic, state) in ended_outputs(journal, &with).await? {
        let run = runs.iter_mut().find(|run| run.number == number);
        let outputs = run.into_iter().flat_map(|run| &mut run.outputs);
        for output in outputs.filter(|output| output.topic == topic) {
            output.state = state;
        }
    }
    Ok(runs)
}

fn run_of(row: &PgRow) -> sqlx::Result<Run> {
    const FIRST: usize = RECORDED_COLUMNS;
    let number: i64 = row.try_get(FIRST)?;
    let id = RunId(row.try_get(FIRST + 1)?);
    let owner: run::Owner = text(row, FIRST + 9)?;
    let attempts: i64 = row.try_get(FIRST + 6)?;
    let is_waiting: bool = row.try_get(FIRST + 8)?;
    let state = if is_waiting {
        OutputState::Waiting
    } else {
        OutputState::Published
    };
    let outputs = topics(row, FIRST + 7)?.into_iter();
    let origin = Origin {
        topic: row.try_get(FIRST + 2)?,
        id: MessageId {
            partition: row.try_get(FIRST + 3)?,
            offset: row.try_get(FIRST + 4)?,
        },
        sent_at: row.try_get(FIRST + 11)?,
        digest: row.try_get(FIRST + 12)?,
    };
    let (message, made) = origin.read(&owner, number, id);
    let brought: Option<Uuid> = row.try_get(FIRST + 13)?;
    let parent: Option<Uuid> = row.try_get(FIRST + 14)?;
    let mut end: Option<run::RunEnd> = recorded(row)?.map(Into::into);
    if let Some(end) = &mut end {
        end.call = call(row)?;
    }
    Ok(Run {
        number,
        id,
        owner,
        algorithm: text(row, FIRST + 10)?,
        message,
        correlation: brought.map_or(made, |id| CorrelationId(id.into_bytes())),
        parent: parent.map(RunId),
        claimed_at: time(row, FIRST + 5)?,
        attempts: u32::try_from(attempts).map_err(damaged)?,
        outputs: outputs.map(|topic| RunOutput { topic, state }).collect(),
        dead_letter: parsed(row, FIRST + 17)?,
        end,
    })
}

/// The call that the decision follows from.
fn call(row: &PgRow) -> sqlx::Result<Option<CallTime>> {
    const FIRST: usize = RECORDED_COLUMNS;
    let began_at: Option<i64> = row.try_get(FIRST + 15)?;
    let took: Option<i64> = row.try_get(FIRST + 16)?;
    let call = began_at.zip(took);
    let call = call.map(|(began_at, took)| call_time(began_at, took));
    call.transpose().map_err(damaged)
}
