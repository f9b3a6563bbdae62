//! The expressions of a listener, in the order in which a message meets them.

use std::fmt;

use super::Reason;

/// One of the expressions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expression {
    Filter,
    /// What is sent in place of the message.
    Request,
    /// What is published in place of the answer.
    Result,
}

impl Expression {
    /// Why a message is faulty that it failed for.
    #[must_use]
    pub fn reason(self) -> Reason {
        match self {
            Self::Filter => Reason::FilterFailed,
            Self::Request => Reason::RequestTransformFailed,
            Self::Result => Reason::ResultTransformFailed,
        }
    }

    /// Those that a message met before.
    pub(crate) fn before(self) -> &'static [Self] {
        match self {
            Self::Filter => &[],
            Self::Request => &[Self::Filter],
            Self::Result => Self::BEFORE_A_CALL,
        }
    }

    /// Those that a message has met that is called.
    pub(crate) const BEFORE_A_CALL: &'static [Self] = &[Self::Filter, Self::Request];

    /// Those that a message has met that passed.
    pub(crate) const ALL: &'static [Self] = &[Self::Filter, Self::Request, Self::Result];
}

impl fmt::Display for Expression {
    /// For people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Filter => "the filter",
            Self::Request => "the transform of requests",
            Self::Result => "the transform of results",
        })
    }
}
