//! A value as a JSON text.

use cel::common::types::{
    CelBool, CelBytes, CelDouble, CelInt, CelOptional, CelString, CelUInt, Kind,
};
use cel::common::value::Val;

use crate::json::Json;
use crate::unreadable::Unreadable;

/// What a text may have beside what it was made of, in bytes.
pub(crate) const ROOM: usize = 1024 * 1024;

/// How often what is read may be written.
const TIMES: usize = 4;

/// The most bytes that may be made of so many.
pub(crate) fn limit(read: usize) -> usize {
    read.saturating_mul(TIMES) + ROOM
}

/// The text of a value, or why there is none. Pieces of JSON are copied as they were written; the
/// names of maps are sorted, so that it is the same each time.
pub(crate) fn json(value: &dyn Val, limit: usize) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    write(value, &mut out, limit)?;
    Ok(out)
}

fn write(value: &dyn Val, out: &mut Vec<u8>, limit: usize) -> Result<(), String> {
    if let Some(unreadable) = value.downcast_ref::<Unreadable>() {
        return Err(unreadable.why.to_owned());
    }
    if let Some(json) = value.downcast_ref::<Json>() {
        if out.len() + json.text().len() > limit {
            return Err(too_much(limit));
        }
        out.extend_from_slice(json.text());
        return Ok(());
    }
    match value.get_type().kind() {
        Kind::List => list(value, out, limit)?,
        Kind::Map => map(value, out, limit)?,
        _ => scalar(value, out)?,
    }
    if out.len() > limit {
        return Err(too_much(limit));
    }
    Ok(())
}

fn list(value: &dyn Val, out: &mut Vec<u8>, limit: usize) -> Result<(), String> {
    out.push(b'[');
    if let Some(items) = value.as_iterable() {
        let mut items = items.iter();
        let mut is_first = true;
        while let Some(item) = items.next() {
            if !std::mem::take(&mut is_first) {
                out.push(b',');
            }
            write(item, out, limit)?;
        }
    }
    out.push(b']');
    Ok(())
}

fn map(value: &dyn Val, out: &mut Vec<u8>, limit: usize) -> Result<(), String> {
    let (Some(items), Some(members)) = (value.as_iterable(), value.as_indexer()) else {
        return Err(no_form("this"));
    };
    let mut names = Vec::new();
    let mut items = items.iter();
    while let Some(name) = items.next() {
        let name = name.downcast_ref::<CelString<'_>>();
        names.push(name.ok_or("the names of a JSON object are texts")?.clone());
    }
    names.sort();
    out.push(b'{');
    for (number, name) in names.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        string(name.inner(), out)?;
        out.push(b':');
        let member = members.get(name).map_err(|_| no_form("this"))?;
        write(member.as_ref(), out, limit)?;
    }
    out.push(b'}');
    Ok(())
}

fn scalar(value: &dyn Val, out: &mut Vec<u8>) -> Result<(), String> {
    if let Some(text) = value.downcast_ref::<CelString<'_>>() {
        return string(text.inner(), out);
    }
    if let Some(int) = value.downcast_ref::<CelInt>() {
        out.extend_from_slice(int.inner().to_string().as_bytes());
    } else if let Some(uint) = value.downcast_ref::<CelUInt>() {
        out.extend_from_slice(uint.inner().to_string().as_bytes());
    } else if let Some(double) = value.downcast_ref::<CelDouble>() {
        if !double.inner().is_finite() {
            return Err("JSON has no number that is infinite or none".to_owned());
        }
        serde_json::to_writer(out, double.inner()).map_err(|_| no_form("a double"))?;
    } else if let Some(bool) = value.downcast_ref::<CelBool>() {
        let word: &[u8] = if *bool.inner() { b"true" } else { b"false" };
        out.extend_from_slice(word);
    } else if value.get_type().kind() == Kind::NullType {
        out.extend_from_slice(b"null");
    } else if value.downcast_ref::<CelBytes<'_>>().is_some() {
        return Err("JSON has no bytes; take `base64.encode`".to_owned());
    } else if value.downcast_ref::<CelOptional<'_>>().is_some() {
        return Err("JSON has no optional values; take `orValue`".to_owned());
    } else {
        return Err(no_form(value.get_type().name()));
    }
    Ok(())
}

fn string(text: &str, out: &mut Vec<u8>) -> Result<(), String> {
    serde_json::to_writer(out, text).map_err(|_| no_form("a text"))
}

fn no_form(what: &str) -> String {
    format!("{what} has no form in JSON")
}

fn too_much(limit: usize) -> String {
    format!("it makes more than {limit} bytes")
}
