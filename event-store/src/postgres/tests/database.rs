//! A database for one test, on the server that `EVENTFLOWS_TEST_POSTGRES` names.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};
use tokio::runtime::Builder;

/// A new database, dropped with this value.
pub(super) struct Database {
    server: String,
    name: String,
    /// Dropped after it.
    roles: Vec<String>,
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
        let name = format!("eventflows_test_{}_{number}", std::process::id());
        let create = format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0");
        run(&server, &create).await;
        Self {
            server,
            name,
            roles: Vec::new(),
        }
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

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The URL for a new role that may only connect.
    pub(super) async fn url_of_role(&mut self, role: &str) -> String {
        let role = format!("{role}_{}", self.name);
        self.run(&format!("CREATE ROLE {role} LOGIN PASSWORD 'trust'"))
            .await;
        let url = self.url();
        let (kind, rest) = url.split_once("://").expect("a URL");
        let host = rest.split_once('@').map_or(rest, |(_, host)| host);
        let url = format!("{kind}://{role}:trust@{host}");
        self.roles.push(role);
        url
    }

    /// The role of the last [`Self::url_of_role`].
    pub(super) fn role(&self) -> &str {
        self.roles.last().expect("a role")
    }

    /// Runs `statements` as the one who made the database.
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
        let server = self.server.clone();
        let mut statements = vec![format!("DROP DATABASE {} WITH (FORCE)", self.name)];
        statements.extend(self.roles.iter().map(|role| format!("DROP ROLE {role}")));
        let dropping = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            for statement in statements {
                runtime.block_on(run(&server, &statement));
            }
        });
        let dropped = dropping.join();
        assert!(dropped.is_ok() || thread::panicking(), "a database is left");
    }
}

/// A connection that is none of the store's.
pub(super) async fn connect(url: &str) -> PgConnection {
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
