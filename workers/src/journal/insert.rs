//! Many rows by few statements.
//!
//! Every execution hops to SQLite's thread and back, so rows go many at a time; and in chunks of a
//! few fixed sizes, so that the statements stay prepared.

use std::sync::Arc;

use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments, AssertSqlSafe, Encode, Sqlite, Type};

/// Rows per execution, largest first, down to one. The largest times the widest row stays under
/// SQLite's 32,766 parameters.
const CHUNKS: [usize; 4] = [64, 16, 4, 1];

/// A statement with a `VALUES` list, in each size.
pub(super) struct RowsStatement {
    sizes: [(usize, Arc<str>); CHUNKS.len()],
    columns: usize,
}

impl RowsStatement {
    /// `head VALUES (?, …), … tail`, rows being `columns` wide.
    pub(super) fn new(head: &str, columns: usize, tail: &str) -> Self {
        let row = format!("({})", vec!["?"; columns].join(","));
        let sizes = CHUNKS.map(|rows| {
            let values = vec![row.as_str(); rows].join(",");
            (rows, format!("{head} VALUES {values} {tail}").into())
        });
        Self { sizes, columns }
    }

    /// Executes it for all `rows`; answers how many it affected.
    pub(super) async fn execute<R: Sync>(
        &self,
        connection: &mut SqliteConnection,
        mut rows: &[R],
        bind: impl Fn(&R, &mut Values) + Send,
    ) -> Result<u64, sqlx::Error> {
        let mut affected = 0;
        for (size, sql) in &self.sizes {
            while rows.len() >= *size {
                let (chunk, rest) = rows.split_at(*size);
                let mut values = Values::default();
                values.0.reserve(size * self.columns, 0);
                chunk.iter().for_each(|row| bind(row, &mut values));
                let sql = AssertSqlSafe(Arc::clone(sql));
                affected += sqlx::query_with(sql, values.0)
                    .execute(&mut *connection)
                    .await?
                    .rows_affected();
                rows = rest;
            }
        }
        Ok(affected)
    }
}

/// The values of some rows, side by side.
#[derive(Default)]
pub(super) struct Values(SqliteArguments);

impl Values {
    pub(super) fn add<'v, T: Encode<'v, Sqlite> + Type<Sqlite>>(&mut self, value: T) -> &mut Self {
        self.0
            .add(value)
            .expect("numbers, texts and bytes are encoded without fail");
        self
    }
}
