//! The kinds of content that go in and come out: JSON, text, bytes.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use serde::de::IgnoredAny;

/// A kind of content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Json,
    Text,
    Binary,
}

impl Content {
    /// What a request says that its body is; nothing where it says none or another.
    pub(super) fn of_request(headers: &HeaderMap) -> Option<Self> {
        Self::of_type(headers.get(CONTENT_TYPE)?.to_str().ok()?)
    }

    /// What a result is: as the endpoint says where that is so, else what the bytes look like.
    pub(super) fn of_result(content_type: Option<&str>, body: &[u8]) -> Self {
        if let Some(content_type) = content_type {
            let said = Self::of_type(content_type);
            let said = said.or_else(|| content_type.starts_with("text/").then_some(Self::Text));
            return match said {
                Some(said) if said.holds(body) => said,
                _ => Self::Binary,
            };
        }
        // No text has a zero byte.
        if body.contains(&0) {
            return Self::Binary;
        }
        let kinds = [Self::Json, Self::Text];
        let likely = kinds.into_iter().find(|kind| kind.holds(body));
        likely.unwrap_or(Self::Binary)
    }

    /// Whether `body` can be this.
    pub(super) fn holds(self, body: &[u8]) -> bool {
        match self {
            Self::Json => serde_json::from_slice::<IgnoredAny>(body).is_ok(),
            Self::Text => std::str::from_utf8(body).is_ok(),
            Self::Binary => true,
        }
    }

    /// The content type that endpoints see, and callers where an endpoint named none.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Text => "text/plain; charset=utf-8",
            Self::Binary => "application/octet-stream",
        }
    }

    fn of_type(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        match essence.to_ascii_lowercase().as_str() {
            "application/json" => Some(Self::Json),
            // The original's documents say one, its clients the other.
            "text/plain" | "application/text" => Some(Self::Text),
            "application/octet-stream" => Some(Self::Binary),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_of_three_kinds() {
        let kind = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, text.parse().unwrap());
            Content::of_request(&headers)
        };
        assert_eq!(kind("application/json; charset=utf-8"), Some(Content::Json));
        assert_eq!(kind("Text/Plain"), Some(Content::Text));
        assert_eq!(kind("application/text"), Some(Content::Text));
        assert_eq!(kind("application/octet-stream"), Some(Content::Binary));
        assert_eq!(kind("application/x-www-form-urlencoded"), None);
        assert_eq!(Content::of_request(&HeaderMap::new()), None);
    }

    #[test]
    fn a_result_is_what_its_endpoint_says_if_that_is_so() {
        let kind = Content::of_result;
        assert_eq!(kind(Some("text/plain"), b"1"), Content::Text);
        assert_eq!(kind(Some("text/html"), b"<p>"), Content::Text);
        assert_eq!(kind(Some("application/json"), b"{}"), Content::Json);
        assert_eq!(kind(Some("application/json"), b"{"), Content::Binary);
        assert_eq!(kind(Some("text/plain"), b"\xff"), Content::Binary);
        assert_eq!(kind(Some("image/png"), b"1"), Content::Binary);
    }

    #[test]
    fn a_result_of_which_nothing_is_said_is_looked_at() {
        assert_eq!(Content::of_result(None, b"[1]"), Content::Json);
        assert_eq!(Content::of_result(None, b"hello"), Content::Text);
        assert_eq!(Content::of_result(None, b"\xff\xfe"), Content::Binary);
        assert_eq!(Content::of_result(None, b"a\0b"), Content::Binary);
    }
}
