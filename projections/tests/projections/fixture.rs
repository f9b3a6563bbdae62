//! A read model of a test's own, and histories to apply to it.

use std::path::PathBuf;
use std::sync::Arc;

use domain::testing::{FixedClock, meta, unknown_event, user};
use domain::{
    Assignment, CommandId, Envelope, Event, NewEvent, Position, Revision, StreamName, codec,
};
use event_store::{Append, EventStore, Expected, SqliteEventStore};
use projections::assignment::{AssignmentChange, AssignmentCursor, AssignmentPage};
use projections::{Paging, Projector, ReadModel};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions};
use tempfile::TempDir;
use uuid::Uuid;

use crate::dump;
use test_database::Database;

/// A read model with nobody else's events in its log.
pub(crate) struct Fixture {
    pub(crate) model: ReadModel,
    pub(crate) projector: Projector,
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) place: Place,
    pub(crate) directory: TempDir,
}

/// Where the read model is.
pub(crate) enum Place {
    /// In the fixture's directory.
    Sqlite,
    Postgres(Database),
}

impl Place {
    pub(crate) async fn postgres() -> Self {
        Self::Postgres(Database::new().await)
    }
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        Self::at(Place::Sqlite).await
    }

    pub(crate) async fn at(place: Place) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let model = open(&place, &directory).await;
        let log = directory.path().join("log.db");
        let store = SqliteEventStore::open(&log, Arc::new(FixedClock::default()))
            .await
            .unwrap();
        let store: Arc<dyn EventStore> = Arc::new(store);
        Self {
            projector: Projector::new(model.clone(), Arc::clone(&store)),
            store,
            model,
            place,
            directory,
        }
    }

    /// One on each database.
    pub(crate) async fn each() -> [Self; 2] {
        [Self::new().await, Self::at(Place::postgres().await).await]
    }

    /// One on each database, after some events.
    pub(crate) async fn each_after(events: &[Event]) -> [Self; 2] {
        let fixtures = Self::each().await;
        for fixture in &fixtures {
            fixture.apply(&history(events)).await;
        }
        fixtures
    }

    pub(crate) async fn after(events: &[Event]) -> Self {
        let fixture = Self::new().await;
        fixture.apply(&history(events)).await;
        fixture
    }

    pub(crate) async fn apply(&self, history: &[Envelope]) {
        self.projector.apply(history).await.unwrap();
    }

    /// The same read model, opened once more.
    pub(crate) async fn reopened(&self) -> ReadModel {
        open(&self.place, &self.directory).await
    }

    /// The assignments that a worker has which followed from the start.
    pub(crate) async fn assigned(&self) -> Vec<Assignment> {
        let (_, changes) = assignments(&self.model, None).await;
        changes.into_iter().filter_map(|c| c.assignment).collect()
    }

    /// The file of the live generation.
    pub(crate) fn file(&self) -> PathBuf {
        let name = format!("read.{}.db", self.model.generation());
        self.directory.path().join(name)
    }

    pub(crate) async fn dump(&self) -> Vec<String> {
        match &self.place {
            Place::Sqlite => dump::sqlite(&self.file()).await,
            Place::Postgres(database) => {
                let mut connection = database.connect().await;
                dump::postgres(&mut connection, self.model.generation()).await
            }
        }
    }
}

/// What is done to the tables from outside.
impl Fixture {
    /// Runs a statement, in which `{tables}` stands before the name of a table.
    pub(crate) async fn run(&self, statement: &str) {
        match &self.place {
            Place::Sqlite => {
                let options = SqliteConnectOptions::new().filename(self.file());
                let mut outside = options.connect().await.unwrap();
                let statement = statement.replace("{tables}", "");
                let statement = sqlx::raw_sql(AssertSqlSafe(statement));
                statement.execute(&mut outside).await.unwrap();
            }
            Place::Postgres(database) => {
                let schema = format!("eventflows_read_{}.", self.model.generation());
                database.run(&statement.replace("{tables}", &schema)).await;
            }
        }
    }

