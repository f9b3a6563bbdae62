//! The log in a PostgreSQL database: one writer in each process that commits in groups, a few
//! connections that read.
//!
//! Any number of processes may append to one log. The transaction of a batch holds the one row of
//! `log_head` from its first statement to its commit, so that positions are given in the order of
//! commits, and without gaps.
//!
//! # Two roles
//!
//! Nothing but the tables is created here. An operator makes the database and two roles: the
//! owner of the tables, used when a new release starts for the first time, and the one that the
//! server runs as, which can add to the log and read it:
//!
//! ```sql
//! CREATE ROLE eventflows_owner LOGIN PASSWORD '…';
//! CREATE ROLE eventflows LOGIN PASSWORD '…';
//! CREATE DATABASE eventflows OWNER eventflows_owner ENCODING 'UTF8' TEMPLATE template0;
//! -- In that database, as eventflows_owner, once the server has been started as it:
//! GRANT SELECT, INSERT ON events, commands TO eventflows;
//! GRANT SELECT, UPDATE ON log_head TO eventflows;
//! GRANT SELECT ON _sqlx_migrations TO eventflows;
//! ```
//!
//! A role that only reads the log, as an auditor does, needs only
//! `GRANT SELECT ON events, commands, log_head`.
//!
//! Triggers refuse UPDATE, DELETE and TRUNCATE of the log to everybody, the owner included, who
//! could drop the triggers, but not by mistake.

mod batch;
mod error;
mod import;
pub(crate) mod leases;
mod listen;
mod read;
mod schema;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use domain::{Clock, Position};
use sqlx::Connection;
use sqlx::postgres::{PgPool, PgPoolOptions};
use tokio::sync::watch;

pub use self::import::PostgresImport;
use self::listen::Hints;
use self::writer::Writer;
use crate::error::OpenError;
use crate::group_commit::Queue;
use crate::sql::{self, SqlLog};

/// Four that read, and one that listens.
const CONNECTIONS: u32 = 5;

/// How long a read waits for a free connection, or for a new one.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection that was used this recently is used again without a test, which would double the
/// round trips of a read.
const FRESH: Duration = Duration::from_secs(1);

/// The event log in a PostgreSQL database.
///
/// An append that was answered survives a power cut, where the server syncs its disk.
pub type PostgresEventStore = SqlLog<PgPool>;

impl PostgresEventStore {
    /// Opens the log at `url`, as libpq understands it, makes its tables where there are none,
    /// and starts its writer. The writer ends with the store, after what is in line.
    ///
    /// # Errors
    /// The database does not answer, is not in UTF-8, or lacks tables that the role may not make.
    pub async fn open(url: &str, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let options = schema::options(url)?;
        schema::prepare(&options).await?;
        let readers = readers()
            // They only send hints, which need not be on the disk.
            .connect_lazy_with(options.clone().options([("synchronous_commit", "off")]));
        let (head_sender, head) = watch::channel(Position(0));
        let (appended_sender, appended) = watch::channel(Position(0));
        let hints = Hints::start(&readers, appended, head_sender.clone());
        let writer = Writer::new(options, clock, appended_sender);
        let queue = Queue::start(writer, head_sender).map_err(OpenError::Thread)?;
        Ok(sql::written(queue, readers, head, Some(Box::new(hints))))
    }

    /// Opens the log at `url`, whose tables must be there, to read it alone: in read-only
    /// transactions, by a role that need not have any other right. Appends fail.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn open_read_only(url: &str) -> Result<Self, OpenError> {
        let options = schema::read_only_options(url)?;
        let readers = readers().connect_with(options).await;
        Ok(sql::only_read(readers.map_err(OpenError::Connect)?))
    }
}

fn readers() -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, used| {
            Box::pin(async move {
                if used.idle_for > FRESH {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}

#[cfg(test)]
mod tests;
