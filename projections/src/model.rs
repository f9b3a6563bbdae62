//! The read models: the rows of the live generation, for queries.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::Position;
use jiff::Timestamp;
use tokio::sync::{Mutex, MutexGuard, watch};

use crate::change::Feed;
use crate::database::postgres::PostgresDatabase;
use crate::database::sqlite::SqliteDatabase;
use crate::database::{Database, FromRow, Row, Statement, Tables};
use crate::error::ReadModelError;

/// The read models, for queries. Cheap to clone; the last clone closes the database.
#[derive(Clone)]
pub struct ReadModel(Arc<Shared>);

struct Shared {
    database: Box<dyn Database>,
    live: watch::Sender<Arc<dyn Tables>>,
    reached: watch::Sender<Position>,
    /// Held while another generation takes the place of the live one.
    replacing: Mutex<()>,
    /// How far a rebuild has come that is under way or asked for.
    rebuilding: watch::Sender<Option<Position>>,
    changes: Feed,
}

impl ReadModel {
    /// Opens the databases in SQLite beside `path`, creating them as needed: `read.db` stands for
    /// `read.1.db` and so on, one for each generation.
    ///
    /// Their commits may be lost with the power, since all of it can be derived again.
    ///
    /// # Errors
    /// A file cannot be opened or migrated.
    pub async fn open(path: &Path) -> Result<Self, ReadModelError> {
        Self::over(Box::new(SqliteDatabase::new(path)?)).await
    }

    /// Opens the tables in the PostgreSQL database at `url`, creating them as needed. Servers
    /// share them.
    ///
    /// # Errors
    /// The URL is none of PostgreSQL, the database does not answer or is not in UTF-8, or the role
    /// may not create schemas in it.
    pub async fn connect(url: &str) -> Result<Self, ReadModelError> {
        Self::over(Box::new(PostgresDatabase::new(url)?)).await
    }

    async fn over(database: Box<dyn Database>) -> Result<Self, ReadModelError> {
        let live = database.live().await?;
        Self::with(database, live).await
    }

    /// The tables that are in the file of a moment beside `path`, and stay as they are.
    pub(crate) async fn of_moment(path: &Path) -> Result<Self, ReadModelError> {
        let database = SqliteDatabase::new(path)?;
        let tables = database.filled();
        Self::with(Box::new(database), tables).await
    }

    async fn with(
        database: Box<dyn Database>,
        live: Arc<dyn Tables>,
    ) -> Result<Self, ReadModelError> {
        let position = checkpoint(&*live).await?;
        let (reached, _) = watch::channel(position);
        let ((live, _), (rebuilding, _)) = (watch::channel(live), watch::channel(None));
        Ok(Self(Arc::new(Shared {
            database,
            live,
            reached,
            replacing: Mutex::new(()),
            rebuilding,
            changes: Feed::after(position),
        })))
    }

    /// The position that the rows reflect.
    #[must_use]
    pub fn position(&self) -> Position {
        *self.0.reached.borrow()
    }

    /// Changes whenever the rows have moved on.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Position> {
        self.0.reached.subscribe()
    }

    /// Waits until the rows reflect `wanted`.
    ///
    /// # Errors
    /// They did not within `patience`.
    pub async fn wait_for(
        &self,
        wanted: Position,
        patience: Duration,
    ) -> Result<(), ReadModelError> {
        let mut reached = self.watch();
        let arrived = reached.wait_for(|position| *position >= wanted);
        match tokio::time::timeout(patience, arrived).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(ReadModelError::Behind { wanted }),
        }
    }

    /// The number of the generation that queries read.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.live().number()
    }

    /// How far the next generation is filled, while there is one to come.
    #[must_use]
    pub fn rebuilding(&self) -> Option<Position> {
        *self.0.rebuilding.borrow()
    }

    /// Asks the projector that runs to rebuild all rows from the log, beside those that are read
    /// meanwhile. Nothing happens where it is doing so already.
    pub fn rebuild(&self) {
        self.0.rebuilding.send_if_modified(|rebuilding| {
            let asked = rebuilding.is_none();
            rebuilding.get_or_insert_default();
            asked
        });
    }
}

/// What the projector works with.
impl ReadModel {
    pub(crate) fn database(&self) -> &dyn Database {
        &*self.0.database
    }

    pub(crate) fn feed(&self) -> &Feed {
        &self.0.changes
    }

