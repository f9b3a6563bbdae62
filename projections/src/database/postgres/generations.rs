//! The schemas of generations: which there are, their making and their end.
//!
//! To make or remove one, a server holds the lock of all of them until the end of the transaction.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Executor};

use super::MIGRATIONS;
use super::connection::{LOCKS, lock_key, schema};
use crate::error::ReadModelError;

/// Waits until nobody else makes or removes a generation.
pub(super) async fn lock(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT pg_advisory_xact_lock($1, 0)")
        .bind(LOCKS)
        .execute(tx)
        .await?;
    Ok(())
}

/// The numbers of the generations that are there, the newest first.
pub(super) async fn numbers(tx: &mut PgConnection) -> Result<Vec<u64>, sqlx::Error> {
    let numbers: Vec<i64> = sqlx::query_scalar(
        "SELECT substring(nspname FROM '^eventflows_read_([0-9]{1,9})$')::bigint AS number
         FROM pg_namespace WHERE nspname ~ '^eventflows_read_[0-9]{1,9}$' ORDER BY number DESC",
    )
    .fetch_all(tx)
    .await?;
    Ok(numbers.into_iter().map(i64::unsigned_abs).collect())
}

/// Whether the generation is live and of that shape.
pub(super) async fn is_live(
    tx: &mut PgConnection,
    number: u64,
    shape: &str,
) -> Result<bool, sqlx::Error> {
    let checkpoint = format!("{}.checkpoint", schema(number));
    let there: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(&checkpoint)
        .fetch_one(&mut *tx)
        .await?;
    if !there {
        return Ok(false);
    }
    let sql = AssertSqlSafe(format!("SELECT shape, live FROM {checkpoint}"));
    let state: Option<(String, i64)> = sqlx::query_as(sql).fetch_optional(tx).await?;
    Ok(state.is_some_and(|(found, live)| live == 1 && found == shape))
}

/// Makes a new, empty generation, for all to see when the transaction is committed.
pub(super) async fn create(
    tx: &mut PgConnection,
    number: u64,
    shape: &str,
    live: bool,
) -> Result<(), ReadModelError> {
    let schema = schema(number);
    let statements = format!("CREATE SCHEMA {schema}; SET LOCAL search_path TO {schema}");
    tx.execute(AssertSqlSafe(statements)).await?;
    MIGRATIONS.run_direct(None, &mut *tx, false).await?;
    sqlx::query("INSERT INTO checkpoint (id, position, shape, live) VALUES (1, 0, $1, $2)")
        .bind(shape)
        .bind(i64::from(live))
        .execute(tx)
        .await?;
    Ok(())
}

/// Removes of those generations what no server uses.
pub(super) async fn remove_unused(
    tx: &mut PgConnection,
    numbers: &[u64],
) -> Result<(), sqlx::Error> {
    for &number in numbers {
        let unused: bool = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1, $2)")
            .bind(LOCKS)
            .bind(lock_key(number))
            .fetch_one(&mut *tx)
            .await?;
        if unused {
            tracing::info!(generation = number, "unused read tables are removed");
            let drop = format!("DROP SCHEMA {} CASCADE", schema(number));
            tx.execute(AssertSqlSafe(drop)).await?;
        }
    }
    Ok(())
}

/// Lets the planner know what is in the tables.
pub(super) async fn analyze(tables: &mut PgConnection, number: u64) -> Result<(), sqlx::Error> {
    tables.execute("SET statement_timeout TO 0").await?;
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT tablename::text FROM pg_tables WHERE schemaname = $1 ORDER BY 1",
    )
    .bind(schema(number))
    .fetch_all(&mut *tables)
    .await?;
    for name in names {
        tables
            .execute(AssertSqlSafe(format!("ANALYZE {name}")))
            .await?;
    }
    tables.execute("RESET statement_timeout").await?;
    Ok(())
}
