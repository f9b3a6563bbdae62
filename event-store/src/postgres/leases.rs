//! Leases in PostgreSQL, in a schema of their own. Times are the database's, and every statement is a
//! transaction: there are no locks that a connection pooler or a failover could drop.

use std::time::Duration;

use domain::lease::{Answered, Entry, LeaseStore, Leased, Record};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor};
use uuid::Uuid;

use super::schema;
use crate::error::OpenError;
use crate::leases::{holder, stored, unavailable};

static MIGRATIONS: Migrator = sqlx::migrate!("../migrations/postgres/leases");

const SCHEMA: &str = "eventflows_leases";

/// Those of one server, renewed one after the other, and one more for whoever else looks.
const CONNECTIONS: u32 = 2;

/// Shorter than what is left of a term after a renewal failed once.
const SETTINGS: [(&str, &str); 4] = [
    ("search_path", SCHEMA),
    ("lock_timeout", "3s"),
    ("statement_timeout", "4s"),
    ("default_transaction_read_only", "off"),
];
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(4);

pub(crate) struct PostgresLeases(PgPool);

impl PostgresLeases {
    /// Opens the leases in the database at `url`, making their table where there is none.
    pub(crate) async fn open(url: &str) -> Result<Self, OpenError> {
        let options = schema::options(url)?.options(SETTINGS);
        prepare(&options).await?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(options);
        Ok(Self(pool))
    }

    async fn row(&self, leased: Leased) -> sqlx::Result<Option<Record>> {
        let row: Option<(Uuid, Uuid, i64, i64, i64)> = sqlx::query_as(
            "SELECT worker, place, epoch, version,
                    greatest(0, extract(epoch FROM until - clock_timestamp()) * 1000000)::bigint
             FROM leases WHERE name = $1",
        )
        .bind(leased.to_string())
        .fetch_optional(&self.0)
        .await?;
        Ok(row.map(|(worker, place, epoch, version, remaining)| {
            let (holder, epoch, version) = holder(&(worker, place, epoch, version));
            Record {
                holder,
                epoch,
                version,
                remaining: Duration::from_micros(remaining.unsigned_abs()),
            }
        }))
    }

    async fn write(
        &self,
        leased: Leased,
        after: u64,
        entry: Entry,
    ) -> Result<Option<u64>, sqlx::Error> {
        let written = if after == 0 {
            "INSERT INTO leases (name, version, worker, place, epoch, until)
             VALUES ($1, $2 + 1, $3, $4, $5, clock_timestamp() + $6 * interval '1 microsecond')
             ON CONFLICT DO NOTHING RETURNING version"
        } else {
            "UPDATE leases SET version = $2 + 1, worker = $3, place = $4, epoch = $5,
                               until = clock_timestamp() + $6 * interval '1 microsecond'
             WHERE name = $1 AND version = $2 RETURNING version"
        };
        let version: Option<i64> = sqlx::query_scalar(written)
            .bind(leased.to_string())
            .bind(stored(after))
            .bind(entry.holder.worker.0)
            .bind(entry.holder.place)
            .bind(stored(entry.epoch.0))
            .bind(i64::try_from(entry.term.as_micros()).unwrap_or(i64::MAX))
            .fetch_optional(&self.0)
            .await?;
        Ok(version.map(i64::unsigned_abs))
    }
}

impl LeaseStore for PostgresLeases {
    fn read(&self, leased: Leased) -> Answered<'_, Option<Record>> {
        Box::pin(async move { self.row(leased).await.map_err(unavailable) })
    }

    fn replace(&self, leased: Leased, after: u64, entry: Entry) -> Answered<'_, Option<u64>> {
        Box::pin(async move { self.write(leased, after, entry).await.map_err(unavailable) })
    }
}

/// Makes the schema and its table, for which the role must be allowed to, if they are not there.
async fn prepare(options: &PgConnectOptions) -> Result<(), OpenError> {
    let mut connection = options.connect().await.map_err(OpenError::Connect)?;
    let up_to_date = schema::is_up_to_date(&mut connection, &MIGRATIONS).await;
    if !up_to_date.map_err(OpenError::Connect)? {
        // Two servers that start at once would both find no schema.
        let create = "BEGIN; SELECT pg_advisory_xact_lock(hashtext('eventflows leases'));
                      CREATE SCHEMA IF NOT EXISTS eventflows_leases; COMMIT";
        connection
            .execute(create)
            .await
            .map_err(OpenError::Connect)?;
        MIGRATIONS
            .run_direct(None, &mut connection, false)
            .await
            .map_err(OpenError::Migrate)?;
    }
    connection.close().await.map_err(OpenError::Connect)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use test_database::Database;

    use super::*;
    use crate::leases::contract;

    #[tokio::test]
    async fn postgresql_holds_the_contract_of_leases() {
        let database = Database::new().await;
        contract::hold(
            &|| {
                Box::pin(async {
                    Arc::new(PostgresLeases::open(&database.url()).await.unwrap()) as _
                })
            },
            &|| {
                let sql = "UPDATE eventflows_leases.leases SET until = clock_timestamp()";
                Box::pin(database.run(sql))
            },
        )
        .await;
    }

    #[tokio::test]
    async fn a_role_that_may_only_use_the_table_takes_leases() {
        let mut database = Database::new().await;
        drop(PostgresLeases::open(&database.url()).await.unwrap());
        let url = database.url_of_role("application").await;
        let role = database.role();
        database
            .run(&format!(
                "GRANT USAGE ON SCHEMA eventflows_leases TO {role};
                 GRANT SELECT, INSERT, UPDATE ON eventflows_leases.leases TO {role};
                 GRANT SELECT ON eventflows_leases._sqlx_migrations TO {role}"
            ))
            .await;
        let leases = PostgresLeases::open(&url).await.unwrap();
        contract::takes_and_renews(&leases).await;
    }
}
