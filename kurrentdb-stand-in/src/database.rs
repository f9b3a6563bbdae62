//! Events in the order they were appended, and by stream; in memory, and in a file if there is one.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use prost::Message;
use tokio::sync::watch;
use uuid::Uuid;

use crate::id;
use crate::protocol::event_store::client::StreamIdentifier;
use crate::protocol::event_store::client::streams::BatchAppendReq;
use crate::protocol::event_store::client::streams::batch_append_req::{Options, ProposedMessage};

/// What a record takes in the log beside its bytes; only makes positions have gaps, as they do.
const RECORD_OVERHEAD: u64 = 74;

/// An event as it is stored.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) stream: Vec<u8>,
    pub(crate) revision: u64,
    /// In the order of all streams, with gaps.
    pub(crate) position: u64,
    pub(crate) id: Uuid,
    pub(crate) event: ProposedMessage,
}

/// What a client believes about a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Any,
    NoStream,
    StreamExists,
    Revision(u64),
}

/// Where the last event of an append stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) revision: u64,
    pub(crate) position: u64,
}

/// Why an append did nothing.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The stream's last revision, where it has events.
    WrongExpectedVersion {
        actual: Option<u64>,
    },
    File(io::Error),
}

/// All events.
pub(crate) struct Database {
    events: Mutex<Events>,
    /// How many records there are.
    length: watch::Sender<usize>,
}

#[derive(Default)]
struct Events {
    records: Vec<Arc<Record>>,
    /// Where the events of each stream are among the records.
    streams: HashMap<Vec<u8>, Vec<usize>>,
    end: u64,
    file: Option<File>,
}

impl Database {
    /// What `file` holds, or nothing. An append that was not written to its end is cut off.
    pub(crate) fn open(file: Option<&Path>) -> io::Result<Self> {
        let mut events = Events::default();
        if let Some(path) = file {
            let mut file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .read(true)
                .write(true)
                .open(path)?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            let whole = events.load(&bytes);
            file.set_len(whole as u64)?;
            let mut file = OpenOptions::new().append(true).open(path)?;
            file.flush()?;
            events.file = Some(file);
        }
        let (length, _) = watch::channel(events.records.len());
        Ok(Self {
            events: Mutex::new(events),
            length,
        })
    }

    /// Appends `proposed` to `stream`, all or nothing. The same events under the same expectation
    /// are appended once, and answered as the first time.
    pub(crate) fn append(
        &self,
        stream: &[u8],
        expected: Expected,
        mut proposed: Vec<ProposedMessage>,
    ) -> Result<Written, Refused> {
        let mut events = self.events();
        let length = events.revisions(stream).len() as u64;
        let ids = ids(&proposed);
        let actual = length.checked_sub(1);
        let first = match expected {
            Expected::NoStream => 0,
            Expected::Revision(revision) => revision.saturating_add(1),
            Expected::StreamExists if length == 0 => {
                return Err(Refused::WrongExpectedVersion { actual });
            }
            Expected::Any | Expected::StreamExists => events.first_of(stream, &ids),
        };
        if first < length {
            return events
                .same(stream, first, &ids)
                .ok_or(Refused::WrongExpectedVersion { actual });
        }
        if first > length {
            return Err(Refused::WrongExpectedVersion { actual });
        }
        let created = now_ticks().to_string();
        for event in &mut proposed {
            event.metadata.insert("created".to_owned(), created.clone());
        }
        let request = BatchAppendReq {
            options: Some(Options {
                stream_identifier: Some(StreamIdentifier {
                    stream_name: stream.to_vec(),
                }),
                ..Options::default()
            }),
            proposed_messages: proposed,
            is_final: true,
            ..BatchAppendReq::default()
        };
        if let Some(file) = &mut events.file {
            let bytes = request.encode_length_delimited_to_vec();
            file.write_all(&bytes).map_err(Refused::File)?;
            file.sync_data().map_err(Refused::File)?;
        }
        let written = events.take(request);
        self.length.send_replace(events.records.len());
        Ok(written)
    }

