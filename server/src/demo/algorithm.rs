//! The sample algorithm: scores an order, in two versions, over HTTP.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;

/// The largest order, in bytes.
const LARGEST: usize = 1024 * 1024;

/// What the algorithm wants to be called with.
#[derive(Deserialize)]
struct Order {
    order: u64,
    amount: f64,
}

/// Serves `/1.0.0` and `/1.1.0` on a free port of this machine until the process ends.
///
/// # Errors
/// There is no free port.
pub async fn serve() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else {
                continue;
            };
            let connection =
                http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
            tokio::spawn(connection);
        }
    });
    Ok(address)
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let version = request.uri().path().trim_start_matches('/').to_owned();
    let known = matches!(version.as_str(), "1.0.0" | "1.1.0");
    if request.method() != Method::POST || !known {
        return Ok(text(
            StatusCode::NOT_FOUND,
            "there is POST /1.0.0 and POST /1.1.0",
        ));
    }
    let Ok(body) = Limited::new(request.into_body(), LARGEST).collect().await else {
        return Ok(text(
            StatusCode::PAYLOAD_TOO_LARGE,
            "an order is smaller than this",
        ));
    };
    let order: Order = match serde_json::from_slice(&body.to_bytes()) {
        Ok(order) => order,
        Err(error) => {
            let problem = format!("this is no order: {error}");
            return Ok(text(StatusCode::UNPROCESSABLE_ENTITY, &problem));
        }
    };
    let score = (order.amount / (order.amount.abs() + 100.0) * 1000.0).round() / 1000.0;
    let result = if version == "1.0.0" {
        json!({ "order": order.order, "score": score })
    } else {
        let risk = if score > 0.5 { "high" } else { "low" };
        json!({ "order": order.order, "score": score, "risk": risk })
    };
    let mut response = Response::new(Full::new(Bytes::from(result.to_string())));
    let json = http::HeaderValue::from_static("application/json");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, json);
    Ok(response)
}

fn text(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{text}\n"))));
    *response.status_mut() = status;
    response
}
