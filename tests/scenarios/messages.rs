//! What messages say of themselves, from topic to endpoint to topic.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::StatusCode;
use rdkafka::producer::FutureRecord;
use tests::gateway::Gateway;
use tests::{Answer, Call, Endpoint, Eventflows, Flow, FlowOptions, Kafka};

#[tokio::test]
async fn an_event_reaches_the_endpoint_as_it_is_and_its_result_is_an_event_of_kafka() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let binary = [
        ("ce_specversion", "1.0"),
        ("ce_type", "com.shop.order"),
        ("ce_id", "A1"),
        ("ce_source", "/shop"),
        ("content-type", "application/json"),
    ];
    kafka.produce_with("orders", None, &binary, b"{}").await;
    let kind = "application/cloudevents+json; charset=utf-8";
    let structured = [("content-type", kind)];
    let event = br#"{"specversion":"1.0","type":"t","id":"A2","source":"/shop"}"#;
    kafka.produce_with("orders", None, &structured, event).await;
    flow.until_ended(2, 0).await;
    let calls = endpoint.calls();
    let call = calls.iter().find(|call| call.body == "{}").unwrap();
    assert_eq!(call.headers["ce-id"], "A1");
    assert_eq!(call.headers["ce-type"], "com.shop.order");
    let call = calls.iter().find(|call| call.body != "{}").unwrap();
    assert_eq!(call.headers["content-type"], kind);
    assert!(
        !call
            .headers
            .keys()
            .any(|name| name.as_str().starts_with("ce-"))
    );
    let results = kafka.until_records("scores", 2).await;
    for result in results {
        let run = result.header("eventflows-run-id");
        assert_eq!(result.header("ce_id"), run);
        assert_eq!(result.header("ce_specversion"), "1.0");
        assert_eq!(result.header("ce_type"), "eventflows.result");
    }
}

/// One partition holds batches of several producers.
#[tokio::test]
async fn messages_in_batches_of_every_codec_are_delivered() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let topic = kafka.topic("orders");
    let codecs = ["none", "gzip", "snappy", "lz4", "zstd", "none"];
    for codec in codecs {
        let producer = kafka.producer(&[("compression.codec", codec)]);
        // What a codec makes no smaller is written as it is.
        let body = codec.repeat(200);
        let record = FutureRecord::<(), _>::to(&topic).payload(&body);
        let sent = producer.send(record.partition(0), std::time::Duration::from_secs(30));
        sent.await.map_err(|(error, _)| error).unwrap();
    }
    flow.until_ended(6, 0).await;
    let mut called: Vec<_> = endpoint.calls().into_iter().map(|call| call.body).collect();
    let mut wanted = codecs.map(|codec| Bytes::from(codec.repeat(200)));
    called.sort();
    wanted.sort();
    assert_eq!(called, wanted);
}

#[tokio::test]
async fn no_body_stays_none_and_an_empty_one_empty_in_the_dead_letter_queue_and_back() {
    let kafka = Kafka::from_environment();
    let refuse = |_: &Call| (StatusCode::UNPROCESSABLE_ENTITY, Bytes::new());
    let endpoint = Endpoint::start(refuse).await;
    let eventflows = Eventflows::start().await;
    let mut options = FlowOptions::to(endpoint.url("/"));
    options.settings["concurrency"] = 1.into();
    let flow = Flow::set_up(&eventflows, &kafka, options).await;
    let mine = [("x-mine", "kept")];
    for (key, body) in [("null", None), ("empty", Some(&b""[..]))] {
        let written = kafka.produce_record("orders", Some(key), &mine, body);
        written.await;
    }
    flow.until_ended(0, 2).await;
    let nulls = |calls: &[Call]| {
        let said = calls.iter().map(|call| &call.headers);
        let said = said.filter(|headers| headers.contains_key("eventflows-null-body"));
        said.count()
    };
    let calls = endpoint.calls();
    assert_eq!((calls.len(), nulls(&calls)), (2, 1));
    let dead = kafka.until_records("orders-dlq", 2).await;
    for record in &dead {
        assert_eq!(record.header("x-mine"), "kept");
        assert_eq!(record.has_body, record.key.as_deref() == Some(b"empty"));
        kafka.write_back("orders", record).await;
    }
    flow.until_ended(0, 4).await;
    let calls = endpoint.calls();
    assert_eq!((calls.len(), nulls(&calls)), (4, 2));
}

