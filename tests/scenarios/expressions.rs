//! A model server behind a listener that filters, wraps and unwraps.

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use tests::{Endpoint, Eventflows, Flow, FlowOptions, Kafka, eventually};

/// Answers as MLflow does: a prediction for each record that it is sent.
async fn mlflow() -> Endpoint {
    Endpoint::start(|call| {
        let sent: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let record = &sent["dataframe_records"][0];
        let answer = json!({ "predictions": [record["amount"]] });
        (StatusCode::OK, Bytes::from(answer.to_string()))
    })
    .await
}

#[tokio::test]
async fn a_model_server_is_called_as_it_is_with_the_messages_that_it_is_for() {
    let kafka = Kafka::from_environment();
    let endpoint = mlflow().await;
    let eventflows = Eventflows::start().await;
    let mut options = FlowOptions::to(endpoint.url("/invocations"));
    options.settings["filter"] = json!("body.amount > 100");
    options.settings["transform"] = json!({
        "request": "{'dataframe_records': [body]}",
        "result": "{'id': body.id, 'score': answer.predictions[0]}",
    });
    let flow = Flow::set_up(&eventflows, &kafka, options).await;
    for body in [
        r#"{"id":1,"amount":99}"#,
        r#"{"id":2,"amount":150}"#,
        r#"{"id":3}"#,
    ] {
        kafka.produce("orders", body.as_bytes()).await;
    }
    flow.until_ended(1, 1).await;
    let results = kafka.until_records("scores", 1).await;
    assert_eq!(results[0].body, r#"{"id":2,"score":150}"#);
    let dead = kafka.until_records("orders-dlq", 1).await;
    assert_eq!(dead[0].body, r#"{"id":3}"#);
    assert_eq!(dead[0].header("eventflows-reason"), "filter_failed");
    let filtered = eventually("the message that is left out", async || {
        let runs = flow.runs().await;
        runs.into_iter().find(|run| run["decision"] == "FILTERED")
    });
    assert_eq!(filtered.await["attemptCount"], 0);
    let calls = endpoint.calls();
    assert_eq!(calls.len(), 1);
    let sent = r#"{"dataframe_records":[{"id":2,"amount":150}]}"#;
    assert_eq!(calls[0].body, sent);
    let settings = flow.look("settings { filter transform { request result } }");
    let settings = settings.await["settings"].clone();
    assert_eq!(settings["filter"], "body.amount > 100");
    let request = &settings["transform"]["request"];
    assert_eq!(*request, "{'dataframe_records': [body]}");
}
