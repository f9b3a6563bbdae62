//! What every input carries beside its own fields.

use async_graphql::InputObject;

use crate::scalar::Revision;

/// For mutations that create something.
#[derive(Debug, InputObject)]
pub struct Once {
    /// A key of your choice, at most 200 bytes. A mutation that was done under it is not done
    /// again: the same input gets the same position, another input `IDEMPOTENCY_KEY_REUSED`. One
    /// that had nothing to do was done, too; one that was refused is decided again. Inputs are the
    /// same where the same members were sent with the same values; null differs from nothing.
    pub idempotency_key: Option<String>,
}

/// For mutations that change what exists.
#[derive(Debug, InputObject)]
pub struct OnceAtRevision {
    #[graphql(flatten)]
    pub once: Once,
    /// The `revision` that you last saw of what is changed. If it has another one now, nothing is
    /// done: `CONFLICT`.
    pub expected_revision: Option<Revision>,
}

/// The terms on which a mutation is to be done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'a> {
    pub(super) idempotency_key: Option<&'a str>,
    pub(super) expected_revision: Option<Revision>,
}

impl Once {
    pub(crate) fn terms(&self) -> Terms<'_> {
        Terms {
            idempotency_key: self.idempotency_key.as_deref(),
            expected_revision: None,
        }
    }
}

impl OnceAtRevision {
    pub(crate) fn terms(&self) -> Terms<'_> {
        Terms {
            expected_revision: self.expected_revision,
            ..self.once.terms()
        }
    }
}
