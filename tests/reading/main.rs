//! The read side in one process: what is asked in GraphQL, and how many statements it costs.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cost;
mod counter;
mod crowd;
mod inventory;
mod limits;
mod mutations;
mod nodes;
mod runs;
mod screens;
mod starts;
mod store;
mod walk;
mod workers;

use std::collections::HashSet;
use std::pin::pin;

use futures_util::StreamExt;
use serde_json::{Value, json};

use counter::Alone;
use inventory::Inventory;

const LISTENERS: &str =
    "query($first: Int!, $asOf: AsOf) { listeners(first: $first, asOf: $asOf) { nodes {
    paused versionSelector problem { code text } resolvedVersion { version withdrawn }
    broker { name kind counts { topics listeners } status { state running } credential { name version } }
    algorithm { name retired versions(first: 10) { nodes { version withdrawnReason } } }
    consumers(first: 10) { nodes { state } } } } }";

const GRANTS: &str =
    "query($first: Int!, $asOf: AsOf) { grants(first: $first, asOf: $asOf) { nodes {
    access topic { name } topicPattern grantedBecause { id }
    grantee { __typename ... on Algorithm { name } ... on Organization { name } }
    broker { name replacedBy { name } } } } }";

const TOPICS: &str = "query($first: Int!, $asOf: AsOf) { brokerByName(name: \"main\", asOf: $asOf) { topics(first: $first) {
    nodes { name counts { subscribeGrants publishGrants listeners publishers } } } } }";

const TOPIC_LISTS: &str = "query($first: Int!, $asOf: AsOf) { brokerByName(name: \"main\", asOf: $asOf) { topics(first: $first) {
    totalCount nodes { name
      listeners(first: 2, orderBy: { field: CHANGED_AT, direction: DESCENDING }) {
        totalCount nodes { versionSelector algorithm { name publishers(first: 1) { totalCount } } } }
      grants(first: 2) { totalCount nodes { access } } } } } }";

/// The present, and a moment at which there were as many listeners.
const MOMENTS: [Option<&str>; 2] = [None, Some("185")];

#[tokio::test]
async fn the_statements_of_a_nested_query_do_not_grow_with_its_rows() {
    let alone = Alone::in_process().await;
    let inventory = Inventory::of(40).await;
    for (document, list, most) in [
        (LISTENERS, "/listeners/nodes", 8),
        (GRANTS, "/grants/nodes", 4),
        (TOPICS, "/brokerByName/topics/nodes", 3),
        (TOPIC_LISTS, "/brokerByName/topics/nodes", 10),
    ] {
        let mut costs = HashSet::new();
        for (first, as_of) in [2, 40]
            .into_iter()
            .flat_map(|first| MOMENTS.map(|at| (first, at)))
        {
            let as_of = as_of.map_or(Value::Null, |position| json!({ "position": position }));
            let variables = json!({ "first": first, "asOf": as_of });
            // The first request for a moment has it made, which costs as much as its events.
            inventory.ask(document, variables.clone()).await;
            let before = alone.statements();
            let answer = inventory.ask(document, variables).await;
            costs.insert(alone.statements() - before);
            let nodes = answer.pointer(list).and_then(Value::as_array).unwrap();
            assert_eq!(nodes.len(), first);
        }
        let is_bounded = costs.len() == 1 && costs.iter().all(|cost| (1..=most).contains(cost));
        assert!(is_bounded, "{list} cost {costs:?} statements");
    }
    shows_what_there_is(&inventory).await;
    breaks_silence(&inventory).await;
}

#[tokio::test]
async fn changes_are_read_once_for_all_subscriptions() {
    const SUBSCRIPTIONS: usize = 200;
    let alone = Alone::in_process().await;
    let inventory = Inventory::of(2).await;
    let document = "subscription { changes(kinds: [ORGANIZATION]) { changes { kind } } }";
    let follow = |_| inventory.follow(document).boxed();
    let mut subscriptions: Vec<_> = (0..SUBSCRIPTIONS).map(follow).collect();
    for items in &mut subscriptions {
        items.next().await.unwrap();
    }
    // What was there before is read with the first of the two.
    for organization in ["beta", "gamma"] {
        // All of them wait. None is polled before it is its turn, as with slow clients.
        let mut waiting: Vec<_> = subscriptions.iter_mut().map(|items| items.next()).collect();
        for item in &mut waiting {
            assert!(futures_util::poll!(item).is_pending());
        }
        let before = alone.statements();
        inventory.create(organization).await;
        let change = json!({ "changes": { "changes": [{ "kind": "ORGANIZATION" }] } });
        for item in waiting {
            assert_eq!(item.await.unwrap(), change);
        }
        if organization == "gamma" {
            // The changes, and the position that they were read at.
            assert_eq!(alone.statements() - before, 2);
        }
    }
}

