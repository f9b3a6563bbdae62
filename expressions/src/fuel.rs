//! What an evaluation may still do: a number of steps, those that copy or read much counting as many.

use std::cell::Cell;

use cel::ExecutionError;
use cel::common::types::{CelBytes, CelOptional, CelString, Kind};
use cel::common::value::Val;

use crate::failure::failure;
use crate::json::Json;

/// Steps of every evaluation, and how many bytes of what it reads buy it another. A filter over
/// hundreds of items takes some thousand.
const STEPS: u64 = 20_000;
const BYTES_PER_FURTHER_STEP: u64 = 16;

/// Bytes that are copied or read in one step.
const BYTES_PER_STEP: usize = 64;

/// What a value in a list or map takes beside what it holds.
const BYTES_PER_ITEM: usize = 16;

thread_local! {
    // An evaluation neither waits nor moves to another thread, and functions of expressions are plain
    // ones that carry nothing.
    static LEFT: Cell<u64> = const { Cell::new(0) };
}

/// Fills up for an evaluation that may read `size` bytes.
pub(crate) fn fill(size: usize) {
    LEFT.set(STEPS + size as u64 / BYTES_PER_FURTHER_STEP);
}

pub(crate) fn is_spent() -> bool {
    LEFT.get() == 0
}

/// Takes a step; answers whether there is anything left.
pub(crate) fn step() -> bool {
    burn(1)
}

/// Takes as many steps as copying or reading so many bytes is worth.
pub(crate) fn burn_bytes(bytes: usize) -> Result<(), ExecutionError> {
    if burn(1 + (bytes / BYTES_PER_STEP) as u64) {
        Ok(())
    } else {
        Err(failure("it does too much"))
    }
}

fn burn(steps: u64) -> bool {
    let left = LEFT.get().saturating_sub(steps);
    LEFT.set(left);
    left > 0
}

/// The bytes that copying the value copies. A piece of JSON is shared.
pub(crate) fn weight(value: &dyn Val) -> usize {
    weigh(value, |_| BYTES_PER_ITEM)
}

/// The bytes that reading the value to its depths reads.
pub(crate) fn reading(value: &dyn Val) -> usize {
    weigh(value, |json| json.text().len())
}

fn weigh(value: &dyn Val, of_json: fn(&Json) -> usize) -> usize {
    if let Some(json) = value.downcast_ref::<Json>() {
        return of_json(json);
    }
    if let Some(string) = value.downcast_ref::<CelString<'_>>() {
        return string.inner().len();
    }
    if let Some(bytes) = value.downcast_ref::<CelBytes<'_>>() {
        return bytes.inner().len();
    }
    if let Some(optional) = value.downcast_ref::<CelOptional<'_>>() {
        return optional.inner().map_or(0, |inner| weigh(inner, of_json));
    }
    let kind = value.get_type().kind();
    if !matches!(kind, Kind::List | Kind::Map) {
        return 0;
    }
    let mut sum = 0;
    if let Some(items) = value.as_iterable() {
        let mut items = items.iter();
        while let Some(item) = items.next() {
            sum += BYTES_PER_ITEM + weigh(item, of_json);
            if kind == Kind::Map
                && let Some(Ok(member)) = value.as_indexer().map(|indexer| indexer.get(item))
            {
                sum += weigh(member.as_ref(), of_json);
            }
        }
    }
    sum
}
