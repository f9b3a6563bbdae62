//! Reading an endpoint's answer by the protocol of its version.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::algorithm::Protocol;
use domain::settlement::Answer;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::called::Called;
use crate::journal::Representation;

/// It succeeded and has nothing to say, whatever the protocol.
const NO_CONTENT: u16 = 204;

/// The longest text of an error that is kept, in characters.
const LONGEST_TEXT: usize = 500;

/// What the whole answer with `status` came to; headers are not looked at.
pub(super) fn read(
    protocol: Protocol,
    status: u16,
    representation: Representation,
    body: Bytes,
) -> Called {
    let hints = Hints::of(status, &body);
    let mut called = read_body(protocol, status, representation, body);
    if let Answer::Status {
        error_code,
        inner_status,
        ..
    } = &mut called.answer
    {
        *error_code = hints.error_code();
        *inner_status = hints.inner_status;
    }
    called
}

fn read_body(
    protocol: Protocol,
    status: u16,
    representation: Representation,
    body: Bytes,
) -> Called {
    if status == NO_CONTENT {
        return Called::failed(answered(status, None), None);
    }
    if let Some(encoding) = &representation.content_encoding {
        return encoded(protocol, status, &encoding.clone(), representation, body);
    }
    let plain = |representation, body: Bytes| Called {
        representation,
        result: Some(body.clone()),
        ..Called::failed(answered(status, None), refusal_text(status, &body))
    };
    match protocol {
        Protocol::Raw => plain(representation, body),
        Protocol::Algorithmia => match serde_json::from_slice::<Envelope<'_>>(&body) {
            Ok(Envelope {
                error: Some(error), ..
            }) => Called::failed(
                // The original's default where an error names no type.
                answered(status, Some(error.error_type.unwrap_or_else(default_type))),
                error.message.map(clip),
            )
            .at(error.stacktrace),
            Ok(Envelope {
                result: Some(result),
                metadata,
                ..
            }) if is_success(status) => match metadata.unwrap_or_default().result(result) {
                Some((content_type, body)) => plain(of_type(content_type), body),
                None => Called::failed(Answer::Undecodable, None),
            },
            _ if is_success(status) => Called::failed(Answer::Undecodable, None),
            _ => plain(Representation::default(), Bytes::new()),
        },
    }
}

/// An answer whose bytes are encoded. They pass with that word where nobody has to read them.
fn encoded(
    protocol: Protocol,
    status: u16,
    encoding: &str,
    representation: Representation,
    body: Bytes,
) -> Called {
    match protocol {
        _ if !is_success(status) => Called::failed(answered(status, None), None),
        Protocol::Raw => Called {
            representation,
            result: Some(body),
            ..Called::failed(answered(status, None), None)
        },
        Protocol::Algorithmia => {
            let text = format!("its content encoding is {encoding}, which was not asked for");
            Called::failed(Answer::Undecodable, Some(clip(text)))
        }
    }
}

fn of_type(content_type: &str) -> Representation {
    Representation {
        content_type: Some(content_type.to_owned()),
        content_encoding: None,
    }
}

/// The envelope of the `algorithmia` protocol.
#[derive(Deserialize)]
struct Envelope<'a> {
    /// Also `null`, which is a result like any other.
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    error: Option<AlgorithmError>,
    metadata: Option<Metadata>,
}

/// A member that is present, whatever its value: serde takes `null` for an absent one.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(value).map(Some)
}

