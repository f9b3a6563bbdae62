//! An expression that was read, checked and made to count.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use cel::common::value::{CowVal, Val};
use cel::{Context, IdedExpr, Value};

use crate::check::check;
use crate::failure::Failure;
use crate::fuel;
use crate::functions::environment;
use crate::meter::meter;
use crate::names::Scope;
use crate::problem::Problem;
use crate::variables::{Pattern, Variables};

/// The longest source, in bytes.
const LONGEST_SOURCE: usize = 4096;

/// Enough for the parser on the longest source, whatever stands in it.
const STACK: usize = 64 * 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Program {
    expression: IdedExpr,
    patterns: Vec<Pattern>,
    /// The words of the source that may be told people.
    words: HashSet<String>,
}

impl Program {
    /// Reads a source, on a thread of its own: the parser goes as deep as the source does.
    pub(crate) fn compile(source: &str, scope: Scope) -> Result<Self, Problem> {
        let size = source.len();
        if size > LONGEST_SOURCE {
            let text = format!("it has {size} bytes, and may have {LONGEST_SOURCE}");
            return Err(Problem::of_all(text));
        }
        let source = source.to_owned();
        let reading = std::thread::Builder::new()
            .name("expression".to_owned())
            .stack_size(STACK)
            .spawn(move || Self::read(&source, scope));
        let read = reading.ok().and_then(|thread| thread.join().ok());
        read.unwrap_or_else(|| Err(Problem::of_all("it cannot be read")))
    }

    fn read(source: &str, scope: Scope) -> Result<Self, Problem> {
        if source.trim().is_empty() {
            return Err(Problem::of_all("it is empty"));
        }
        let program = environment().compile(source)?;
        let words = check(program.expression(), program.source_info(), scope)?;
        let mut expression = program.expression().clone();
        let patterns = meter(&mut expression, program.source_info())?;
        Ok(Self {
            expression,
            patterns: patterns.into_iter().map(Pattern).collect(),
            words,
        })
    }

    pub(crate) fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Evaluates the expression; answers what `use_it` makes of the value.
    pub(crate) fn evaluate<T>(
        &self,
        variables: &Variables<'_>,
        use_it: impl FnOnce(&dyn Val) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut context = Context::with_env(environment());
        context.set_variable_resolver(variables);
        fuel::fill(variables.size());
        // A value that the interpreter does not expect is this message's, and not to end the worker.
        let resolve = || Value::resolve_val(&self.expression, &context);
        let Ok(value) = catch_unwind(AssertUnwindSafe(resolve)) else {
            return Err(Failure::new("it cannot be evaluated"));
        };
        if fuel::is_spent() {
            // Whatever came of it: an operator may have swallowed the error.
            return Err(Failure::new("it does too much"));
        }
        let mut unreadable = variables.unreadable();
        match value {
            Ok(value) => match unreadable.find(|unreadable| unreadable.was_read()) {
                Some(unreadable) => Err(Failure::new(unreadable.why)),
                None => use_it(CowVal::as_ref(&value)),
            },
            Err(error) => Err(match unreadable.next() {
                Some(unreadable) => Failure::new(unreadable.why),
                None => Failure::of(&error, &self.words),
            }),
        }
    }
}
