//! The end of a generation that was replaced, once its last reader in this process is done.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgPool};
use tokio::runtime::Handle;
use tokio::time::sleep;

use super::{connection, generations};
use crate::error::ReadModelError;

/// How often, and how far apart, it is tried: the server takes a moment to see that connections
/// are closed.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// Has a generation removed when dropped, if it was begun. Where another server still uses it,
/// that one does so when it is done, or the next start of any.
pub(super) struct Retirement {
    number: u64,
    readers: PgPool,
    options: PgConnectOptions,
    runtime: Handle,
    begun: AtomicBool,
}

impl Retirement {
    pub(super) fn of(number: u64, readers: PgPool, options: PgConnectOptions) -> Self {
        Self {
            number,
            readers,
            options,
            runtime: Handle::current(),
            begun: AtomicBool::new(false),
        }
    }

    pub(super) fn begin(&self) {
        self.begun.store(true, Ordering::Relaxed);
    }
}

impl Drop for Retirement {
    fn drop(&mut self) {
        if !self.begun.load(Ordering::Relaxed) {
            return;
        }
        let (number, options, readers) = (self.number, self.options.clone(), self.readers.clone());
        self.runtime.spawn(async move {
            readers.close().await;
            if let Err(error) = remove(&options, number).await {
                tracing::warn!(
                    generation = number,
                    error = &error as &dyn Error,
                    "unused read tables are left; the next start tries again"
                );
            }
        });
    }
}

async fn remove(options: &PgConnectOptions, number: u64) -> Result<(), ReadModelError> {
    let mut connection = connection::connect(options).await?;
    for _ in 0..TRIES {
        let mut tx = connection.begin().await?;
        generations::lock(&mut tx).await?;
        generations::remove_unused(&mut tx, &[number]).await?;
        let left = generations::numbers(&mut tx).await?.contains(&number);
        tx.commit().await?;
        if !left {
            break;
        }
        sleep(PAUSE).await;
    }
    Ok(connection.close().await?)
}