    /// The events of `stream` with revisions from `from` on, at most `limit`, and its length.
    /// `None` where there is no such stream.
    pub(crate) fn stream(
        &self,
        stream: &[u8],
        from: u64,
        limit: u64,
    ) -> Option<(Vec<Arc<Record>>, u64)> {
        let events = self.events();
        let revisions = events.streams.get(stream)?;
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let found = revisions.iter().skip(from).take(limit);
        let found = found.map(|index| Arc::clone(&events.records[*index]));
        Some((found.collect(), revisions.len() as u64))
    }

    /// The records from the one at `index` on, at most `limit`.
    pub(crate) fn all(&self, index: usize, limit: usize) -> Vec<Arc<Record>> {
        let events = self.events();
        let records = events.records.iter().skip(index).take(limit);
        records.cloned().collect()
    }

    /// How many records stand before `position`.
    pub(crate) fn before(&self, position: u64) -> usize {
        let events = self.events();
        events
            .records
            .partition_point(|record| record.position < position)
    }

    pub(crate) fn length(&self) -> usize {
        *self.length.borrow()
    }

    /// How many records there are, and whenever that changes.
    pub(crate) fn lengths(&self) -> watch::Receiver<usize> {
        self.length.subscribe()
    }

    fn events(&self) -> MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Events {
    /// Takes the appends that `bytes` hold, and tells how many bytes they are.
    fn load(&mut self, bytes: &[u8]) -> usize {
        let mut rest = bytes;
        loop {
            let before = rest;
            match BatchAppendReq::decode_length_delimited(&mut rest) {
                Ok(request) if request.is_final => {
                    self.take(request);
                }
                _ => return bytes.len() - before.len(),
            }
        }
    }

    fn revisions(&self, stream: &[u8]) -> &[usize] {
        self.streams.get(stream).map_or(&[], Vec::as_slice)
    }

    /// The revision of the first of `ids` in `stream`, or the one that comes next.
    fn first_of(&self, stream: &[u8], ids: &[Uuid]) -> u64 {
        let revisions = self.revisions(stream);
        let is_first = |index: &usize| Some(&self.records[*index].id) == ids.first();
        let found = revisions.iter().position(is_first);
        found.unwrap_or(revisions.len()) as u64
    }

    /// The end of the events from revision `first` on, where they are those with `ids`.
    fn same(&self, stream: &[u8], first: u64, ids: &[Uuid]) -> Option<Written> {
        let first = usize::try_from(first).ok()?;
        let there = self
            .revisions(stream)
            .get(first..first.checked_add(ids.len())?)?;
        let same = there.iter().map(|index| self.records[*index].id);
        if !same.eq(ids.iter().copied()) {
            return None;
        }
        let last = &self.records[*there.last()?];
        Some(Written {
            revision: last.revision,
            position: last.position,
        })
    }

    /// Appends what was decided to be appended.
    fn take(&mut self, request: BatchAppendReq) -> Written {
        let stream = request
            .options
            .and_then(|options| options.stream_identifier);
        let stream = stream.unwrap_or_default().stream_name;
        let revisions = self.streams.entry(stream.clone()).or_default();
        for event in request.proposed_messages {
            let bytes = event.data.len() + event.custom_metadata.len() + stream.len();
            let record = Record {
                stream: stream.clone(),
                revision: revisions.len() as u64,
                position: self.end,
                id: id::from_protocol(event.id.as_ref()).unwrap_or_default(),
                event,
            };
            self.end += RECORD_OVERHEAD + bytes as u64;
            revisions.push(self.records.len());
            self.records.push(Arc::new(record));
        }
        Written {
            revision: (revisions.len() as u64).saturating_sub(1),
            position: self.records.last().map_or(0, |last| last.position),
        }
    }
}

fn ids(proposed: &[ProposedMessage]) -> Vec<Uuid> {
    let id = |event: &ProposedMessage| id::from_protocol(event.id.as_ref()).unwrap_or_default();
    proposed.iter().map(id).collect()
}

/// 100 ns since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "a server of its own, with the machine's time as any"
)]
fn now_ticks() -> u128 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos() / 100)
}

#[cfg(test)]
mod tests;