    pub(crate) fn live(&self) -> Arc<dyn Tables> {
        Arc::clone(&self.0.live.borrow())
    }

    pub(crate) fn rebuilds(&self) -> &watch::Sender<Option<Position>> {
        &self.0.rebuilding
    }

    /// Tells that the rows reflect `position`.
    pub(crate) fn raise(&self, position: Position) {
        self.0.reached.send_if_modified(|reached| {
            let further = position > *reached;
            *reached = position.max(*reached);
            further
        });
    }

    /// To be held while another generation is put in the place of the live one.
    pub(crate) async fn replacing(&self) -> MutexGuard<'_, ()> {
        self.0.replacing.lock().await
    }

    /// Has queries read `next`, which has come as far, and the one before go when it is read no
    /// more.
    pub(crate) fn adopt(&self, next: Arc<dyn Tables>, _: &MutexGuard<'_, ()>) {
        let before = self.0.live.send_replace(next);
        tracing::info!(
            generation = self.generation(),
            before = before.number(),
            "other read tables are in use"
        );
        before.retire();
    }

    /// Has queries read what is live now, where the generation of that number is not any more.
    pub(crate) async fn leave(&self, superseded: u64) -> Result<(), ReadModelError> {
        let replacing = self.replacing().await;
        // It may have been replaced in this process meanwhile.
        if self.generation() == superseded {
            let live = self.0.database.live().await?;
            let reached = checkpoint(&*live).await?;
            self.adopt(live, &replacing);
            self.raise(reached);
        }
        Ok(())
    }
}

/// Queries.
impl ReadModel {
    pub(crate) async fn rows<T: FromRow>(
        &self,
        statement: Statement,
    ) -> Result<Vec<T>, ReadModelError> {
        let mut answers = self.answers(vec![statement]).await?;
        rows(answers.pop().unwrap_or_default())
    }

    pub(crate) async fn row<T: FromRow>(
        &self,
        statement: Statement,
    ) -> Result<Option<T>, ReadModelError> {
        Ok(self.rows(statement).await?.pop())
    }

    /// What the statements answer, all at the same moment.
    pub(crate) async fn answers(
        &self,
        statements: Vec<Statement>,
    ) -> Result<Vec<Vec<Row>>, ReadModelError> {
        for statement in &statements {
            tracing::trace!(target: "projections::query", sql = %statement.sql);
        }
        let live = self.live();
        match live.read(statements.clone()).await {
            Err(ReadModelError::Gone(number)) => {
                self.leave(number).await?;
                self.live().read(statements).await
            }
            answers => answers,
        }
    }
}

impl fmt::Debug for ReadModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("ReadModel");
        debug.field("generation", &self.generation());
        debug.field("position", &self.position()).finish()
    }
}

/// What rows mean.
pub(crate) fn rows<T: FromRow>(rows: Vec<Row>) -> Result<Vec<T>, ReadModelError> {
    rows.into_iter()
        .map(|mut row| T::from_row(&mut row))
        .collect()
}

/// The statement that reads the checkpoint.
pub(crate) const CHECKPOINT: &str = "SELECT position FROM checkpoint WHERE id = 1";

/// The stored checkpoint.
pub(crate) async fn checkpoint(tables: &dyn Tables) -> Result<Position, ReadModelError> {
    let answers = tables.read(vec![Statement::new(CHECKPOINT)]).await?;
    position_in(answers.into_iter().next().unwrap_or_default())
}

/// The position in the answer to [`CHECKPOINT`].
pub(crate) fn position_in(answer: Vec<Row>) -> Result<Position, ReadModelError> {
    let row = answer.into_iter().next();
    row.ok_or_else(|| ReadModelError::Row("the checkpoint is missing".into()))?
        .take()
}

/// A stored position. Stored integers are signed; positions written here never are negative.
pub(crate) fn position_of(stored: i64) -> Position {
    Position(stored.unsigned_abs())
}

/// A position as stored.
pub(crate) fn stored_position(position: Position) -> i64 {
    i64::try_from(position.0).expect("a log of more than 2^63 events cannot exist")
}

/// A stored time: microseconds since 1970.
pub(crate) fn time_of(stored: i64) -> Result<Timestamp, ReadModelError> {
    Timestamp::from_microsecond(stored).map_err(|error| ReadModelError::Row(Box::new(error)))
}
