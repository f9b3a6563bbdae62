//! Functions that make lists, or texts of them.

use cel::common::types::{CelInt, CelList, CelString};
use cel::common::value::Val;

use super::{Args, Given, owned, text, unexpected};
use crate::failure::failure;
use crate::fuel;

/// What a number takes as an element of a list, in bytes.
const BYTES_PER_NUMBER: usize = 64;

pub(super) fn range<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let length = int(&args, 0)?;
    let bytes = usize::try_from(length).unwrap_or_default();
    fuel::burn_bytes(bytes.saturating_mul(BYTES_PER_NUMBER))?;
    let numbers = (0..length).map(|number| -> Box<dyn Val + 'v> { Box::new(CelInt::from(number)) });
    owned(CelList::from(numbers.collect::<Vec<_>>()))
}

/// The elements from one index up to another, without that.
pub(super) fn slice<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let (from, to) = (int(&args, 1)?, int(&args, 2)?);
    let list = args.first().ok_or_else(unexpected)?;
    fuel::burn_bytes(fuel::weight(list.as_ref()))?;
    let mut items = list.as_iterable().ok_or_else(unexpected)?.iter();
    let mut all: Vec<Box<dyn Val + 'v>> = Vec::new();
    while let Some(item) = items.next() {
        all.push(item.clone_as_boxed());
    }
    let bounds = usize::try_from(from).ok().zip(usize::try_from(to).ok());
    let bounds = bounds.filter(|(from, to)| from <= to && *to <= all.len());
    let (from, to) = bounds.ok_or_else(|| failure("`slice` goes beyond the list"))?;
    all.truncate(to);
    owned(CelList::from(all.split_off(from)))
}

/// The texts of a list in one, with a text between each two if one is given.
pub(super) fn join<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let separator = if args.len() > 1 { text(&args, 1)? } else { "" };
    let list = args.first().ok_or_else(unexpected)?;
    let mut items = list.as_iterable().ok_or_else(unexpected)?.iter();
    let mut joined = String::new();
    let mut is_first = true;
    while let Some(item) = items.next() {
        let part = item.downcast_ref::<CelString<'_>>();
        let part = part.ok_or_else(|| failure("`join` takes a list of texts"))?;
        fuel::burn_bytes(separator.len() + part.inner().len())?;
        if !std::mem::take(&mut is_first) {
            joined.push_str(separator);
        }
        joined.push_str(part.inner());
    }
    owned(CelString::from(joined))
}

fn int(args: &Args<'_, '_>, index: usize) -> Result<i64, cel::ExecutionError> {
    let int = args.get(index).and_then(|arg| arg.downcast_ref::<CelInt>());
    int.map(|int| *int.inner()).ok_or_else(unexpected)
}
