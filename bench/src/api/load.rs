//! A server under as much load as so many clients make.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::task::JoinSet;

use crate::stats::{Samples, rate};

/// The body that a client sends the so-manieth time.
pub(super) type Body = Arc<dyn Fn(usize, usize) -> String + Send + Sync>;

/// What came of it.
pub(super) struct Measured {
    /// Answers a second.
    pub(super) rate: f64,
    /// From the question to the answer.
    pub(super) answers: Samples,
}

/// An HTTP client of one URL.
#[derive(Clone)]
pub(super) struct Http {
    client: Client<HttpConnector, Full<Bytes>>,
    url: Uri,
}

impl Http {
    pub(super) fn new(url: &str) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            url: url.parse().unwrap(),
        }
    }

    /// The answer to a POST.
    pub(super) async fn post(&self, body: String) -> Bytes {
        let request = Request::post(&self.url)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        let response = self.client.request(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.into_body().collect().await.unwrap().to_bytes()
    }
}

/// Sends bodies for so long; every answer must hold `wanted`.
pub(super) async fn run(
    url: &str,
    clients: usize,
    time: Duration,
    body: Body,
    wanted: &'static str,
) -> Measured {
    let http = Http::new(url);
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for client in 0..clients {
        let (http, body) = (http.clone(), Arc::clone(&body));
        tasks.spawn(async move {
            let mut answered = Vec::new();
            while start.elapsed() < time {
                let asked = Instant::now();
                let answer = http.post(body(client, answered.len())).await;
                answered.push(asked.elapsed());
                let answer = std::str::from_utf8(&answer).unwrap();
                assert!(answer.contains(wanted), "{answer}");
            }
            answered
        });
    }
    let answered: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    Measured {
        rate: rate(answered.len() as u64, start.elapsed()),
        answers: answered.into_iter().collect(),
    }
}
