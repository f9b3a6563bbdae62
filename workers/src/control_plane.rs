//! The control plane as a worker sees it: GraphQL documents over a transport.

pub(crate) mod frame;

use std::sync::Arc;

use async_trait::async_trait;
use brokers::{Backlog, TopicInfo};
use domain::worker::PROTOCOL_VERSION;
use domain::{AlgorithmId, Ids, JournalId, ListenerId, Version, WorkerId};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::frame::{Assignments, VersionOutputs, WorkerRequest};

const WORKER_JOIN: &str = include_str!("control_plane/worker_join.graphql");
const WORKER_LEAVE: &str = include_str!("control_plane/worker_leave.graphql");
const CONSUMER_REPORT: &str = include_str!("control_plane/consumer_report.graphql");
const WORKER_ANSWER: &str = include_str!("control_plane/worker_answer.graphql");
const ASSIGNMENTS: &str = include_str!("control_plane/assignments.graphql");
const OUTPUTS: &str = include_str!("control_plane/outputs.graphql");
const WORKER_REQUESTS: &str = include_str!("control_plane/worker_requests.graphql");

/// The bytes of a part of an answer, and what a topic takes beside its name. A request may have
/// 128 KiB.
const PART_BYTES: usize = 64 * 1024;
const TOPIC_BYTES: usize = 40;

/// Why a document was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The control plane could not be reached, or the connection broke.
    #[error("the control plane is unavailable: {0}")]
    Unavailable(String),
    /// It answered GraphQL errors.
    #[error("the control plane answered errors: {0}")]
    Failed(String),
}

/// Carries GraphQL documents to the control plane.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Executes a query or a mutation; answers its `data` object.
    async fn execute(
        &self,
        document: &'static str,
        variables: Value,
    ) -> Result<Value, TransportError>;

    /// Follows a subscription; each item is a `data` object. After an error or the end of the
    /// stream the worker subscribes again.
    fn subscribe(
        &self,
        document: &'static str,
        variables: Value,
    ) -> BoxStream<'static, Result<Value, TransportError>>;
}

/// Why a call did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// It will be refused again.
    #[error("the control plane refused: {0}")]
    Refused(String),
    #[error("the control plane's answer cannot be read")]
    Unreadable(#[source] serde_json::Error),
}

/// What a request found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Topics(Vec<TopicInfo>),
    Backlog(Backlog),
}

/// What became of a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    Started,
    Stopped,
    Failed(String),
    Blocked(String),
    Unblocked,
}

/// The control plane, for one worker.
#[derive(Clone)]
pub(crate) struct ControlPlane {
    transport: Arc<dyn Transport>,
    worker: WorkerId,
    ids: Arc<dyn Ids>,
}

impl ControlPlane {
    pub(crate) fn new(transport: Arc<dyn Transport>, worker: WorkerId, ids: Arc<dyn Ids>) -> Self {
        Self {
            transport,
            worker,
            ids,
        }
    }

    /// A fresh idempotency key: the same one for every try of a call.
    pub(crate) fn key(&self) -> String {
        self.ids.next().to_string()
    }

    pub(crate) async fn join(&self, journal: JournalId, key: &str) -> Result<(), CallError> {
        let input = json!({
            "workerId": self.worker, "protocolVersion": PROTOCOL_VERSION, "journalId": journal,
            "idempotencyKey": key,
        });
        self.mutate(WORKER_JOIN, "workerJoin", input).await
    }

    pub(crate) async fn leave(&self, key: &str) -> Result<(), CallError> {
        let input = json!({ "workerId": self.worker, "idempotencyKey": key });
        self.mutate(WORKER_LEAVE, "workerLeave", input).await
    }

    pub(crate) async fn report(
        &self,
        listener: &ListenerId,
        report: &Report,
        key: &str,
    ) -> Result<(), CallError> {
        let (word, text) = match report {
            Report::Started => ("STARTED", None),
            Report::Stopped => ("STOPPED", None),
            Report::Failed(error) => ("FAILED", Some(error)),
            Report::Blocked(reason) => ("BLOCKED", Some(reason)),
            Report::Unblocked => ("UNBLOCKED", None),
        };
        let input = json!({
            "workerId": self.worker, "listener": listener, "report": word, "text": text,
            "idempotencyKey": key,
        });
        self.mutate(CONSUMER_REPORT, "consumerReport", input).await
    }

    /// Answers a request with what was found, or why nothing was.
    pub(crate) async fn answer(
        &self,
        request: &WorkerRequest,
        found: Result<Found, String>,
    ) -> Result<(), CallError> {
        match found {
            Ok(Found::Topics(topics)) => self.answer_topics(request, &topics).await,
            Ok(Found::Backlog(backlog)) => {
                let backlog = json!({ "backlog": {
                    "hasPosition": backlog.has_position,
                    "waiting": backlog.waiting.to_string(),
                } });
                self.answer_part(request, backlog).await
            }
            Err(reason) => {
                let failed = json!({ "failed": reason });
                self.answer_part(request, failed).await
            }
        }
    }

