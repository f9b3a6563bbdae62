//! The worker type.

use async_graphql::{ID, Object};

use crate::id::GlobalId;
use crate::scalar::DateTime;
use crate::view::View;

pub struct Worker(projections::worker::Worker);

impl Worker {
    pub(crate) fn of_row(row: projections::worker::Worker, _view: View) -> Self {
        Self(row)
    }
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
}
