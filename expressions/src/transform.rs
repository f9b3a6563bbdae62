//! What is sent in place of a message, and published in place of an answer.

use bytes::Bytes;
use cel::common::types::CelBytes;

use crate::failure::Failure;
use crate::message::{Answer, Message};
use crate::names::Scope;
use crate::problem::Problem;
use crate::program::Program;
use crate::variables::Variables;
use crate::write;

/// An expression that makes of a message what is sent to an endpoint.
#[derive(Debug)]
pub struct RequestTransform(Program);

/// An expression that makes of an endpoint's answer what is published.
#[derive(Debug)]
pub struct ResultTransform(Program);

/// What a transform made: the JSON text of a value, or bytes as they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    Json(Bytes),
    Bytes(Bytes),
}

impl RequestTransform {
    /// # Errors
    /// What is wrong with the source.
    pub fn compile(source: &str) -> Result<Self, Problem> {
        Program::compile(source, Scope::Request).map(Self)
    }

    /// What is sent in place of the message's body; `run` is the id that is the same for each try.
    ///
    /// # Errors
    /// Why the expression gave nothing that can be sent.
    pub fn apply(&self, message: &Message<'_>, run: &str) -> Result<Made, Failure> {
        let Self(program) = self;
        let variables = Variables::new(*message, Some(run), None, program.patterns());
        made(program, &variables)
    }
}

impl ResultTransform {
    /// # Errors
    /// What is wrong with the source.
    pub fn compile(source: &str) -> Result<Self, Problem> {
        Program::compile(source, Scope::Result).map(Self)
    }

    /// What is published in place of the answer to `message`.
    ///
    /// # Errors
    /// Why the expression gave nothing that can be published.
    pub fn apply(
        &self,
        message: &Message<'_>,
        run: &str,
        answer: &Answer<'_>,
    ) -> Result<Made, Failure> {
        let Self(program) = self;
        let variables = Variables::new(*message, Some(run), Some(*answer), program.patterns());
        made(program, &variables)
    }
}

impl Made {
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        match self {
            // Without parameters: KServe refuses them.
            Self::Json(_) => "application/json",
            Self::Bytes(_) => "application/octet-stream",
        }
    }

    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        match self {
            Self::Json(bytes) | Self::Bytes(bytes) => bytes,
        }
    }
}

fn made(program: &Program, variables: &Variables<'_>) -> Result<Made, Failure> {
    program.evaluate(variables, |value| {
        if let Some(bytes) = value.downcast_ref::<CelBytes<'_>>() {
            return Ok(Made::Bytes(Bytes::copy_from_slice(bytes.inner())));
        }
        let json = write::json(value, write::limit(variables.size()));
        Ok(Made::Json(json.map_err(Failure::new)?.into()))
    })
}
