//! A PostgreSQL database for one test, on the server that `EVENTFLOWS_TEST_POSTGRES` names.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot have its database has failed, and says where"
)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};
use tokio::runtime::Builder;

/// A new database, dropped with this value.
pub struct Database {
    server: String,
    name: String,
    /// Dropped after it.
    roles: Vec<String>,
}

impl Database {
    /// Creates a database.
    ///
    /// # Panics
    /// The environment names no server, or it does not answer.
    #[expect(
        clippy::disallowed_methods,
        reason = "the address of the test's database is known to the environment alone"
    )]
    pub async fn new() -> Self {
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

    /// The URL for the one who made the database.
    #[must_use]
    pub fn url(&self) -> String {
        let (server, parameters) = match self.server.split_once('?') {
            Some((server, parameters)) => (server, format!("?{parameters}")),
            None => (self.server.as_str(), String::new()),
        };
        let (kind, rest) = server.split_once("://").expect("a URL");
        let authority = rest.split('/').next().expect("one part at least");
        format!("{kind}://{authority}/{}{parameters}", self.name)
    }

    /// The name of the database, which no other test's has.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The URL for a new role that may only connect.
    pub async fn url_of_role(&mut self, role: &str) -> String {
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
    #[must_use]
    pub fn role(&self) -> &str {
        self.roles.last().expect("a role")
    }

    /// A connection that is nobody else's.
    pub async fn connect(&self) -> PgConnection {
        connect(&self.url()).await
    }

    /// Runs `statements` as the one who made the database.
    pub async fn run(&self, statements: &str) {
        run(&self.url(), statements).await;
    }

    /// Ends every connection to the database but the one that does it.
    pub async fn end_connections(&self) {
        self.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
    }

    /// Lets nobody connect until it is opened again, and ends the connections there are.
    pub async fn close(&self) {
        let close = format!("ALTER DATABASE {} ALLOW_CONNECTIONS false", self.name);
        run(&self.server, &close).await;
        let end = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'",
            self.name
        );
        run(&self.server, &end).await;
    }

    /// Lets others connect again.
    pub async fn open_again(&self) {
        let open = format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", self.name);
        run(&self.server, &open).await;
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

/// A connection to `url`.
///
/// # Panics
/// It is no URL of PostgreSQL, or the server refuses.
pub async fn connect(url: &str) -> PgConnection {
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
