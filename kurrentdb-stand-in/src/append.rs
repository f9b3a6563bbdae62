//! The two ways of appending: one append for each call, and many over one call.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::stream::{self, Stream};
use prost::Message;
use prost_types::Any;
use tonic::{Code, Status, Streaming};
use uuid::Uuid;

use crate::database::{Database, Expected, Refused, Written};
use crate::faults::Faults;
use crate::id;
use crate::protocol::event_store::client::streams::append_req::options::ExpectedStreamRevision;
use crate::protocol::event_store::client::streams::append_req::{Content, Options};
use crate::protocol::event_store::client::streams::append_resp::success::{
    CurrentRevisionOption, PositionOption,
};
use crate::protocol::event_store::client::streams::append_resp::wrong_expected_version::{
    CurrentRevisionOption as ActualRevision, ExpectedRevisionOption,
};
use crate::protocol::event_store::client::streams::append_resp::{
    self, Position, Success, WrongExpectedVersion,
};
use crate::protocol::event_store::client::streams::batch_append_req::options::ExpectedStreamPosition;
use crate::protocol::event_store::client::streams::batch_append_req::{
    Options as BatchOptions, ProposedMessage,
};
use crate::protocol::event_store::client::streams::batch_append_resp::{self, success};
use crate::protocol::event_store::client::streams::{
    AppendReq, AppendResp, BatchAppendReq, BatchAppendResp,
};
use crate::protocol::event_store::client::wrong_expected_version::{
    CurrentStreamRevisionOption, ExpectedStreamPositionOption,
};
use crate::protocol::event_store::client::{self, AllStreamPosition};
use crate::protocol::google::rpc;

/// Answers one call of `Append`.
pub(crate) async fn append(
    database: &Database,
    mut request: Streaming<AppendReq>,
) -> Result<AppendResp, Status> {
    let mut options = Options::default();
    let mut proposed = Vec::new();
    while let Some(part) = request.message().await? {
        match part.content {
            Some(Content::Options(sent)) => options = sent,
            Some(Content::ProposedMessage(event)) => proposed.push(ProposedMessage {
                id: event.id,
                metadata: event.metadata,
                custom_metadata: event.custom_metadata,
                data: event.data,
            }),
            None => return Err(Status::invalid_argument("a part of an append is empty")),
        }
    }
    let expected = match options.expected_stream_revision {
        Some(ExpectedStreamRevision::Revision(revision)) => Expected::Revision(revision),
        Some(ExpectedStreamRevision::NoStream(_)) => Expected::NoStream,
        Some(ExpectedStreamRevision::StreamExists(_)) => Expected::StreamExists,
        Some(ExpectedStreamRevision::Any(_)) => Expected::Any,
        None => return Err(Status::invalid_argument("what is expected is absent")),
    };
    let stream = options.stream_identifier.unwrap_or_default().stream_name;
    check(&proposed)?;
    let result = match database.append(&stream, expected, proposed) {
        Ok(written) => append_resp::Result::Success(Success {
            current_revision_option: Some(CurrentRevisionOption::CurrentRevision(written.revision)),
            position_option: Some(PositionOption::Position(Position {
                commit_position: written.position,
                prepare_position: written.position,
            })),
        }),
        Err(Refused::WrongExpectedVersion { actual }) => {
            append_resp::Result::WrongExpectedVersion(wrong_expected_version(expected, actual))
        }
        Err(Refused::File(error)) => return Err(Status::unavailable(error.to_string())),
    };
    Ok(AppendResp {
        result: Some(result),
    })
}

/// Ids are what makes an append idempotent, and clients read the type of an event without asking.
fn check(proposed: &[ProposedMessage]) -> Result<(), Status> {
    for event in proposed {
        id::from_protocol(event.id.as_ref())?;
        for key in ["type", "content-type"] {
            if !event.metadata.contains_key(key) {
                return Err(Status::invalid_argument(format!("an event has no {key}")));
            }
        }
    }
    Ok(())
}

fn wrong_expected_version(expected: Expected, actual: Option<u64>) -> WrongExpectedVersion {
    let nothing = client::Empty {};
    WrongExpectedVersion {
        current_revision_option: Some(actual.map_or(
            ActualRevision::CurrentNoStream(nothing),
            ActualRevision::CurrentRevision,
        )),
        expected_revision_option: Some(match expected {
            Expected::Any => ExpectedRevisionOption::ExpectedAny(nothing),
            Expected::NoStream => ExpectedRevisionOption::ExpectedNoStream(nothing),
            Expected::StreamExists => ExpectedRevisionOption::ExpectedStreamExists(nothing),
            Expected::Revision(revision) => ExpectedRevisionOption::ExpectedRevision(revision),
        }),
        ..WrongExpectedVersion::default()
    }
}

