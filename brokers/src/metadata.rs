//! What a message says of itself, whatever the spelling of its broker.

use std::borrow::Cow;

use bytes::Bytes;

/// The most attributes of an event that are read.
const MOST_ATTRIBUTES: usize = 64;

/// The longest value of an attribute that is read, in bytes.
const LONGEST_ATTRIBUTE: usize = 4096;

/// What a message says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The media type of the body.
    pub content_type: Option<Bytes>,
    /// How the body is encoded, in the words of HTTP's `Content-Encoding`.
    pub content_encoding: Option<Bytes>,
    /// The event that the message is, in the binary mode of CloudEvents: the body is its data. None
    /// in the structured mode, where the body is the whole event.
    pub event: Option<CloudEvent>,
}

/// The context attributes of a CloudEvent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudEvent {
    pub specversion: Bytes,
    pub id: Bytes,
    pub source: Bytes,
    /// The attribute `type`.
    pub kind: Bytes,
    /// `subject`, `time`, `dataschema` and extensions, by name. Of an event that was read, names are
    /// lower-case letters and digits, and all values are UTF-8 and not empty.
    pub others: Vec<(Cow<'static, str>, Bytes)>,
}

impl Metadata {
    /// What `headers` say. An event is one whose attributes begin with one of `prefixes`, and which
    /// has those that are required: by the first prefix of which that holds. The last header of a
    /// name counts, and upper case is as lower case.
    pub fn of_headers(headers: &[(String, Option<Bytes>)], prefixes: &[&str]) -> Self {
        let content_type = last(headers, "content-type");
        let in_body = content_type.as_deref().is_some_and(is_structured_event);
        let event = prefixes.iter().find_map(|prefix| event(headers, prefix));
        Self {
            event: event.filter(|_| !in_body),
            content_encoding: last(headers, "content-encoding"),
            content_type,
        }
    }

    /// Whether the body is a whole CloudEvent, or several.
    pub fn is_structured_event(&self) -> bool {
        self.content_type
            .as_deref()
            .is_some_and(is_structured_event)
    }
}

impl CloudEvent {
    /// All of them, by name.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &Bytes)> {
        let required = [
            ("specversion", &self.specversion),
            ("id", &self.id),
            ("source", &self.source),
            ("type", &self.kind),
        ];
        let others = self.others.iter();
        let others = others.map(|(name, value)| (name.as_ref(), value));
        required.into_iter().chain(others)
    }

    /// One of those that are not required.
    pub fn other(&self, name: &str) -> Option<&Bytes> {
        let mut others = self.others.iter();
        let (_, value) = others.find(|(known, _)| known == name)?;
        Some(value)
    }
}

