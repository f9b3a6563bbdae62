//! Every row of every table of a generation, as text that is the same for each database.

use std::path::Path;

use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ColumnIndex, ConnectOptions, Database, Decode, Row, Type};

/// The tables in the SQLite file at `path`.
pub(crate) async fn sqlite(path: &Path) -> Vec<String> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut connection = options.connect().await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\' \
         AND name NOT LIKE 'sqlite%' ORDER BY name",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let mut lines = Vec::new();
    for table in tables {
        let sql = AssertSqlSafe(format!("SELECT * FROM {table}"));
        let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
        lines.extend(rows.iter().map(|row| line(&table, row)));
    }
    lines.sort();
    lines
}

/// The tables of that generation in PostgreSQL.
pub(crate) async fn postgres(connection: &mut PgConnection, generation: u64) -> Vec<String> {
    let schema = format!("eventflows_read_{generation}");
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT tablename::text FROM pg_tables
         WHERE schemaname = $1 AND tablename NOT LIKE '\\_%' ORDER BY 1",
    )
    .bind(&schema)
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    let mut lines = Vec::new();
    for table in tables {
        let sql = AssertSqlSafe(format!("SELECT * FROM {schema}.{table}"));
        let rows = sqlx::query(sql).fetch_all(&mut *connection).await.unwrap();
        lines.extend(rows.iter().map(|row| line(&table, row)));
    }
    lines.sort();
    lines
}

fn line<R>(table: &str, row: &R) -> String
where
    R: Row,
    usize: ColumnIndex<R>,
    for<'r> Option<String>: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Option<i64>: Decode<'r, R::Database> + Type<R::Database>,
    R::Database: Database,
{
    use sqlx::Column;
    let cells = row.columns().iter().map(|column| {
        let index = column.ordinal();
        let cell = match row.try_get::<Option<String>, _>(index) {
            Ok(text) => text,
            Err(_) => row
                .try_get::<Option<i64>, _>(index)
                .unwrap()
                .map(|number| number.to_string()),
        };
        format!("{}: {}", column.name(), cell.as_deref().unwrap_or("null"))
    });
    // The order of the columns is each database's own.
    let mut cells: Vec<_> = cells.collect();
    cells.sort();
    format!("{table}: {}", cells.join(" | "))
}
