//! Checkpoints on their way to a server that fails.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use event_store::audit::{SignedCheckpoint, Signer};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::{CheckpointUrl, Client, Pace, Poster, UrlError};

/// Far more than any of this takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Gives up nothing that a slow machine would still do.
const PACE: Pace = Pace {
    attempts: 3,
    first_pause: Duration::from_millis(1),
    longest_pause: Duration::from_millis(4),
    timeout: PATIENCE,
    last_chance: PATIENCE,
};

/// What a server got: method, path, content type, body.
type Got = (String, String, String, String);

/// Answers with what the script holds, then with 200; `None` ends the connection without an answer.
struct Server {
    url: String,
    got: mpsc::UnboundedReceiver<Got>,
    held: watch::Sender<bool>,
    _serving: JoinSet<()>,
}

impl Server {
    async fn start(script: &[Option<u16>]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/log?from=here", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(VecDeque::from(script.to_vec())));
        let (tell, got) = mpsc::unbounded_channel();
        let held = watch::Sender::new(false);
        let is_held = held.subscribe();
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (script, tell, held) = (Arc::clone(&script), tell.clone(), is_held.clone());
                let service = service_fn(move |request| {
                    let answer = script.lock().unwrap().pop_front().unwrap_or(Some(200));
                    answered(request, tell.clone(), held.clone(), answer)
                });
                connections.spawn(async move {
                    let io = TokioIo::new(stream);
                    let _ = http1::Builder::new().serve_connection(io, service).await;
                });
            }
        });
        Self {
            url,
            got,
            held,
            _serving: serving,
        }
    }

    /// Takes requests, and answers none of them until told otherwise.
    fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    fn client(&self) -> Client<HttpConnector> {
        let http = legacy::Client::builder(TokioExecutor::new()).build_http();
        Client::new(self.url.parse().unwrap(), http)
    }

    async fn next(&mut self) -> Got {
        let got = timeout(PATIENCE, self.got.recv()).await;
        got.expect("a request in time").unwrap()
    }
}

async fn answered(
    request: Request<Incoming>,
    tell: mpsc::UnboundedSender<Got>,
    mut held: watch::Receiver<bool>,
    answer: Option<u16>,
) -> Result<Response<Full<Bytes>>, io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let content_type = head.headers["content-type"].to_str().unwrap().to_owned();
    let path = head.uri.path_and_query().unwrap().to_string();
    let body = String::from_utf8(body.to_vec()).unwrap();
    tell.send((head.method.to_string(), path, content_type, body))
        .unwrap();
    held.wait_for(|held| !held)
        .await
        .map_err(io::Error::other)?;
    let status = answer.ok_or(io::ErrorKind::ConnectionReset)?;
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
        .headers_mut()
        .insert("location", "/elsewhere".parse().unwrap());
    Ok(response)
}

fn signed(size: u64) -> SignedCheckpoint {
    let signer = Signer::new("log", &[3; 32]).unwrap();
    SignedCheckpoint::sign(&signer, size, [7; 32], Timestamp::UNIX_EPOCH)
}

/// A poster to `server`, and what tells it of checkpoints.
fn poster(
    server: &Server,
) -> (
    watch::Sender<Option<SignedCheckpoint>>,
    JoinHandle<Result<(), Infallible>>,
) {
    let (newest, poster) = paced(server, PACE);
    (newest, tokio::spawn(poster.run()))
}

fn paced(
    server: &Server,
    pace: Pace,
) -> (
    watch::Sender<Option<SignedCheckpoint>>,
    Poster<HttpConnector>,
) {
    let newest = watch::Sender::new(None);
    let poster = Poster::new(server.client(), pace, newest.subscribe());
    (newest, poster)
}