#[tokio::test]
async fn compressed_bodies_keep_the_word_that_says_so_on_every_way() {
    const GZIP: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xabV\xaaV\x00\x00";
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::answering(|_| {
        let answer = Answer::new(StatusCode::OK, GZIP);
        let answer = answer.with("content-type", "application/json");
        answer.with("content-encoding", "gzip")
    })
    .await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let gzip = [
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
    ];
    kafka.produce_with("orders", None, &gzip, GZIP).await;
    flow.until_ended(1, 0).await;
    let call = &endpoint.calls()[0];
    assert_eq!(call.headers["content-encoding"], "gzip");
    assert_eq!(call.headers["content-type"], "application/json");
    let gateway = Gateway::new(eventflows.authority());
    let path = "acme/score?output=raw";
    let answer = gateway.call(path, "application/json", "{}").await;
    assert_eq!(answer.header("content-encoding"), "gzip");
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.body, GZIP);
    for result in kafka.until_records("scores", 2).await {
        assert_eq!(result.header("content-encoding"), "gzip");
        assert_eq!(result.header("content-type"), "application/json");
        assert_eq!(result.body, GZIP);
    }
}

/// A zero byte and the number of a schema come before the data, which may look like text.
#[tokio::test]
async fn all_messages_of_a_schema_registry_have_one_content_type() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let bodies: [&[u8]; 2] = [b"\0\0\0\0\x07\x06Ada", b"\0\0\0\0\x07\x06\xc3\x28a"];
    for body in bodies {
        kafka.produce("orders", body).await;
    }
    flow.until_ended(2, 0).await;
    for call in endpoint.calls() {
        assert_eq!(call.headers["content-type"], "application/octet-stream");
    }
}

/// The tests' own producer writes where Java's does.
#[tokio::test]
async fn results_and_dead_letters_are_in_the_partitions_of_their_messages_keys() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::start(|call| {
        // Too few to be taken for an endpoint that refuses everything.
        let is_refused = call.body.ends_with(b"0");
        let status = match is_refused {
            true => StatusCode::UNPROCESSABLE_ENTITY,
            false => StatusCode::OK,
        };
        (status, call.body.clone())
    })
    .await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let mut partitions = BTreeMap::new();
    let keys = (0..99).map(|number| format!("customer-{number}"));
    for (number, key) in keys.chain([String::new()]).enumerate() {
        let body = number.to_string();
        let written = kafka.produce_record("orders", Some(&key), &[], Some(body.as_bytes()));
        partitions.insert(Bytes::from(key.clone()), written.await);
    }
    flow.until_ended(90, 10).await;
    kafka.until_records("scores", 90).await;
    kafka.until_records("orders-dlq", 10).await;
    let mut outputs = kafka.placed_records("scores").await;
    outputs.append(&mut kafka.placed_records("orders-dlq").await);
    for (partition, output) in outputs {
        let key = output.key.unwrap();
        assert_eq!(partitions[&key], partition, "{key:?}");
    }
}

/// A person enabled the listener; the endpoint hears of the run and the message alone.
#[tokio::test]
async fn a_call_says_nothing_of_who_enabled_it() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    kafka
        .produce_with("orders", Some("key"), &[("x-mine", "kept")], b"1")
        .await;
    flow.until_ended(1, 0).await;
    let calls = endpoint.calls();
    let mut names: Vec<_> = calls[0].headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    let known = [
        "accept-encoding",
        "ce-id",
        "ce-source",
        "ce-specversion",
        "ce-subject",
        "ce-time",
        "ce-type",
        "content-length",
        "content-type",
        "host",
        "idempotency-key",
        "traceparent",
        "user-agent",
    ];
    assert_eq!(names, known);
}

/// The topics take what a broker takes unless told otherwise, 1 MiB with everything around it.
#[tokio::test]
async fn what_does_not_fit_into_its_topic_holds_up_nothing() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::start(|call| match &call.body[..] {
        b"score" => (StatusCode::OK, noise(2 * 1024 * 1024)),
        b"fine" => (StatusCode::OK, call.body.clone()),
        _ => (StatusCode::UNPROCESSABLE_ENTITY, Bytes::new()),
    })
    .await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let large = noise(1_048_400);
    for body in [&large[..], b"score", b"fine"] {
        kafka.produce("orders", body).await;
    }
    flow.until_ended(2, 1).await;
    let dead = &kafka.until_records("orders-dlq", 1).await[0];
    assert_eq!(dead.text(), "");
    assert_eq!(dead.header("eventflows-reason"), "refused");
    assert_eq!(dead.header("eventflows-body"), "omitted");
    assert_eq!(dead.header("eventflows-body-bytes"), "1048400");
    assert_eq!(dead.header("eventflows-body-sha256").len(), 64);
    let results = kafka.until_records("scores", 1).await;
    assert_eq!(results[0].text(), "fine");
}

/// Bytes that cannot be compressed.
fn noise(bytes: usize) -> Bytes {
    let mut state = 1_u64;
    let next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(bytes).collect()
}
