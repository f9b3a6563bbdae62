//! One append after the other over one long call, each on the condition that nobody else appended.

use std::sync::Arc;
use std::time::Duration;

use domain::Position;
use kurrentdb::{BatchAppendClient, BatchAppendOptions, BatchWriteResult, EventData, StreamState};
use tokio::time::timeout;

use super::failure::Failure;
use super::link::Link;
use super::log::Log;
use super::record::Record;

/// How long the answer to an append may take. Only a server that went silent, or ended the
/// stream of answers without a word, takes longer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);

/// What KurrentDB calls a conflict.
const CONFLICT: &str = "WrongExpectedVersion";

pub(super) struct Appender {
    link: Link,
    log: Arc<Log>,
    /// `None` at first, and after a refused append.
    session: Option<BatchAppendClient>,
}

/// What became of an append.
pub(super) enum Written {
    Done,
    /// Others have appended.
    Conflict,
}

impl Appender {
    /// Appends over `link` what continues `log`.
    pub(super) fn new(link: Link, log: Arc<Log>) -> Self {
        Self {
            link,
            log,
            session: None,
        }
    }

    /// What it appends over.
    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    /// Appends `records`, of which there is one at least, all or none, and learns of it.
    pub(super) async fn append(&mut self, records: Vec<Record>) -> Result<Written, Failure> {
        let before = Position(records[0].stored.position.0 - 1);
        let last = records[records.len() - 1].stored.position;
        let state = match before {
            Position(0) => StreamState::NoStream,
            Position(last) => StreamState::StreamRevision(last - 1),
        };
        let events = records.iter().map(Record::event).collect();
        match self.send(state, events).await {
            Ok(written) => {
                let written = written.current_revision().map(|revision| revision + 1);
                if written == Some(last.0) {
                    self.log.take(records)?;
                } else {
                    self.log.refresh(&self.link).await?;
                }
                Ok(Written::Done)
            }
            Err(Failure::Database(kurrentdb::Error::Grpc { message, .. }))
                if message == CONFLICT =>
            {
                self.log.catch_up_beyond(&self.link, before).await?;
                Ok(Written::Conflict)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Sends one append and waits for its answer. After anything but success the session has ended,
    /// and what was sent may have been appended.
    async fn send(
        &mut self,
        state: StreamState,
        events: Vec<EventData>,
    ) -> Result<BatchWriteResult, Failure> {
        let linked = self.link.client()?;
        let session = self.session.take();
        let sending = async {
            let session = match session {
                Some(session) => session,
                None => {
                    let options = BatchAppendOptions::default().requires_leader(true);
                    linked.client.batch_append(&options).await?
                }
            };
            let stream = self.log.stream_name();
            let written = session.append_to_stream(stream, state, events).await?;
            Ok((session, written))
        };
        let sent = timeout(WRITE_TIMEOUT, sending).await;
        match sent.unwrap_or(Err(Failure::Silent(WRITE_TIMEOUT))) {
            Ok((session, written)) => {
                self.session = Some(session);
                Ok(written)
            }
            Err(failure) => {
                // Of a refusal, or of who leads the cluster, the client itself makes the best.
                let answered = matches!(
                    failure,
                    Failure::Database(
                        kurrentdb::Error::Grpc { .. } | kurrentdb::Error::NotLeaderException(_)
                    )
                );
                if !answered {
                    self.link.give_up(&linked);
                }
                Err(failure)
            }
        }
    }
}