async fn ended(poster: JoinHandle<Result<(), Infallible>>) {
    timeout(PATIENCE, poster)
        .await
        .expect("it ends")
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn a_checkpoint_is_posted_as_it_is_signed() {
    let mut server = Server::start(&[]).await;
    let (newest, poster) = poster(&server);
    newest.send_replace(Some(signed(5)));
    let (method, path, content_type, body) = server.next().await;
    assert_eq!((&*method, &*path), ("POST", "/log?from=here"));
    assert_eq!(content_type, "text/plain; charset=utf-8");
    assert_eq!(body, signed(5).note);
    drop(newest);
    ended(poster).await;
    assert!(server.got.try_recv().is_err());
}

#[tokio::test]
async fn a_checkpoint_is_posted_again_until_it_is_accepted() {
    // No answer, a refusal, a redirect that is not followed.
    for failures in [[None, Some(500)], [Some(404), Some(307)]] {
        let mut server = Server::start(&failures).await;
        let (newest, poster) = poster(&server);
        newest.send_replace(Some(signed(5)));
        for _ in 0..3 {
            assert_eq!(server.next().await.3, signed(5).note);
        }
        newest.send_replace(Some(signed(6)));
        assert_eq!(server.next().await.3, signed(6).note);
        drop(newest);
        ended(poster).await;
    }
}

#[tokio::test]
async fn an_attempt_that_is_not_answered_is_made_again() {
    let mut server = Server::start(&[]).await;
    server.hold(true);
    let (newest, poster) = paced(
        &server,
        Pace {
            attempts: u32::MAX,
            timeout: Duration::from_millis(50),
            ..PACE
        },
    );
    let poster = tokio::spawn(poster.run());
    newest.send_replace(Some(signed(5)));
    for _ in 0..2 {
        assert_eq!(server.next().await.3, signed(5).note);
    }
    server.hold(false);
    drop(newest);
    ended(poster).await;
}

#[tokio::test]
async fn a_checkpoint_that_is_never_accepted_is_given_up_for_the_next() {
    let mut server = Server::start(&[Some(500); 3]).await;
    let (newest, mut poster) = paced(&server, PACE);
    newest.send_replace(Some(signed(5)));
    for _ in 0..PACE.attempts {
        assert!(poster.until_due().await);
        poster.attempt().await;
        assert_eq!(server.next().await.3, signed(5).note);
    }
    tokio::time::pause();
    let day = Duration::from_hours(24);
    let fourth = timeout(day, poster.until_due()).await;
    assert!(fourth.is_err(), "a fourth attempt is due");
    tokio::time::resume();
    newest.send_replace(Some(signed(6)));
    let poster = tokio::spawn(poster.run());
    assert_eq!(server.next().await.3, signed(6).note);
    drop(newest);
    ended(poster).await;
}

#[tokio::test]
async fn only_the_newest_checkpoint_is_posted_while_others_pile_up() {
    let mut server = Server::start(&[Some(500)]).await;
    server.hold(true);
    let (newest, poster) = poster(&server);
    newest.send_replace(Some(signed(1)));
    assert_eq!(server.next().await.3, signed(1).note);
    for size in 2..100 {
        newest.send_replace(Some(signed(size)));
    }
    server.hold(false);
    assert_eq!(server.next().await.3, signed(99).note);
    drop(newest);
    ended(poster).await;
}

#[tokio::test]
async fn the_last_checkpoint_is_posted_when_the_server_stops() {
    let mut server = Server::start(&[]).await;
    let (newest, told) = poster(&server);
    newest.send_replace(Some(signed(1)));
    server.next().await;
    newest.send_replace(Some(signed(2)));
    drop(newest);
    ended(told).await;
    assert_eq!(server.next().await.3, signed(2).note);
}

#[tokio::test]
async fn a_server_that_stops_does_not_wait_for_an_answer_that_never_comes() {
    let server = Server::start(&[]).await;
    server.hold(true);
    let last_chance = Duration::from_millis(1);
    let (newest, poster) = paced(
        &server,
        Pace {
            last_chance,
            ..PACE
        },
    );
    newest.send_replace(Some(signed(1)));
    drop(newest);
    ended(tokio::spawn(poster.run())).await;
}

#[test]
fn other_urls_are_refused_and_never_quoted() {
    for (text, refused) in [
        ("ftp://host/secret", UrlError::Malformed),
        ("host/secret", UrlError::Malformed),
        ("/secret", UrlError::Malformed),
        ("http:///secret", UrlError::Malformed),
        ("https://ann:secret@host/", UrlError::Credentials),
    ] {
        let error = text.parse::<CheckpointUrl>().unwrap_err();
        assert_eq!(error, refused, "{text}");
        assert!(!error.to_string().contains("secret"));
    }
    let url: CheckpointUrl = "https://host:1/secret".parse().unwrap();
    assert_eq!(format!("{url:?}"), "https://host/…");
}
