//! JSON Pointers (RFC 6901), and where in a document they lead.

use std::borrow::Cow;
use std::ops::Range;

use serde::Deserializer as _;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_json::Deserializer;
use serde_json::value::RawValue;

/// The way to a value of a JSON document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pointer(Vec<String>);

impl Pointer {
    /// None where `text` is no JSON Pointer.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self(Vec::new()));
        }
        let tokens = text.strip_prefix('/')?.split('/');
        tokens.map(unescaped).collect::<Option<_>>().map(Self)
    }

    /// The places, in `document`, of the values that it leads to: several where a member has its name
    /// more than once.
    pub(super) fn find(&self, document: &str) -> serde_json::Result<Vec<Range<usize>>> {
        let whole: &RawValue = serde_json::from_str(document)?;
        let mut found = vec![whole.get()];
        for token in &self.0 {
            let mut next = Vec::new();
            for value in found {
                next.extend(children(value, token)?);
            }
            found = next;
        }
        // All of them are parts of the document.
        let start = |part: &str| part.as_ptr() as usize - document.as_ptr() as usize;
        let places = found.into_iter().map(|part| {
            let start = start(part);
            start..start + part.len()
        });
        Ok(places.collect())
    }
}

fn unescaped(token: &str) -> Option<String> {
    let mut text = String::with_capacity(token.len());
    let mut rest = token.chars();
    while let Some(next) = rest.next() {
        match next {
            '~' => text.push(match rest.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            }),
            other => text.push(other),
        }
    }
    Some(text)
}

/// What `token` names in a value: members of an object, or an element of an array.
fn children<'d>(value: &'d str, token: &str) -> serde_json::Result<Vec<&'d str>> {
    let mut reader = Deserializer::from_str(value);
    match value.trim_start().as_bytes().first() {
        Some(b'{') => reader.deserialize_map(Members(token)),
        Some(b'[') => reader.deserialize_seq(Element(index(token))),
        _ => Ok(Vec::new()),
    }
}

/// An index is written without leading zeros.
fn index(token: &str) -> Option<usize> {
    let is_plain = token == "0" || !token.starts_with(['0', '+']);
    token.parse().ok().filter(|_| is_plain)
}

struct Members<'t>(&'t str);

impl<'d> Visitor<'d> for Members<'_> {
    type Value = Vec<&'d str>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'d>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut found = Vec::new();
        while let Some((name, value)) = members.next_entry::<Name<'d>, &'d RawValue>()? {
            if name.0 == self.0 {
                found.push(value.get());
            }
        }
        Ok(found)
    }
}

/// A name, borrowed where nothing in it is escaped.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Name<'d>(#[serde(borrow)] Cow<'d, str>);

struct Element(Option<usize>);

impl<'d> Visitor<'d> for Element {
    type Value = Vec<&'d str>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'d>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let (mut found, mut number) = (Vec::new(), 0);
        while let Some(value) = elements.next_element::<&'d RawValue>()? {
            if self.0 == Some(number) {
                found.push(value.get());
            }
            number += 1;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str =
        r#" {"a/b": 1, "m~n": {"": [10, {"x" : "y"}]}, "d": 1, "\u0064": [2], "0": {}} "#;

    fn found(pointer: &str) -> Vec<&'static str> {
        let places = Pointer::read(pointer).unwrap().find(DOCUMENT).unwrap();
        places.into_iter().map(|place| &DOCUMENT[place]).collect()
    }

    #[test]
    fn a_pointer_leads_to_members_and_elements() {
        assert_eq!(found(""), [DOCUMENT.trim()]);
        assert_eq!(found("/a~1b"), ["1"]);
        assert_eq!(found("/m~0n//1/x"), [r#""y""#]);
        assert_eq!(found("/m~0n//0"), ["10"]);
        // Both spellings of one name.
        assert_eq!(found("/d"), ["1", "[2]"]);
        for nowhere in ["/x", "/a~1b/c", "/m~0n//01", "/m~0n//-", "/m~0n//2", "/d/1"] {
            assert!(found(nowhere).is_empty(), "{nowhere}");
        }
    }

    #[test]
    fn what_is_no_pointer_is_told() {
        for wrong in ["a", "#/a", "/~", "/~2", "a/b"] {
            assert_eq!(Pointer::read(wrong), None, "{wrong}");
        }
    }
}
