//! A server under as much load as so many clients make.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use client::Client;
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

/// A client of the API at `url`.
pub(super) fn client(url: &str) -> Client {
    let server = url.strip_suffix("/graphql").unwrap_or(url).parse().unwrap();
    Client::new(server).unwrap()
}

/// Sends bodies for so long; every answer must hold `wanted`.
pub(super) async fn run(
    url: &str,
    clients: usize,
    time: Duration,
    body: Body,
    wanted: &'static str,
) -> Measured {
    let client = client(url);
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    for number in 0..clients {
        let (client, body) = (client.clone(), Arc::clone(&body));
        tasks.spawn(async move {
            let mut answered = Vec::new();
            while start.elapsed() < time {
                let asked = Instant::now();
                let body = Bytes::from(body(number, answered.len()));
                let answer = client.post(body).await.unwrap();
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
