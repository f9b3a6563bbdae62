//! GraphQL over POST, JSON only.

use std::net::SocketAddr;

use api::limits;
use axum::Json;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::error::errors;
use super::{Site, body, principal};

pub(super) async fn execute(
    State(site): State<Site>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if !is_json(&headers) {
        return refuse(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "INVALID_ARGUMENT",
            "the content type must be application/json",
        );
    }
    // Those that only arrive slowly hold no place.
    let body = match body::read(body).await {
        Ok(body) => body,
        Err(status) => return refuse(status, "INVALID_ARGUMENT", "the body cannot be read"),
    };
    let Ok(_place) = site.places.requests.try_acquire() else {
        return busy();
    };
    let request = match serde_json::from_slice::<async_graphql::Request>(&body) {
        Ok(request) => request,
        Err(error) => {
            return refuse(
                StatusCode::BAD_REQUEST,
                "INVALID_ARGUMENT",
                &format!("the body is no GraphQL request: {error}"),
            );
        }
    };
    let principal = principal::of(&site, client);
    let response = site.schema.execute(request, principal).await;
    let headers = [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_TYPE, "application/json"),
    ];
    let answer = serde_json::to_vec(&limits::within_size(response));
    (headers, answer.expect("an answer is always JSON")).into_response()
}

fn busy() -> Response {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let mut response = refuse(status, "UNAVAILABLE", "too many requests are under way");
    let second = HeaderValue::from_static("1");
    response.headers_mut().insert(RETRY_AFTER, second);
    response
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    content_type.is_some_and(|text| {
        let essence = text.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    })
}

/// An answer in GraphQL's form with one error.
pub(super) fn refuse(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "errors": errors(code, message) });
    (status, Json(body)).into_response()
}
