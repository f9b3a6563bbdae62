//! Where the event log of a scenario's server is: a SQLite file among its data, or with
//! `EVENTFLOWS_TEST_LOG=postgres` a new database on the server of `EVENTFLOWS_TEST_POSTGRES`.

use std::process::Command;

use uuid::Uuid;

/// A database for one server's log, dropped with this value.
pub struct LogDatabase {
    /// The URL of one who may make databases.
    server: String,
    name: String,
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
            Err(_) | Ok("sqlite") => return None,
            Ok("postgres") => {}
            Ok(other) => panic!("EVENTFLOWS_TEST_LOG is sqlite or postgres, not {other}"),
        }
        let server = std::env::var("EVENTFLOWS_TEST_POSTGRES").expect(
            "EVENTFLOWS_TEST_POSTGRES must name a running PostgreSQL; `cargo xtask test` sets it",
        );
        let name = format!("eventflows_scenario_{}", Uuid::new_v4().simple());
        let database = Self { server, name };
        let create = format!(
            "CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0",
            database.name
        );
        assert!(database.run(&create), "no database for the log");
        Some(database)
    }

    /// The URL for `--log-url`.
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

    fn run(&self, statement: &str) -> bool {
        let mut psql = Command::new("psql");
        psql.args(["--no-psqlrc", "--quiet", "--dbname", &self.server]);
        let status = psql.args(["--command", statement]).status();
        status.is_ok_and(|status| status.success())
    }
}

impl Drop for LogDatabase {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        if !self.run(&drop) {
            eprintln!("the database {} is left", self.name);
        }
    }
}