/// Whether bodies of that type are CloudEvents in the structured mode, or batches of them.
pub fn is_structured_event(content_type: &[u8]) -> bool {
    const PREFIX: &[u8] = b"application/cloudevents";
    let start = content_type.get(..PREFIX.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

fn last(headers: &[(String, Option<Bytes>)], name: &str) -> Option<Bytes> {
    let mut headers = headers.iter().rev();
    let (_, value) = headers.find(|(header, _)| header.eq_ignore_ascii_case(name))?;
    value.clone()
}

fn event(headers: &[(String, Option<Bytes>)], prefix: &str) -> Option<CloudEvent> {
    let mut attributes: Vec<(Cow<'static, str>, Bytes)> = Vec::new();
    for (header, value) in headers {
        let Some((name, value)) = attribute_name(header, prefix).zip(value.as_ref()) else {
            continue;
        };
        let is_text = !value.is_empty() && std::str::from_utf8(value).is_ok();
        if !is_text || value.len() > LONGEST_ATTRIBUTE {
            continue;
        }
        let known = attributes.iter_mut().find(|(known, _)| *known == name);
        if let Some((_, earlier)) = known {
            *earlier = value.clone();
        } else if attributes.len() < MOST_ATTRIBUTES {
            attributes.push((name.into(), value.clone()));
        }
    }
    let mut take = |name| {
        let found = attributes.iter().position(|(known, _)| known == name)?;
        Some(attributes.remove(found).1)
    };
    Some(CloudEvent {
        specversion: take("specversion")?,
        id: take("id")?,
        source: take("source")?,
        kind: take("type")?,
        others: attributes,
    })
}

/// The attribute that a header holds. `datacontenttype` is none: it is the content type.
fn attribute_name(header: &str, prefix: &str) -> Option<String> {
    let (start, name) = header.split_at_checked(prefix.len())?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !start.eq_ignore_ascii_case(prefix) || !is_name {
        return None;
    }
    let name = name.to_ascii_lowercase();
    (name != "datacontenttype").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&str, &'static str)]) -> Metadata {
        let header = |(name, value): &(&str, &'static str)| {
            (
                (*name).to_owned(),
                Some(Bytes::from_static(value.as_bytes())),
            )
        };
        let headers: Vec<_> = headers.iter().map(header).collect();
        Metadata::of_headers(&headers, &["ce_", "ce-"])
    }

    const EVENT: [(&str, &str); 4] = [
        ("ce_specversion", "1.0"),
        ("ce_type", "com.shop.order"),
        ("ce_id", "A1"),
        ("ce_source", "/shop"),
    ];

    #[test]
    fn an_event_is_read_with_its_extensions() {
        let mut headers = EVENT.to_vec();
        headers.extend([("CE_Time", "2026-01-01T00:00:00Z"), ("ce_größe", "x")]);
        headers.extend([
            ("ce_datacontenttype", "a/b"),
            ("ce_tenant", "n"),
            ("ce_", ""),
        ]);
        let event = read(&headers).event.unwrap();
        let attributes: Vec<_> = event.attributes().collect();
        let expected = [
            ("specversion", "1.0"),
            ("id", "A1"),
            ("source", "/shop"),
            ("type", "com.shop.order"),
            ("time", "2026-01-01T00:00:00Z"),
            ("tenant", "n"),
        ];
        assert_eq!(attributes.len(), expected.len());
        for ((name, value), expected) in attributes.into_iter().zip(expected) {
            assert_eq!((name, &value[..]), (expected.0, expected.1.as_bytes()));
        }
    }

    #[test]
    fn a_message_that_lacks_a_required_attribute_is_no_event() {
        for left_out in EVENT {
            let mut headers = EVENT.to_vec();
            headers.retain(|header| *header != left_out);
            assert_eq!(read(&headers).event, None);
            headers.push((left_out.0, ""));
            assert_eq!(read(&headers).event, None);
        }
    }

    #[test]
    fn an_event_in_the_spelling_of_http_is_one_and_spellings_are_not_mixed() {
        let http = EVENT.map(|(name, value)| (&*name.replace('_', "-").leak(), value));
        assert_eq!(read(&http).event, read(&EVENT).event);
        let both = [&EVENT[..], &[("ce-id", "other"), ("ce-x", "1")]].concat();
        assert_eq!(read(&both).event, read(&EVENT).event);
        assert_eq!(read(&[&EVENT[1..], &http[..1]].concat()).event, None);
    }

    #[test]
    fn an_event_in_the_body_has_no_attributes_beside_it() {
        let kind = (
            "Content-Type",
            "Application/CloudEvents+json; charset=utf-8",
        );
        let metadata = read(&[&EVENT[..], &[kind]].concat());
        assert_eq!(metadata.event, None);
        assert!(metadata.is_structured_event());
        assert!(!read(&[("content-type", "application/json")]).is_structured_event());
    }

    #[test]
    fn the_last_header_of_a_name_counts() {
        let twice = [("content-encoding", "gzip"), ("Content-Encoding", "br")];
        assert_eq!(read(&twice).content_encoding.unwrap(), "br");
        let again = [&EVENT[..], &[("ce_id", "A2")]].concat();
        assert_eq!(read(&again).event.unwrap().id, "A2");
    }
}
