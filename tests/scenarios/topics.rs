//! Topics whose names begin as those of Kafka's own do.

use serde_json::json;
use tests::{Endpoint, Eventflows, Flow, FlowOptions, Kafka};

use crate::desired;

/// Only the topics that Kafka keeps itself are left out, each by its name.
#[tokio::test]
async fn topics_that_begin_with_two_underscores_are_topics_as_others_are() {
    let kafka = Kafka::from_environment().beginning_with("__");
    let endpoint = Endpoint::echo().await;
    let eventflows = Eventflows::start().await;
    let flow = Flow::set_up(&eventflows, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    kafka.produce("orders", b"one").await;
    flow.until_ended(1, 0).await;
    assert_eq!(kafka.until_records("scores", 1).await[0].text(), "one");

    let search = "query($id: ID!, $search: String!) { node(id: $id) { ... on Broker { \
                  topics(filter: { search: $search }) { nodes { name } } } } }";
    for (search_for, is_there) in [
        (kafka.topic("orders"), true),
        ("__consumer_offsets".to_owned(), false),
    ] {
        let variables = json!({ "id": flow.broker, "search": search_for });
        let found = flow.api.ask(search, variables).await;
        let mut nodes = found["node"]["topics"]["nodes"].as_array().unwrap().iter();
        let found = nodes.any(|topic| topic["name"] == search_for);
        assert_eq!(found, is_there, "{search_for}");
    }
    let documents = desired::export(&eventflows).await;
    assert!(documents.contains(&kafka.topic("orders")), "{documents}");
    let applied = desired::run(&eventflows, &["apply", "-"], &documents).await;
    assert_eq!(applied.status.code(), Some(0), "{applied:?}");
}
