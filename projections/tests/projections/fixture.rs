//! A read model in a directory of its own, and histories to apply to it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use domain::{
    Actor, CommandId, CorrelationId, Envelope, Event, Meta, Position, Revision, StreamName, codec,
};
use event_store::{Append, EventStore, Expected, SqliteEventStore};
use projections::assignment::Assignment;
use projections::{Paging, Projector, ReadModel};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Column, ConnectOptions, Row, SqliteConnection, ValueRef};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) struct FixedClock;

impl domain::Clock for FixedClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }
}

/// A read model in a directory of its own, with nobody else's events in its log.
pub(crate) struct Fixture {
    pub(crate) directory: TempDir,
    pub(crate) model: ReadModel,
    pub(crate) projector: Projector,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let model = ReadModel::open(&directory.path().join("read.db"))
            .await
            .unwrap();
        let log = directory.path().join("log.db");
        let store = SqliteEventStore::open(&log, Arc::new(FixedClock))
            .await
            .unwrap();
        let store: Arc<dyn EventStore> = Arc::new(store);
        Self {
            projector: Projector::new(model.clone(), store),
            directory,
            model,
        }
    }

    pub(crate) async fn after(events: &[Event]) -> Self {
        let fixture = Self::new().await;
        fixture.apply(&history(events)).await;
        fixture
    }

    pub(crate) async fn apply(&self, history: &[Envelope]) {
        self.projector.apply(history).await.unwrap();
    }

    /// The assignments that a worker has which followed from the start.
    pub(crate) async fn assigned(&self) -> Vec<Assignment> {
        let (_, changes) = self.model.assignments(None).await.unwrap();
        changes.into_iter().filter_map(|c| c.assignment).collect()
    }

    pub(crate) async fn dump(&self) -> Vec<String> {
        dump(&self.directory.path().join("read.db")).await
    }
}

/// Every row of every table, as text.
pub(crate) async fn dump(path: &Path) -> Vec<String> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut connection: SqliteConnection = options.connect().await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' \
         AND name NOT LIKE 'sqlite%' ORDER BY name",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let mut lines = Vec::new();
    for table in tables {
        let sql = sqlx::AssertSqlSafe(format!("SELECT * FROM {table} ORDER BY 1, 2"));
        for row in sqlx::query(sql).fetch_all(&mut connection).await.unwrap() {
            let cells = row.columns().iter().map(|column| {
                let cell = row.try_get_raw(column.ordinal()).unwrap();
                if cell.is_null() {
                    return "null".to_owned();
                }
                row.try_get::<String, _>(column.ordinal())
                    .or_else(|_| {
                        row.try_get::<i64, _>(column.ordinal())
                            .map(|n| n.to_string())
                    })
                    .unwrap()
            });
            lines.push(format!(
                "{table}: {}",
                cells.collect::<Vec<_>>().join(" | ")
            ));
        }
    }
    lines
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
                meta: Meta {
                    actor: Actor::User {
                        name: "test".to_owned(),
                    },
                    correlation: CorrelationId(command.0),
                    causation: command.0,
                    client_address: None,
                },
                payload: new.payload,
            }
        })
        .collect()
}

/// Appends each event to its stream, as a command of its own.
pub(crate) async fn append(store: &dyn EventStore, events: &[Event]) {
    let mut revisions: HashMap<StreamName, u64> = HashMap::new();
    for (event, envelope) in events.iter().zip(history(events)) {
        let stream = event.subject().stream();
        let revision = revisions.entry(stream.clone()).or_default();
        let append = Append {
            stream,
            expected: match revision.checked_sub(1) {
                Some(last) => Expected::Exact(Revision(last)),
                None => Expected::NoStream,
            },
            command: envelope.command,
            fingerprint: [0; 32],
            meta: envelope.meta,
            events: codec::encode(envelope.command, std::slice::from_ref(event)),
        };
        store.append(append).await.unwrap();
        *revision += 1;
    }
}

/// The whole of a short list.
pub(crate) fn all() -> Paging {
    Paging {
        after: String::new(),
        limit: 100,
    }
}
