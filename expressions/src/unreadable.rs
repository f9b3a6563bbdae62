//! What stands for a body or an answer that is not what the expression reads it as.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cel::ExecutionError;
use cel::common::traits::Indexer;
use cel::common::types::{DYN_TYPE, Type};
use cel::common::value::{CowVal, StaticVal, Val};

use crate::failure::failure;

static UNREADABLE: Type = Type::new_unspecified_type("unreadable");

/// Nothing can be made of it; it says why. That is said when it is read, and not before: an
/// expression may decide by a header without looking at the body.
#[derive(Clone, Debug)]
pub(crate) struct Unreadable {
    pub(crate) why: &'static str,
    was_read: Arc<AtomicBool>,
}

impl Unreadable {
    pub(crate) fn because(why: &'static str) -> Self {
        Self {
            why,
            was_read: Arc::default(),
        }
    }

    /// Whether the expression looked into it, whatever it made of the error.
    pub(crate) fn was_read(&self) -> bool {
        self.was_read.load(Ordering::Relaxed)
    }

    fn read(&self) -> ExecutionError {
        self.was_read.store(true, Ordering::Relaxed);
        failure(self.why)
    }
}

impl Val for Unreadable {
    fn get_type(&self) -> &Type {
        &UNREADABLE
    }

    fn cel_type() -> &'static Type {
        &DYN_TYPE
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

    fn as_indexer<'b, 'v>(&'b self) -> Option<&'b (dyn Indexer + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn into_indexer<'v>(self: Box<Self>) -> Option<Box<dyn Indexer + 'v>>
    where
        Self: 'v,
    {
        Some(self)
    }
}

impl StaticVal for Unreadable {}

impl Indexer for Unreadable {
    fn get<'b, 'v>(&'b self, _: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        Err(self.read())
    }

    fn steal<'v>(self: Box<Self>, _: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        Err(self.read())
    }
}
