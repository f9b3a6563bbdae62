//! Functions that put JSON together and take it apart.

use std::collections::HashMap;

use bytes::Bytes;
use cel::common::types::{CelMap, CelMapKey, CelString};
use cel::common::value::{CowVal, Val};

use super::{Args, Given, owned, text, unexpected};
use crate::failure::failure;
use crate::fuel;
use crate::json::Json;
use crate::write;

/// All members of both; of a name that both have, the second's.
pub(super) fn merge<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let mut merged: HashMap<CelMapKey<'v>, Box<dyn Val + 'v>> = HashMap::new();
    for map in &args {
        fuel::burn_bytes(fuel::reading(map.as_ref()))?;
        let members = map.as_indexer().ok_or_else(unexpected)?;
        let mut names = map.as_iterable().ok_or_else(unexpected)?.iter();
        while let Some(name) = names.next() {
            let value = members.get(name)?.into_owned();
            let name = CowVal::Owned(name.clone_as_boxed()).try_into()?;
            merged.insert(name, value);
        }
    }
    owned(CelMap::from(merged))
}

/// The JSON text of a value.
pub(super) fn json<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let value = args.first().ok_or_else(unexpected)?;
    let size = fuel::reading(value.as_ref());
    fuel::burn_bytes(size)?;
    // Escaped, a character may become six.
    let written = write::json(value.as_ref(), size.saturating_mul(6) + write::ROOM);
    let written = String::from_utf8(written.map_err(failure)?);
    owned(CelString::from(written.map_err(|_| unexpected())?))
}

/// The value of a JSON text.
pub(super) fn parse<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let text = text(&args, 0)?;
    fuel::burn_bytes(text.len())?;
    let value = Json::read(&Bytes::copy_from_slice(text.as_bytes()));
    let value = value.ok_or_else(|| failure("`parseJson` was given no JSON"))?;
    Ok(CowVal::Owned(value.clone_as_boxed()))
}
