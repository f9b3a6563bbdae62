//! When two values are equal, whether they were read from JSON or written in the expression.

use cel::common::types::Kind;
use cel::common::value::Val;

pub(crate) fn equal(one: &dyn Val, other: &dyn Val) -> bool {
    match (one.get_type().kind(), other.get_type().kind()) {
        (Kind::List, Kind::List) => same_size(one, other) && same_items(one, other),
        (Kind::Map, Kind::Map) => same_size(one, other) && same_members(one, other),
        (Kind::List | Kind::Map, _) | (_, Kind::List | Kind::Map) => false,
        _ => one.equals(other),
    }
}

fn same_size(one: &dyn Val, other: &dyn Val) -> bool {
    let size = |value: &dyn Val| value.as_sizer().map(|sizer| *sizer.size().inner());
    size(one) == size(other)
}

fn same_items(one: &dyn Val, other: &dyn Val) -> bool {
    let (Some(ones), Some(others)) = (one.as_iterable(), other.as_iterable()) else {
        return false;
    };
    let (mut ones, mut others) = (ones.iter(), others.iter());
    loop {
        match (ones.next(), others.next()) {
            (Some(one), Some(other)) if equal(one, other) => {}
            (one, other) => return one.is_none() && other.is_none(),
        }
    }
}

fn same_members(one: &dyn Val, other: &dyn Val) -> bool {
    let (Some(keys), Some(ones), Some(others)) =
        (one.as_iterable(), one.as_indexer(), other.as_indexer())
    else {
        return false;
    };
    let mut keys = keys.iter();
    while let Some(key) = keys.next() {
        match (ones.get(key), others.get(key)) {
            (Ok(one), Ok(other)) if equal(one.as_ref(), other.as_ref()) => {}
            _ => return false,
        }
    }
    true
}
