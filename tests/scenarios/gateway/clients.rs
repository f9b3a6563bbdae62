//! What the original's public clients send, replayed as it is on the wire. Each request was written
//! down from the source of the client that it names, with what its HTTP library adds.

use serde_json::{Value, json};
use tests::raw::{self, RawAnswer};
use tests::{Endpoint, Eventflows};

use super::{Published, script};

/// A request of a client, and what it looks for in the answer.
struct Recorded {
    client: &'static str,
    /// Method, path and query.
    line: &'static str,
    headers: &'static [&'static str],
    body: Body,
    wanted: Wanted,
}

enum Body {
    Whole(&'static [u8]),
    /// In two chunks, its length unsaid.
    Chunked(&'static [u8]),
}

enum Wanted {
    /// The envelope's result and its content type.
    Result(Value, &'static str),
    /// The bare bytes.
    Raw(&'static [u8]),
    Void,
    /// The message of the error, and the status.
    Error(&'static str, u16),
}

use Body::{Chunked, Whole};
use Wanted::{Error, Raw, Result, Void};

const RUBY: &[&str] = &[
    "Accept-Encoding: gzip;q=1.0,deflate;q=0.6,identity;q=0.3",
    "Accept: */*",
    "User-Agent: Algorithmia Ruby Client",
    "Authorization: simKEY",
    "Content-Type: text/plain",
    "Connection: close",
];

const RUBY_JSON: &[&str] = &[
    "Accept: */*",
    "User-Agent: Algorithmia Ruby Client",
    "Authorization: simKEY",
    "Content-Type: application/json",
    "Connection: close",
];

const R: &[&str] = &[
    "User-Agent: libcurl/7.68.0 r-curl/4.3 httr/1.4.2",
    "Accept-Encoding: deflate, gzip",
    "Accept: application/json, text/xml, application/xml, */*",
    "Authorization: simKEY",
    "Content-Type: application/json",
];

const R_BYTES: &[&str] = &[
    "User-Agent: libcurl/7.68.0 r-curl/4.3 httr/1.4.2",
    "Accept: application/json, text/xml, application/xml, */*",
    "Authorization: simKEY",
    "Content-Type: application/octet-stream",
];

const C_SHARP: &[&str] = &[
    "Authorization: simKEY",
    "User-Agent: algorithmia-c-sharp/1.1.0.0",
    "Content-Type: application/json",
];

const JAVA_TEXT: &[&str] = &[
    "Authorization: simKEY",
    "User-Agent: algorithmia-java/1.0.16",
    "Content-Type: text/plain; charset=UTF-8",
    "Connection: Keep-Alive",
];

const JAVA_JSON: &[&str] = &[
    "Authorization: simKEY",
    "User-Agent: algorithmia-java/1.0.16",
    "Content-Type: application/json; charset=UTF-8",
    "Connection: Keep-Alive",
];

const NODE_1: &[&str] = &[
    "User-Agent: algorithmia-nodejs/0.3.10 (NodeJS v12.22.12)",
    "Authorization: Simple simKEY",
    "Content-Type: text/plain",
    "Connection: close",
];

const NODE_1_JSON: &[&str] = &[
    "User-Agent: algorithmia-nodejs/0.3.10 (NodeJS v12.22.12)",
    "Authorization: Simple simKEY",
    "Content-Type: application/json",
    "Connection: close",
];

const NODE_2: &[&str] = &[
    "Authorization: Simple simKEY",
    "Content-Type: text/plain",
    "user-agent: {User-Agent : algorithmia-nodejs/1.0.0 (NodeJS v14.21.3)}",
    "Connection: close",
];

/// Without a key.
const NODE_2_JSON: &[&str] = &[
    "Authorization: ",
    "Content-Type: application/json",
    "user-agent: {User-Agent : algorithmia-nodejs/undefined (NodeJS v14.21.3)}",
    "Connection: close",
];

const PYTHON: &[&str] = &[
    "User-Agent: python-requests/2.28.1",
    "Accept-Encoding: gzip, deflate",
    "Accept: */*",
    "Connection: keep-alive",
    "Authorization: Bearer a.b.c",
    "Content-Type: application/octet-stream",
];

fn recorded() -> Vec<Recorded> {
    let mut all = ruby_and_r();
    all.extend(compiled());
    all.extend(node_and_python());
    all
}

/// `client.algo(…).pipe(…)`, as scripts do.
fn ruby_and_r() -> Vec<Recorded> {
    let it = |client, line, headers, body, wanted| Recorded {
        client,
        line,
        headers,
        body: Whole(body),
        wanted,
    };
    vec![
        it(
            "Ruby 1.1: pipe of a text",
            "POST /v1/algo/acme/score/1.0.0",
            RUBY,
            b"HAL 9000",
            Result(json!("HAL 9000"), "text"),
        ),
        it(
            "Ruby 1.1: pipe of an array, with set(timeout:, stdout:)",
            "POST /v1/algo/acme/score?timeout=10&stdout=true",
            RUBY_JSON,
            br#"["transformer","terraforms"]"#,
            Result(json!(["transformer", "terraforms"]), "json"),
        ),
        it(
            "Ruby 0.9, which names every option",
            "POST /v1/algo/acme/score/1.0.0?timeout=300&stdout=false&output=default",
            RUBY,
            b"HAL 9000",
            Result(json!("HAL 9000"), "text"),
        ),
        it(
            "Ruby: an algorithm that is not there",
            "POST /v1/algo/util/whoopsWrongAlgo",
            RUBY,
            b"Hello, world!",
            Error("util/whoopsWrongAlgo: there is no such algorithm", 200),
        ),
        it(
            "R: pipe of a text, which is JSON to it",
            "POST /v1/algo/acme/score/1.0.0?timeout=300&stdout=FALSE&output=default",
            R,
            br#""HAL 9000""#,
            Result(json!("HAL 9000"), "json"),
        ),
        it(
            "R: pipe of bytes",
            "POST /v1/algo/acme/score?timeout=300&stdout=FALSE&output=default",
            R_BYTES,
            b"\xff\0\xfe",
            Result(json!("/wD+"), "binary"),
        ),
        it(
            "R: setOptions(output = \"raw\")",
            "POST /v1/algo/acme/score/1.0.0?timeout=300&stdout=FALSE&output=raw",
            R,
            b"[1,2]",
            Raw(b"[1,2]"),
        ),
    ]
}

/// C# and Java.
fn compiled() -> Vec<Recorded> {
    let it = |client, line, headers, body, wanted| Recorded {
        client,
        line,
        headers,
        body: Whole(body),
        wanted,
    };
    vec![
        it(
            "C#: pipe of an object",
            "POST /v1/algo/acme/score/1.0.0?timeout=300&stdout=False&output=default",
            C_SHARP,
            br#"{"b":1.10,"a":null}"#,
            Result(json!({ "b": 1.1, "a": null }), "json"),
        ),
        it(
            "C#: setOptions(outputType: RAW)",
            "POST /v1/algo/acme/score/1.0.0?timeout=300&stdout=False&output=raw",
            C_SHARP,
            br#""x""#,
            Raw(br#""x""#),
        ),
        it(
            "C#: setOptions(outputType: VOID)",
            "POST /v1/algo/acme/score/1.0.0?timeout=300&stdout=False&output=void",
            C_SHARP,
            b"1",
            Void,
        ),
        it(
            "Java: pipe of a text",
            "POST /v1/algo/acme/score/1.0.0",
            JAVA_TEXT,
            "wörld".as_bytes(),
            Result(json!("wörld"), "text"),
        ),
        it(
            "Java: setOutputType(DEFAULT), setTimeout and setStdout",
            "POST /v1/algo/acme/score/1.0.0?output=default&stdout=true&timeout=60",
            JAVA_JSON,
            b"[1]",
            Result(json!([1]), "json"),
        ),
        it(
            "Java: setOutputType(RAW), an error",
            "POST /v1/algo/acme/score?output=raw",
            JAVA_TEXT,
            b"fail: no such colour",
            Error("no such colour", 400),
        ),
    ]
}

fn node_and_python() -> Vec<Recorded> {
    let it = |client, line, headers, body, wanted| Recorded {
        client,
        line,
        headers,
        body,
        wanted,
    };
    vec![
        it(
            "Node 0.3: pipe of a text, as its README names algorithms",
            "POST /v1/algo/algo://acme/score/1.0.0",
            NODE_1,
            Chunked(b"HAL 9000"),
            Result(json!("HAL 9000"), "text"),
        ),
        it(
            "Node 0.3: pipe of an array",
            "POST /v1/algo/acme/score",
            NODE_1_JSON,
            Chunked(br#"["transformer"]"#),
            Result(json!(["transformer"]), "json"),
        ),
        it(
            "Node 1.0: pipe of a text, as its README names algorithms",
            "POST /v1/algo/algo://acme/score/1.0.0/?timeout=300&stdout=false&output=raw",
            NODE_2,
            Whole(b"HAL 9000"),
            Raw(b"HAL 9000"),
        ),
        it(
            "Node 1.0: pipe of an object without a version",
            "POST /v1/algo/acme/score/?timeout=300&stdout=false&output=raw",
            NODE_2_JSON,
            Whole(b"{\n  \"a\": 1\n}"),
            Raw(b"{\n  \"a\": 1\n}"),
        ),
        it(
            "Node 1.0: options within the name, as its README has them",
            "POST /v1/algo/algo://acme/score/1.0.0?timeout=10&stdout=true/?timeout=300&stdout=false&output=raw",
            NODE_2,
            Whole(b"x"),
            Raw(b"x"),
        ),
        it(
            "Python: pipe of bytes, with options of its own",
            "POST /v1/algo/acme/score/1.0.0?timeout=2.5&stdout=False&colour=red",
            PYTHON,
            Whole(b"\xff"),
            Result(json!("/w=="), "binary"),
        ),
        it(
            "no client: an output that is not known yet",
            "POST /v1/algo/acme/score/1.0.0?output=stream",
            PYTHON,
            Whole(b"\xff"),
            Result(json!("/w=="), "binary"),
        ),
    ]
}

#[tokio::test]
async fn what_the_originals_clients_send_is_answered_as_they_expect() {
    let endpoint = Endpoint::start(script).await;
    let it = Published::at(&endpoint).await;
    for recorded in recorded() {
        let client = recorded.client;
        let answer = replay(&it.eventflows, &recorded).await;
        let status = answer.status;
        match recorded.wanted {
            Raw(bytes) => assert_eq!((status, &answer.body[..]), (200, bytes), "{client}"),
            Result(result, content_type) => {
                let told = answer.json();
                assert_eq!(
                    (status, &told["result"]),
                    (200, &result),
                    "{client}: {told}"
                );
                assert_eq!(told["metadata"]["content_type"], content_type, "{client}");
                assert!(told["metadata"]["duration"].is_f64(), "{client}");
                let alerted = told["metadata"].get("alerts").is_some();
                assert_eq!(alerted, recorded.line.ends_with("=stream"), "{client}");
            }
            Void => {
                let told = answer.json();
                assert_eq!((status, &told["async"]), (200, &json!("void")), "{client}");
                assert!(told["request_id"].is_string(), "{client}");
            }
            Error(message, wanted) => {
                let told = answer.json();
                assert_eq!(
                    (status, &told["error"]["message"]),
                    (wanted, &json!(message))
                );
            }
        }
    }
}

async fn replay(eventflows: &Eventflows, recorded: &Recorded) -> RawAnswer {
    let host = eventflows.authority();
    let mut head = format!("{} HTTP/1.1\r\nHost: {host}\r\n", recorded.line);
    for header in recorded.headers {
        head += header;
        head += "\r\n";
    }
    let mut request = Vec::new();
    match recorded.body {
        Whole(body) => {
            head += &format!("Content-Length: {}\r\n\r\n", body.len());
            request.extend_from_slice(head.as_bytes());
            request.extend_from_slice(body);
        }
        Chunked(body) => {
            head += "Transfer-Encoding: chunked\r\n\r\n";
            request.extend_from_slice(head.as_bytes());
            let (first, second) = body.split_at(body.len() / 2);
            for chunk in [first, second, b""] {
                request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                request.extend_from_slice(chunk);
                request.extend_from_slice(b"\r\n");
            }
        }
    }
    raw::send(host, &request).await
}

#[tokio::test]
async fn a_path_that_is_no_algorithms_is_answered_in_json() {
    let eventflows = Eventflows::start().await;
    for line in [
        "POST /v1/algo/acme",
        "POST /v1/algo/acme/score/1.0.0/more",
        "POST /v1/algo/",
        "GET /v1/algorithms/acme/score",
        "POST /v1/insights",
    ] {
        let recorded = Recorded {
            client: "",
            line,
            headers: RUBY,
            body: Whole(b"x"),
            wanted: Error("", 404),
        };
        let answer = replay(&eventflows, &recorded).await;
        let told = answer.json();
        assert_eq!(answer.status, 404, "{line}");
        assert!(told["error"]["message"].is_string(), "{line} {told}");
    }
}

#[tokio::test]
async fn a_name_that_some_clients_cannot_call_is_warned_of() {
    let eventflows = Eventflows::start().await;
    let create = "mutation($name: String!) { it: organizationCreate(input: { name: $name }) \
                  { userErrors { code message } warnings { code path } } }";
    let warnings = async |name: &str| {
        let done = eventflows.api().done(create, json!({ "name": name })).await;
        done["warnings"].clone()
    };
    assert_eq!(warnings("my_team").await, json!([]));
    let hyphen = json!([{ "code": "HYPHEN_IN_NAME", "path": ["input", "name"] }]);
    assert_eq!(warnings("my-team").await, hyphen);
}