/// The appends of one call of `BatchAppend`.
pub(crate) struct Batches {
    database: Arc<Database>,
    faults: Arc<Faults>,
    /// Appends of which parts have come.
    parts: HashMap<Uuid, (BatchOptions, Vec<ProposedMessage>)>,
}

impl Batches {
    pub(crate) fn new(database: Arc<Database>, faults: Arc<Faults>) -> Self {
        Self {
            database,
            faults,
            parts: HashMap::new(),
        }
    }

    /// An answer for each append of `requests`, whether it was done or not.
    pub(crate) fn answers(
        self,
        requests: Streaming<BatchAppendReq>,
    ) -> impl Stream<Item = Result<BatchAppendResp, Status>> + Send + 'static {
        stream::unfold((self, requests), |(mut batches, mut requests)| async {
            loop {
                let answer = match requests.message().await {
                    Ok(Some(request)) => batches.answer(request).await,
                    Ok(None) | Err(_) => return None,
                };
                if let Some(answer) = answer.transpose() {
                    return Some((answer, (batches, requests)));
                }
            }
        })
    }

    /// The answer to `request`, where it is the last part of an append.
    async fn answer(&mut self, request: BatchAppendReq) -> Result<Option<BatchAppendResp>, Status> {
        self.faults.request().await;
        let correlation = id::from_protocol(request.correlation_id.as_ref())?;
        let parts = self.parts.entry(correlation).or_default();
        if let Some(options) = request.options {
            parts.0 = options;
        }
        parts.1.extend(request.proposed_messages);
        if !request.is_final {
            return Ok(None);
        }
        let (options, proposed) = self.parts.remove(&correlation).unwrap_or_default();
        let stream = options.stream_identifier.clone();
        let result = self.append(options, proposed);
        if self.faults.loses_answer() {
            self.faults.break_connections();
            return Err(Status::unavailable("this answer is lost"));
        }
        Ok(Some(BatchAppendResp {
            correlation_id: request.correlation_id,
            result: Some(result),
            stream_identifier: stream,
            expected_stream_position: None,
        }))
    }

    fn append(
        &self,
        options: BatchOptions,
        proposed: Vec<ProposedMessage>,
    ) -> batch_append_resp::Result {
        let expected = match options.expected_stream_position {
            Some(ExpectedStreamPosition::StreamPosition(revision)) => Expected::Revision(revision),
            Some(ExpectedStreamPosition::NoStream(())) => Expected::NoStream,
            Some(ExpectedStreamPosition::StreamExists(())) => Expected::StreamExists,
            Some(ExpectedStreamPosition::Any(())) => Expected::Any,
            None => return refused(Code::InvalidArgument, "BadRequest", None),
        };
        if let Err(status) = check(&proposed) {
            return refused(status.code(), status.message(), None);
        }
        let bytes = proposed.iter().map(|event| event.data.len());
        if self.faults.refuses(bytes.sum()) {
            return refused(Code::InvalidArgument, "MaximumAppendSizeExceeded", None);
        }
        let stream = options.stream_identifier.unwrap_or_default().stream_name;
        match self.database.append(&stream, expected, proposed) {
            Ok(Written { revision, position }) => {
                batch_append_resp::Result::Success(batch_append_resp::Success {
                    current_revision_option: Some(success::CurrentRevisionOption::CurrentRevision(
                        revision,
                    )),
                    position_option: Some(success::PositionOption::Position(AllStreamPosition {
                        commit_position: position,
                        prepare_position: position,
                    })),
                })
            }
            Err(Refused::WrongExpectedVersion { actual }) => refused(
                Code::AlreadyExists,
                "WrongExpectedVersion",
                Some(details(expected, actual)),
            ),
            Err(Refused::File(error)) => refused(Code::Unavailable, &error.to_string(), None),
        }
    }
}

fn refused(code: Code, message: &str, details: Option<Any>) -> batch_append_resp::Result {
    batch_append_resp::Result::Error(rpc::Status {
        code: code.into(),
        message: message.to_owned(),
        details,
    })
}

fn details(expected: Expected, actual: Option<u64>) -> Any {
    let wrong = client::WrongExpectedVersion {
        current_stream_revision_option: Some(actual.map_or(
            CurrentStreamRevisionOption::CurrentNoStream(()),
            CurrentStreamRevisionOption::CurrentStreamRevision,
        )),
        expected_stream_position_option: Some(match expected {
            Expected::Any => ExpectedStreamPositionOption::ExpectedAny(()),
            Expected::NoStream => ExpectedStreamPositionOption::ExpectedNoStream(()),
            Expected::StreamExists => ExpectedStreamPositionOption::ExpectedStreamExists(()),
            Expected::Revision(revision) => {
                ExpectedStreamPositionOption::ExpectedStreamPosition(revision)
            }
        }),
    };
    Any {
        type_url: "type.googleapis.com/event_store.client.WrongExpectedVersion".to_owned(),
        value: wrong.encode_to_vec(),
    }
}
