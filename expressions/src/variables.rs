//! The variables of an expression, each made when it is named for the first time.

use std::any::Any;
use std::sync::OnceLock;

use bytes::Bytes;
use cel::common::types::{CelBytes, CelInt, CelNull, CelString, Type};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::context::VariableResolver;
use regex::Regex;

use crate::headers::{Headers, text_or_bytes};
use crate::json::{Item, Json};
use crate::message::{Answer, Message};
use crate::meter;
use crate::unreadable::Unreadable;

/// What an expression is evaluated on.
pub(crate) struct Variables<'m> {
    message: Message<'m>,
    run: Option<&'m str>,
    answer: Option<Answer<'m>>,
    patterns: &'m [Pattern],
    body: OnceLock<Item>,
    text: OnceLock<Box<dyn Val + 'm>>,
    answered: OnceLock<Item>,
    headers: Headers<'m>,
}

/// A pattern that was compiled with its expression.
#[derive(Clone, Debug)]
pub(crate) struct Pattern(pub(crate) Regex);

static PATTERN: Type = Type::new_unspecified_type("pattern");

impl<'m> Variables<'m> {
    pub(crate) fn new(
        message: Message<'m>,
        run: Option<&'m str>,
        answer: Option<Answer<'m>>,
        patterns: &'m [Pattern],
    ) -> Self {
        Self {
            message,
            run,
            answer,
            patterns,
            body: OnceLock::new(),
            text: OnceLock::new(),
            answered: OnceLock::new(),
            headers: Headers::new(message.headers),
        }
    }

    /// The bytes that the expression may read.
    pub(crate) fn size(&self) -> usize {
        self.message.size() + self.answer.map_or(0, |answer| answer.body.len())
    }

    /// Those that were named, and are not what they are read as.
    pub(crate) fn unreadable(&self) -> impl Iterator<Item = &Unreadable> {
        let items = [self.body.get(), self.answered.get()].into_iter().flatten();
        let text = self.text.get().and_then(|text| text.downcast_ref());
        items.filter_map(|item| item.downcast_ref()).chain(text)
    }

    fn body(&self) -> Item {
        self.message
            .body
            .map_or_else(null, |body| read(body, false, "the body is no JSON"))
    }

    fn text(&self) -> Box<dyn Val + 'm> {
        match self.message.body.map(|body| std::str::from_utf8(body)) {
            None => Box::new(CelNull),
            Some(Ok(text)) => Box::new(CelString::from(text)),
            Some(Err(_)) => Box::new(Unreadable::because("the body is no text")),
        }
    }

    fn bytes(&self) -> CowVal<'m, 'm> {
        match self.message.body {
            None => CowVal::owned(CelNull),
            Some(body) => CowVal::owned(CelBytes::from(&body[..])),
        }
    }

    fn pattern(&self, name: &str) -> Option<&Pattern> {
        let mut numbered = self.patterns.iter().enumerate();
        let (_, pattern) = numbered.find(|(number, _)| meter::pattern(*number) == name)?;
        Some(pattern)
    }
}

fn null() -> Item {
    std::sync::Arc::new(CelNull)
}

fn read(bytes: &Bytes, is_encoded: bool, otherwise: &'static str) -> Item {
    let json = (!is_encoded).then(|| Json::read(bytes)).flatten();
    json.unwrap_or_else(|| std::sync::Arc::new(Unreadable::because(otherwise)))
}

impl VariableResolver for Variables<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        Some(match variable {
            "body" => CowVal::Borrowed(&**self.body.get_or_init(|| self.body())),
            "text" => CowVal::Borrowed(&**self.text.get_or_init(|| self.text())),
            "bytes" => self.bytes(),
            "key" => text_or_bytes(self.message.key),
            "headers" => CowVal::Borrowed(&self.headers),
            "run" => CowVal::owned(CelString::from(self.run?)),
            "status" => CowVal::owned(CelInt::from(i64::from(self.answer?.status))),
            "answer" => {
                let answer = self.answer?;
                let read = || read(answer.body, answer.is_encoded, "the answer is no JSON");
                CowVal::Borrowed(&**self.answered.get_or_init(read))
            }
            name if name.starts_with('@') => CowVal::Borrowed(self.pattern(name)?),
            _ => return None,
        })
    }
}

impl Val for Pattern {
    fn get_type(&self) -> &Type {
        &PATTERN
    }

    fn cel_type() -> &'static Type {
        &PATTERN
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl StaticVal for Pattern {}
