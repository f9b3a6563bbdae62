//! GraphQL over POST, JSON only. async-graphql-axum reads the requests and writes the answers; it
//! bounds neither, so both are bounded before it sees them.

use std::net::SocketAddr;

use api::limits;
use async_graphql::ParseRequestError;
use async_graphql_axum::rejection::GraphQLRejection;
use async_graphql_axum::{GraphQLRequest, GraphQLResponse};
use axum::Json;
use axum::body::Body;
use axum::extract::{ConnectInfo, FromRequest, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::error::errors;
use super::{Site, body, principal};

pub(super) async fn execute(
    State(site): State<Site>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    if !is_json(request.headers()) {
        return refuse(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "INVALID_ARGUMENT",
            "the content type must be application/json",
        );
    }
    // A body that arrives slowly takes no place.
    let request = match within_bounds(request).await {
        Ok(request) => request,
        Err(status) => return refuse(status, "INVALID_ARGUMENT", "the body cannot be read"),
    };
    let Ok(_place) = site.places.requests.try_acquire() else {
        return busy();
    };
    let request = match GraphQLRequest::from_request(request, &()).await {
        Ok(request) => GraphQLRequest::into_inner(request),
        Err(GraphQLRejection(error)) => return malformed(&error),
    };
    let principal = principal::of(&site, client);
    let response = site.schema.execute(request, principal).await;
    let mut response = GraphQLResponse::from(limits::within_size(response)).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Errors are answered with 200, which the library's media type does not allow.
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The request with its whole body, or the status that says why not.
async fn within_bounds(request: Request) -> Result<Request, StatusCode> {
    let (parts, body) = request.into_parts();
    let body = body::read(body).await?;
    Ok(Request::from_parts(parts, Body::from(body)))
}

fn malformed(error: &ParseRequestError) -> Response {
    let message = match error {
        ParseRequestError::UnsupportedBatch => "a request is one object; batches are not supported",
        _ => {
            "the body must be a JSON object with a `query` and, where needed, `operationName` and \
             `variables`"
        }
    };
    refuse(StatusCode::BAD_REQUEST, "INVALID_ARGUMENT", message)
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
