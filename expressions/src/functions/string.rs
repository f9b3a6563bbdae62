//! Functions of texts and bytes that make more than they are given.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use cel::common::types::{CelBool, CelBytes, CelList, CelString};
use cel::common::value::Val;

use super::{Args, Given, bytes, owned, text, unexpected};
use crate::failure::failure;
use crate::fuel;
use crate::variables::Pattern;

/// What a text takes as an element of a list, in bytes.
const BYTES_PER_PART: usize = 64;

pub(super) fn matches<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let searched = text(&args, 0)?;
    let pattern = args.get(1).and_then(|arg| arg.downcast_ref::<Pattern>());
    let Pattern(pattern) = pattern.ok_or_else(unexpected)?;
    // The engine looks at a byte several times.
    fuel::burn_bytes(searched.len().saturating_mul(4))?;
    owned(CelBool::from(pattern.is_match(searched)))
}

pub(super) fn replace<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let (string, from, to) = (text(&args, 0)?, text(&args, 1)?, text(&args, 2)?);
    fuel::burn_bytes(string.len())?;
    let times = string.matches(from).count();
    fuel::burn_bytes(times.saturating_mul(to.len()))?;
    owned(CelString::from(string.replace(from, to)))
}

pub(super) fn split<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let (string, separator) = (text(&args, 0)?, text(&args, 1)?);
    fuel::burn_bytes(string.len())?;
    let times = string.matches(separator).count();
    fuel::burn_bytes(times.saturating_mul(BYTES_PER_PART))?;
    // Without a separator, one text for each character.
    let is_whole = |part: &&str| !separator.is_empty() || !part.is_empty();
    let parts = string.split(separator).filter(is_whole);
    let parts =
        parts.map(|part| -> Box<dyn Val + 'v> { Box::new(CelString::from(part.to_owned())) });
    owned(CelList::from(parts.collect::<Vec<_>>()))
}

pub(super) fn encode<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let bytes = bytes(&args, 0)?;
    fuel::burn_bytes(bytes.len())?;
    owned(CelString::from(STANDARD.encode(bytes)))
}

/// MLflow puts a line break at the end, others leave the padding out.
pub(super) fn decode<'b, 'v>(args: Args<'b, 'v>) -> Given<'b, 'v> {
    let encoded = text(&args, 0)?;
    fuel::burn_bytes(encoded.len())?;
    let encoded = encoded.trim_end().trim_end_matches('=');
    let decoded = STANDARD_NO_PAD.decode(encoded);
    let decoded = decoded.map_err(|_| failure("`base64.decode` was given no base64"))?;
    owned(CelBytes::from(decoded))
}