#[derive(Deserialize)]
struct AlgorithmError {
    error_type: Option<String>,
    message: Option<String>,
    #[serde(alias = "stack_trace")]
    stacktrace: Option<String>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    content_type: Option<ContentType>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ContentType {
    Json,
    Text,
    Binary,
    Void,
}

impl Metadata {
    /// The content type and bytes of `result`; `None` when it is not what its type says.
    fn result(&self, result: &RawValue) -> Option<(&'static str, Bytes)> {
        let string = || serde_json::from_str::<String>(result.get()).ok();
        Some(match self.content_type.unwrap_or(ContentType::Json) {
            ContentType::Json => ("application/json", Bytes::from(result.get().to_owned())),
            ContentType::Text => ("text/plain; charset=utf-8", Bytes::from(string()?)),
            ContentType::Binary => (
                "application/octet-stream",
                Bytes::from(STANDARD.decode(string()?).ok()?),
            ),
            ContentType::Void => ("application/json", Bytes::from_static(b"null")),
        })
    }
}

fn answered(status: u16, error_type: Option<String>) -> Answer {
    let mut answer = Answer::of_status(status);
    if let Answer::Status { error_type: of, .. } = &mut answer {
        *of = error_type;
    }
    answer
}

/// What the body of a 424 or 429 says of what the status means.
#[derive(Default, Deserialize)]
struct Hints {
    /// SageMaker's.
    #[serde(default, rename = "OriginalStatusCode")]
    inner_status: Option<u16>,
    /// OpenAI's, and that of those who answer like it.
    #[serde(default)]
    error: Option<serde_json::Value>,
}

impl Hints {
    fn of(status: u16, body: &[u8]) -> Self {
        match status {
            424 | 429 => serde_json::from_slice(body).unwrap_or_default(),
            _ => Self::default(),
        }
    }

