//! Where the event log of a scenario's server is: a SQLite file among its data, or with
//! `EVENTFLOWS_TEST_LOG=postgres` or `kurrentdb` a new log on the server that
//! `EVENTFLOWS_TEST_POSTGRES` or `EVENTFLOWS_TEST_KURRENTDB` names.

use std::process::Command;

use uuid::Uuid;

/// A database for one server's log, dropped with this value where that is possible.
pub enum LogDatabase {
    Postgres {
        /// The URL of one who may make databases.
        server: String,
        name: String,
    },
    /// A stream, which is left.
    KurrentDb { server: String, name: String },
}

impl LogDatabase {
    /// A new database, unless the log is to be a SQLite file.
    ///
    /// # Panics
    /// The environment names another backend, or no server.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the test command names the backend and its server in the environment"
    )]
    pub fn from_environment() -> Option<Self> {
        match std::env::var("EVENTFLOWS_TEST_LOG").as_deref() {
            Err(_) | Ok("sqlite") => None,
            Ok("postgres") => Some(Self::postgres()),
            Ok("kurrentdb") => Some(Self::KurrentDb {
                server: server("EVENTFLOWS_TEST_KURRENTDB"),
                name: new_name(),
            }),
            Ok(other) => {
                panic!("EVENTFLOWS_TEST_LOG is sqlite, postgres or kurrentdb, not {other}")
            }
        }
    }

    /// A new database on the PostgreSQL server of the tests.
    ///
    /// # Panics
    /// The environment names no server.
    #[must_use]
    pub fn postgres() -> Self {
        let (server, name) = (server("EVENTFLOWS_TEST_POSTGRES"), new_name());
        let create = format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0");
        assert!(psql(&server, &create), "no database for the log");
        Self::Postgres { server, name }
    }

    /// Executes a statement in a database of PostgreSQL; whether that was possible.
    #[must_use]
    pub fn execute(&self, statement: &str) -> bool {
        psql(&self.url(), statement)
    }

    /// The URL for `--log-url`.
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Self::Postgres { server, name } => {
                let (server, parameters) = match server.split_once('?') {
                    Some((server, parameters)) => (server, format!("?{parameters}")),
                    None => (server.as_str(), String::new()),
                };
                let (kind, rest) = server.split_once("://").expect("a URL");
                let authority = rest.split('/').next().expect("one part at least");
                format!("{kind}://{authority}/{name}{parameters}")
            }
            Self::KurrentDb { server, name } => {
                let and = if server.contains('?') { '&' } else { '?' };
                format!("{server}{and}log={name}")
            }
        }
    }
}

impl LogDatabase {
    /// What a statement answers that is asked of PostgreSQL, without spaces around.
    ///
    /// # Panics
    /// It fails.
    #[must_use]
    pub fn query(&self, statement: &str) -> String {
        let mut psql = Command::new("psql");
        psql.args([
            "--no-psqlrc",
            "--tuples-only",
            "--no-align",
            "--dbname",
            &self.url(),
        ]);
        let answer = psql.args(["--command", statement]).output().unwrap();
        assert!(answer.status.success(), "{statement}");
        String::from_utf8(answer.stdout).unwrap().trim().to_owned()
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test command names the servers in the environment"
)]
fn server(variable: &str) -> String {
    let server = std::env::var(variable);
    server.unwrap_or_else(|_| {
        panic!("{variable} must name a running server; `cargo xtask test` sets it")
    })
}

#[expect(clippy::disallowed_methods, reason = "a name that nobody else has")]
fn new_name() -> String {
    format!("eventflows_scenario_{}", Uuid::new_v4().simple())
}

fn psql(server: &str, statement: &str) -> bool {
    let mut psql = Command::new("psql");
    psql.args(["--no-psqlrc", "--quiet", "--dbname", server]);
    let status = psql.args(["--command", statement]).status();
    status.is_ok_and(|status| status.success())
}

impl Drop for LogDatabase {
    fn drop(&mut self) {
        if let Self::Postgres { server, name } = self {
            let drop = format!("DROP DATABASE {name} WITH (FORCE)");
            if !psql(server, &drop) {
                eprintln!("the database {name} is left");
            }
        }
    }
}
