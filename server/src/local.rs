//! The worker's way to the control plane when both are in one process: the same GraphQL that a
//! remote worker speaks, without the network.

use api::{Principal, Schema};
use async_trait::async_trait;
use domain::{Actor, WorkerId};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use serde_json::Value;
use workers::{Transport, TransportError};

/// GraphQL in process, on behalf of a worker.
pub struct LocalTransport {
    schema: Schema,
    worker: WorkerId,
}

impl LocalTransport {
    /// A transport to `schema` for `worker`.
    #[must_use]
    pub fn new(schema: Schema, worker: WorkerId) -> Self {
        Self { schema, worker }
    }

    fn principal(&self) -> Principal {
        Principal {
            actor: Actor::Worker { id: self.worker },
            client_address: None,
        }
    }
}

#[async_trait]
impl Transport for LocalTransport {
    async fn execute(
        &self,
        document: &'static str,
        variables: Value,
    ) -> Result<Value, TransportError> {
        let answer = self
            .schema
            .execute_json(document, variables, self.principal());
        answer.await.map_err(failed)
    }

    fn subscribe(
        &self,
        document: &'static str,
        variables: Value,
    ) -> BoxStream<'static, Result<Value, TransportError>> {
        self.schema
            .subscribe_json(document, variables, self.principal())
            .map(|item| item.map_err(failed))
            .boxed()
    }
}

fn failed(error: api::LocalError) -> TransportError {
    TransportError::Failed(error.to_string())
}
