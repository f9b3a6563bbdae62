//! The wait that an answer asks for.

use std::time::Duration;

use http::header::{DATE, HeaderMap, RETRY_AFTER};

/// The first `Retry-After` that can be read: seconds, or a time. A time is counted from the answer's
/// own `Date`, so that the two clocks need not agree; where it has none, the wait is unknown, and at
/// least nothing.
pub(super) fn read(headers: &HeaderMap) -> Option<Duration> {
    let mut asked = headers.get_all(RETRY_AFTER).iter();
    asked.find_map(|value| {
        let value = value.to_str().ok()?.trim();
        // `parse` takes a sign, the header does not.
        if value.bytes().all(|byte| byte.is_ascii_digit()) {
            return value.parse().ok().map(Duration::from_secs);
        }
        let time = httpdate::parse_http_date(value).ok()?;
        let date = headers.get(DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| httpdate::parse_http_date(date).ok());
        Some(date.map_or(Duration::ZERO, |date| {
            time.duration_since(date).unwrap_or_default()
        }))
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const NOW: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

    fn asked(values: &[&str]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(DATE, HeaderValue::from_static(NOW));
        for value in values {
            headers.append(RETRY_AFTER, HeaderValue::from_str(value).unwrap());
        }
        read(&headers).map(|wait| wait.as_secs())
    }

    #[test]
    fn a_wait_is_seconds_or_a_time() {
        assert_eq!(asked(&["7"]), Some(7));
        assert_eq!(asked(&[" 0 "]), Some(0));
        assert_eq!(asked(&["Sun, 06 Nov 1994 08:49:57 GMT"]), Some(20));
        assert_eq!(asked(&["Sunday, 06-Nov-94 08:50:37 GMT"]), Some(60));
        assert_eq!(asked(&["Sun, 06 Nov 1994 08:00:00 GMT"]), Some(0));
    }

    #[test]
    fn nonsense_is_no_wait_and_the_first_that_can_be_read_counts() {
        for nonsense in ["", "-1", "+1", "1.5", "99999999999999999999", "soon"] {
            assert_eq!(asked(&[nonsense]), None, "{nonsense}");
            assert_eq!(asked(&[nonsense, "3", "9"]), Some(3), "{nonsense}");
        }
        assert_eq!(asked(&[]), None);
    }

    #[test]
    fn a_time_in_an_answer_without_a_date_asks_for_an_unknown_wait() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static(NOW));
        assert_eq!(read(&headers), Some(Duration::ZERO));
    }
}
