//! A body as a sample keeps it: masked, then cut.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::Pointer;

/// What stands in place of a value that is hidden.
const HIDDEN: &str = "\"***\"";

/// A body to be sampled.
#[derive(Clone, Copy, Debug)]
pub struct Body<'b> {
    pub bytes: &'b [u8],
    pub content_type: Option<&'b str>,
    pub content_encoding: Option<&'b str>,
}

/// A body in a sample.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampledBody {
    pub content_type: Option<String>,
    pub content_encoding: Option<String>,
    /// How many bytes the body has by itself.
    pub size: u64,
    /// What is kept of it, and how many values were replaced in it; none where it is withheld.
    #[serde(skip)]
    pub kept: Vec<u8>,
    pub masked: u32,
    /// Whether the end is missing.
    pub truncated: bool,
    pub withheld: Option<Withheld>,
}

/// Why nothing of a body is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Withheld {
    /// Parts of it are to be hidden, and it is no JSON, or encoded.
    NotJson,
    /// Parts of another body are hidden, which this one may repeat.
    NotMasked,
}

impl SampledBody {
    /// `body` with the values at `pointers` replaced, cut to `max_bytes`. If others are `masked`, it
    /// is withheld unless it has pointers of its own.
    #[must_use]
    pub fn of(body: Body<'_>, pointers: &[String], masked: bool, max_bytes: u64) -> Self {
        let mut sampled = Self {
            content_type: body.content_type.map(str::to_owned),
            content_encoding: body.content_encoding.map(str::to_owned),
            size: body.bytes.len() as u64,
            kept: Vec::new(),
            masked: 0,
            truncated: false,
            withheld: None,
        };
        if pointers.is_empty() {
            if masked {
                sampled.withheld = Some(Withheld::NotMasked);
            } else {
                sampled.keep(body.bytes.to_vec(), max_bytes);
            }
            return sampled;
        }
        match masked_text(body, pointers) {
            Some((text, values)) => {
                sampled.masked = values;
                sampled.keep(text.into_bytes(), max_bytes);
            }
            None => sampled.withheld = Some(Withheld::NotJson),
        }
        sampled
    }

    fn keep(&mut self, mut bytes: Vec<u8>, max_bytes: u64) {
        let most = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        self.truncated = bytes.len() > most;
        bytes.truncate(most);
        self.kept = bytes;
    }
}

/// The document with other values in place of those that are hidden, and how many; everything else is
/// as it was written. None where it is no JSON that can be read.
fn masked_text(body: Body<'_>, pointers: &[String]) -> Option<(String, u32)> {
    if body.content_encoding.is_some() {
        return None;
    }
    let text = std::str::from_utf8(body.bytes).ok()?;
    let mut places: Vec<Range<usize>> = Vec::new();
    for pointer in pointers {
        places.extend(Pointer::read(pointer)?.find(text).ok()?);
    }
    places.sort_by_key(|place| (place.start, std::cmp::Reverse(place.end)));
    let (mut masked, mut values, mut end) = (String::with_capacity(text.len()), 0, 0);
    for place in places {
        // One within another, or the same one, is replaced with it.
        if place.start < end {
            continue;
        }
        masked.push_str(&text[end..place.start]);
        masked.push_str(HIDDEN);
        values += 1;
        end = place.end;
    }
    masked.push_str(&text[end..]);
    Some((masked, values))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn sampled(text: &str, pointers: &[&str], max_bytes: u64) -> SampledBody {
        let pointers: Vec<_> = pointers.iter().map(ToString::to_string).collect();
        SampledBody::of(body(text), &pointers, false, max_bytes)
    }

    fn body(text: &str) -> Body<'_> {
        Body {
            bytes: text.as_bytes(),
            content_type: Some("application/json"),
            content_encoding: None,
        }
    }

    fn kept(sampled: &SampledBody) -> &str {
        std::str::from_utf8(&sampled.kept).unwrap()
    }

    #[test]
    fn values_are_replaced_and_the_rest_is_as_it_was_written() {
        let text =
            r#"{ "id":1.10, "who": {"name": "Ada", "tags": [1, 2]}, "n": 12345678901234567890 }"#;
        let masked = sampled(text, &["/who/name", "/n", "/who/tags/1", "/nowhere"], 1000);
        assert_eq!(
            kept(&masked),
            r#"{ "id":1.10, "who": {"name": "***", "tags": [1, "***"]}, "n": "***" }"#
        );
        assert_eq!((masked.masked, masked.size), (3, text.len() as u64));
        let nested = sampled(text, &["/who/name", "/who", "/who"], 1000);
        assert_eq!(
            kept(&nested),
            r#"{ "id":1.10, "who": "***", "n": 12345678901234567890 }"#
        );
    }

    #[test]
    fn what_is_cut_is_masked_before() {
        let masked = sampled(r#"{"a":"secret","b":1}"#, &["/a"], 10);
        assert_eq!(kept(&masked), r#"{"a":"***""#);
        assert!(masked.truncated);
    }

    #[test]
    fn what_cannot_be_masked_is_not_kept() {
        for text in [
            "",
            "no JSON",
            r#"{"a":NaN}"#,
            r#"{"a":1} {"a":2}"#,
            "\u{feff}{}",
        ] {
            let masked = sampled(text, &["/a"], 1000);
            assert_eq!(masked.withheld, Some(Withheld::NotJson), "{text}");
            assert!(masked.kept.is_empty(), "{text}");
        }
        let encoded = Body {
            content_encoding: Some("gzip"),
            ..body("{}")
        };
        let masked = SampledBody::of(encoded, &["/a".to_owned()], false, 9);
        assert_eq!(masked.withheld, Some(Withheld::NotJson));
        let beside = SampledBody::of(body("{}"), &[], true, 9);
        assert_eq!(beside.withheld, Some(Withheld::NotMasked));
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<i64>().prop_map(|number| json!(number)),
            "[a-z\"\\\\/é]{0,4}".prop_map(|text| json!(text)),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(|items| json!(items)),
                prop::collection::btree_map("[abé\"~/]{0,2}", inner, 0..4)
                    .prop_map(|members| json!(members)),
            ]
        })
    }

    /// The ways to all values of a document.
    fn ways(value: &Value, way: &str, all: &mut Vec<String>) {
        all.push(way.to_owned());
        match value {
            Value::Object(members) => {
                for (name, inner) in members {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    ways(inner, &format!("{way}/{name}"), all);
                }
            }
            Value::Array(items) => {
                for (number, inner) in items.iter().enumerate() {
                    ways(inner, &format!("{way}/{number}"), all);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    proptest! {
        #[test]
        fn masking_replaces_what_a_reader_of_json_finds_there(
            document in value(),
            chosen in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
            pretty in any::<bool>(),
        ) {
            let mut all = Vec::new();
            ways(&document, "", &mut all);
            let pointers: Vec<String> =
                chosen.iter().map(|index| index.get(&all).clone()).collect();
            let text = if pretty {
                serde_json::to_string_pretty(&document).unwrap()
            } else {
                document.to_string()
            };
            let mut expected = document.clone();
            let mut sorted = pointers.clone();
            // The outer ones last, so that they take the inner ones along.
            sorted.sort_by_key(|pointer| std::cmp::Reverse(pointer.len()));
            for pointer in &sorted {
                *expected.pointer_mut(pointer).unwrap() = json!("***");
            }
            let (masked, _) = masked_text(body(&text), &pointers).unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(&masked).unwrap(), expected);
        }
    }
}
