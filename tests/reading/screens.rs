//! What screens ask for: the topics of an algorithm, previews, the graph, the search.

use serde_json::{Value, json};

use crate::counter::Alone;
use crate::inventory::Inventory;

#[tokio::test]
async fn an_algorithm_shows_the_topics_that_grants_and_patterns_permit() {
    let _alone = Alone::in_process().await;
    let inventory = Inventory::full(2).await;
    let document = "query($filter: AlgorithmTopicFilterInput) { \
        algorithmByName(name: \"org-00/score\") { topics(filter: $filter) { totalCount nodes { \
        topic { name } access state listener { enabled } publisher { enabled } \
        grants { nodes { topicPattern } } } } } }";
    let ask = async |filter: Value| {
        let answer = inventory.ask(document, json!({ "filter": filter })).await;
        answer["algorithmByName"]["topics"].clone()
    };
    let all = ask(Value::Null).await;
    let row = |node: &Value| {
        let shown = ["/topic/name", "/access", "/state"].map(|path| {
            let shown = node.pointer(path).unwrap();
            shown.as_str().unwrap().to_owned()
        });
        shown.join(" ")
    };
    let rows: Vec<String> = all["nodes"].as_array().unwrap().iter().map(row).collect();
    let wanted = [
        "orders PUBLISH NEVER_ENABLED",
        "orders SUBSCRIBE ENABLED",
        "orders-dlq PUBLISH NEVER_ENABLED",
        "scores PUBLISH DISABLED",
    ];
    let mut sorted = rows.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, wanted);
    assert_eq!(all["totalCount"], 4);
    let read = ask(json!({ "access": ["SUBSCRIBE"] })).await["nodes"].clone();
    assert_eq!(read[0]["listener"], json!({ "enabled": true }));
    assert_eq!(read[0]["publisher"], Value::Null);
    assert_eq!(
        read[0]["grants"]["nodes"],
        json!([{ "topicPattern": null }])
    );
    let written = ask(json!({ "access": ["PUBLISH"], "search": "scor" })).await["nodes"].clone();
    assert_eq!(written[0]["publisher"], json!({ "enabled": false }));
    assert_eq!(
        written[0]["grants"]["nodes"],
        json!([{ "topicPattern": "*" }])
    );
}

#[tokio::test]
async fn topics_count_the_algorithms_that_grants_reach_and_are_sorted_by_them() {
    let _alone = Alone::in_process().await;
    let inventory = Inventory::full(1).await;
    let document = "query($after: String) { brokerByName(name: \"broker-00\") { \
        topics(first: 2, after: $after, orderBy: { field: ALGORITHMS, direction: DESCENDING }) { \
        edges { cursor node { name algorithmCount counts { subscribeAlgorithms publishAlgorithms \
        deadLetterAlgorithms } } } } } }";
    let mut found = Vec::new();
    let mut after = Value::Null;
    for _ in 0..2 {
        let answer = inventory.ask(document, json!({ "after": after })).await;
        let edges = answer["brokerByName"]["topics"]["edges"].clone();
        for edge in edges.as_array().unwrap() {
            after = edge["cursor"].clone();
            found.push(edge["node"].clone());
        }
    }
    assert_eq!(found.len(), 3);
    let counts = json!({
        "subscribeAlgorithms": 1, "publishAlgorithms": 1, "deadLetterAlgorithms": 0,
    });
    let orders = found
        .iter()
        .find(|topic| topic["name"] == "orders")
        .unwrap();
    // The same algorithm may read and write it.
    assert_eq!(
        *orders,
        json!({ "name": "orders", "algorithmCount": 1, "counts": counts })
    );
}

#[tokio::test]
async fn previews_say_what_would_end() {
    let _alone = Alone::in_process().await;
    let inventory = Inventory::full(2).await;
    let document = "{ algorithmByName(name: \"org-00/score\") { \
        retirePreview { grants listeners publishers firstListeners { topic { name } } } \
        versions { nodes { withdrawPreview { truncated moves { version { version } } \
        holds { topic { name } } } } } \
        listeners { nodes { disablePreview { consumers inFlight } } } \
        grants { nodes { access revokePreview { grants listeners publishers } } } } \
        brokerByName(name: \"broker-00\") { disconnectPreview { grants listeners publishers } } }";
    let answer = inventory.ask(document, json!({})).await;
    let algorithm = &answer["algorithmByName"];
    let orders = json!([{ "topic": { "name": "orders" } }]);
    let retired = json!({
        "grants": 1, "listeners": 1, "publishers": 0, "firstListeners": orders,
    });
    assert_eq!(algorithm["retirePreview"], retired);
    let withdrawn = json!({ "truncated": false, "moves": [], "holds": orders });
    assert_eq!(
        algorithm["versions"]["nodes"][0]["withdrawPreview"],
        withdrawn
    );
    let disabled = json!({ "consumers": 1, "inFlight": "0" });
    assert_eq!(
        algorithm["listeners"]["nodes"][0]["disablePreview"],
        disabled
    );
    let revoked = |access: &str| {
        let mut grants = algorithm["grants"]["nodes"].as_array().unwrap().iter();
        let grant = grants.find(|grant| grant["access"] == access);
        grant.unwrap()["revokePreview"].clone()
    };
    let reads = json!({ "grants": 1, "listeners": 1, "publishers": 0 });
    assert_eq!(revoked("SUBSCRIBE"), reads);
    // Its publisher was disabled before.
    let writes = json!({ "grants": 1, "listeners": 0, "publishers": 0 });
    assert_eq!(revoked("PUBLISH"), writes);
    let all = json!({ "grants": 2, "listeners": 1, "publishers": 0 });
    assert_eq!(answer["brokerByName"]["disconnectPreview"], all);
}

