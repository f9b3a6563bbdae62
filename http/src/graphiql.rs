//! GraphiQL, from a directory of its files; nothing is loaded from elsewhere.

use std::path::Path;

use axum::extract::{Path as UrlPath, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Redirect, Response};

use super::Site;

pub(super) async fn redirect() -> Redirect {
    Redirect::permanent("/graphiql/")
}

pub(super) async fn index(State(site): State<Site>) -> Response {
    serve(&site, "index.html").await
}

pub(super) async fn file(State(site): State<Site>, UrlPath(name): UrlPath<String>) -> Response {
    serve(&site, &name).await
}

async fn serve(site: &Site, name: &str) -> Response {
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-');
    let Some(directory) = site.settings.graphiql.as_deref().filter(|_| plain) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match tokio::fs::read(directory.join(name)).await {
        Ok(bytes) => ([(CONTENT_TYPE, content_type(name))], bytes).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

fn content_type(name: &str) -> &'static str {
    match Path::new(name).extension().and_then(|e| e.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        _ => "application/octet-stream",
    }
}
