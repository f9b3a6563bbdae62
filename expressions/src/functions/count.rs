//! Functions that stand in an expression for its operators and around its values, and count.

use cel::common::types::{CelBool, CelList, CelMapKey, Kind};
use cel::common::value::{CowVal, Val};

use super::{Args, Given, no_overload, owned, unexpected};
use crate::equality;
use crate::fuel;
use crate::json::Json;

pub(super) fn charge<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let value = args.into_iter().next().ok_or_else(unexpected)?;
    fuel::burn_bytes(fuel::weight(value.as_ref()))?;
    Ok(value)
}

/// A loop copies each element, and the names of a map that was made come in any order.
pub(super) fn items<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let value = args.into_iter().next().ok_or_else(unexpected)?;
    fuel::burn_bytes(fuel::reading(value.as_ref()))?;
    let is_made = value.downcast_ref::<Json>().is_none();
    if !is_made || value.get_type().kind() != Kind::Map {
        return Ok(value);
    }
    let mut names: Vec<CelMapKey<'v>> = Vec::new();
    if let Some(map) = value.as_iterable() {
        let mut steps = map.iter();
        while let Some(name) = steps.next() {
            names.push(CowVal::Owned(name.clone_as_boxed()).try_into()?);
        }
    }
    names.sort();
    let names: Vec<Box<dyn Val + 'v>> = names
        .iter()
        .map(|name| name.inner().clone_as_boxed())
        .collect();
    owned(CelList::from(names))
}

pub(super) fn go_on<'b, 'v>(_: Args<'b, 'v>) -> Given<'b, 'v> {
    owned(CelBool::from(fuel::step()))
}

pub(super) fn add<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let [left, right] = args.as_slice() else {
        return Err(unexpected());
    };
    fuel::burn_bytes(fuel::reading(left.as_ref()) + fuel::reading(right.as_ref()))?;
    let is_list = |value: &CowVal<'_, '_>| value.get_type().kind() == Kind::List;
    if is_list(left) && is_list(right) {
        let mut both = Vec::new();
        for list in &args {
            let mut items = list.as_iterable().ok_or_else(unexpected)?.iter();
            while let Some(item) = items.next() {
                both.push(item.clone_as_boxed());
            }
        }
        return owned(CelList::from(both));
    }
    let adder = left.as_adder();
    let adder = adder.ok_or_else(|| no_overload("_+_", &args))?;
    let sum = adder.add(right.as_ref());
    let sum = sum.map_err(|_| no_overload("_+_", &args))?.into_owned();
    // It outlives neither argument.
    Ok(CowVal::Owned(sum))
}

pub(super) fn equal<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let [one, other] = args.as_slice() else {
        return Err(unexpected());
    };
    fuel::burn_bytes(fuel::reading(one.as_ref()))?;
    fuel::burn_bytes(fuel::reading(other.as_ref()))?;
    owned(CelBool::from(equality::equal(one.as_ref(), other.as_ref())))
}

pub(super) fn contains<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let [item, items] = args.as_slice() else {
        return Err(unexpected());
    };
    fuel::burn_bytes(fuel::reading(items.as_ref()))?;
    if items.get_type().kind() == Kind::List
        && let Some(items) = items.as_iterable()
    {
        let mut items = items.iter();
        while let Some(one) = items.next() {
            if equality::equal(one, item.as_ref()) {
                return owned(CelBool::from(true));
            }
        }
        return owned(CelBool::from(false));
    }
    let container = items.as_container();
    let container = container.ok_or_else(|| no_overload("@in", &args))?;
    owned(CelBool::from(container.contains(item.as_ref())?))
}