#[tokio::test]
async fn names_are_found_whatever_their_case_and_the_best_first() {
    let _alone = Alone::in_process().await;
    let inventory = Inventory::full(1).await;
    let document = "query($text: String!, $first: Int) { search(text: $text, first: $first) { \
        name node { __typename id } } }";
    let ask = async |text: &str, first: Option<i32>| {
        let variables = json!({ "text": text, "first": first });
        let found = inventory.ask(document, variables).await["search"].clone();
        let found = found.as_array().unwrap().clone().into_iter();
        let found = found.map(|found| {
            let ty = found["node"]["__typename"].as_str().unwrap();
            format!("{ty} {}", found["name"].as_str().unwrap())
        });
        found.collect::<Vec<_>>()
    };
    assert_eq!(
        ask("SCORE", None).await,
        ["Algorithm org-00/score", "Topic scores"]
    );
    assert_eq!(ask("ord", Some(1)).await, ["Topic orders"]);
    assert_eq!(
        ask("rg-00", None).await,
        ["Organization org-00", "Algorithm org-00/score",]
    );
    assert_eq!(ask("nothing", None).await, [""; 0]);
}

#[tokio::test]
async fn the_graph_has_what_enabled_flows_connect() {
    let _alone = Alone::in_process().await;
    let inventory = Inventory::full(2).await;
    let document = "query($within: ID) { flow(within: $within) { truncated \
        topics { name broker { name } } algorithms { name } \
        edges { kind topic { name } algorithm { name } listener { enabled } publisher { id } } } }";
    let whole = inventory.ask(document, json!({})).await["flow"].clone();
    let count = |list: &str| whole[list].as_array().unwrap().len();
    assert_eq!(
        (count("topics"), count("algorithms"), count("edges")),
        (4, 2, 4)
    );
    assert_eq!(whole["truncated"], false);
    let broker = "{ brokerByName(name: \"broker-01\") { id } }";
    let broker = inventory.ask(broker, json!({})).await["brokerByName"]["id"].clone();
    let part = inventory.ask(document, json!({ "within": broker })).await["flow"].clone();
    let edge = |kind: &str, topic: &str| {
        json!({
            "kind": kind, "topic": { "name": topic }, "algorithm": { "name": "org-01/score" },
            "listener": { "enabled": true }, "publisher": null,
        })
    };
    let edges = json!([
        edge("SUBSCRIBE", "orders"),
        edge("DEAD_LETTER", "orders-dlq")
    ]);
    assert_eq!(part["edges"], edges);
}

#[tokio::test]
async fn algorithms_that_can_be_granted_are_listed_alone() {
    let _alone = Alone::in_process().await;
    // The version of every second one is withdrawn.
    let inventory = Inventory::of(4).await;
    let document = "query($grantable: Boolean) { \
        algorithms(filter: { grantable: $grantable }) { nodes { name } } }";
    for (grantable, wanted) in [
        (true, ["acme/score-0", "acme/score-2"]),
        (false, ["acme/score-1", "acme/score-3"]),
    ] {
        let answer = inventory
            .ask(document, json!({ "grantable": grantable }))
            .await;
        let names = wanted.map(|name| json!({ "name": name }));
        assert_eq!(answer["algorithms"]["nodes"], json!(names));
    }
}

#[tokio::test]
async fn the_server_says_what_it_takes() {
    let _alone = Alone::in_process().await;
    let inventory = Inventory::of(1).await;
    let document = "{ serverInfo { version features limits { page depth } } }";
    let info = inventory.ask(document, json!({})).await["serverInfo"].clone();
    assert_eq!(info["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(info["limits"], json!({ "page": 100, "depth": 16 }));
    assert!(
        info["features"]
            .as_array()
            .unwrap()
            .contains(&json!("KAFKA"))
    );
}
