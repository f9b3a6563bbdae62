//! Leases in KurrentDB: a stream for each beside that of the log, written on the condition that its
//! last event is the one that was read.
//!
//! The database has no clock that could be asked. Whoever wants a lease sees instead, by a clock that
//! nobody sets, that its stream stood still for a whole term.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::lease::{Answered, Entry, Epoch, Holder, LeaseStore, Leased, Record};
use kurrentdb::{
    AppendToStreamOptions, Error, EventData, ReadStreamOptions, StreamMetadataBuilder,
    StreamPosition, StreamState,
};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};

use super::address::Address;
use super::failure::Failure;
use super::link::{Link, Linked};
use crate::error::OpenError;
use crate::leases::unavailable;

/// What its events are called.
const TYPE: &str = "LeaseHeld";

/// Events that a stream keeps.
const KEPT: u64 = 8;

/// Shorter than what is left of a term after a renewal failed once.
const ANSWERED_WITHIN: Duration = Duration::from_secs(4);

pub(crate) struct KurrentDbLeases {
    link: Link,
    /// The stream of the log.
    log: String,
    /// The last record that was seen of a lease, by its revision, and since when.
    seen: Mutex<HashMap<Leased, (u64, Instant)>>,
}

/// The content of an event.
#[derive(Serialize, Deserialize)]
struct Content {
    #[serde(flatten)]
    holder: Holder,
    epoch: Epoch,
    term_us: u64,
}

impl KurrentDbLeases {
    /// The leases of the log at `url`, whose database need not be there yet.
    pub(crate) fn open(url: &str) -> Result<Self, OpenError> {
        let address = Address::parse(url)?;
        Ok(Self {
            link: Link::new(&address),
            log: address.stream,
            seen: Mutex::default(),
        })
    }

    fn stream(&self, leased: Leased) -> String {
        format!("{}-lease-{leased}", self.log)
    }

    async fn last(&self, leased: Leased) -> Result<Option<Record>, Failure> {
        let options = ReadStreamOptions::default()
            .position(StreamPosition::End)
            .backwards()
            .max_count(1)
            .requires_leader(true);
        let stream = self.stream(leased);
        let found = self
            .ask(async |linked| {
                let mut answer = linked.client.read_stream(stream, &options).await?;
                answer.next().await
            })
            .await;
        let event = match found {
            Ok(Some(event)) => event,
            Ok(None) | Err(Failure::Database(Error::ResourceNotFound)) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let event = event.get_original_event();
        let content: Content =
            serde_json::from_slice(&event.data).map_err(|error| Failure::Damaged {
                position: domain::Position(event.revision),
                problem: format!("the lease {leased} cannot be read: {error}"),
            })?;
        let stood = self.stood(leased, event.revision);
        let term = Duration::from_micros(content.term_us);
        Ok(Some(Record {
            holder: content.holder,
            epoch: content.epoch,
            version: event.revision + 1,
            remaining: term.saturating_sub(stood),
        }))
    }

    /// For how long this revision is known to be the last.
    fn stood(&self, leased: Leased, revision: u64) -> Duration {
        let now = Instant::now();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let since = seen.entry(leased).or_insert((revision, now));
        if since.0 != revision {
            *since = (revision, now);
        }
        now - since.1
    }

    async fn append(
        &self,
        leased: Leased,
        after: u64,
        entry: Entry,
    ) -> Result<Option<u64>, Failure> {
        let content = Content {
            holder: entry.holder,
            epoch: entry.epoch,
            term_us: u64::try_from(entry.term.as_micros()).unwrap_or(u64::MAX),
        };
        let event = EventData::json(TYPE, &content);
        let event = event.map_err(|error| Failure::Client(error.to_string()))?;
        let state = match after.checked_sub(1) {
            None => StreamState::NoStream,
            Some(last) => StreamState::StreamRevision(last),
        };
        let options = AppendToStreamOptions::default()
            .stream_state(state)
            .requires_leader(true);
        let stream = self.stream(leased);
        let appended = self
            .ask(async |linked| {
                linked
                    .client
                    .append_to_stream(stream, &options, event)
                    .await
            })
            .await;
        match appended {
            Ok(written) => {
                if after == 0 {
                    self.keep_few(leased).await;
                }
                Ok(Some(written.next_expected_version + 1))
            }
            Err(Failure::Database(Error::WrongExpectedVersion { .. })) => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Has the database forget all but the last events of a lease.
    async fn keep_few(&self, leased: Leased) {
        let metadata = StreamMetadataBuilder::new().max_count(KEPT).build();
        let options = AppendToStreamOptions::default();
        let stream = self.stream(leased);
        let set = self.ask(async |linked| {
            linked
                .client
                .set_stream_metadata(stream, &options, &metadata)
                .await
        });
        if let Err(failure) = set.await {
            let error = &failure as &dyn std::error::Error;
            tracing::warn!(%leased, error, "the stream of a lease will grow without bound");
        }
    }

    async fn ask<T>(
        &self,
        question: impl AsyncFnOnce(&Linked) -> kurrentdb::Result<T>,
    ) -> Result<T, Failure> {
        let linked = self.link.client()?;
        let answered = match timeout(ANSWERED_WITHIN, question(&linked)).await {
            Ok(answered) => answered.map_err(Failure::Database),
            Err(_) => Err(Failure::Silent(ANSWERED_WITHIN)),
        };
        let is_answer = matches!(
            answered,
            Ok(_)
                | Err(Failure::Database(
                    Error::ResourceNotFound | Error::WrongExpectedVersion { .. }
                ))
        );
        if !is_answer {
            self.link.give_up(&linked);
        }
        answered
    }
}

impl LeaseStore for KurrentDbLeases {
    fn read(&self, leased: Leased) -> Answered<'_, Option<Record>> {
        Box::pin(async move { self.last(leased).await.map_err(unavailable) })
    }

    fn replace(&self, leased: Leased, after: u64, entry: Entry) -> Answered<'_, Option<u64>> {
        Box::pin(async move { self.append(leased, after, entry).await.map_err(unavailable) })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kurrentdb_stand_in::StandIn;

    use super::*;
    use crate::leases::contract;

    /// One whose end can be awaited.
    const TERM: Duration = Duration::from_millis(100);

    #[tokio::test(flavor = "multi_thread")]
    async fn kurrentdb_holds_the_contract_of_leases() {
        let server = StandIn::start().await.unwrap();
        let url = server.url();
        contract::hold_with(
            TERM,
            &|| Box::pin(async { Arc::new(KurrentDbLeases::open(&url).unwrap()) as _ }),
            &|| Box::pin(async {}),
        )
        .await;
    }
}