    /// The numbers of the generations that are there.
    pub(crate) async fn generations(&self) -> Vec<u64> {
        let names: Vec<String> = match &self.place {
            Place::Sqlite => {
                let entries = std::fs::read_dir(self.directory.path()).unwrap();
                let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
                let databases = names.filter(|name| name.ends_with(".db"));
                databases.map(|name| name.replace(".db", "")).collect()
            }
            Place::Postgres(database) => {
                let mut connection = database.connect().await;
                let names = sqlx::query_scalar("SELECT nspname::text FROM pg_namespace");
                names.fetch_all(&mut connection).await.unwrap()
            }
        };
        let number = |name: &String| {
            let rest = name.strip_prefix("eventflows_read_");
            rest.or(name.strip_prefix("read."))?.parse().ok()
        };
        let mut numbers: Vec<_> = names.iter().filter_map(number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Leaves a second generation that is not live, as a crash does.
    pub(crate) async fn leave_half_a_generation(&self) {
        match &self.place {
            Place::Sqlite => {
                let half = self.directory.path().join("read.2.db");
                let copy = format!("VACUUM INTO '{}'", half.display());
                self.run(&copy).await;
                let options = SqliteConnectOptions::new().filename(&half);
                let mut outside = options.connect().await.unwrap();
                let end = sqlx::query("UPDATE checkpoint SET live = 0, position = 3");
                end.execute(&mut outside).await.unwrap();
            }
            Place::Postgres(database) => {
                let half = "CREATE SCHEMA eventflows_read_2;
                    CREATE TABLE eventflows_read_2.checkpoint
                    AS SELECT id, 3 AS position, shape, 0::bigint AS live
                    FROM eventflows_read_1.checkpoint";
                database.run(half).await;
            }
        }
    }
}

/// Appends events to the log, each in a stream of its own.
pub(crate) async fn append(store: &dyn EventStore, events: &[Event]) {
    for event in events {
        let command = next_command(store).await;
        append_encoded(
            store,
            command,
            codec::encode(command, std::slice::from_ref(event)),
        )
        .await;
    }
}

/// Appends an event that this program does not know.
pub(crate) async fn append_unknown(store: &dyn EventStore) {
    let command = next_command(store).await;
    let unknown = unknown_event(command, "FromTheFuture", 1);
    append_encoded(store, command, vec![unknown]).await;
}

async fn next_command(store: &dyn EventStore) -> CommandId {
    let head = store.head().await.unwrap();
    CommandId(Uuid::from_u128(u128::from(head.0) + 1))
}

async fn append_encoded(store: &dyn EventStore, command: CommandId, events: Vec<NewEvent>) {
    let append = Append {
        stream: StreamName(format!("any-{command}")),
        expected: Expected::NoStream,
        command,
        fingerprint: [0; 32],
        meta: meta(user("test"), command),
        events,
    };
    store.append(append).await.unwrap();
}

async fn open(place: &Place, directory: &TempDir) -> ReadModel {
    let opened = match place {
        Place::Sqlite => ReadModel::open(&directory.path().join("read.db")).await,
        Place::Postgres(database) => ReadModel::connect(&database.url()).await,
    };
    opened.unwrap()
}

pub(crate) fn history(events: &[Event]) -> Vec<Envelope> {
    (1..)
        .zip(events)
        .map(|(position, event)| {
            let command = CommandId(Uuid::from_u128(position));
            let new = codec::encode(command, std::slice::from_ref(event)).remove(0);
            let position = u64::try_from(position).unwrap();
            Envelope {
                id: new.id,
                stream: StreamName("any".to_owned()),
                revision: Revision(position - 1),
                position: Position(position),
                type_name: new.type_name.to_owned(),
                schema_version: new.schema_version,
                recorded_at: jiff::Timestamp::from_microsecond(i64::try_from(position).unwrap())
                    .unwrap(),
                command,
                meta: meta(user("test"), command),
                payload: new.payload,
            }
        })
        .collect()
}

/// The whole of a short list.
pub(crate) fn all<S: Default>() -> Paging<S> {
    Paging::first(100)
}

/// Everything that changed after a position, from all its pages, and where they lead.
pub(crate) async fn assignments(
    model: &ReadModel,
    after: Option<Position>,
) -> (Position, Vec<AssignmentChange>) {
    let pages = assignment_pages(model, after).await;
    let position = pages.last().unwrap().position;
    let changes = pages.into_iter().flat_map(|page| page.changes);
    (position, changes.collect())
}

pub(crate) async fn assignment_pages(
    model: &ReadModel,
    after: Option<Position>,
) -> Vec<AssignmentPage> {
    let mut pages = Vec::new();
    let mut next = Some(AssignmentCursor::after(after));
    while let Some(cursor) = next {
        let page = model.assignments(&cursor).await.unwrap();
        next = page.next.clone();
        pages.push(page);
    }
    pages
}
