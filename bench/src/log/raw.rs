//! What the disk and the databases do by themselves.

use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use super::backend::Bare;
use crate::stats::rate;

/// As many bytes as an event of a command has with its envelope.
const ROW_BYTES: i64 = 400;

/// Bare syncs a second, each after a write of 4 KiB at the end of a file.
pub(crate) fn fdatasyncs(time: Duration) -> f64 {
    let directory = tempfile::tempdir_in("target").unwrap();
    let mut file = File::create(directory.path().join("raw")).unwrap();
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < time {
        file.write_all(&[0; 4096]).unwrap();
        file.sync_data().unwrap();
        count += 1;
    }
    rate(count, start.elapsed())
}

/// Rows a second into a table with nothing but its key, `rows` in each statement and commit.
pub(crate) async fn inserts(mut bare: Bare, rows: i64, time: Duration) -> f64 {
    bare.create().await;
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < time {
        bare.insert(rows).await;
        count += rows.unsigned_abs();
    }
    rate(count, start.elapsed())
}

impl Bare {
    async fn create(&mut self) {
        match self {
            Self::Sqlite(connection) => {
                let table = "CREATE TABLE bare (position INTEGER PRIMARY KEY, payload BLOB) STRICT";
                sqlx::raw_sql(table).execute(connection).await.unwrap();
            }
            Self::Postgres(connection) => {
                let table = "CREATE TABLE bare (position BIGSERIAL PRIMARY KEY, payload BYTEA)";
                sqlx::raw_sql(table).execute(connection).await.unwrap();
            }
        }
    }

    async fn insert(&mut self, rows: i64) {
        match self {
            Self::Sqlite(connection) => {
                let insert = "WITH RECURSIVE row (n) AS
                                  (SELECT 1 UNION ALL SELECT n + 1 FROM row WHERE n < ?1)
                              INSERT INTO bare (payload) SELECT randomblob(?2) FROM row";
                let insert = sqlx::query(insert).bind(rows).bind(ROW_BYTES);
                insert.execute(connection).await.unwrap();
            }
            Self::Postgres(connection) => {
                let insert = "INSERT INTO bare (payload)
                              SELECT decode(repeat(md5(n::text), $2::int / 16), 'hex')
                              FROM generate_series(1, $1) AS row (n)";
                let insert = sqlx::query(insert).bind(rows).bind(ROW_BYTES);
                insert.execute(connection).await.unwrap();
            }
        }
    }
}
