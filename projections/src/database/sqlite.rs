//! Generations in SQLite: a file for each, beside each other.

mod connection;
mod files;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use sqlx::migrate::Migrator;
use tokio::sync::Semaphore;

use self::files::Files;
use super::{Database, Row, Statement, Tables, Tx, Value, Work, blocking};
use crate::error::ReadModelError;

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/sqlite/read");

/// Reads at a time.
const READERS: usize = 4;

/// What the tables in SQLite are like.
pub(crate) fn shape() -> String {
    super::shape(&MIGRATIONS)
}

/// The file of the first generation beside `path`.
pub(crate) fn file_of(path: &Path) -> PathBuf {
    Files::of(path, 1).path().to_owned()
}

/// The generations beside a path: `read.db` has them in `read.1.db` and so on.
pub(crate) struct SqliteDatabase {
    path: PathBuf,
}

/// A generation in a file. Clones share it.
#[derive(Clone)]
struct SqliteTables(Arc<Shared>);

struct Shared {
    number: u64,
    /// Readers that wait for their next reading.
    idle: Mutex<Vec<Connection>>,
    turns: Arc<Semaphore>,
    /// `None` after a failed transaction, and where nothing is written.
    writer: Mutex<Option<Connection>>,
    /// Whether the file is given up when anything fails, so that none of it needs to be safe.
    filling: AtomicBool,
    /// Dropped after the connections to it.
    files: Files,
}

impl SqliteDatabase {
    /// The generations beside `path`, used by one process at a time.
    pub(crate) fn new(path: &Path) -> Result<Self, ReadModelError> {
        connection::check_version()?;
        Ok(Self {
            path: path.to_owned(),
        })
    }

    async fn create(&self, number: u64, live: bool) -> Result<SqliteTables, ReadModelError> {
        let files = Files::of(&self.path, number);
        files.remove()?;
        connection::create(files.path(), &shape(), live).await?;
        SqliteTables::open(number, files, !live)
    }

    /// The first generation, which is live and yet read by nobody before it is filled: what is
    /// there is what it starts from.
    pub(crate) async fn to_fill(&self) -> Result<Arc<dyn Tables>, ReadModelError> {
        let files = Files::of(&self.path, 1);
        if !files.path().exists() {
            connection::create(files.path(), &shape(), true).await?;
        }
        Ok(Arc::new(SqliteTables::open(1, files, true)?))
    }

    /// The first generation, which was filled and is no longer written.
    pub(crate) fn filled(&self) -> Arc<dyn Tables> {
        let files = Files::of(&self.path, 1);
        Arc::new(SqliteTables::new(1, files, false, None))
    }
}

#[async_trait]
impl Database for SqliteDatabase {
    async fn live(&self) -> Result<Arc<dyn Tables>, ReadModelError> {
        let shape = shape();
        let mut found: Option<SqliteTables> = None;
        let mut newest = 0;
        for number in files::numbers(&self.path)? {
            newest = newest.max(number);
            let files = Files::of(&self.path, number);
            let usable = found.is_none() && connection::state(files.path())?.is(&shape);
            if usable {
                found = Some(SqliteTables::open(number, files, false)?);
            } else {
                tracing::info!(generation = number, "unused read tables are removed");
                files.retire();
            }
        }
        if let Some(tables) = found {
            return Ok(Arc::new(tables));
        }
        Ok(Arc::new(self.create(newest + 1, true).await?))
    }

    async fn begin(&self) -> Result<Arc<dyn Tables>, ReadModelError> {
        let newest = files::numbers(&self.path)?.into_iter().max();
        let number = newest.unwrap_or_default() + 1;
        Ok(Arc::new(self.create(number, false).await?))
    }
}

impl SqliteTables {
    fn open(number: u64, files: Files, filling: bool) -> Result<Self, ReadModelError> {
        let writer = connection::writer(files.path(), filling)?;
        Ok(Self::new(number, files, filling, Some(writer)))
    }

    fn new(number: u64, files: Files, filling: bool, writer: Option<Connection>) -> Self {
        Self(Arc::new(Shared {
            number,
            idle: Mutex::new(Vec::with_capacity(READERS)),
            turns: Arc::new(Semaphore::new(READERS)),
            writer: Mutex::new(writer),
            filling: AtomicBool::new(filling),
            files,
        }))
    }
}

#[async_trait]
impl Tables for SqliteTables {
    fn number(&self) -> u64 {
        self.0.number
    }

    async fn read(&self, statements: Vec<Statement>) -> Result<Vec<Vec<Row>>, ReadModelError> {
        let shared = Arc::clone(&self.0);
        let turn = Arc::clone(&shared.turns).acquire_owned().await;
        let turn = turn.expect("the semaphore is never closed");
        blocking(move || {
            let _turn = turn;
            shared.read(&statements)
        })
        .await
    }

    fn write(&self, work: &mut Work<'_>) -> Result<(), ReadModelError> {
        let shared = &*self.0;
        let mut writer = shared.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // After an error it is closed, and with it the state that the failure left it in.
        let mut connection = match writer.take() {
            Some(connection) => connection,
            None => {
                connection::writer(shared.files.path(), shared.filling.load(Ordering::Relaxed))?
            }
        };
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        work(&mut SqliteTx(&tx))?;
        tx.commit()?;
        *writer = Some(connection);
        Ok(())
    }

    fn settle(&self) -> Result<(), ReadModelError> {
        self.write(&mut |tx| tx.execute("ANALYZE", &[]))?;
        let shared = &*self.0;
        let mut writer = shared.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // Closed before the file is synced, which was written without.
        *writer = None;
        shared.files.sync()?;
        shared.filling.store(false, Ordering::Relaxed);
        *writer = Some(connection::writer(shared.files.path(), false)?);
        Ok(())
    }

    fn retire(&self) {
        self.0.files.retire();
    }
}

impl Shared {
    fn read(&self, statements: &[Statement]) -> Result<Vec<Vec<Row>>, ReadModelError> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle().pop();
        let mut reader = match waiting {
            Some(reader) => reader,
            None => connection::reader(self.files.path())?,
        };
        let answers = if let [statement] = statements {
            vec![connection::query(
                &reader,
                &statement.sql,
                &statement.values,
            )?]
        } else {
            let tx = reader.transaction()?;
            let answers = statements
                .iter()
                .map(|statement| connection::query(&tx, &statement.sql, &statement.values));
            answers.collect::<Result<_, _>>()?
        };
        idle().push(reader);
        Ok(answers)
    }
}

struct SqliteTx<'t>(&'t Transaction<'t>);

impl Tx for SqliteTx<'_> {
    fn execute(&mut self, sql: &'static str, values: &[Value]) -> Result<(), ReadModelError> {
        connection::execute(self.0, sql, values)
    }

    fn query(&mut self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, ReadModelError> {
        connection::query(self.0, sql, values)
    }
}
