//! A JSON text as a value that is read one level deep where it is touched, and written as it was.

mod level;

use std::any::Any;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use cel::common::traits::{Container, Indexer, Iterable, Iterator, Sizer};
use cel::common::types::{
    CelBool, CelDouble, CelInt, CelNull, CelString, CelUInt, DYN_TYPE, LIST_TYPE, MAP_TYPE, Type,
};
use cel::common::value::{CowVal, StaticVal, Val};
use cel::{ExecutionError, Value};

use self::level::{Checked, Level};
use crate::equality::equal;

/// A value that can be handed on without copying it.
pub(crate) type Item = Arc<dyn Val>;

/// A piece of a valid JSON text: an object or an array.
#[derive(Clone, Debug)]
pub(crate) struct Json(Arc<Piece>);

#[derive(Debug)]
struct Piece {
    text: Bytes,
    level: OnceLock<Level>,
}

impl Json {
    /// The value of a text; none where it is no JSON that can be read.
    pub(crate) fn read(text: &Bytes) -> Option<Item> {
        serde_json::from_slice::<Checked>(text).ok()?;
        Some(value(text.slice_ref(text.trim_ascii())))
    }

    /// The text, as it was written.
    pub(crate) fn text(&self) -> &Bytes {
        &self.0.text
    }

    fn is_object(&self) -> bool {
        self.0.text.starts_with(b"{")
    }

    fn level(&self) -> &Level {
        let read = || Level::read(&self.0.text, self.is_object());
        self.0.level.get_or_init(read)
    }

    fn find(&self, index: &dyn Val) -> Result<&Item, ExecutionError> {
        match self.level() {
            Level::Object(members) => {
                let Some(key) = index.downcast_ref::<CelString<'_>>() else {
                    return Err(no_such_key(index));
                };
                let found = members.binary_search_by(|(name, _)| name.inner().cmp(key.inner()));
                let (_, item) = &members[found.map_err(|_| no_such_key(index))?];
                Ok(item)
            }
            Level::Array(items) => {
                let at = position(index).ok_or_else(|| no_position(index))?;
                let item = usize::try_from(at).ok().and_then(|at| items.get(at));
                item.ok_or(ExecutionError::IndexOutOfBounds(Value::Null))
            }
        }
    }
}

/// The value of a valid text without spaces around it.
fn value(text: Bytes) -> Item {
    match text.first() {
        Some(b'{' | b'[') => Arc::new(Json(Arc::new(Piece {
            text,
            level: OnceLock::new(),
        }))),
        Some(b'"') => {
            let string: String = serde_json::from_slice(&text).unwrap_or_default();
            Arc::new(CelString::from(string))
        }
        Some(b't') => Arc::new(CelBool::from(true)),
        Some(b'f') => Arc::new(CelBool::from(false)),
        Some(b'n') | None => Arc::new(CelNull),
        Some(_) => number(&text),
    }
}

/// An integer where it is written as one and fits, and whatever else as a double.
fn number(text: &[u8]) -> Item {
    let text = std::str::from_utf8(text).unwrap_or_default();
    if let Ok(int) = text.parse::<i64>() {
        Arc::new(CelInt::from(int))
    } else if let Ok(uint) = text.parse::<u64>() {
        Arc::new(CelUInt::from(uint))
    } else {
        Arc::new(CelDouble::from(text.parse::<f64>().unwrap_or_default()))
    }
}

/// A whole number, whether or not there is anything at it.
fn position(index: &dyn Val) -> Option<i64> {
    if let Some(int) = index.downcast_ref::<CelInt>() {
        return Some(*int.inner());
    }
    let uint = index.downcast_ref::<CelUInt>()?;
    Some(i64::try_from(*uint.inner()).unwrap_or(i64::MAX))
}

fn no_position(index: &dyn Val) -> ExecutionError {
    ExecutionError::UnexpectedType {
        got: index.get_type().name().to_owned(),
        want: "int".to_owned(),
    }
}

fn no_such_key(index: &dyn Val) -> ExecutionError {
    let key = index.downcast_ref::<CelString<'_>>();
    ExecutionError::no_such_key(key.map_or("", |key| key.inner()))
}

impl Val for Json {
    fn get_type(&self) -> &Type {
        if self.is_object() {
            &MAP_TYPE
        } else {
            &LIST_TYPE
        }
    }

    fn cel_type() -> &'static Type {
        &DYN_TYPE
    }

    fn equals(&self, other: &dyn Val) -> bool {
        equal(self, other)
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

    fn as_iterable<'b, 'v>(&'b self) -> Option<&'b (dyn Iterable + 'v)>
    where
        Self: 'v,
    {
        Some(self)
    }

    fn as_sizer(&self) -> Option<&dyn Sizer> {
        Some(self)
    }

    fn as_container(&self) -> Option<&dyn Container> {
        Some(self)
    }
}

impl StaticVal for Json {}

impl Sizer for Json {
    fn size(&self) -> CelInt {
        CelInt::from(self.level().len() as i64)
    }
}

impl Container for Json {
    fn contains(&self, value: &dyn Val) -> Result<bool, ExecutionError> {
        Ok(match self.level() {
            Level::Object(_) => self.find(value).is_ok(),
            Level::Array(items) => items.iter().any(|item| equal(&**item, value)),
        })
    }
}

impl Indexer for Json {
    fn get<'b, 'v>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.find(index).map(|item| CowVal::Borrowed(&**item))
    }

    fn steal<'v>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.find(index).map(|item| item.clone_as_boxed())
    }
}

impl Iterable for Json {
    fn iter<'b, 'v>(&'b self) -> Box<dyn Iterator<'b, 'v> + 'b>
    where
        Self: 'v,
    {
        Box::new(Steps {
            level: self.level(),
            next: 0,
        })
    }
}

/// The names of an object, sorted, or the items of an array.
struct Steps<'b> {
    level: &'b Level,
    next: usize,
}

impl<'b, 'v> Iterator<'b, 'v> for Steps<'b> {
    fn next(&mut self) -> Option<&'b (dyn Val + 'v)> {
        let at = self.next;
        self.next += 1;
        match self.level {
            Level::Object(members) => members.get(at).map(|(name, _)| name as &dyn Val),
            Level::Array(items) => items.get(at).map(|item| &**item as &dyn Val),
        }
    }
}