    fn error_code(&self) -> Option<String> {
        let code = self.error.as_ref()?.get("code")?.as_str()?;
        Some(code.to_owned())
    }
}

fn default_type() -> String {
    "AlgorithmError".to_owned()
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// What an endpoint that did not succeed says in plain text, on one line: most say why.
fn refusal_text(status: u16, body: &[u8]) -> Option<String> {
    if is_success(status) {
        return None;
    }
    let start = &body[..body.len().min(4 * LONGEST_TEXT)];
    let text = String::from_utf8_lossy(start);
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    (!words.is_empty()).then(|| clip(words.join(" ")))
}

pub(super) fn clip(text: String) -> String {
    text.chars().take(LONGEST_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn algorithmia(status: u16, body: &'static str) -> Called {
        let body = Bytes::from_static(body.as_bytes());
        read(
            Protocol::Algorithmia,
            status,
            Representation::default(),
            body,
        )
    }

    #[test]
    fn the_body_of_a_raw_answer_is_the_result_untouched() {
        let body = Bytes::from_static(b"\xff{");
        let called = read(Protocol::Raw, 200, of_type("x/y"), body.clone());
        assert_eq!(called.answer, answered(200, None));
        assert_eq!(called.result, Some(body));
        assert_eq!(called.representation, of_type("x/y"));
    }

    #[test]
    fn an_answer_without_content_has_no_result_and_an_empty_one_has() {
        let result = |protocol, status| {
            let called = read(protocol, status, Representation::default(), Bytes::new());
            assert_eq!(called.answer, answered(status, None));
            called.result
        };
        assert_eq!(result(Protocol::Raw, 204), None);
        assert_eq!(result(Protocol::Algorithmia, 204), None);
        assert_eq!(result(Protocol::Raw, 200), Some(Bytes::new()));
    }

    #[test]
    fn a_raw_refusal_keeps_what_it_says_on_one_line() {
        let said = |status, body: &[u8]| {
            let body = Bytes::copy_from_slice(body);
            read(Protocol::Raw, status, Representation::default(), body).text
        };
        let refused = said(422, b" no\r\n\x1b[31m order\n");
        assert_eq!(refused.as_deref(), Some("no [31m order"));
        assert_eq!(said(500, b" \n"), None);
        assert_eq!(said(200, b"a result"), None);
        let endless = said(400, "é".repeat(10_000).as_bytes()).unwrap();
        assert_eq!(endless.chars().count(), LONGEST_TEXT);
    }

    #[test]
    fn an_encoded_answer_keeps_its_encoding_and_is_not_read() {
        let gzip = || Representation {
            content_encoding: Some("gzip".to_owned()),
            ..of_type("application/json")
        };
        let body = Bytes::from_static(b"\x1f\x8b");
        let read = |protocol, status| read(protocol, status, gzip(), body.clone());
        let called = read(Protocol::Raw, 200);
        assert_eq!(called.representation, gzip());
        assert_eq!(called.result, Some(body.clone()));
        let refused = read(Protocol::Raw, 422);
        assert_eq!((refused.text, refused.result), (None, None));
        let unread = read(Protocol::Algorithmia, 200);
        assert_eq!(unread.answer, Answer::Undecodable);
        assert!(unread.text.unwrap().contains("gzip"));
        assert_eq!(read(Protocol::Algorithmia, 503).answer, answered(503, None));
    }

    #[test]
    fn a_json_result_keeps_its_digits_and_order() {
        let called = algorithmia(
            200,
            r#"{"result": {"b": 1.10, "a": 12345678901234567890123}}"#,
        );
        let digits = r#"{"b": 1.10, "a": 12345678901234567890123}"#;
        assert_eq!(called.result.unwrap(), digits);
        assert_eq!(called.representation, of_type("application/json"));
    }

    #[test]
    fn text_and_binary_results_are_unwrapped() {
        let text = algorithmia(200, r#"{"result":"hé","metadata":{"content_type":"text"}}"#);
        assert_eq!(text.result.unwrap(), "hé");
        let binary = algorithmia(
            200,
            r#"{"result":"/wA=","metadata":{"content_type":"binary"}}"#,
        );
        assert_eq!(binary.result.unwrap(), Bytes::from_static(b"\xff\0"));
    }

    #[test]
    fn null_is_a_result() {
        for body in [
            r#"{"result":null,"metadata":{"content_type":"void"}}"#,
            r#"{"result":null,"metadata":{"content_type":"json"}}"#,
            r#"{"result":null,"metadata":null}"#,
            r#"{"result":null}"#,
            r#"{"error":null,"result":null}"#,
        ] {
            let called = algorithmia(200, body);
            assert_eq!(called.answer, answered(200, None), "{body}");
            assert_eq!(called.result.unwrap(), "null", "{body}");
        }
    }

    #[test]
    fn an_envelope_without_metadata_holds_json() {
        for body in [r#"{"result":1}"#, r#"{"result":1,"metadata":null}"#] {
            let called = algorithmia(200, body);
            assert_eq!(called.representation, of_type("application/json"));
            assert_eq!(called.result.unwrap(), "1");
        }
    }

    #[test]
    fn an_error_is_told_by_its_presence() {
        let called = algorithmia(
            200,
            r#"{"error":{"error_type":"InputError","message":"no such colour","stack_trace":"at 1"}}"#,
        );
        assert_eq!(called.stacktrace.as_deref(), Some("at 1"));
        assert_eq!(called.answer, answered(200, Some("InputError".to_owned())));
        assert_eq!(called.text.as_deref(), Some("no such colour"));
        let nameless = algorithmia(400, r#"{"error":{"message":"?"}}"#);
        assert_eq!(nameless.answer, answered(400, Some(default_type())));
    }

    #[test]
    fn a_success_without_result_or_error_is_undecodable() {
        for body in [
            "",
            "ok",
            "{}",
            r#"{"result":1,"metadata":{"content_type":"binary"}}"#,
        ] {
            assert_eq!(algorithmia(200, body).answer, Answer::Undecodable, "{body}");
        }
        assert_eq!(algorithmia(503, "down").answer, answered(503, None));
    }

    #[test]
    fn the_body_of_a_424_and_a_429_says_what_the_status_means() {
        let read = |status, body: &'static str| {
            let body = Bytes::from_static(body.as_bytes());
            match read(Protocol::Raw, status, Representation::default(), body).answer {
                Answer::Status {
                    error_code,
                    inner_status,
                    ..
                } => (error_code, inner_status),
                other => panic!("{other:?}"),
            }
        };
        let sagemaker = r#"{"Message":"no","OriginalStatusCode":400}"#;
        assert_eq!(read(424, sagemaker), (None, Some(400)));
        assert_eq!(read(500, sagemaker), (None, None));
        let openai = r#"{"error":{"message":"no","code":"insufficient_quota"}}"#;
        let code = Some("insufficient_quota".to_owned());
        assert_eq!(read(429, openai), (code, None));
        for odd in [
            "",
            "{}",
            "[]",
            r#"{"error":"no"}"#,
            r#"{"error":{"code":7}}"#,
        ] {
            assert_eq!(read(429, odd), (None, None), "{odd}");
        }
    }
}
