//! One level of a JSON text, and what makes a text one that can be read.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use cel::common::types::CelString;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Item, value};

/// The members of an object by name, or the items of an array.
#[derive(Debug)]
pub(super) enum Level {
    /// Sorted, so that an expression gives the same for the same message, and each name once: the
    /// last of its members counts.
    Object(Vec<(CelString<'static>, Item)>),
    Array(Vec<Item>),
}

impl Level {
    /// Of a text that is valid and an object or an array.
    pub(super) fn read(text: &Bytes, is_object: bool) -> Self {
        let piece = |raw: &RawValue| value(text.slice_ref(raw.get().as_bytes()));
        if !is_object {
            let items: Vec<&RawValue> = serde_json::from_slice(text).unwrap_or_default();
            return Self::Array(items.into_iter().map(piece).collect());
        }
        let Members(mut members) = serde_json::from_slice(text).unwrap_or_default();
        members.sort_by(|(one, _), (other, _)| one.cmp(other));
        members.dedup_by(|later, earlier| {
            let is_same = later.0 == earlier.0;
            if is_same {
                std::mem::swap(later, earlier);
            }
            is_same
        });
        let read = |(name, raw): (Cow<'_, str>, &RawValue)| {
            (CelString::from(name.into_owned()), piece(raw))
        };
        Self::Object(members.into_iter().map(read).collect())
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Object(members) => members.len(),
            Self::Array(items) => items.len(),
        }
    }
}

/// The members of an object as they come.
#[derive(Default)]
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((Name(name), raw)) = map.next_entry()? {
                    members.push((name, raw));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visit)
    }
}

/// A text that can be read to its depths: that its strings are Unicode, its numbers are numbers here
/// too, and it is nested no deeper than the parser goes, is checked with it.
pub(super) struct Checked;

impl<'de> Deserialize<'de> for Checked {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;
        impl<'de> Visitor<'de> for Visit {
            type Value = Checked;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_bool<E>(self, _: bool) -> Result<Checked, E> {
                Ok(Checked)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Checked, E> {
                Ok(Checked)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Checked, E> {
                Ok(Checked)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Checked, E> {
                Ok(Checked)
            }

            fn visit_str<E>(self, _: &str) -> Result<Checked, E> {
                Ok(Checked)
            }

            fn visit_unit<E>(self) -> Result<Checked, E> {
                Ok(Checked)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Checked, A::Error> {
                while seq.next_element::<Checked>()?.is_some() {}
                Ok(Checked)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Checked, A::Error> {
                while map.next_entry::<Checked, Checked>()?.is_some() {}
                Ok(Checked)
            }
        }
        deserializer.deserialize_any(Visit)
    }
}
