//! What a listener did over time.

use http::StatusCode;
use serde_json::{Value, json};
use tests::{Endpoint, Eventflows, Flow, FlowOptions, Kafka, eventually};

const POINT: &str = "at received succeeded deadLettered calls failedCalls callSecondsP50 \
                     callSecondsP99 lagMessages lagSeconds";

fn number(point: &Value, field: &str) -> u64 {
    point[field].as_str().unwrap().parse().unwrap()
}

fn sum(points: &[Value], field: &str) -> u64 {
    points.iter().map(|point| number(point, field)).sum()
}

#[tokio::test]
async fn what_a_listener_did_is_shown_in_steps_and_followed() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::start(|call| match &call.body[..] {
        b"bad" => (StatusCode::BAD_REQUEST, call.body.clone()),
        _ => (StatusCode::OK, call.body.clone()),
    })
    .await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let follow = "subscription($id: ID!) { listenerSeries(id: $id) { at received } }";
    let follow = follow.replace("at received", POINT);
    let id = json!({ "id": flow.listener });
    let mut steps = flow.api.subscribe(&follow, id.clone()).await;
    for number in 0..20 {
        let body = format!("message {number}");
        kafka.produce("orders", body.as_bytes()).await;
    }
    // By itself: an answer to one among others is asked for once more.
    flow.until_ended(20, 0).await;
    kafka.produce("orders", b"bad").await;
    flow.until_ended(20, 1).await;

    let document = format!(
        "query($id: ID!, $from: DateTime!, $until: DateTime!) {{ node(id: $id) {{ ... on Listener {{ \
         lagPerSecond series(from: $from, until: $until) {{ stepSeconds lagPerSecond \
         points {{ {POINT} }} }} }} }} }}"
    );
    let newest = flow.look("runs(first: 1) { nodes { claimedAt } }").await;
    let newest = newest["runs"]["nodes"][0]["claimedAt"].as_str().unwrap();
    let now: jiff::Timestamp = newest.parse().unwrap();
    let minutes = |minutes| (now + jiff::SignedDuration::from_mins(minutes)).to_string();
    let variables = json!({ "id": flow.listener, "from": minutes(-5), "until": minutes(2) });
    let series = eventually("what was counted", async || {
        let listener = flow.api.ask(&document, variables.clone()).await["node"].clone();
        let points = listener["series"]["points"].as_array().unwrap();
        (sum(points, "received") == 21).then_some(listener["series"].clone())
    })
    .await;
    let points = series["points"].as_array().unwrap();
    assert_eq!(series["stepSeconds"], 10);
    let counts = ["succeeded", "deadLettered", "calls", "failedCalls"];
    assert_eq!(counts.map(|count| sum(points, count)), [20, 1, 21, 1]);
    let busy = points
        .iter()
        .find(|point| number(point, "calls") > 0)
        .unwrap();
    assert!(busy["callSecondsP50"].as_f64() > Some(0.0), "{busy}");
    assert!(busy["callSecondsP50"].as_f64() <= busy["callSecondsP99"].as_f64());

    let mut followed = Vec::new();
    while sum(&followed, "received") < 21 {
        followed.push(steps.next().await["listenerSeries"].clone());
    }
    assert!(followed.is_sorted_by(|one, next| one["at"].as_str() < next["at"].as_str()));
    for step in &followed {
        let shown = points.iter().find(|point| point["at"] == step["at"]);
        let received = shown.map_or(0, |point| number(point, "received"));
        assert!(
            received == 0 || received <= number(step, "received"),
            "{step}"
        );
    }

    let too_many = "query($id: ID!) { node(id: $id) { ... on Listener { series( \
                    from: \"2020-01-01T00:00:00Z\", until: \"2026-01-01T00:00:00Z\") \
                    { stepSeconds } } } }";
    let refused = flow.api.answer(too_many, id).await;
    assert_eq!(
        refused["errors"][0]["message"], "the time is too long",
        "{refused}"
    );
}
