//! The API without HTTP: GraphQL in, JSON out, for callers in the same process, within the same
//! limits as over a network.

use async_graphql::{Request, Response, Variables};
use futures_util::future::Either;
use futures_util::{Stream, StreamExt, stream};
use serde_json::Value;

use crate::control::Principal;
use crate::limits::{self, LARGEST_REQUEST};
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
        let request = request(document, variables)?;
        data(self.execute(request, principal).await)
    }

    /// Executes a subscription, and answers the data of each item.
    pub fn subscribe_json(
        &self,
        document: &str,
        variables: Value,
        principal: Principal,
    ) -> impl Stream<Item = Result<Value, LocalError>> + Send + use<> {
        let request = match request(document, variables) {
            Ok(request) => request,
            Err(refused) => return Either::Left(stream::iter([Err(refused)])),
        };
        let items = self.subscribe(request, principal);
        Either::Right(items.map(|(Item::Next(answer) | Item::Refused(answer))| data(answer)))
    }
}

fn request(document: &str, variables: Value) -> Result<Request, LocalError> {
    let bytes = document.len() + variables.to_string().len();
    if bytes > LARGEST_REQUEST {
        let text = format!("the request has more than {LARGEST_REQUEST} bytes");
        return Err(LocalError(text));
    }
    Ok(Request::new(document).variables(Variables::from_json(variables)))
}

fn data(response: Response) -> Result<Value, LocalError> {
    let response = limits::within_size(response);
    let errors: Vec<&str> = response.errors.iter().map(|e| e.message.as_str()).collect();
    if !errors.is_empty() {
        return Err(LocalError(errors.join("; ")));
    }
    response
        .data
        .into_json()
        .map_err(|error| LocalError(error.to_string()))
}
