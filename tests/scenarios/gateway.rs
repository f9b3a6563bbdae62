//! Direct runs through the gateway: what callers get, and what reaches the publishers' topics.

mod clients;
mod python;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};

use tests::flow::{algorithm, connect, grant, withdraw};
use tests::gateway::Gateway;
use tests::kafka::Record;
use tests::{Call, Endpoint, Eventflows, Kafka};

const TEXT: &str = "text/plain";
const JSON: &str = "application/json";
const BYTES: &str = "application/octet-stream";

/// acme/score, whose results go to the topic scores.
struct Published {
    eventflows: Eventflows,
    kafka: Kafka,
    gateway: Gateway,
    algorithm: Value,
}

impl Published {
    async fn at(endpoint: &Endpoint) -> Self {
        let kafka = Kafka::from_environment();
        let eventflows = Eventflows::start().await;
        let api = eventflows.api();
        let algorithm = algorithm(&api, &[("1.0.0", endpoint.url("/raw"))]).await;
        let (_, topics) = connect(&api, &kafka).await;
        grant(&api, &topics[1], &algorithm, "PUBLISH").await;
        api.done(
            "mutation($input: PublisherEnableInput!) { it: publisherEnable(input: $input) \
             { publisher { id } userErrors { code message } } }",
            json!({ "input": {
                "topicId": topics[1], "algorithmId": algorithm, "version": "1.*",
            } }),
        )
        .await;
        Self {
            gateway: Gateway::new(eventflows.authority()),
            eventflows,
            kafka,
            algorithm,
        }
    }

    /// Publishes a version that answers in the original's envelope.
    async fn enveloped(&self, version: &str, endpoint: &Endpoint) {
        let document = "mutation($input: VersionPublishInput!) { it: versionPublish(input: $input) \
                        { userErrors { code message } } }";
        let input = json!({
            "algorithmId": self.algorithm, "version": version, "protocol": "ALGORITHMIA",
            "endpoint": endpoint.url("/envelope"),
        });
        let api = self.eventflows.api();
        api.done(document, json!({ "input": input })).await;
    }
}

/// `/envelope` speaks the original's protocol; any other path answers with what it was sent.
fn script(call: &Call) -> (StatusCode, bytes::Bytes) {
    let text = String::from_utf8_lossy(&call.body);
    if call.path != "/envelope" {
        return match text.strip_prefix("fail: ") {
            Some(why) => (StatusCode::UNPROCESSABLE_ENTITY, why.to_owned().into()),
            None => (StatusCode::OK, call.body.clone()),
        };
    }
    let answer = match &text[..] {
        "fail" => json!({ "error": { "message": "no such verb", "error_type": "LanguageError",
                                     "stacktrace": "at line 3" } }),
        "text" => json!({ "result": "hé", "metadata": { "content_type": "text" } }),
        "binary" => json!({ "result": "/wA=", "metadata": { "content_type": "binary" } }),
        _ => json!({ "result": { "enveloped": true } }),
    };
    (StatusCode::OK, answer.to_string().into())
}

