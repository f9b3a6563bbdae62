//! Generations in a PostgreSQL database: a schema for each, `eventflows_read_1` and so on.
//!
//! Any number of servers may share them. The one that applies a batch locks the row of `checkpoint`
//! from its first statement to its commit, so one projects at a time, and the next finds what is
//! done. Every connection to a generation holds a lock on its number that others can share, so
//! that nobody removes a generation under a reader.
//!
//! The role needs only `CREATE` on the database: the schemas are its own.

mod connection;
mod generations;
mod retirement;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use sqlx::error::DatabaseError;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};
use sqlx::{Connection, Executor};
use tokio::runtime::Handle;

use self::retirement::Retirement;
use super::{Database, Row, Statement, Tables, Tx, Value, Work, shape};
use crate::error::ReadModelError;

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/postgres/read");

const BEGIN: &str = "BEGIN; SELECT 1 FROM checkpoint WHERE id = 1 FOR UPDATE";

const UNDEFINED_TABLE: &str = "42P01";

/// The generations in one database.
pub(crate) struct PostgresDatabase {
    options: PgConnectOptions,
}

/// A generation in a schema.
struct PostgresTables {
    number: u64,
    readers: PgPool,
    /// For connections that write.
    options: PgConnectOptions,
    /// `None` before the first transaction, and after a failed one.
    writer: Mutex<Option<PgConnection>>,
    /// Whether it is given up when anything fails, so that none of it needs to be safe.
    filling: AtomicBool,
    runtime: Handle,
    /// Dropped after the connections.
    retirement: Retirement,
}

impl PostgresDatabase {
    /// The generations in the database at `url`.
    pub(crate) fn new(url: &str) -> Result<Self, ReadModelError> {
        Ok(Self {
            options: connection::options(url)?,
        })
    }

    /// Opens a generation whose schema is there while its number is locked.
    async fn open(&self, number: u64, filling: bool) -> Result<PostgresTables, ReadModelError> {
        let options = connection::inside(&self.options, number);
        let readers = connection::readers(&options, number).await?;
        Ok(PostgresTables {
            number,
            retirement: Retirement::of(number, readers.clone(), self.options.clone()),
            readers,
            options,
            writer: Mutex::new(None),
            filling: AtomicBool::new(filling),
            runtime: Handle::current(),
        })
    }
}

/// The number after those that are there, the newest of which is the first.
fn next(numbers: &[u64]) -> u64 {
    numbers.first().map_or(1, |newest| newest + 1)
}

#[async_trait]
impl Database for PostgresDatabase {
    async fn live(&self) -> Result<Arc<dyn Tables>, ReadModelError> {
        let mut connection = connection::connect(&self.options).await?;
        let mut tx = connection.begin().await?;
        generations::lock(&mut tx).await?;
        let shape = shape(&MIGRATIONS);
        let numbers = generations::numbers(&mut tx).await?;
        let mut usable = None;
        for &number in &numbers {
            if generations::is_live(&mut tx, number, &shape).await? {
                usable = Some(number);
                break;
            }
        }
        let tables = if let Some(number) = usable {
            // Its connections keep it from being removed.
            let tables = self.open(number, false).await?;
            generations::remove_unused(&mut tx, &numbers).await?;
            tx.commit().await?;
            tables
        } else {
            let number = next(&numbers);
            connection::share(&mut tx, number).await?;
            generations::create(&mut tx, number, &shape, true).await?;
            generations::remove_unused(&mut tx, &numbers).await?;
            tx.commit().await?;
            self.open(number, false).await?
        };
        connection.close().await?;
        Ok(Arc::new(tables))
    }

    async fn begin(&self) -> Result<Arc<dyn Tables>, ReadModelError> {
        let mut connection = connection::connect(&self.options).await?;
        let mut tx = connection.begin().await?;
        generations::lock(&mut tx).await?;
        let numbers = generations::numbers(&mut tx).await?;
        let number = next(&numbers);
        // Before it is there for others: they would take it for one that a crash has left.
        connection::share(&mut tx, number).await?;
        generations::create(&mut tx, number, &shape(&MIGRATIONS), false).await?;
        tx.commit().await?;
        let tables = self.open(number, true).await?;
        connection.close().await?;
        Ok(Arc::new(tables))
    }
}

