//! Who may reach the server: requests for other names and from other pages are refused on every
//! route, and other machines unless the administrator says so.

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::json;
use tests::raw::{self, RawAnswer};
use tests::{Eventflows, binary};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// One request line for each route, and for what is none.
const ROUTES: [&str; 8] = [
    "POST /graphql",
    "GET /graphql/ws",
    "GET /graphiql/",
    "POST /v1/algo/acme/score",
    "POST /v1/algo/acme/score/1.0.0",
    "GET /livez",
    "GET /readyz",
    "GET /nothing",
];

const CREATE: &str =
    r#"{"query":"mutation { organizationCreate(input: { name: \"rebound\" }) { position } }"}"#;

/// What a WebSocket's handshake says; other requests may say it, too.
const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                       Sec-WebSocket-Protocol: graphql-transport-ws\r\n";

/// The answer to a request with exactly these headers.
async fn ask(eventflows: &Eventflows, line: &str, headers: &[(&str, &str)]) -> RawAnswer {
    let mut request = format!("{line} HTTP/1.1\r\n");
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    if line.ends_with("/ws") {
        request += UPGRADE;
    }
    if line.starts_with("POST") {
        let length = CREATE.len();
        request += &format!("Content-Type: application/json\r\nContent-Length: {length}\r\n");
        request += &format!("\r\n{CREATE}");
    } else {
        request += "\r\n";
    }
    raw::send(eventflows.authority(), request.as_bytes()).await
}

/// The status of the answer.
async fn status(eventflows: &Eventflows, line: &str, headers: &[(&str, &str)]) -> u16 {
    ask(eventflows, line, headers).await.status
}

#[tokio::test]
async fn a_name_that_was_made_to_lead_here_reaches_no_route() {
    let eventflows = Eventflows::start().await;
    let (_, port) = eventflows.authority().rsplit_once(':').unwrap();
    let rebound = format!("evil.example:{port}");
    let page = format!("http://{rebound}");
    for route in ROUTES {
        for headers in [
            &[("Host", &*rebound), ("Origin", &page)][..],
            &[("Host", &rebound)],
        ] {
            let status = status(&eventflows, route, headers).await;
            assert_eq!(status, 421, "{route} {headers:?}");
        }
    }
    let list = "{ organizations { nodes { name } } }";
    let listed = eventflows.api().ask(list, json!({})).await;
    assert_eq!(listed["organizations"]["nodes"], json!([]));
}

#[tokio::test]
async fn only_pages_of_this_very_server_may_send_requests() {
    let eventflows = Eventflows::start().await;
    let host = eventflows.authority();
    let (_, port) = host.rsplit_once(':').unwrap();
    let elsewhere = format!("http://203.0.113.5:{port}");
    let other_name = format!("http://localhost:{port}");
    for origin in ["http://evil.example", "null", &elsewhere, &other_name] {
        for route in ROUTES {
            let headers = [("Host", host), ("Origin", origin)];
            let status = status(&eventflows, route, &headers).await;
            assert_eq!(status, 403, "{route} {origin}");
        }
    }
    let own = format!("http://{host}");
    for (route, wanted) in [("POST /graphql", 200), ("GET /graphql/ws", 101)] {
        let headers = [("Host", host), ("Origin", &own)];
        assert_eq!(status(&eventflows, route, &headers).await, wanted);
        let by_name = format!("localhost:{port}");
        let headers = [("Host", &*by_name), ("Origin", &other_name)];
        assert_eq!(status(&eventflows, route, &headers).await, wanted);
    }
}

#[tokio::test]
async fn a_request_without_one_host_or_with_two_origins_is_a_bad_one() {
    let eventflows = Eventflows::start().await;
    let host = eventflows.authority();
    let own = format!("http://{host}");
    let cases: [&[(&str, &str)]; 4] = [
        &[],
        &[("Host", host), ("Host", host)],
        &[("Host", host), ("Host", "evil.example")],
        &[
            ("Host", host),
            ("Origin", &own),
            ("Origin", "http://evil.example"),
        ],
    ];
    for headers in cases {
        for route in ROUTES {
            let status = status(&eventflows, route, headers).await;
            assert_eq!(status, 400, "{route} {headers:?}");
        }
    }
}

#[tokio::test]
async fn a_refusal_has_the_form_of_its_route() {
    let eventflows = Eventflows::start().await;
    let headers = [("Host", "evil.example")];
    let graphql = ask(&eventflows, "POST /graphql", &headers).await.json();
    assert_eq!(graphql["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let gateway = ask(&eventflows, "POST /v1/algo/a/b", &headers).await.json();
    assert_eq!(gateway["error"]["error_type"], "InputError");
}

#[tokio::test]
async fn the_public_url_is_a_name_and_an_origin() {
    let url = Path::new("https://Flows.example");
    let data = tempfile::tempdir().unwrap();
    let eventflows = Eventflows::start_with(data, &[("EVENTFLOWS_PUBLIC_URL", url)]).await;
    let public = ("Origin", "https://flows.example");
    // As a proxy passes requests on: with the name that it was asked for, or with ours.
    for host in ["flows.example", "flows.example:443", eventflows.authority()] {
        for (route, wanted) in [("POST /graphql", 200), ("GET /graphql/ws", 101)] {
            let headers = [("Host", host), public];
            let status = status(&eventflows, route, &headers).await;
            assert_eq!(status, wanted, "{route} {host}");
        }
    }
    let plain = [
        ("Host", "flows.example:80"),
        ("Origin", "https://flows.example:80"),
    ];
    assert_eq!(status(&eventflows, "POST /graphql", &plain).await, 403);
}

fn serve_on_every_interface(data: &Path) -> Command {
    let mut serve = Command::new(binary::path());
    serve.args(["serve", "--listen", "0.0.0.0:0", "--data"]);
    serve.arg(data).kill_on_drop(true);
    serve
}

#[tokio::test]
async fn other_machines_are_let_in_only_where_that_was_asked_for() {
    let data = tempfile::tempdir().unwrap();
    let mut refused = serve_on_every_interface(data.path());
    let Output { status, stderr, .. } = refused.output().await.unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("--allow-unauthenticated-network"),
        "{stderr}"
    );

    let mut allowed = serve_on_every_interface(data.path());
    allowed.arg("--allow-unauthenticated-network");
    allowed.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut allowed = allowed.spawn().unwrap();
    let mut lines = BufReader::new(allowed.stdout.take().unwrap()).lines();
    let ready = lines.next_line().await.unwrap().unwrap();
    assert!(
        ready.starts_with("eventflows is ready at http://127.0.0.1:"),
        "{ready}"
    );
    let mut log = BufReader::new(allowed.stderr.take().unwrap()).lines();
    let warned = log.next_line().await.unwrap().unwrap();
    assert!(
        warned.contains("WARN") && warned.contains("no sign-in"),
        "{warned}"
    );
}
