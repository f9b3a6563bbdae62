//! A client and a server that fails.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;
use crate::mutation::Mutation;

const DATA: &str = r#"{ "data": { "it": { "position": "7", "warnings": [], "userErrors": [] } } }"#;

/// Answers with what the script holds, then with [`DATA`]; keeps the bodies that it got.
struct Server {
    url: ServerUrl,
    got: Arc<Mutex<Vec<Value>>>,
    _serving: JoinSet<()>,
}

impl Server {
    async fn start(script: Vec<Response<Full<Bytes>>>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(VecDeque::from(script)));
        let got = Arc::new(Mutex::new(Vec::new()));
        let bodies = Arc::clone(&got);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (script, bodies) = (Arc::clone(&script), Arc::clone(&bodies));
                let service = service_fn(move |request: http::Request<Incoming>| {
                    let answer = script.lock().unwrap().pop_front();
                    let answer = answer.unwrap_or_else(|| Response::new(DATA.into()));
                    let bodies = Arc::clone(&bodies);
                    async move {
                        let body = request.into_body().collect().await.unwrap().to_bytes();
                        let body = serde_json::from_slice(&body).unwrap();
                        bodies.lock().unwrap().push(body);
                        Ok::<_, Infallible>(answer)
                    }
                });
                connections.spawn(async move {
                    let io = TokioIo::new(stream);
                    let _ = http1::Builder::new().serve_connection(io, service).await;
                });
            }
        });
        Self {
            url: url.parse().unwrap(),
            got,
            _serving: serving,
        }
    }

    fn client(&self) -> Client {
        Client::new(self.url.clone()).unwrap()
    }

    fn bodies(&self) -> Vec<Value> {
        self.got.lock().unwrap().clone()
    }
}

fn answer(status: u16, body: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_owned())));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

fn failure(code: &str) -> String {
    json!({ "errors": [{ "message": "not now", "extensions": { "code": code } }] }).to_string()
}

#[tokio::test]
async fn a_mutation_is_sent_again_under_the_same_key_until_it_is_answered() {
    let busy = answer(503, &failure("UNAVAILABLE"));
    let later = answer(200, &failure("UNAVAILABLE"));
    let server = Server::start(vec![busy, later]).await;
    let pause = Mutation::of("listenerPause", "l1", json!({}));
    let payload = server.client().send(&pause, "k1").await.unwrap();
    assert_eq!(payload.accepted().unwrap().position.unwrap(), "7");
    let bodies = server.bodies();
    assert_eq!(bodies.len(), 3);
    for body in &bodies {
        assert_eq!(body["variables"]["input"]["idempotencyKey"], "k1");
        assert_eq!(body, &bodies[0]);
    }
}

#[tokio::test]
async fn a_request_that_can_only_fail_again_is_sent_once() {
    let refused = failure("INVALID_ARGUMENT");
    for (answers, text) in [
        (answer(200, &refused), "not now (INVALID_ARGUMENT)"),
        (
            answer(403, &refused),
            "answered 403 Forbidden: not now (INVALID_ARGUMENT)",
        ),
        (
            answer(200, "<html>"),
            "did not answer like an eventflows server",
        ),
        (
            answer(200, "{}"),
            "did not answer like an eventflows server",
        ),
        (
            answer(307, "elsewhere"),
            "answered 307 Temporary Redirect: elsewhere",
        ),
    ] {
        let server = Server::start(vec![answers]).await;
        let asked = server.client().ask::<Value>("{ it }", &json!({})).await;
        let error = asked.unwrap_err().to_string();
        assert!(error.ends_with(text), "{error}");
        assert_eq!(server.bodies().len(), 1, "{text}");
    }
}

#[tokio::test]
async fn without_retries_nothing_is_sent_again() {
    let server = Server::start(vec![answer(503, "")]).await;
    let client = server.client().without_retries();
    let asked = client.ask::<Value>("{ it }", &json!({})).await;
    assert!(matches!(asked, Err(ClientError::Status { .. })));
    assert_eq!(server.bodies().len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_read_to_its_end() {
    let large = "x".repeat(MAX_ANSWER + 1);
    let server = Server::start(vec![answer(200, &large)]).await;
    let asked = server.client().ask::<Value>("{ it }", &json!({})).await;
    assert!(matches!(asked, Err(ClientError::TooLarge { .. })));
}

#[tokio::test]
async fn a_page_that_is_too_long_is_asked_for_in_shorter_ones() {
    let page = |nodes: Value, more: bool| {
        let info = json!({ "hasNextPage": more, "endCursor": "c" });
        let list = json!({ "nodes": nodes, "pageInfo": info });
        answer(
            200,
            &json!({ "data": { "node": { "list": list } } }).to_string(),
        )
    };
    let complex = answer(200, &failure("TOO_COMPLEX"));
    let server = Server::start(vec![
        complex,
        page(json!([1, 2]), true),
        page(json!([3]), false),
    ]);
    let server = server.await;
    let found: Vec<u8> = server.client().list("{ it }", json!({})).await.unwrap();
    assert_eq!(found, [1, 2, 3]);
    let asked = server.bodies();
    let asked = asked.iter().map(|body| body["variables"].clone());
    assert_eq!(
        asked.collect::<Vec<_>>(),
        [
            json!({ "first": 100 }),
            json!({ "first": 25 }),
            json!({ "first": 25, "after": "c" }),
        ]
    );
}

#[tokio::test]
async fn an_error_names_each_cause_once() {
    let client = Client::new("http://127.0.0.1:9".parse().unwrap()).unwrap();
    let client = client.without_retries();
    let asked = client.ask::<Value>("{ it }", &json!({})).await;
    let error = asked.unwrap_err();
    let mut causes = vec![error.to_string()];
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    assert_eq!(causes[0], "cannot reach http://127.0.0.1:9");
    for (index, cause) in causes.iter().enumerate() {
        let others = causes.iter().enumerate();
        let repeats = others
            .filter(|(other, text)| *other != index && text.contains(cause.as_str()))
            .count();
        assert_eq!(repeats, 0, "{causes:?}");
    }
}
