//! The headers of a message as a map, by their names in lower case.

use std::sync::OnceLock;

use bytes::Bytes;
use cel::ExecutionError;
use cel::common::traits::{Container, Indexer, Iterable, Iterator, Sizer};
use cel::common::types::{CelBytes, CelInt, CelNull, CelString, MAP_TYPE, Type};
use cel::common::value::{CowVal, Val};

/// Of headers with one name, the last counts. A value is a text, bytes where it is no Unicode, or
/// null.
#[derive(Clone, Debug)]
pub(crate) struct Headers<'v> {
    headers: &'v [(String, Option<Bytes>)],
    /// Each once, sorted; made when they are asked for.
    names: OnceLock<Vec<CelString<'static>>>,
}

impl<'v> Headers<'v> {
    pub(crate) fn new(headers: &'v [(String, Option<Bytes>)]) -> Self {
        Self {
            headers,
            names: OnceLock::new(),
        }
    }

    fn find(&self, index: &dyn Val) -> Result<Option<&'v Bytes>, ExecutionError> {
        let name = index.downcast_ref::<CelString<'_>>();
        let name = name.map_or("", |name| name.inner());
        let mut named = self.headers.iter().rev();
        let found = named.find(|(header, _)| is_lower_case_of(name, header));
        let found = found.ok_or_else(|| ExecutionError::no_such_key(name))?;
        Ok(found.1.as_ref())
    }

    fn names(&self) -> &[CelString<'static>] {
        self.names.get_or_init(|| {
            let names = self.headers.iter();
            let mut names: Vec<_> = names.map(|(name, _)| name.to_ascii_lowercase()).collect();
            names.sort();
            names.dedup();
            names.into_iter().map(CelString::from).collect()
        })
    }
}

fn is_lower_case_of(name: &str, header: &str) -> bool {
    let lower = header.bytes().map(|byte| byte.to_ascii_lowercase());
    name.len() == header.len() && name.bytes().eq(lower)
}

/// A text where it is one, else bytes.
pub(crate) fn text_or_bytes<'b, 'v>(bytes: Option<&'v Bytes>) -> CowVal<'b, 'v> {
    match bytes {
        None => CowVal::owned(CelNull),
        Some(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => CowVal::owned(CelString::from(text)),
            Err(_) => CowVal::owned(CelBytes::from(&bytes[..])),
        },
    }
}

impl<'w> Val for Headers<'w> {
    fn get_type(&self) -> &Type {
        &MAP_TYPE
    }

    fn cel_type() -> &'static Type {
        &MAP_TYPE
    }

    fn equals(&self, other: &dyn Val) -> bool {
        crate::equality::equal(self, other)
    }

    fn clone_as_boxed<'v>(&self) -> Box<dyn Val + 'v>
    where
        Self: 'v,
    {
        Box::new(self.clone())
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

impl Sizer for Headers<'_> {
    fn size(&self) -> CelInt {
        CelInt::from(self.names().len() as i64)
    }
}

impl Container for Headers<'_> {
    fn contains(&self, value: &dyn Val) -> Result<bool, ExecutionError> {
        Ok(self.find(value).is_ok())
    }
}

impl<'w> Indexer for Headers<'w> {
    fn get<'b, 'v>(&'b self, index: &dyn Val) -> Result<CowVal<'b, 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.find(index).map(text_or_bytes)
    }

    fn steal<'v>(self: Box<Self>, index: &dyn Val) -> Result<Box<dyn Val + 'v>, ExecutionError>
    where
        Self: 'v,
    {
        self.get(index).map(CowVal::into_owned)
    }
}

impl<'w> Iterable for Headers<'w> {
    fn iter<'b, 'v>(&'b self) -> Box<dyn Iterator<'b, 'v> + 'b>
    where
        Self: 'v,
    {
        Box::new(Names(self.names().iter()))
    }
}

struct Names<'b>(std::slice::Iter<'b, CelString<'static>>);

impl<'b, 'v> Iterator<'b, 'v> for Names<'b> {
    fn next(&mut self) -> Option<&'b (dyn Val + 'v)> {
        self.0.next().map(|name| name as &dyn Val)
    }
}
