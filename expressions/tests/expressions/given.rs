//! A message, and what expressions make of it.

use bytes::Bytes;
use expressions::{Answer, Failure, Filter, Made, Message, RequestTransform, ResultTransform};

/// The run of all messages here.
pub(crate) const RUN: &str = "1b4e28ba-2fa1-5d22-883f-0016d3cca427";

/// A message with what it is made of.
pub(crate) struct Given {
    pub(crate) body: Option<Bytes>,
    pub(crate) key: Option<Bytes>,
    pub(crate) headers: Vec<(String, Option<Bytes>)>,
}

impl Given {
    pub(crate) fn body(body: impl Into<Bytes>) -> Self {
        Self {
            body: Some(body.into()),
            key: None,
            headers: Vec::new(),
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &'static str) -> Self {
        let value = Some(Bytes::from_static(value.as_bytes()));
        self.headers.push((name.to_owned(), value));
        self
    }

    pub(crate) fn message(&self) -> Message<'_> {
        Message {
            body: self.body.as_ref(),
            key: self.key.as_ref(),
            headers: &self.headers,
        }
    }

    pub(crate) fn filter(&self, source: &str) -> Result<bool, Failure> {
        Filter::compile(source).unwrap().passes(&self.message())
    }

    pub(crate) fn request(&self, source: &str) -> Result<Made, Failure> {
        let transform = RequestTransform::compile(source).unwrap();
        transform.apply(&self.message(), RUN)
    }

    pub(crate) fn result(&self, source: &str, status: u16, answer: &str) -> Result<Made, Failure> {
        let body = Bytes::copy_from_slice(answer.as_bytes());
        let answer = Answer {
            status,
            is_encoded: false,
            body: &body,
        };
        let transform = ResultTransform::compile(source).unwrap();
        transform.apply(&self.message(), RUN, &answer)
    }

    /// The JSON text that is sent.
    pub(crate) fn sent(&self, source: &str) -> String {
        text(self.request(source).unwrap())
    }
}

/// The JSON text of what was made.
pub(crate) fn text(made: Made) -> String {
    assert_eq!(made.content_type(), "application/json", "{made:?}");
    String::from_utf8(made.into_bytes().to_vec()).unwrap()
}

/// The text of why it gave nothing.
pub(crate) fn why<T: std::fmt::Debug>(given: Result<T, Failure>) -> String {
    given.unwrap_err().to_string()
}