#[tokio::test]
async fn a_direct_result_is_answered_and_reaches_the_publishers_topic() {
    let endpoint = Endpoint::start(script).await;
    let it = Published::at(&endpoint).await;
    let answer = it.gateway.call("acme/score/1.0.0", JSON, r#"{"b":1.10}"#);
    let answer = answer.await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), JSON);
    let told = answer.json();
    assert_eq!(told["metadata"]["content_type"], "json");
    assert!(told["metadata"]["duration"].as_f64().unwrap() > 0.0);
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(text.contains(r#"{"b":1.10}"#), "{text}");

    let record: Record = it.kafka.until_records("scores", 1).await[0].clone();
    // The result as it is, not its envelope.
    assert_eq!(record.text(), r#"{"b":1.10}"#);
    let run = record.header("eventflows-run-id");
    assert_eq!(told["request_id"], format!("req-{run}"));
    assert_eq!(record.header("eventflows-algorithm-version"), "1.0.0");
    let call = &endpoint.calls()[0];
    assert_eq!(call.headers["idempotency-key"], run.as_str());
    assert_eq!(call.headers["content-type"], JSON);
}

#[tokio::test]
async fn only_results_of_the_publishers_versions_reach_its_topic() {
    let endpoint = Endpoint::start(script).await;
    let it = Published::at(&endpoint).await;
    it.enveloped("2.0.0", &endpoint).await;
    let call = async |path: &str, body: &'static str| {
        let answer = it.gateway.call(path, TEXT, body).await;
        assert_eq!(answer.status, 200);
        answer.json()
    };
    assert_eq!(call("acme/score", "x").await["result"]["enveloped"], true);
    for path in ["acme/score/1.0", "acme/score/1.0.*", "acme/score/1.*"] {
        assert_eq!(call(path, "one").await["result"], "one");
    }
    assert_eq!(
        call("acme/score/1.0.0", "fail: no").await["error"]["message"],
        "no"
    );
    assert_eq!(call("acme/score/1.0.0", "last").await["result"], "last");
    let records = it.kafka.until_records("scores", 4).await;
    let mut texts: Vec<_> = records.iter().map(Record::text).collect();
    texts.sort();
    assert_eq!(texts, ["last", "one", "one", "one"]);
}

#[tokio::test]
async fn a_bare_result_comes_as_it_is_and_a_void_one_only_in_the_topic() {
    let endpoint = Endpoint::start(script).await;
    let it = Published::at(&endpoint).await;
    let raw = it
        .gateway
        .call("acme/score?output=raw", BYTES, &b"\xff\0"[..]);
    let raw = raw.await;
    assert_eq!((raw.status, &raw.body[..]), (200, &b"\xff\0"[..]));
    assert_eq!(raw.header("content-type"), BYTES);
    assert_eq!(raw.header("x-content-type-options"), "nosniff");

    let void = it
        .gateway
        .call("acme/score?output=void", TEXT, "unseen")
        .await;
    assert_eq!(void.status, 200);
    assert_eq!(void.json()["async"], "void");
    let records = it.kafka.until_records("scores", 2).await;
    let unseen = records.iter().find(|record| record.text() == "unseen");
    let run = unseen.unwrap().header("eventflows-run-id");
    assert_eq!(void.json()["request_id"], format!("req-{run}"));
}

#[tokio::test]
async fn what_a_request_gets_wrong_has_a_status_and_a_type() {
    let endpoint = Endpoint::start(script).await;
    let it = Published::at(&endpoint).await;
    let call = async |path: &str, headers: &[(&str, &str)], body: Vec<u8>| {
        let answer = it.gateway.send(Method::POST, path, headers, body).await;
        let (status, kind) = answer.error();
        format!("{status} {kind}").trim_end().to_owned()
    };
    let text = ("content-type", TEXT);
    let score = "acme/score/1.0.0";
    let large = vec![b'x'; 10 * 1024 * 1024 + 1];
    let cases = [
        (
            call(score, &[], b"x".to_vec()).await,
            "415 UnsupportedError",
        ),
        (
            call(score, &[("content-type", "image/png")], b"x".to_vec()).await,
            "415 UnsupportedError",
        ),
        (
            call(score, &[("content-type", JSON)], b"{".to_vec()).await,
            "400 ParsingError",
        ),
        (
            call(score, &[text], b"\xff".to_vec()).await,
            "400 ParsingError",
        ),
        (call(score, &[text], large).await, "413 TooLargeError"),
        (
            call(
                score,
                &[text, ("origin", "http://evil.example")],
                Vec::new(),
            )
            .await,
            "403 InputError",
        ),
        (
            call(score, &[text, ("authorization", "Basic dTpw")], Vec::new()).await,
            "401 InputError",
        ),
        (
            call("acme/score?timeout=0", &[text], Vec::new()).await,
            "400 InputError",
        ),
        (call("acme", &[text], Vec::new()).await, "404 InputError"),
        (call("a/b/c/d", &[text], Vec::new()).await, "404 InputError"),
        // Well formed, and nothing to call: an error with a message, as in the original.
        (call("acme/nothing", &[text], Vec::new()).await, "200"),
        (call("no-one/score", &[text], Vec::new()).await, "200"),
        (call("acme/score/3.0.0", &[text], Vec::new()).await, "200"),
        (
            call("acme/score/latestPrivate", &[text], Vec::new()).await,
            "200",
        ),
    ];
    for (got, wanted) in cases {
        assert_eq!(got, wanted);
    }
    let get = it.gateway.send(Method::GET, score, &[text], "").await;
    assert_eq!(get.error(), (405, "InputError".to_owned()));
    assert_eq!(endpoint.calls().len(), 0);
}

/// Of the original's clients some know no other statuses, and take what comes with them for the
/// result.
#[tokio::test]
async fn an_error_in_place_of_a_bare_result_is_a_400_whatever_it_is() {
    let endpoint = Endpoint::start(script).await;
    let it = Published::at(&endpoint).await;
    let text = ("content-type", TEXT);
    let large = vec![b'x'; 10 * 1024 * 1024 + 1];
    type Call<'c> = (&'c str, &'c [(&'c str, &'c str)], Vec<u8>);
    let cases: [Call<'_>; 7] = [
        ("acme/score?output=raw", &[], b"x".to_vec()),
        ("acme/score?output=raw", &[text], large),
        ("acme/score?timeout=0&output=raw", &[text], b"x".to_vec()),
        ("acme/nothing?output=raw", &[text], b"x".to_vec()),
        ("a/b/c/d?output=raw", &[text], b"x".to_vec()),
        (
            "acme/score?output=raw",
            &[text, ("authorization", "Basic dTpw")],
            b"x".to_vec(),
        ),
        (
            "acme/score?output=raw",
            &[text, ("origin", "http://evil.example")],
            b"x".to_vec(),
        ),
    ];
    for (path, headers, body) in cases {
        let answer = it.gateway.send(Method::POST, path, headers, body).await;
        assert_eq!(answer.error().0, 400, "{path} {headers:?}");
    }
    assert_eq!(endpoint.calls().len(), 0);
}

#[tokio::test]
async fn an_algorithm_that_has_nothing_to_say_has_a_void_result() {
    let endpoint = Endpoint::start(|call| match &call.body[..] {
        b"204" => (StatusCode::NO_CONTENT, bytes::Bytes::new()),
        b"202" => (StatusCode::ACCEPTED, bytes::Bytes::new()),
        b"null" => (StatusCode::OK, "null".into()),
        _ => (StatusCode::OK, bytes::Bytes::new()),
    })
    .await;
    let it = Published::at(&endpoint).await;
    for (body, bare) in [("204", ""), ("202", ""), ("empty", ""), ("null", "null")] {
        let answer = it.gateway.call("acme/score", TEXT, body).await;
        let told = answer.json();
        assert_eq!(
            (answer.status, &told["result"]),
            (200, &Value::Null),
            "{body}"
        );
        assert_eq!(told["metadata"]["content_type"], "void", "{body}");
        let raw = it.gateway.call("acme/score?output=raw", TEXT, body).await;
        assert_eq!(
            (raw.status, &raw.body[..]),
            (200, bare.as_bytes()),
            "{body}"
        );
    }
}

#[tokio::test]
async fn what_an_endpoint_gets_wrong_is_an_error_of_its_type() {
    let mut endpoint = Endpoint::start(|call| match &call.body[..] {
        b"large" => (StatusCode::OK, vec![b'x'; 16 * 1024 * 1024].into()),
        b"busy" => (StatusCode::TOO_MANY_REQUESTS, "not now".into()),
        _ => script(call),
    })
    .await;
    let it = Published::at(&endpoint).await;
    let error = async |path: &str, body: &'static str| {
        let answer = it.gateway.call(path, TEXT, body).await;
        let message = answer.json()["error"]["message"]
            .as_str()
            .unwrap()
            .to_owned();
        let (status, kind) = answer.error();
        (format!("{status} {kind}"), message)
    };
    let (kind, message) = error("acme/score", "busy").await;
    assert_eq!((&kind[..], &message[..]), ("200 AlgorithmError", "not now"));
    assert_eq!(endpoint.calls().len(), 1);
    let (kind, _) = error("acme/score?output=raw", "fail: no").await;
    assert_eq!(kind, "400 InputError");
    let (kind, message) = error("acme/score", "large").await;
    assert_eq!(kind, "200 TooLargeError", "{message}");
    endpoint.hold(|_| true);
    let (kind, _) = error("acme/score?timeout=1", "x").await;
    assert_eq!(kind, "200 TimeoutError");
    endpoint.release();
    endpoint.go_down();
    let (kind, message) = error("acme/score", "x").await;
    assert_eq!(kind, "200 SystemError", "{message}");
    endpoint.come_back().await;
    let good = it.gateway.call("acme/score", TEXT, "good").await;
    assert_eq!(good.json()["result"], "good");
    let records = it.kafka.until_records("scores", 1).await;
    let texts: Vec<_> = records.iter().map(Record::text).collect();
    assert_eq!(texts, ["good"], "an error reached the publisher's topic");
}

