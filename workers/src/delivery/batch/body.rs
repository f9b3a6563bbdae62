//! The bodies of messages as one.

use bytes::{BufMut, Bytes, BytesMut};
use domain::listener::BatchFormat;
use http::HeaderValue;
use serde::de::IgnoredAny;

use super::super::input::{Event, Input};

/// Whether what is sent of a message can be a part of a batch: it is JSON, or there is no body.
pub(in super::super) fn is_part(input: &Input) -> bool {
    input.is_null
        || input.content_encoding.is_none()
            && serde_json::from_slice::<IgnoredAny>(&input.body).is_ok()
}

/// What of a batch is a message's. No body is `null`.
pub(super) fn part(input: &Input) -> Bytes {
    if input.is_null {
        return Bytes::from_static(b"null");
    }
    input.body.clone()
}

/// All of `bodies` in one.
pub(super) fn joined<'b>(
    format: BatchFormat,
    bodies: impl ExactSizeIterator<Item = &'b Bytes> + Clone,
) -> Input {
    let count = bodies.len();
    let size: usize = bodies.clone().map(|body| body.len() + 1).sum();
    let mut whole = BytesMut::with_capacity(size + 2);
    match format {
        BatchFormat::JsonArray => {
            whole.put_u8(b'[');
            for (number, body) in bodies.enumerate() {
                if number > 0 {
                    whole.put_u8(b',');
                }
                whole.put_slice(body);
            }
            whole.put_u8(b']');
        }
        BatchFormat::Ndjson => {
            for body in bodies {
                // Within a text of JSON, line breaks are escaped.
                let break_at = |byte: &u8| matches!(byte, b'\n' | b'\r');
                for (number, line) in body.split(break_at).enumerate() {
                    if number > 0 {
                        whole.put_u8(b' ');
                    }
                    whole.put_slice(line);
                }
                whole.put_u8(b'\n');
            }
        }
    }
    Input {
        body: whole.freeze(),
        is_null: false,
        content_type: HeaderValue::from_static(match format {
            BatchFormat::JsonArray => "application/json",
            BatchFormat::Ndjson => "application/x-ndjson",
        }),
        content_encoding: None,
        event: Event::Several(count),
        is_message: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(format: BatchFormat, bodies: &[&'static str]) -> Bytes {
        let bodies: Vec<_> = bodies
            .iter()
            .map(|body| Bytes::from_static(body.as_bytes()))
            .collect();
        joined(format, bodies.iter()).body
    }

    #[test]
    fn bodies_become_one_as_they_are_but_for_line_breaks() {
        let bodies = ["{\"a\": 1.10}", "[\n 1,\r\n 2 ]\n", "null"];
        assert_eq!(
            sent(BatchFormat::JsonArray, &bodies),
            "[{\"a\": 1.10},[\n 1,\r\n 2 ]\n,null]"
        );
        assert_eq!(
            sent(BatchFormat::Ndjson, &bodies),
            "{\"a\": 1.10}\n[  1,   2 ] \nnull\n"
        );
    }
}