    /// Answers with topics, in as many parts as it takes.
    async fn answer_topics(
        &self,
        request: &WorkerRequest,
        topics: &[TopicInfo],
    ) -> Result<(), CallError> {
        let mut left = topics;
        loop {
            let (part, rest) = left.split_at(how_many_fit(left));
            let part: Vec<_> = part
                .iter()
                .map(|topic| json!({ "name": topic.name, "partitions": topic.partitions }))
                .collect();
            let more = !rest.is_empty();
            let listed = json!({ "topics": { "topics": part, "more": more } });
            self.answer_part(request, listed).await?;
            if !more {
                return Ok(());
            }
            left = rest;
        }
    }

    async fn answer_part(&self, request: &WorkerRequest, answer: Value) -> Result<(), CallError> {
        let input = json!({
            "workerId": self.worker, "requestId": request.request_id, "secret": request.secret,
            "answer": answer,
        });
        self.mutate(WORKER_ANSWER, "workerAnswer", input).await
    }

    /// What is assigned, from after `after` on; from none: everything.
    pub(crate) fn assignments(
        &self,
        after: Option<&str>,
    ) -> BoxStream<'static, Result<Assignments, CallError>> {
        let variables = json!({ "workerId": self.worker, "after": after });
        self.follow(ASSIGNMENTS, "assignments", variables)
    }

    pub(crate) fn requests(&self) -> BoxStream<'static, Result<WorkerRequest, CallError>> {
        let variables = json!({ "workerId": self.worker });
        self.follow(WORKER_REQUESTS, "workerRequests", variables)
    }

    /// Where results of a version go now.
    pub(crate) async fn outputs(
        &self,
        algorithm: &AlgorithmId,
        version: &Version,
    ) -> Result<VersionOutputs, CallError> {
        let variables = json!({ "algorithm": algorithm, "version": version });
        read(self.transport.execute(OUTPUTS, variables).await?, "outputs")
    }

    async fn mutate(
        &self,
        document: &'static str,
        field: &'static str,
        input: Value,
    ) -> Result<(), CallError> {
        let variables = json!({ "input": input });
        let data = self.transport.execute(document, variables).await?;
        let payload: Payload = read(data, field)?;
        let Some(error) = payload.user_errors.first() else {
            return Ok(());
        };
        Err(CallError::Refused(format!(
            "{}: {}",
            error.code, error.message
        )))
    }

    fn follow<T: DeserializeOwned + Send + 'static>(
        &self,
        document: &'static str,
        field: &'static str,
        variables: Value,
    ) -> BoxStream<'static, Result<T, CallError>> {
        let items = self.transport.subscribe(document, variables);
        items.map(move |item| read(item?, field)).boxed()
    }
}

/// How many of the topics a part takes, at least one where there is any.
fn how_many_fit(topics: &[TopicInfo]) -> usize {
    let mut bytes = 0;
    let fitting = topics.iter().take_while(|topic| {
        bytes += topic.name.len() + TOPIC_BYTES;
        bytes <= PART_BYTES
    });
    fitting.count().max(1).min(topics.len())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    user_errors: Vec<UserError>,
}

#[derive(Deserialize)]
struct UserError {
    code: String,
    message: String,
}

fn read<T: DeserializeOwned>(mut data: Value, field: &str) -> Result<T, CallError> {
    T::deserialize(data[field].take()).map_err(CallError::Unreadable)
}

#[cfg(test)]
mod tests {
    use domain::broker::BrokerSettings;
    use serde_json::json;

    use super::frame::tests::assignment;
    use super::*;

    #[test]
    fn assignments_are_read_as_the_control_plane_writes_them() {
        let assigned = assignment();
        let listener = &assigned.listener;
        let settings = json!({ "kind": "KAFKA", "bootstrap_servers": ["a:9092"],
            "security": "PLAINTEXT" });
        let data = json!({ "assignments": { "position": "17", "complete": true,
            "brokers": [{ "broker": listener.topic.broker, "settings": settings,
                "replaces": [listener.topic.broker] }],
            "changes": [
                { "listener": listener, "assignment": assigned },
                { "listener": listener, "assignment": null },
            ],
        }});
        let item: Assignments = read(data, "assignments").unwrap();
        assert!(matches!(
            item.brokers[0].settings,
            BrokerSettings::Kafka { .. }
        ));
        assert_eq!(item.changes[0].assignment.as_ref(), Some(&assigned));
        assert_eq!(item.changes[1].assignment, None);
    }
}
