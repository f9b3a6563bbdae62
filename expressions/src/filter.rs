//! Which messages are sent.

use cel::common::types::CelBool;

use crate::failure::Failure;
use crate::message::Message;
use crate::names::Scope;
use crate::problem::Problem;
use crate::program::Program;
use crate::variables::Variables;

/// An expression that says of a message whether it is to be sent.
#[derive(Debug)]
pub struct Filter(Program);

impl Filter {
    /// # Errors
    /// What is wrong with the source.
    pub fn compile(source: &str) -> Result<Self, Problem> {
        Program::compile(source, Scope::Filter).map(Self)
    }

    /// Whether the message is to be sent.
    ///
    /// # Errors
    /// Why the expression gave neither true nor false.
    pub fn passes(&self, message: &Message<'_>) -> Result<bool, Failure> {
        let Self(program) = self;
        let variables = Variables::new(*message, None, None, program.patterns());
        program.evaluate(&variables, |value| {
            let passes = value.downcast_ref::<CelBool>().map(|bool| *bool.inner());
            passes.ok_or_else(|| {
                let kind = value.get_type().name();
                Failure::new(format!("it gave {kind}, neither true nor false"))
            })
        })
    }
}
