//! The expressions of a listener, compiled when its settings change, and what they make of a message.

use std::sync::{Arc, Mutex, PoisonError};

use brokers::Message;
use domain::listener::ListenerSettings;
use domain::settlement::Expression;
use expressions::{Answer, Failure, Filter, RequestTransform, ResultTransform};

use super::batch;
use super::called::Called;
use super::claim::Run;
use super::input::Input;
use crate::journal::Representation;

/// The expressions of one setting of them, each none where it is not set.
#[derive(Debug, Default)]
pub(crate) struct Compiled {
    filter: Option<Filter>,
    request: Option<RequestTransform>,
    result: Option<ResultTransform>,
}

/// Expressions that cannot be compiled: those of a control plane that knows more of the language.
#[derive(Clone, Debug)]
pub(crate) struct Unusable {
    pub(crate) expression: Expression,
    pub(crate) text: String,
}

/// The expressions of a consumer: those of the settings that were asked for last.
#[derive(Default)]
pub(crate) struct Expressions(Mutex<Option<Kept>>);

struct Kept {
    sources: [Option<String>; 3],
    compiled: Result<Arc<Compiled>, Unusable>,
}

/// A message that an expression failed for.
pub(super) struct Failed {
    pub(super) expression: Expression,
    pub(super) text: String,
}

/// What the filter said of a message, and which.
pub(super) struct Sifted {
    by: Arc<Compiled>,
    passes: Result<bool, Failure>,
}

impl Expressions {
    /// Those of `settings`: the same as before where they are no others.
    pub(crate) fn of(&self, settings: &ListenerSettings) -> Result<Arc<Compiled>, Unusable> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sources = sources(settings);
        match &*kept {
            Some(kept) if kept.sources.each_ref().map(Option::as_deref) == sources => {
                kept.compiled.clone()
            }
            _ => {
                let compiled = Compiled::of(settings).map(Arc::new);
                *kept = Some(Kept {
                    sources: sources.map(|source| source.map(str::to_owned)),
                    compiled: compiled.clone(),
                });
                compiled
            }
        }
    }
}

fn sources(settings: &ListenerSettings) -> [Option<&str>; 3] {
    let transform = &settings.transform;
    [&settings.filter, &transform.request, &transform.result].map(Option::as_deref)
}

impl Compiled {
    fn of(settings: &ListenerSettings) -> Result<Self, Unusable> {
        let [filter, request, result] = sources(settings);
        let unusable = |expression: Expression| {
            move |problem: expressions::Problem| Unusable {
                expression,
                text: format!("{expression} cannot be compiled: {problem}"),
            }
        };
        Ok(Self {
            filter: (filter.map(Filter::compile).transpose())
                .map_err(unusable(Expression::Filter))?,
            request: (request.map(RequestTransform::compile).transpose())
                .map_err(unusable(Expression::Request))?,
            result: (result.map(ResultTransform::compile).transpose())
                .map_err(unusable(Expression::Result))?,
        })
    }

    /// What is sent for the message; with others, if it `is_part` of a batch.
    pub(super) fn input(
        &self,
        message: &Message,
        run: &Run,
        is_part: bool,
    ) -> Result<Input, Failed> {
        let mut input = Input::of_message(message);
        if let Some(request) = &self.request {
            let made = request.apply(&seen(message), run.name());
            let made = made.map_err(|failure| Failed::of(Expression::Request, &failure))?;
            input = input.in_place(made);
        }
        if is_part && !batch::is_part(&input) {
            return Err(Failed {
                expression: Expression::Request,
                text: "it is no JSON, and so can be no part of a batch".to_owned(),
            });
        }
        Ok(input)
    }

    /// Puts what is published in place of the result of a call that succeeded.
    pub(super) fn transform(
        &self,
        called: &mut Called,
        message: &Message,
        run: &Run,
    ) -> Result<(), Failed> {
        let (Some(transform), Some(body)) = (&self.result, &called.result) else {
            return Ok(());
        };
        let answer = Answer {
            status: called.answer_status().unwrap_or_default(),
            is_encoded: called.representation.content_encoding.is_some(),
            body,
        };
        let made = transform.apply(&seen(message), run.name(), &answer);
        let made = made.map_err(|failure| Failed::of(Expression::Result, &failure))?;
        called.representation = Representation {
            content_type: Some(made.content_type().to_owned()),
            content_encoding: None,
        };
        called.result = Some(made.into_bytes());
        Ok(())
    }
}

impl Failed {
    fn of(expression: Expression, failure: &Failure) -> Self {
        Self {
            expression,
            text: format!("{expression} failed: {failure}"),
        }
    }
}

impl Sifted {
    pub(super) fn of(by: &Arc<Compiled>, message: &Message) -> Self {
        let filter = by.filter.as_ref();
        let passes = filter.map_or(Ok(true), |filter| filter.passes(&seen(message)));
        Self {
            by: Arc::clone(by),
            passes,
        }
    }

    /// Whether it was one of these that said it.
    pub(super) fn is_by(&self, expressions: &Arc<Compiled>) -> bool {
        Arc::ptr_eq(&self.by, expressions)
    }

    /// Whether the message is to be sent, as far as is known.
    pub(super) fn is_sent(&self) -> bool {
        matches!(self.passes, Ok(true))
    }

    /// Whether the message is to be sent.
    pub(super) fn passes(&self) -> Result<bool, Failed> {
        let passes = self.passes.as_ref().copied();
        passes.map_err(|failure| Failed::of(Expression::Filter, failure))
    }
}

fn seen(message: &Message) -> expressions::Message<'_> {
    expressions::Message {
        body: message.body.as_ref(),
        key: message.key.as_ref(),
        headers: &message.headers,
    }
}
