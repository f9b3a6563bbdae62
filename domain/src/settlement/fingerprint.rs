//! What failures of one kind have in common.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use uuid::Uuid;

use super::Reason;

/// The way in which fingerprints are made now. It is kept with each: those of another version are not
/// compared.
const VERSION: u32 = 1;

/// Characters of a text that are looked at: its first line, if that is shorter.
const MOST_CHARS: usize = 500;

/// The namespace of the ids.
const NAMESPACE: Uuid = Uuid::from_u128(0x6a1d_4f0c_7d1e_4b7e_9a53_51f2_0c5f_3f6d);

/// What varies from message to message in the texts of one failure, the more particular first.
static VARIABLE: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r#"(?x)
        (?<email> [\w.+-]+ @ [\w-]+ (?:\.[\w-]+)+ )
      | (?<url> \b [a-z][a-z0-9+.-]* :// [^\s"'<>]+ )
      | (?<traceparent> \b 00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2} \b )
      | (?<uuid> \b [0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12} \b )
      | (?<time> \b \d{4}-\d{2}-\d{2} (?:[T\ ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)? (?:Z|[+-]\d{2}:?\d{2})?)? \b )
      | (?<ip> \b \d{1,3}(?:\.\d{1,3}){3} (?::\d+)? \b )
      | (?<quoted> "[^"]*" | '[^'\s]+(?:\s[^']*)?' )
      | (?<hex> \b 0x[0-9a-fA-F]+ \b | \b [0-9a-f]*[0-9][0-9a-f]{7,} \b | \b [0-9a-f]{8,}[0-9][0-9a-f]* \b )
      | (?<duration> \b \d+(?:\.\d+)? \ ? (?:ns|us|µs|ms|s|min|h) \b )
      | (?<number> [+-]?\d+(?:[.,]\d+)* (?:[eE][+-]?\d+)? )
    "#;
    Regex::new(pattern).expect("the pattern is tested")
});

/// What failures of one kind have in common: the reason, the status, and the text but for what varies
/// from message to message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FailureFingerprint {
    version: u32,
    id: Uuid,
}

impl FailureFingerprint {
    #[must_use]
    pub fn of(reason: Reason, status: Option<u16>, text: &str) -> Self {
        let status = status.map(|status| status.to_string()).unwrap_or_default();
        let name = [reason.as_str(), &status, &without_variables(text)].join("\n");
        Self {
            version: VERSION,
            id: Uuid::new_v5(&NAMESPACE, name.as_bytes()),
        }
    }
}

/// The first line of a text, with the kinds of what varies in place of it: `no order <number> in
/// <quoted>`.
fn without_variables(text: &str) -> String {
    let line = text.trim_start().lines().next().unwrap_or_default();
    let line: String = line.chars().take(MOST_CHARS).collect();
    let kind = |found: &Captures<'_>| {
        let names = VARIABLE.capture_names().flatten();
        let mut matching = names.filter(|name| found.name(name).is_some());
        format!("<{}>", matching.next().unwrap_or_default())
    };
    VARIABLE.replace_all(&line, kind).into_owned()
}

/// The version, and the id.
impl fmt::Display for FailureFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.version, self.id.simple())
    }
}

/// A text that is no fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no fingerprint of a failure")]
pub struct NoFingerprint(String);

impl FromStr for FailureFingerprint {
    type Err = NoFingerprint;

    fn from_str(text: &str) -> Result<Self, NoFingerprint> {
        let parts = text.split_once('-').and_then(|(version, id)| {
            Some(Self {
                version: version.parse().ok()?,
                id: Uuid::try_parse(id).ok()?,
            })
        });
        parts.ok_or_else(|| NoFingerprint(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_is_named_by_its_kind() {
        for (text, expected) in [
            ("no order 4711", "no order <number>"),
            ("no order -12.5e3 of 7", "no order <number> of <number>"),
            ("KeyError: 'amount'", "KeyError: <quoted>"),
            (
                "missing \"sku 1\" in row 3",
                "missing <quoted> in row <number>",
            ),
            ("can't read it", "can't read it"),
            (
                "run 1b4e28ba-2fa1-11d2-883f-0016d3cca427 failed",
                "run <uuid> failed",
            ),
            ("at 2026-11-29T23:40:00.123Z", "at <time>"),
            ("on 2026-11-29", "on <time>"),
            (
                "GET http://10.0.0.1:8080/a?b=c gave up",
                "GET <url> gave up",
            ),
            ("10.0.0.1:9092 refused", "<ip> refused"),
            ("ann@example.com is unknown", "<email> is unknown"),
            ("object at 0x7f3a2c", "object at <hex>"),
            ("digest 9f86d081884c7d65", "digest <hex>"),
            ("timed out after 5000 ms", "timed out after <duration>"),
            ("first line\nat score.py:12", "first line"),
            ("", ""),
        ] {
            assert_eq!(without_variables(text), expected);
        }
    }

    #[test]
    fn failures_are_of_one_kind_whatever_they_name() {
        let of = |status, text| FailureFingerprint::of(Reason::Refused, Some(status), text);
        let first = of(422, "the endpoint answered 422: no order 1");
        assert_eq!(first, of(422, "the endpoint answered 422: no order 2"));
        for other in [
            of(400, "the endpoint answered 422: no order 1"),
            of(422, "the endpoint answered 422: no item 1"),
            FailureFingerprint::of(
                Reason::AttemptsExhausted,
                Some(422),
                "the endpoint answered 422: no order 1",
            ),
        ] {
            assert_ne!(first, other);
        }
        assert_eq!(first.to_string().parse(), Ok(first));
        assert!("422".parse::<FailureFingerprint>().is_err());
    }

    #[test]
    fn a_long_text_costs_no_more_than_its_beginning() {
        let long = "a".repeat(1_000_000);
        assert_eq!(without_variables(&long).len(), MOST_CHARS);
    }
}
