//! The JSON that callers know: a result or an error, with what is said about it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::RunId;
use domain::run::DirectResult;
use serde::Serialize;
use serde_json::value::RawValue;

use super::content::Content;

/// An error as callers read it. Its presence is what they go by, not the status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct ErrorBody {
    pub(super) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error_type: Option<String>,
    /// The original's documents have one name of it, its Python client the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stacktrace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", rename = "stack_trace")]
    pub(super) stack_trace: Option<String>,
}

/// What is known of a run once it began.
#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    pub(super) run: RunId,
    pub(super) duration: Duration,
    /// What the caller should know beside.
    pub(super) alert: Option<&'static str>,
}

#[derive(Serialize)]
struct Success<'a> {
    result: Output<'a>,
    metadata: Metadata,
    request_id: String,
}

/// A result as the kind of its content has it.
#[derive(Serialize)]
#[serde(untagged)]
enum Output<'a> {
    /// As written, its digits and their order untouched.
    Json(&'a RawValue),
    Text(&'a str),
    Base64(String),
    Void(()),
}

#[derive(Serialize)]
struct Failed<'a> {
    error: &'a ErrorBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

#[derive(Serialize)]
struct Metadata {
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<&'static str>,
    /// Seconds.
    duration: f64,
    request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    alerts: Option<[&'static str; 1]>,
}

#[derive(Serialize)]
struct Acknowledged {
    #[serde(rename = "async")]
    asynchronous: &'static str,
    async_protocol: &'static str,
    request_id: String,
}

/// The answer to a run that succeeded.
pub(super) fn success(result: &DirectResult, about: About) -> Vec<u8> {
    let (content_type, output) = output(result);
    json(&Success {
        result: output,
        metadata: about.metadata(Some(content_type)),
        request_id: request_id(about.run),
    })
}

/// The answer to a run that failed, or to a request that came to none.
pub(super) fn error(error: &ErrorBody, about: Option<About>) -> Vec<u8> {
    json(&Failed {
        error,
        metadata: about.map(|about| about.metadata(None)),
        request_id: about.map(|about| request_id(about.run)),
    })
}

/// The answer to a run that nobody waits for.
pub(super) fn acknowledged(run: RunId) -> Vec<u8> {
    json(&Acknowledged {
        asynchronous: "void",
        async_protocol: "void",
        request_id: request_id(run),
    })
}

impl About {
    fn metadata(self, content_type: Option<&'static str>) -> Metadata {
        Metadata {
            content_type,
            duration: self.duration.as_secs_f64(),
            request_id: request_id(self.run),
            alerts: self.alert.map(|alert| [alert]),
        }
    }
}

/// A run's id as callers know it.
pub(super) fn request_id(run: RunId) -> String {
    format!("req-{run}")
}

fn output(result: &DirectResult) -> (&'static str, Output<'_>) {
    let body = &result.body[..];
    // "The result element is null", and so is one that is nothing.
    if matches!(body.trim_ascii(), b"" | b"null") {
        return ("void", Output::Void(()));
    }
    let content = Content::of_result(result.content_type.as_deref(), body);
    let text = std::str::from_utf8(body);
    match (content, text) {
        (Content::Json, _) if let Ok(value) = serde_json::from_slice(body) => {
            ("json", Output::Json(value))
        }
        (Content::Text, Ok(text)) => ("text", Output::Text(text)),
        _ => ("binary", Output::Base64(STANDARD.encode(body))),
    }
}

fn json(answer: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(answer).expect("names and strings are always JSON")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use serde_json::{Value, json};

    use uuid::Uuid;

    use super::*;

    const ABOUT: About = About {
        run: RunId(Uuid::from_u128(7)),
        duration: Duration::from_millis(1250),
        alert: None,
    };

    fn answer(content_type: Option<&str>, body: &'static [u8]) -> String {
        let result = DirectResult {
            content_type: content_type.map(str::to_owned),
            content_encoding: None,
            body: Bytes::from_static(body),
        };
        String::from_utf8(success(&result, ABOUT)).unwrap()
    }

    fn told(content_type: Option<&str>, body: &'static [u8]) -> (Value, Value) {
        let answer: Value = serde_json::from_str(&answer(content_type, body)).unwrap();
        (
            answer["result"].clone(),
            answer["metadata"]["content_type"].clone(),
        )
    }

    #[test]
    fn a_result_is_told_by_its_kind() {
        let json = "application/json";
        assert_eq!(told(Some(json), b"[1,2]"), (json!([1, 2]), json!("json")));
        assert_eq!(
            told(Some("text/plain"), b"12"),
            (json!("12"), json!("text"))
        );
        let bytes = Some("application/octet-stream");
        assert_eq!(told(bytes, b"\xff\0"), (json!("/wA="), json!("binary")));
        for nothing in [&b""[..], b" null\n"] {
            assert_eq!(told(Some(json), nothing), (json!(null), json!("void")));
        }
    }

    #[test]
    fn a_json_result_keeps_its_digits_and_order() {
        let answer = answer(Some("application/json"), br#"{"b": 1.10, "a": 1e400}"#);
        assert!(answer.contains(r#"{"b": 1.10, "a": 1e400}"#), "{answer}");
    }

    #[test]
    fn a_run_is_named_and_timed_in_seconds() {
        let answer: Value = serde_json::from_str(&answer(None, b"1")).unwrap();
        let id = "req-00000000-0000-0000-0000-000000000007";
        assert_eq!(answer["request_id"], id);
        assert_eq!(answer["metadata"]["request_id"], id);
        assert_eq!(answer["metadata"]["duration"], 1.25);
        assert!(answer.get("error").is_none());
    }

    #[test]
    fn an_error_has_no_result_and_says_only_what_is_known() {
        let body = ErrorBody {
            message: "no".to_owned(),
            error_type: None,
            stacktrace: None,
            stack_trace: None,
        };
        let answer: Value = serde_json::from_slice(&error(&body, None)).unwrap();
        assert_eq!(answer, json!({ "error": { "message": "no" } }));
        let answer: Value = serde_json::from_slice(&error(&body, Some(ABOUT))).unwrap();
        assert_eq!(answer["metadata"]["duration"], 1.25);
    }

    #[test]
    fn an_acknowledgement_has_the_names_that_clients_look_for() {
        let answer: Value = serde_json::from_slice(&acknowledged(RunId(Uuid::nil()))).unwrap();
        let id = "req-00000000-0000-0000-0000-000000000000";
        let wanted = json!({ "async": "void", "async_protocol": "void", "request_id": id });
        assert_eq!(answer, wanted);
    }
}
