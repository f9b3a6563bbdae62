//! What a request may ask for at most, found out before anything of it is executed.
//!
//! The values, and what they were measured against, are in `docs/adr/0020-limits-of-a-request.md`.

mod answer;
mod text;
mod types;
mod walk;

use std::time::Duration;

use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{Request, Response, ServerError, Variables};
use tokio::time::timeout;

pub use answer::within_size;
pub(crate) use answer::{LONGEST as LONGEST_ANSWER, bounded};
pub(crate) use walk::{DEEPEST, MOST_ALIASES, MOST_COSTLY, MOST_ROOTS, MOST_SELECTIONS};

use crate::absent::chosen;
use crate::error::{Code, error};
use crate::order::FieldOrder;
use types::Types;
use walk::Walk;

/// The largest request, in bytes: its document with its variables.
pub const LARGEST_REQUEST: usize = 128 * 1024;

/// The most operations of a document, of which one is executed. GraphiQL sends all that its
/// editor holds.
const MOST_OPERATIONS: usize = 10;

/// The most fragments of a document.
const MOST_FRAGMENTS: usize = 100;

/// The most variables, declared or given.
const MOST_VARIABLES: usize = 50;

/// How long a query may take.
const QUERY_PATIENCE: Duration = Duration::from_secs(10);

/// How long a mutation may take. It may wait for a worker that looks at a broker, then for the log,
/// then for the read models, each with a deadline of its own that says more than this one.
const MUTATION_PATIENCE: Duration = Duration::from_secs(45);

/// The limits of one schema.
#[derive(Debug)]
pub(crate) struct Limits {
    types: Types,
}

/// A request within the limits.
pub(crate) struct Admitted {
    pub(crate) request: Request,
    /// What would be executed.
    pub(crate) kind: OperationType,
    /// The order that the answer's fields are to have.
    pub(crate) order: FieldOrder,
}

impl Limits {
    /// The limits of the schema that `sdl` describes.
    pub(crate) fn new(sdl: &str) -> Self {
        Self {
            types: Types::of(sdl),
        }
    }

    /// Lets a request pass, parsed, or answers why not.
    pub(crate) fn admit(&self, mut request: Request) -> Result<Admitted, Box<Response>> {
        match self.look_at(&mut request) {
            Ok((kind, order)) => Ok(Admitted {
                request,
                kind,
                order,
            }),
            Err(refusal) => Err(Box::new(bounded(Response::from_errors(vec![refusal])))),
        }
    }

    fn look_at(&self, request: &mut Request) -> Result<(OperationType, FieldOrder), ServerError> {
        text::check(&request.query).map_err(too_complex)?;
        let variables = std::mem::take(&mut request.variables);
        // Some clients send an empty name for none.
        request.operation_name.take_if(|name| name.is_empty());
        let name = request.operation_name.clone();
        let document = request.parsed_query()?;
        let looked_at = self.look_through(document, &variables);
        let chosen = looked_at.map(|()| {
            chosen(document, name.as_deref())
                .map(|chosen| {
                    (
                        chosen.ty,
                        FieldOrder::of(&chosen.selection_set.node, document),
                    )
                })
                // Nothing would be executed, and the library says why.
                .unwrap_or((OperationType::Query, FieldOrder::default()))
        });
        request.variables = variables;
        chosen.map_err(too_complex)
    }

    /// Looks at every operation: the library validates all of them, whichever is executed.
    fn look_through(
        &self,
        document: &ExecutableDocument,
        variables: &Variables,
    ) -> Result<(), String> {
        at_most(
            "operations",
            document.operations.iter().count(),
            MOST_OPERATIONS,
        )?;
        at_most("fragments", document.fragments.len(), MOST_FRAGMENTS)?;
        at_most("variables", variables.len(), MOST_VARIABLES)?;
        for (_, operation) in document.operations.iter() {
            let declared = operation.node.variable_definitions.len();
            at_most("variables", declared, MOST_VARIABLES)?;
        }
        Walk::new(document, &self.types, variables).all()
    }
}

fn at_most(what: &str, count: usize, most: usize) -> Result<(), String> {
    if count <= most {
        return Ok(());
    }
    Err(format!("more than {most} {what}"))
}

fn too_complex(text: String) -> ServerError {
    server_error(Code::TooComplex, text)
}

fn server_error(code: Code, text: String) -> ServerError {
    let error = error(code, text);
    ServerError {
        extensions: error.extensions,
        ..ServerError::new(error.message, None)
    }
}

/// The answer to what is no subscription where only those are.
pub(crate) fn only_subscriptions() -> Response {
    let text = "only subscriptions are accepted here; send other operations by POST".to_owned();
    Response::from_errors(vec![server_error(Code::InvalidArgument, text)])
}

/// The answer of `work`; when it takes too long, it is dropped where it is.
pub(crate) async fn in_time(kind: OperationType, work: impl Future<Output = Response>) -> Response {
    let (patience, advice) = match kind {
        OperationType::Mutation => (
            MUTATION_PATIENCE,
            "the mutation may have taken effect; send it again with the same idempotencyKey",
        ),
        _ => (QUERY_PATIENCE, "ask for less, or try again"),
    };
    match timeout(patience, work).await {
        Ok(response) => response,
        Err(_) => {
            let seconds = patience.as_secs();
            let text = format!("no answer within {seconds} s; {advice}");
            Response::from_errors(vec![server_error(Code::Unavailable, text)])
        }
    }
}

#[cfg(test)]
mod tests;
