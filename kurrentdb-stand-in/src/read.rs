//! Reads of so many events, of one stream or of all.

use std::sync::Arc;

use tonic::Status;

use crate::database::{Database, Record};
use crate::filter::Filter;
use crate::id;
use crate::protocol::event_store::client::StreamIdentifier;
use crate::protocol::event_store::client::streams::ReadResp;
use crate::protocol::event_store::client::streams::read_req::Options;
use crate::protocol::event_store::client::streams::read_req::options::all_options::AllOption;
use crate::protocol::event_store::client::streams::read_req::options::stream_options::RevisionOption;
use crate::protocol::event_store::client::streams::read_req::options::uuid_option;
use crate::protocol::event_store::client::streams::read_req::options::{
    ReadDirection, StreamOption, StreamOptions,
};
use crate::protocol::event_store::client::streams::read_resp::read_event::{
    Position, RecordedEvent,
};
use crate::protocol::event_store::client::streams::read_resp::{
    Content, ReadEvent, StreamNotFound,
};

/// The parts of the answer to a read of at most `count` events.
pub(crate) fn counted(
    database: &Database,
    options: &Options,
    count: u64,
) -> Result<Vec<ReadResp>, Status> {
    let backwards = options.read_direction() == ReadDirection::Backwards;
    let (records, ends) = match &options.stream_option {
        Some(StreamOption::Stream(stream)) => of_stream(database, stream, backwards, count),
        Some(StreamOption::All(all)) => {
            let filter = Filter::of(options.filter_option.as_ref())?;
            let all = of_all(database, all.all_option.as_ref(), backwards, &filter);
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            (all.into_iter().take(count).collect(), Vec::new())
        }
        None => return Err(Status::invalid_argument("what to read is absent")),
    };
    let structured = is_structured(options);
    let events = records.iter().map(|record| event(record, structured));
    let says_ends = options
        .control_option
        .is_some_and(|control| control.compatibility >= 1);
    let ends = ends
        .into_iter()
        .filter(|end| says_ends || matches!(end, Content::StreamNotFound(_)));
    Ok(events.chain(ends.map(part)).collect())
}

/// The events of a stream, and what is said of its ends.
fn of_stream(
    database: &Database,
    options: &StreamOptions,
    backwards: bool,
    count: u64,
) -> (Vec<Arc<Record>>, Vec<Content>) {
    let stream = options.stream_identifier.clone().unwrap_or_default();
    let from = match options.revision_option {
        Some(RevisionOption::Revision(revision)) => Some(revision),
        Some(RevisionOption::End(_)) => None,
        Some(RevisionOption::Start(_)) | None => Some(0),
    };
    let found = if backwards {
        // From the first that is wanted to the one that it begins with.
        let length = database.stream(&stream.stream_name, 0, 0);
        length.and_then(|(_, length)| {
            let end = from.map_or(length, |from| length.min(from.saturating_add(1)));
            let first = end.saturating_sub(count);
            let found = database.stream(&stream.stream_name, first, end - first);
            found.map(|(records, length)| (records.into_iter().rev().collect(), length))
        })
    } else {
        let from = from.unwrap_or(u64::MAX);
        database.stream(&stream.stream_name, from, count)
    };
    let Some((records, length)) = found else {
        let not_found = StreamNotFound {
            stream_identifier: Some(stream),
        };
        return (Vec::new(), vec![Content::StreamNotFound(not_found)]);
    };
    let last = Content::LastStreamPosition(length.saturating_sub(1));
    (records, vec![last])
}

/// The records that `filter` takes, from a position on.
fn of_all(
    database: &Database,
    from: Option<&AllOption>,
    backwards: bool,
    filter: &Filter,
) -> Vec<Arc<Record>> {
    let index = match from {
        Some(AllOption::Position(position)) => database.before(position.commit_position),
        Some(AllOption::End(_)) => database.length(),
        Some(AllOption::Start(_)) | None => 0,
    };
    let mut records = if backwards {
        database.all(0, index)
    } else {
        database.all(index, usize::MAX)
    };
    if backwards {
        records.reverse();
    }
    records.retain(|record| filter.takes(record));
    records
}

/// Whether the client wants ids as two numbers.
pub(crate) fn is_structured(options: &Options) -> bool {
    let wanted = options.uuid_option.as_ref();
    let wanted = wanted.and_then(|option| option.content.as_ref());
    matches!(wanted, Some(uuid_option::Content::Structured(_)))
}

/// An event as a part of an answer.
pub(crate) fn event(record: &Record, structured: bool) -> ReadResp {
    part(Content::Event(ReadEvent {
        event: Some(RecordedEvent {
            id: Some(id::to_protocol(record.id, structured)),
            stream_identifier: Some(StreamIdentifier {
                stream_name: record.stream.clone(),
            }),
            stream_revision: record.revision,
            prepare_position: record.position,
            commit_position: record.position,
            metadata: record.event.metadata.clone(),
            custom_metadata: record.event.custom_metadata.clone(),
            data: record.event.data.clone(),
        }),
        link: None,
        position: Some(Position::CommitPosition(record.position)),
    }))
}

pub(crate) fn part(content: Content) -> ReadResp {
    ReadResp {
        content: Some(content),
    }
}