#[async_trait]
impl Tables for PostgresTables {
    fn number(&self) -> u64 {
        self.number
    }

    async fn read(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>, ReadModelError> {
        let answers = self.answers(&statements).await;
        answers.map_err(|error| self.or_gone(error))
    }

    fn write(&self, work: &mut Work<'_>) -> Result<(), ReadModelError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // After an error it is closed, and with it the state that the failure left it in.
        let mut connection = self.begun(writer.take())?;
        work(&mut PostgresTx {
            runtime: &self.runtime,
            connection: &mut connection,
        })?;
        self.runtime.block_on(connection.execute("COMMIT"))?;
        *writer = Some(connection);
        Ok(())
    }

    fn settle(&self) -> Result<(), ReadModelError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        *writer = None;
        self.filling.store(false, Ordering::Relaxed);
        let settling = async {
            let mut connection = connection::writer(&self.options, self.number, false).await?;
            generations::analyze(&mut connection, self.number).await?;
            Ok::<_, ReadModelError>(connection)
        };
        // Its commits wait for the disk, and with them for those before.
        *writer = Some(self.runtime.block_on(settling)?);
        Ok(())
    }

    fn retire(&self) {
        self.retirement.begin();
    }
}

impl PostgresTables {
    /// A connection with a transaction that nobody else writes beside: the one that waits, unless
    /// it was lost meanwhile.
    fn begun(&self, waiting: Option<PgConnection>) -> Result<PgConnection, ReadModelError> {
        if let Some(mut connection) = waiting
            && self.runtime.block_on(connection.execute(BEGIN)).is_ok()
        {
            return Ok(connection);
        }
        let filling = self.filling.load(Ordering::Relaxed);
        let connecting = connection::writer(&self.options, self.number, filling);
        let mut connection = self.runtime.block_on(connecting)?;
        let begun = self.runtime.block_on(connection.execute(BEGIN));
        begun.map_err(|error| self.or_gone(error.into()))?;
        Ok(connection)
    }

    /// What the statements answer, all at the same moment.
    async fn answers(&self, statements: &[Statement]) -> Result<Vec<Vec<Row>>, ReadModelError> {
        let mut connection = self.readers.acquire().await?;
        let connection = &mut *connection;
        if let [statement] = statements {
            let rows = connection::query(connection, &statement.sql, &statement.values);
            return Ok(vec![rows.await?]);
        }
        let begin = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";
        let mut tx = connection.begin_with(begin).await?;
        let mut answers = Vec::with_capacity(statements.len());
        for statement in statements {
            let rows = connection::query(&mut tx, &statement.sql, &statement.values);
            answers.push(rows.await?);
        }
        tx.commit().await?;
        Ok(answers)
    }

    /// The error, or what it means that there are no tables.
    fn or_gone(&self, error: ReadModelError) -> ReadModelError {
        let ReadModelError::Database(source) = &error else {
            return error;
        };
        let database = source
            .downcast_ref()
            .and_then(sqlx::Error::as_database_error);
        let code = database.and_then(DatabaseError::code);
        if code.is_some_and(|code| code == UNDEFINED_TABLE) {
            return ReadModelError::Gone(self.number);
        }
        error
    }
}

struct PostgresTx<'t> {
    runtime: &'t Handle,
    connection: &'t mut PgConnection,
}

impl Tx for PostgresTx<'_> {
    fn execute(&mut self, sql: &'static str, values: &[Value]) -> Result<(), ReadModelError> {
        let done = connection::execute(self.connection, sql, values);
        Ok(self.runtime.block_on(done)?)
    }

    fn query(&mut self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, ReadModelError> {
        let rows = connection::query(self.connection, sql, values);
        self.runtime.block_on(rows)
    }
}
