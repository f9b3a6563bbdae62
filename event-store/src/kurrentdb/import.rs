//! A log in KurrentDB that another log is copied into.
//!
//! Nothing keeps others out, but the next batch detects anything they append meanwhile.

use std::sync::Arc;

use async_trait::async_trait;
use domain::{CommandId, Position};
use tokio::sync::Mutex;

use super::KurrentDbEventStore;
use super::address::Address;
use super::appender::{Appender, Written};
use super::failure::Failure;
use super::link::Link;
use super::log::Log;
use super::record::Record;
use crate::error::OpenError;
use crate::import::{Import, ImportError, StoredBatch, StoredCommand};
use crate::port::EventStore;
use crate::stored::StoredEvent;

/// An event log in a stream of KurrentDB that is copied into.
pub struct KurrentDbImport {
    store: Arc<KurrentDbEventStore>,
    log: Arc<Log>,
    appender: Mutex<Appender>,
}

impl KurrentDbImport {
    /// Opens the log at `url`, which is made with the first event.
    ///
    /// # Errors
    /// The URL is not one of KurrentDB.
    pub fn open(url: &str) -> Result<Self, OpenError> {
        let address = Address::parse(url)?;
        let log = Arc::new(Log::new(&address.stream));
        Ok(Self {
            store: Arc::new(KurrentDbEventStore::open_read_only(url)?),
            appender: Mutex::new(Appender::new(Link::new(&address), Arc::clone(&log))),
            log,
        })
    }

    /// The record of `event`, whose command may have begun in an earlier batch.
    async fn record(
        &self,
        link: &Link,
        event: &StoredEvent,
        current: &mut Option<StoredCommand>,
        begun: &mut std::slice::Iter<'_, StoredCommand>,
    ) -> Result<Record, Failure> {
        let is_due = |next: &&StoredCommand| next.appended.first == event.position;
        if let Some(next) = begun.as_slice().first().filter(is_due) {
            *current = Some(*next);
            begun.next();
        }
        let known = current.filter(|command| command.id == event.command);
        let command = match known {
            Some(command) => command,
            None => self
                .begun_before(link, event.command)
                .await?
                .ok_or_else(|| Failure::Damaged {
                    position: event.position,
                    problem: "there is no record of its command".to_owned(),
                })?,
        };
        *current = Some(command);
        Ok(Record::stored(event.clone(), &command))
    }

    async fn begun_before(
        &self,
        link: &Link,
        id: CommandId,
    ) -> Result<Option<StoredCommand>, Failure> {
        let found = self.log.commands(link, &[id]).await?;
        let command = |(appended, fingerprint)| StoredCommand {
            id,
            fingerprint,
            appended,
        };
        Ok(found.into_iter().next().flatten().map(command))
    }
}

#[async_trait]
impl Import for KurrentDbImport {
    fn log(&self) -> Arc<dyn EventStore> {
        self.store.clone()
    }

    async fn import(&self, batch: &StoredBatch) -> Result<(), ImportError> {
        if batch.events.is_empty() {
            return Ok(());
        }
        let mut appender = self.appender.lock().await;
        self.log.refresh(appender.link()).await?;
        let expected = batch.after();
        let moved = |head: Position| ImportError::Moved { expected, head };
        let head = self.log.index().last();
        if head != expected {
            return Err(moved(head));
        }
        let (mut current, mut begun) = (None, batch.commands.iter());
        let mut records = Vec::with_capacity(batch.events.len());
        for event in &batch.events {
            let link = appender.link();
            records.push(self.record(link, event, &mut current, &mut begun).await?);
        }
        match appender.append(records).await? {
            Written::Done => Ok(()),
            Written::Conflict => Err(moved(self.log.index().last())),
        }
    }
}

impl From<Failure> for ImportError {
    fn from(failure: Failure) -> Self {
        Self::Unavailable(Box::new(failure))
    }
}
