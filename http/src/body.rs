//! Reading a request's body, within bounds of size and time.

use std::time::Duration;

use api::limits::LARGEST_REQUEST;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use futures_util::StreamExt;
use tokio::time::timeout;

/// How much of a body beyond what may be is read and thrown away. A connection that is closed on a
/// client still writing is reset, and the client never sees the answer.
const DRAINED: usize = 4 * 1024 * 1024;

/// How long a body may take to arrive: this, and a second more for each of so many bytes.
const PATIENCE: Duration = Duration::from_secs(10);
const SLOWEST: u64 = 128 * 1024;

/// The whole body, or the status that says why not.
pub(super) async fn read(body: Body) -> Result<Bytes, StatusCode> {
    read_up_to(body, LARGEST_REQUEST).await
}

/// The whole body of at most `largest` bytes, or the status that says why not.
pub(super) async fn read_up_to(body: Body, largest: usize) -> Result<Bytes, StatusCode> {
    let patience = PATIENCE + Duration::from_secs(largest as u64 / SLOWEST);
    timeout(patience, collect(body, largest))
        .await
        .unwrap_or(Err(StatusCode::REQUEST_TIMEOUT))
}

async fn collect(body: Body, largest: usize) -> Result<Bytes, StatusCode> {
    let mut chunks = body.into_data_stream();
    let mut kept = Vec::new();
    let mut seen = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| StatusCode::BAD_REQUEST)?;
        seen += chunk.len();
        if seen <= largest {
            kept.extend_from_slice(&chunk);
        } else if seen > largest + DRAINED {
            break;
        }
    }
    if seen > largest {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    Ok(kept.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_is_read_up_to_the_limit() {
        let whole = read(Body::from(vec![b'x'; LARGEST_REQUEST])).await;
        assert_eq!(whole.unwrap().len(), LARGEST_REQUEST);
        let over = read(Body::from(vec![b'x'; LARGEST_REQUEST + 1])).await;
        assert_eq!(over, Err(StatusCode::PAYLOAD_TOO_LARGE));
    }

    #[tokio::test]
    async fn an_endless_body_is_given_up() {
        let endless = futures_util::stream::repeat_with(|| {
            Ok::<_, std::io::Error>(Bytes::from_static(&[0; 64 * 1024]))
        });
        let given_up = read(Body::from_stream(endless)).await;
        assert_eq!(given_up, Err(StatusCode::PAYLOAD_TOO_LARGE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_arrive_is_given_up() {
        let slow = futures_util::stream::pending::<Result<Bytes, std::io::Error>>();
        let given_up = read(Body::from_stream(slow)).await;
        assert_eq!(given_up, Err(StatusCode::REQUEST_TIMEOUT));
    }
}
