//! A database for one test, on the server that `EVENTFLOWS_TEST_POSTGRES` names.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};
use tokio::runtime::Builder;

/// A new database, dropped with this value.
pub(crate) struct Database {
    server: String,
    name: String,
}

impl Database {
    #[expect(
        clippy::disallowed_methods,
        reason = "the address of the test's database is known to the environment alone"
    )]
    pub(crate) async fn new() -> Self {
        static DATABASES: AtomicU32 = AtomicU32::new(1);
        let server = std::env::var("EVENTFLOWS_TEST_POSTGRES").expect(
            "EVENTFLOWS_TEST_POSTGRES must name a running PostgreSQL; `cargo xtask test` sets it",
        );
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let name = format!("eventflows_read_test_{}_{number}", std::process::id());
        let create = format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0");
        run(&server, &create).await;
        Self { server, name }
    }

    pub(crate) fn url(&self) -> String {
        let (server, parameters) = match self.server.split_once('?') {
            Some((server, parameters)) => (server, format!("?{parameters}")),
            None => (self.server.as_str(), String::new()),
        };
        let (kind, rest) = server.split_once("://").expect("a URL");
        let authority = rest.split('/').next().expect("one part at least");
        format!("{kind}://{authority}/{}{parameters}", self.name)
    }

    /// A connection that is nobody else's.
    pub(crate) async fn connect(&self) -> PgConnection {
        connect(&self.url()).await
    }

    /// Runs `statements` as the one who made the database.
    pub(crate) async fn run(&self, statements: &str) {
        run(&self.url(), statements).await;
    }

    /// Lets nobody connect until it is let again, and ends the connections there are.
    pub(crate) async fn close(&self) {
        let close = format!("ALTER DATABASE {} ALLOW_CONNECTIONS false", self.name);
        run(&self.server, &close).await;
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'",
            self.name
        );
        run(&self.server, &end).await;
    }

    pub(crate) async fn open_again(&self) {
        let open = format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", self.name);
        run(&self.server, &open).await;
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let server = self.server.clone();
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        let dropping = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run(&server, &drop));
        });
        let dropped = dropping.join();
        assert!(dropped.is_ok() || thread::panicking(), "a database is left");
    }
}

async fn connect(url: &str) -> PgConnection {
    let options: PgConnectOptions = url.parse().unwrap();
    options.connect().await.unwrap()
}

async fn run(url: &str, statements: &str) {
    let mut connection = connect(url).await;
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned()))
        .execute(&mut connection)
        .await
        .unwrap();
}
