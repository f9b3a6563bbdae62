//! The answer to a batch, as those of its items.

use std::time::Duration;

use bytes::Bytes;
use domain::listener::BatchFormat;
use domain::settlement::Answer;
use http::HeaderValue;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::super::answer::clip;
use super::super::called::{Called, Received};
use crate::journal::Representation;

const JSON: &str = "application/json";

/// The error of an item that names no type.
const UNNAMED: &str = "Error";

/// One answer for each of `count` items: in the form of the batch, as many values; or an object with
/// `results`, as many that each are `data` or an `error`. None where it is neither.
pub(super) fn parts(format: BatchFormat, body: &Bytes, count: usize) -> Option<Vec<Called>> {
    if let Some(named) = named(body, count) {
        return Some(named);
    }
    let values = match format {
        BatchFormat::JsonArray => serde_json::from_slice::<Vec<&RawValue>>(body).ok()?,
        BatchFormat::Ndjson => {
            let text = std::str::from_utf8(body).ok()?;
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            let values = lines.map(serde_json::from_str::<&RawValue>);
            values.collect::<Result<_, _>>().ok()?
        }
    };
    let is_whole = values.len() == count;
    is_whole.then(|| {
        values
            .into_iter()
            .map(|value| result(body, value))
            .collect()
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named<'a> {
    #[serde(borrow)]
    results: Vec<Item<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Item<'a> {
    /// Also `null`, which is a result like any other.
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
    error: Option<ItemError>,
    /// In seconds.
    retry_after: Option<u64>,
}

#[derive(Deserialize)]
struct ItemError {
    #[serde(rename = "type")]
    kind: Option<String>,
    message: Option<String>,
}

fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(value).map(Some)
}

fn named(body: &Bytes, count: usize) -> Option<Vec<Called>> {
    let Named { results } = serde_json::from_slice(body).ok()?;
    let is_whole = results.len() == count;
    is_whole.then(|| results.into_iter().map(|item| item.called(body)).collect())
}

impl Item<'_> {
    fn called(self, body: &Bytes) -> Called {
        if let Some(error) = self.error {
            let mut answer = Answer::of_status(200);
            if let Answer::Status {
                error_type,
                retry_after,
                ..
            } = &mut answer
            {
                *error_type = Some(error.kind.unwrap_or_else(|| UNNAMED.to_owned()));
                *retry_after = self.retry_after.map(Duration::from_secs);
            }
            return Called::failed(answer, error.message.map(clip));
        }
        match self.data {
            Some(data) => result(body, data),
            None => Called::failed(Answer::of_status(200), None),
        }
    }
}

/// The answer of an item: `value`, which is a part of `body`.
fn result(body: &Bytes, value: &RawValue) -> Called {
    let value = body.slice_ref(value.get().as_bytes());
    Called {
        representation: Representation {
            content_type: Some(JSON.to_owned()),
            content_encoding: None,
        },
        result: Some(value.clone()),
        received: Some(Received {
            body: value,
            content_type: Some(HeaderValue::from_static(JSON)),
            content_encoding: None,
        }),
        ..Called::failed(Answer::of_status(200), None)
    }
}

#[cfg(test)]
mod tests {
    use domain::settlement::{self, Reason, Verdict};

    use super::*;

    fn results(format: BatchFormat, body: &'static str, count: usize) -> Option<Vec<String>> {
        let parts = parts(format, &Bytes::from_static(body.as_bytes()), count)?;
        let text = |part: Called| match part.result {
            Some(result) => String::from_utf8(result.to_vec()).unwrap(),
            None => "nothing".to_owned(),
        };
        Some(parts.into_iter().map(text).collect())
    }

    #[test]
    fn an_answer_has_as_many_values_as_the_batch() {
        let array = |body, count| results(BatchFormat::JsonArray, body, count);
        let two = Some(vec!["{\"a\": 1.10}".to_owned(), "null".to_owned()]);
        assert_eq!(array("[{\"a\": 1.10}, null]", 2), two);
        for (wrong, count) in [
            ("[1]", 2),
            ("[1,2]", 1),
            ("{}", 1),
            ("1", 1),
            ("", 0),
            ("[1", 1),
        ] {
            assert_eq!(array(wrong, count), None, "{wrong}");
        }
        let lines = |body, count| results(BatchFormat::Ndjson, body, count);
        assert_eq!(lines("{\"a\": 1.10}\r\nnull\n\n", 2), two);
        for (wrong, count) in [("1\n", 2), ("1\n2", 1), ("[1,2]", 2), ("1\n{", 2)] {
            assert_eq!(lines(wrong, count), None, "{wrong}");
        }
    }

    #[test]
    fn items_say_by_themselves_what_became_of_them() {
        let body = r#"{"results":[{"data":{"x":1}},{},{"data":null},
            {"error":{"type":"InputError","message":"not a picture"}},
            {"error":{"message":"cache cold"},"retryAfter":5}]}"#;
        for format in [BatchFormat::JsonArray, BatchFormat::Ndjson] {
            let parts = parts(format, &Bytes::from_static(body.as_bytes()), 5).unwrap();
            let verdicts = parts.iter().map(|part| settlement::judge(&part.answer));
            let after = Some(Duration::from_secs(5));
            assert_eq!(
                verdicts.collect::<Vec<_>>(),
                [
                    Verdict::Succeeded,
                    Verdict::Succeeded,
                    Verdict::Succeeded,
                    Verdict::Faulty(Reason::Refused),
                    Verdict::Retry { after },
                ]
            );
            assert_eq!(parts[0].result.as_deref(), Some(&b"{\"x\":1}"[..]));
            assert_eq!(parts[1].result, None);
            assert_eq!(parts[2].result.as_deref(), Some(&b"null"[..]));
            assert_eq!(parts[3].text.as_deref(), Some("not a picture"));
            assert_eq!(results(format, body, 4), None);
        }
    }
}
