//! The original's public Python client, unchanged, against the gateway.

use serde_json::{Value, json};
use tests::Endpoint;
use tokio::process::Command;

use super::{Published, script};

#[tokio::test]
async fn the_originals_python_client_works_unchanged() {
    let endpoint = Endpoint::start(script).await;
    endpoint.hold(|call| call.body == "wait");
    let it = Published::at(&endpoint).await;
    it.enveloped("2.0.0", &endpoint).await;
    let told = tell(it.gateway.url()).await;

    let result = |call: &str| {
        let call = &told[call];
        assert!(call["duration"].as_f64().unwrap() > 0.0, "{call}");
        (call["result"].clone(), call["content_type"].clone())
    };
    let text = |text: &str| (json!(text), json!("text"));
    let bytes = |hex: &str| (json!({ "bytes": hex }), json!("binary"));
    assert_eq!(result("text"), text("hello wörld"));
    let dict = json!({ "b": [1, 2.5], "a": null });
    assert_eq!(result("dict"), (dict, json!("json")));
    assert_eq!(result("list"), (json!(["x", "y"]), json!("json")));
    assert_eq!(result("bytes"), bytes("ff00fe"));
    assert_eq!(result("bytearray"), bytes("ff"));
    assert_eq!(result("null"), (Value::Null, json!("void")));
    assert_eq!(result("by_selector"), text("selected"));
    let enveloped = json!({ "enveloped": true });
    assert_eq!(result("unversioned"), (enveloped, json!("json")));
    assert_eq!(result("bearer"), text("token"));
    assert_eq!(result("options"), text("in time"));
    assert_eq!(result("enveloped_text"), text("hé"));
    assert_eq!(result("enveloped_binary"), bytes("ff00"));
    assert_eq!(told["raw"], "bare");
    assert_eq!(told["void"]["async"], "void");
    failures(&told);

    // What had a result of 1.0.0 is in the topic, the void run's too.
    let records = it.kafka.until_records("scores", 11).await;
    assert_eq!(records.len(), 11);
    let id = told["void"]["request_id"].as_str().unwrap();
    let void = records.iter().find(|record| {
        let run = record.header("eventflows-run-id");
        id == format!("req-{run}")
    });
    assert_eq!(void.unwrap().text(), "for the topic alone");
}

fn failures(told: &Value) {
    let failed = |call: &str| {
        let error = &told[call];
        let kind = error["error_type"].as_str().unwrap_or_default();
        (
            error["message"].as_str().unwrap().to_owned(),
            kind.to_owned(),
        )
    };
    let error = |message: &str, kind: &str| (message.to_owned(), kind.to_owned());
    assert_eq!(failed("error"), error("no such colour", "InputError"));
    let enveloped = failed("enveloped_error");
    assert_eq!(enveloped, error("no such verb", "LanguageError"));
    assert_eq!(told["enveloped_error"]["stack_trace"], "at line 3");
    assert_eq!(failed("timeout").1, "TimeoutError");
    let nothing = "acme/nothing: there is no such algorithm";
    assert_eq!(failed("no_algorithm"), error(nothing, ""));
    let version = "acme/score/7.*: no published version matches";
    assert_eq!(failed("no_version"), error(version, ""));
    // The client has no words of ours for any status but 200.
    let other = "Non-Algorithm related Failure: <Response [400]>";
    assert_eq!(told["raw_error"], json!({ "other": other }));
    assert_eq!(told["bad_parameter"], json!({ "other": other }));
}

/// What the client says of its calls.
async fn tell(gateway: &str) -> Value {
    #[expect(
        clippy::disallowed_methods,
        reason = "the test command names the Python that has the client"
    )]
    let python = std::env::var_os("EVENTFLOWS_TEST_PYTHON").expect(
        "EVENTFLOWS_TEST_PYTHON names a Python with tests/python/requirements.txt: \
         `cargo xtask test` makes one",
    );
    let mut client = Command::new(python);
    client.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python/client.py"));
    let client = client.arg(gateway).kill_on_drop(true).output();
    let output = client.await.unwrap();
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
    serde_json::from_slice(&output.stdout).unwrap()
}
