//! Which pages of a browser may talk to us: our own.

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};

/// Whether the request comes from our own pages, or not from a page at all.
///
/// A browser names the page's origin on every POST and every WebSocket; other clients name none.
pub(super) fn is_ours(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let (Ok(origin), Some(Ok(host))) = (origin.to_str(), headers.get(HOST).map(|h| h.to_str()))
    else {
        return false;
    };
    origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"))
        .is_some_and(|authority| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(origin: Option<&'static str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "localhost:8080".parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, origin.parse().unwrap());
        }
        headers
    }

    #[test]
    fn only_our_own_pages_and_programs_may_ask() {
        assert!(is_ours(&request(None)));
        assert!(is_ours(&request(Some("http://localhost:8080"))));
        for origin in ["http://evil.example", "null", "http://localhost:8081", ""] {
            assert!(!is_ours(&request(Some(origin))), "{origin:?}");
        }
    }
}
