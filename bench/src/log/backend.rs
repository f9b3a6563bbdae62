//! A new log on each backend.

use std::sync::Arc;

use clap::ValueEnum;
use event_store::EventStore;
use kurrentdb_stand_in::StandIn;
use server::environment::SystemClock;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tempfile::TempDir;

/// What keeps the log. One more backend is one more variant, and one more arm below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
    Kurrentdb,
}

/// A new, empty log.
pub(crate) struct Log {
    place: Place,
    url: String,
}

/// Where it is, and what of it is to be removed.
enum Place {
    Directory(TempDir),
    /// The URL of one who may remove the database, and its name.
    Database(String, String),
    /// A stand-in of its own, or somebody else's server, whose stream stays.
    Stream {
        _stand_in: Option<StandIn>,
    },
}

/// A connection beside the log.
pub(crate) enum Bare {
    Sqlite(sqlx::SqliteConnection),
    Postgres(PgConnection),
}

impl Backend {
    pub(crate) fn settings(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite, WAL, synchronous=FULL, one process",
            Self::Postgres => "PostgreSQL, its default settings, one process",
            Self::Kurrentdb => {
                "KurrentDB, the server of the environment, else our stand-in, which keeps nothing \
                 on disk: what the adapter and its client cost, one process"
            }
        }
    }

    /// Whether there is something barer to compare it with.
    pub(crate) fn takes_rows(self) -> bool {
        self != Self::Kurrentdb
    }

    pub(crate) async fn new_log(self) -> Log {
        match self {
            Self::Sqlite => {
                // Not where temporary files may be in memory.
                let directory = tempfile::tempdir_in("target").unwrap();
                let path = directory.path().join("log.db");
                Log {
                    url: format!("sqlite:{}", path.display()),
                    place: Place::Directory(directory),
                }
            }
            Self::Postgres => {
                let server = server();
                #[expect(clippy::disallowed_methods, reason = "a name that nobody else has")]
                let name = format!("eventflows_bench_{}", uuid::Uuid::new_v4().simple());
                execute(
                    &server,
                    format!("CREATE DATABASE {name} TEMPLATE template0"),
                )
                .await;
                let (address, parameters) = match server.split_once('?') {
                    Some((address, parameters)) => (address, format!("?{parameters}")),
                    None => (&*server, String::new()),
                };
                let (authority, _) = address.rsplit_once('/').unwrap();
                Log {
                    url: format!("{authority}/{name}{parameters}"),
                    place: Place::Database(server, name),
                }
            }
            Self::Kurrentdb => new_stream().await,
        }
    }
}

impl Log {
    pub(crate) async fn open(&self) -> Arc<dyn EventStore> {
        event_store::open(&self.url.as_str().into(), Arc::new(SystemClock))
            .await
            .unwrap()
    }

    /// A connection to the same disk or server with the same durability, of a backend that takes
    /// rows.
    pub(crate) async fn bare(&self) -> Bare {
        match &self.place {
            Place::Directory(directory) => {
                let options = SqliteConnectOptions::new()
                    .filename(directory.path().join("bare.db"))
                    .create_if_missing(true)
                    .pragma("journal_mode", "wal")
                    .pragma("synchronous", "full")
                    .pragma("wal_autocheckpoint", "4000");
                Bare::Sqlite(options.connect().await.unwrap())
            }
            Place::Database(..) => Bare::Postgres(PgConnection::connect(&self.url).await.unwrap()),
            Place::Stream { .. } => unreachable!("it takes no rows"),
        }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) async fn remove(self) {
        if let Place::Database(server, name) = self.place {
            execute(&server, format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }
}

async fn new_stream() -> Log {
    #[expect(clippy::disallowed_methods, reason = "the server of the benchmark")]
    let given = std::env::var("EVENTFLOWS_TEST_KURRENTDB").ok();
    let (stand_in, server) = match given {
        Some(server) => (None, server),
        None => {
            let stand_in = StandIn::start().await.unwrap();
            let url = stand_in.url();
            (Some(stand_in), url)
        }
    };
    #[expect(clippy::disallowed_methods, reason = "a name that nobody else has")]
    let name = format!("eventflows-bench-{}", uuid::Uuid::new_v4().simple());
    let separator = if server.contains('?') { '&' } else { '?' };
    Log {
        url: format!("{server}{separator}log={name}"),
        place: Place::Stream {
            _stand_in: stand_in,
        },
    }
}

fn server() -> String {
    #[expect(clippy::disallowed_methods, reason = "the server of the benchmark")]
    std::env::var("EVENTFLOWS_TEST_POSTGRES")
        .expect("EVENTFLOWS_TEST_POSTGRES holds the URL of a PostgreSQL: `cargo xtask bench` does")
}

async fn execute(server: &str, statement: String) {
    let mut connection = PgConnection::connect(server).await.unwrap();
    let statement = sqlx::raw_sql(AssertSqlSafe(statement));
    statement.execute(&mut connection).await.unwrap();
}
