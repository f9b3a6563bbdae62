//! The API without HTTP: GraphQL in, JSON out, for callers in the same process.

use async_graphql::{Request, Response, Variables};
use futures_util::{Stream, StreamExt};
use serde_json::Value;

use crate::control::Principal;
use crate::schema::{Item, Schema};

/// The errors of an answer, as one text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LocalError(String);

impl Schema {
    /// Executes a query or a mutation, and answers its data.
    ///
    /// # Errors
    /// The answer has errors.
    pub async fn execute_json(
        &self,
        document: &str,
        variables: Value,
        principal: Principal,
    ) -> Result<Value, LocalError> {
        data(self.execute(request(document, variables), principal).await)
    }

    /// Executes a subscription, and answers the data of each item.
    pub fn subscribe_json(
        &self,
        document: &str,
        variables: Value,
        principal: Principal,
    ) -> impl Stream<Item = Result<Value, LocalError>> + Send + use<> {
        let items = self.subscribe(request(document, variables), principal);
        items.map(|(Item::Next(answer) | Item::Refused(answer))| data(answer))
    }
}

fn request(document: &str, variables: Value) -> Request {
    Request::new(document).variables(Variables::from_json(variables))
}

fn data(response: Response) -> Result<Value, LocalError> {
    let errors: Vec<&str> = response.errors.iter().map(|e| e.message.as_str()).collect();
    if !errors.is_empty() {
        return Err(LocalError(errors.join("; ")));
    }
    response
        .data
        .into_json()
        .map_err(|error| LocalError(error.to_string()))
}
