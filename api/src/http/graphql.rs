//! GraphQL over POST, JSON only.

use std::net::SocketAddr;

use async_graphql_axum::GraphQLResponse;
use axum::Json;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{Site, body, origin, principal};

/// The most errors of one answer.
const MOST_ERRORS: usize = 10;

pub(super) async fn execute(
    State(site): State<Site>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    if !origin::is_ours(&headers) {
        return refuse(StatusCode::FORBIDDEN, "FORBIDDEN", "a foreign Origin");
    }
    if !is_json(&headers) {
        return refuse(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "INVALID_ARGUMENT",
            "the content type must be application/json",
        );
    }
    let body = match body::read(body).await {
        Ok(body) => body,
        Err(status) => return refuse(status, "INVALID_ARGUMENT", "the body cannot be read"),
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
    let mut response = site.schema.execute(request, principal).await;
    response.errors.truncate(MOST_ERRORS);
    let answer = GraphQLResponse::from(response);
    ([(CACHE_CONTROL, "no-store")], answer).into_response()
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
    content_type.is_some_and(|text| {
        let essence = text.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    })
}

fn refuse(status: StatusCode, code: &str, message: &str) -> Response {
    let body = json!({ "errors": [{ "message": message, "extensions": { "code": code } }] });
    (status, Json(body)).into_response()
}