#[tokio::test]
async fn events_are_read_once_for_all_subscriptions() {
    const SUBSCRIPTIONS: usize = 200;
    let _alone = Alone::in_process().await;
    let inventory = Inventory::of(2).await;
    let head = inventory.ask("{ position }", json!({})).await["position"].clone();
    let document = format!("subscription {{ events(after: {head}) {{ type position }} }}");
    let follow = |_| inventory.follow(&document).boxed();
    let mut subscriptions: Vec<_> = (0..SUBSCRIPTIONS).map(follow).collect();
    let mut waiting: Vec<_> = subscriptions.iter_mut().map(|items| items.next()).collect();
    for item in &mut waiting {
        assert!(futures_util::poll!(item).is_pending());
    }
    inventory.create("beta").await;
    for item in waiting {
        assert_eq!(
            item.await.unwrap()["events"]["type"],
            "ORGANIZATION_CREATED"
        );
    }
    assert_eq!(inventory.store.followers(), 1);
    drop(subscriptions);
    tests::eventually("nobody follows the log", async || {
        (inventory.store.followers() == 0).then_some(())
    })
    .await;
}

/// A client that hears of no change hears how far it is.
async fn breaks_silence(inventory: &Inventory) {
    let mut items = pin!(inventory.follow("subscription { changes { position changes { id } } }"));
    let begin = items.next().await.unwrap();
    let head = inventory.ask("{ position }", json!({})).await["position"].clone();
    assert_eq!(begin["changes"], json!({ "position": head, "changes": [] }));
    tokio::time::pause();
    let since = tokio::time::Instant::now();
    assert_eq!(items.next().await.unwrap(), begin);
    assert_eq!(since.elapsed().as_secs(), 20);
}

async fn shows_what_there_is(inventory: &Inventory) {
    let answer = inventory.ask(LISTENERS, json!({ "first": 2 })).await;
    let first = &answer["listeners"]["nodes"][0];
    assert_eq!(first["resolvedVersion"]["version"], "1.0.0");
    assert_eq!(first["problem"], json!(null));
    let broker = json!({
        "name": "main", "kind": "SQS", "counts": { "topics": 40, "listeners": 40 },
        "status": { "state": "IDLE", "running": 0 },
        "credential": { "name": "vault/keys", "version": 2 },
    });
    assert_eq!(first["broker"], broker);
    let second = &answer["listeners"]["nodes"][1];
    assert_eq!(second["resolvedVersion"], json!(null));
    let problem = json!({
        "code": "VERSION_WITHDRAWN", "text": "version 1.0.0 is withdrawn: it was wrong",
    });
    assert_eq!(second["problem"], problem);

    let filter = "{ listeners(filter: { search: \"topic-07\", enabled: true, paused: false }) \
                  { nodes { topic { name } } } \
                  grants(filter: { access: [PUBLISH] }) { nodes { topicPattern grantee { \
                  ... on Organization { name members { nodes { name role } } } } } } \
                  brokerByName(name: \"main\") { disconnectPreview { grants listeners publishers \
                  firstListeners { id } } } }";
    let answer = inventory.ask(filter, json!({})).await;
    let found = json!([{ "topic": { "name": "topic-07" } }]);
    assert_eq!(answer["listeners"]["nodes"], found);
    let whole = json!({
        "name": "acme", "members": { "nodes": [{ "name": "ann", "role": "OWNER" }] },
    });
    let grants = json!([{ "topicPattern": "topic-*", "grantee": whole }]);
    assert_eq!(answer["grants"]["nodes"], grants);
    let preview = &answer["brokerByName"]["disconnectPreview"];
    let counts = ["grants", "listeners", "publishers"].map(|count| &preview[count]);
    assert_eq!(counts, [41, 40, 0]);
    assert_eq!(preview["firstListeners"].as_array().unwrap().len(), 40);
}

/// Nothing applies events to these read models once they are there.
#[tokio::test]
async fn a_mutation_that_is_done_is_answered_so_although_nothing_shows_it() {
    let _alone = Alone::in_process().await;
    let inventory = Inventory::of(1).await;
    let create = "mutation { it: organizationCreate(input: { name: \"late\", idempotencyKey: \"k\" }) \
                  { organization { name } position userErrors { code } warnings { code } } }";
    let asked = async || inventory.ask(create, json!({})).await["it"].clone();
    let (first, again) = tokio::join!(asked(), asked());
    assert!(first["position"].is_string(), "{first:#}");
    let wanted = json!({
        "organization": null, "position": first["position"], "userErrors": [],
        "warnings": [{ "code": "NOT_SHOWN_YET" }],
    });
    assert_eq!(first, wanted);
    assert_eq!(again, wanted);
}
