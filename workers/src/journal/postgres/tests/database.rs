//! A database for one test, on the server that `EVENTFLOWS_TEST_POSTGRES` names.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};
use tokio::runtime::Builder;

/// A new database, dropped with this value.
pub(super) struct Database {
    server: String,
    name: String,
}

impl Database {
    #[expect(
        clippy::disallowed_methods,
        reason = "the address of the test's database is known to the environment alone"
    )]
    pub(super) async fn new() -> Self {
        static DATABASES: AtomicU32 = AtomicU32::new(1);
        let server = std::env::var("EVENTFLOWS_TEST_POSTGRES").expect(
            "EVENTFLOWS_TEST_POSTGRES must name a running PostgreSQL; `cargo xtask test` sets it",
        );
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let name = format!("eventflows_journal_{}_{number}", std::process::id());
        let create = format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0");
        run(&server, &create).await;
        Self { server, name }
    }

    pub(super) fn url(&self) -> String {
        let (server, parameters) = match self.server.split_once('?') {
            Some((server, parameters)) => (server, format!("?{parameters}")),
            None => (self.server.as_str(), String::new()),
        };
        let (kind, rest) = server.split_once("://").expect("a URL");
        let authority = rest.split('/').next().expect("one part at least");
        format!("{kind}://{authority}/{}{parameters}", self.name)
    }

    /// Runs `statements` in it.
    pub(super) async fn run(&self, statements: &str) {
        run(&self.url(), statements).await;
    }

    /// Ends every connection to the database but the one that does it.
    pub(super) async fn end_connections(&self) {
        self.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        let server = self.server.clone();
        // On a thread of its own, for the runtime of the test may be about to end.
        let dropping = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(run(&server, &drop));
        });
        let _ = dropping.join();
    }
}

async fn run(url: &str, statements: &str) {
    let options: PgConnectOptions = url.parse().expect("a PostgreSQL URL");
    let mut connection = options.connect().await.expect("a connection");
    let statements = AssertSqlSafe(statements.to_owned());
    let done = connection.execute(sqlx::raw_sql(statements)).await;
    done.unwrap_or_else(|error| panic!("{error}"));
}
