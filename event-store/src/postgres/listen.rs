//! Hints between processes that the log has grown: NOTIFY and LISTEN.
//!
//! They only make followers faster, which look every quarter of a second anyway. A hint that is
//! lost, late or false does no harm.

use std::error::Error;
use std::time::Duration;

use domain::Position;
use sqlx::postgres::{PgListener, PgPool};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::group_commit::raise;
use crate::sql::Reads;

const CHANNEL: &str = "eventflows_log";

/// At most one hint in this time: every NOTIFY takes a lock of the whole server when it commits.
const DEBOUNCE: Duration = Duration::from_millis(20);

const RETRY: Duration = Duration::from_secs(1);

/// Sends and hears hints until dropped.
pub(super) struct Hints([AbortHandle; 2]);

impl Hints {
    /// Sends where `appended` has got to, and raises `head` to what others send. Takes one
    /// connection of `pool` for good.
    pub(super) fn start(
        pool: &PgPool,
        appended: watch::Receiver<Position>,
        head: watch::Sender<Position>,
    ) -> Self {
        let sending = tokio::spawn(send(pool.clone(), appended));
        let hearing = tokio::spawn(hear(pool.clone(), head));
        Self([sending.abort_handle(), hearing.abort_handle()])
    }
}

impl Drop for Hints {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

async fn send(pool: PgPool, mut appended: watch::Receiver<Position>) {
    while appended.changed().await.is_ok() {
        let position = *appended.borrow_and_update();
        let sent = sqlx::query("SELECT pg_notify($1, $2)")
            .bind(CHANNEL)
            .bind(position.to_string())
            .execute(&pool)
            .await;
        if let Err(error) = sent {
            tracing::debug!(
                error = &error as &dyn Error,
                "other processes were not notified of an append"
            );
        }
        sleep(DEBOUNCE).await;
    }
}

async fn hear(pool: PgPool, head: watch::Sender<Position>) {
    loop {
        let Err(error) = hear_until_lost(&pool, &head).await;
        tracing::debug!(
            error = &error as &dyn Error,
            "appends of other processes are not heard of for a while"
        );
        sleep(RETRY).await;
    }
}

async fn hear_until_lost(
    pool: &PgPool,
    head: &watch::Sender<Position>,
) -> Result<std::convert::Infallible, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    loop {
        let hint = listener.recv().await?;
        let hinted = hint.payload().parse().map_or(Position(0), Position);
        // Anybody may send hints: to followers, the head is only what is really there.
        if hinted > *head.borrow()
            && let Ok(position) = pool.head().await
        {
            raise(head, position);
        }
    }
}
