//! What every input carries beside its own fields.

use async_graphql::InputObject;

use crate::scalar::Revision;

/// For mutations that create something.
#[derive(Debug, InputObject)]
pub struct Once {
    /// A key of your choice, at most 200 bytes. A mutation that was done with a key is not done
    /// again: the same input returns the same position, and another input is refused with
    /// `IDEMPOTENCY_KEY_REUSED`. A mutation that had nothing to do counts as done; one that was
    /// refused is decided again. Two inputs are the same if the same fields were sent with the
    /// same values; a field sent as null differs from one left out.
    pub idempotency_key: Option<String>,
}

/// For mutations that change what exists.
#[derive(Debug, InputObject)]
pub struct OnceAtRevision {
    #[graphql(flatten)]
    pub once: Once,
    /// The `revision` that you last saw of the thing to change. If it has another revision now,
    /// the mutation is refused with `CONFLICT`.
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
