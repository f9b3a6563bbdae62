//! The worker type.

use async_graphql::{ID, Object, Result};
use domain::WorkerId;

use crate::id::GlobalId;
use crate::scalar::DateTime;
use crate::view::View;

pub struct Worker(projections::worker::Worker, View);

impl Worker {
    pub(crate) fn of_row(row: projections::worker::Worker, view: View) -> Self {
        Self(row, view)
    }
}

pub struct WorkerStandby {
    behind: Option<WorkerId>,
    view: View,
}

/// A process that runs consumers, from when it joins until it leaves.
#[Object]
impl Worker {
    /// Its global id.
    pub async fn id(&self) -> ID {
        GlobalId::Worker(self.0.id).encode()
    }

    /// Its UUID, by which its log names it. It stays the same after a restart.
    async fn uuid(&self) -> String {
        self.0.id.to_string()
    }

    /// When it last joined.
    async fn joined_at(&self) -> DateTime {
        DateTime(self.0.joined_at)
    }

    /// The UUID of the journal that it decides in.
    async fn journal_id(&self) -> String {
        self.0.journal.to_string()
    }

    /// For whom it stands by, if it does: a worker whose journal is not the cluster's is assigned
    /// nothing.
    async fn standby(&self) -> Option<WorkerStandby> {
        self.0.stands_by.then(|| WorkerStandby {
            behind: self.0.has_them,
            view: self.1.clone(),
        })
    }
}

/// That a worker is assigned nothing, because the workers of the cluster decide in another journal.
#[Object]
impl WorkerStandby {
    /// A worker that has the assignments; null while none is here.
    async fn worker(&self) -> Option<Result<Worker>> {
        self.view.find(self.behind?, Worker::of_row).await
    }

    /// Why, and what can be done.
    async fn reason(&self) -> &str {
        "the workers of the cluster decide in another journal; let the servers share one with \
         --journal-url, or start the server with --adopt-journal if that journal is lost"
    }
}