#[tokio::test]
async fn a_withdrawn_version_and_a_retired_algorithm_are_not_called() {
    let endpoint = Endpoint::start(script).await;
    let it = Published::at(&endpoint).await;
    it.enveloped("2.0.0", &endpoint).await;
    let api = it.eventflows.api();
    withdraw(&api, &it.algorithm, "2.0.0").await;
    let message = async |path: &str| {
        let answer = it.gateway.call(path, TEXT, "x").await.json();
        answer["error"]["message"].as_str().map(str::to_owned)
    };
    assert_eq!(
        message("acme/score/2.0.0").await.unwrap(),
        "acme/score/2.0.0: version 2.0.0 is withdrawn: it was wrong"
    );
    assert_eq!(message("acme/score").await, None);
    api.done(
        "mutation($id: ID!) { it: algorithmRetire(id: $id, input: {}) \
         { userErrors { code message } } }",
        json!({ "id": it.algorithm }),
    )
    .await;
    assert_eq!(
        message("acme/score").await.unwrap(),
        "acme/score: the algorithm is retired"
    );
}

#[tokio::test]
async fn a_result_decided_before_a_kill_is_published_after_it_with_the_same_bytes() {
    let calls = AtomicUsize::new(0);
    let endpoint = Endpoint::start(move |_| {
        let number = calls.fetch_add(1, Ordering::Relaxed);
        (StatusCode::OK, format!("result {number}").into())
    })
    .await;
    let it = Published::at(&endpoint).await;
    it.kafka.delete("scores").await;
    let answer = it.gateway.call("acme/score", TEXT, "x").await.json();
    assert_eq!(answer["result"], "result 0");
    let eventflows = it.eventflows.kill_and_restart().await;
    it.kafka.create(&["scores"], 4).await;

    let records = it.kafka.until_records("scores", 1).await;
    assert_eq!(records[0].text(), "result 0");
    let run = records[0].header("eventflows-run-id");
    assert_eq!(answer["request_id"], format!("req-{run}"));
    assert_eq!(endpoint.calls().len(), 1);
    let again = Gateway::new(eventflows.authority());
    let again = again.call("acme/score", TEXT, "y").await.json();
    assert_eq!(again["result"], "result 1");
    it.kafka.until_records("scores", 2).await;
}
