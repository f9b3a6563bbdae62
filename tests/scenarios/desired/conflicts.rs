//! What somebody does while a state is applied is not overwritten.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tests::{Endpoint, Eventflows, Flow, FlowOptions, GraphQl, Kafka};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use super::{documents, export, on_latest, printed, run, text, topic_id};

/// Stands between a client and the server, and does something before the client's first request
/// with that text arrives.
async fn faster(api: GraphQl, text: &'static str, first: Vec<(&'static str, Value)>) -> Endpoint {
    let is_first = AtomicBool::new(true);
    Endpoint::start(move |call| {
        let body = String::from_utf8(call.body.to_vec()).unwrap();
        let is_it = body.contains(text);
        let forward = async {
            if is_it && is_first.swap(false, Ordering::Relaxed) {
                for (document, variables) in &first {
                    api.done(document, variables.clone()).await;
                }
            }
            let (status, answer) = api.post(body, &[]).await;
            (status, answer.into())
        };
        block_in_place(|| Handle::current().block_on(forward))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_enables_meanwhile_is_a_conflict_and_is_not_revoked() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let server = Eventflows::start().await;
    let flow = Flow::set_up(&server, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let whole = export(&server).await;
    let disable = "mutation($id: ID!) { it: listenerDisable(id: $id, input: {}) \
                   { userErrors { code message } } }";
    let disable = (disable, json!({ "id": flow.listener }));
    let enable = "mutation($input: ListenerEnableInput!) { it: listenerEnable(input: $input) \
                  { userErrors { code message } } }";
    let input = json!({
        "topicId": flow.topics[0], "algorithmId": flow.algorithm, "version": "1.0.0",
        "settings": { "start": { "at": "EARLIEST" } },
    });
    let enable = (enable, json!({ "input": input }));
    flow.api.done(disable.0, disable.1.clone()).await;

    // Nothing listens under the grant when everything is read, and something when it is revoked.
    let kept = documents(&whole, &["Organization", "Algorithm", "Broker"]);
    let between = faster(server.api(), "grantsEdit", vec![enable.clone()]).await;
    let url = between.url("");
    let prune = ["apply", "--prune=99", "--server", &url, "-"];
    let late = run(&server, &prune, &kept).await;
    assert!(text(&late.stderr).contains("CONFLICT"), "{late:?}");
    let seen = flow.look("enabled").await;
    assert_eq!(seen["enabled"], true, "{late:?}");

    // What was enabled and disabled again is not enabled over somebody's head.
    flow.api.done(disable.0, disable.1.clone()).await;
    let first = vec![enable, disable];
    let between = faster(server.api(), "listenerEnable", first).await;
    let url = between.url("");
    let late = run(&server, &["apply", "--server", &url, "-"], &whole).await;
    assert!(text(&late.stderr).contains("CONFLICT"), "{late:?}");
    let seen = flow.look("enabled").await;
    assert_eq!(seen["enabled"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_changes_meanwhile_is_a_conflict_and_is_not_overwritten() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let server = Eventflows::start().await;
    let flow = Flow::set_up(&server, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let wanted = on_latest(&export(&server).await);

    let pause = "mutation($id: ID!) { it: listenerPause(id: $id, input: {}) \
                 { userErrors { code message } } }";
    let first = vec![(pause, json!({ "id": flow.listener }))];
    let between = faster(server.api(), "listenerUpdate", first).await;
    let url = between.url("");
    let late = run(&server, &["apply", "--server", &url, "-"], &wanted).await;
    assert_eq!(printed(&late, 1), "");
    let error = text(&late.stderr);
    for part in [
        "0 of 1 changes",
        "CONFLICT",
        "since then, admin: ",
        "paused",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let seen = flow.look("paused versionSelector").await;
    assert_eq!(seen, json!({ "paused": true, "versionSelector": "1.0.0" }));

    // The documents say nothing of a pause, so that listener resumes.
    let again = printed(&run(&server, &["apply", "-"], &wanted).await, 0);
    assert!(again.ends_with("2 changes (0 removals)\n"), "{again}");
    let seen = flow.look("paused versionSelector").await;
    assert_eq!(
        seen,
        json!({ "paused": false, "versionSelector": "latest" })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_adds_while_the_cluster_is_read_is_not_pruned() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let server = Eventflows::start().await;
    kafka.create(&["untouched"], 1).await;
    let flow = Flow::set_up(&server, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    let exported = export(&server).await;

    // It grants an untouched topic before the grants are read.
    let name = kafka.topic("untouched");
    let untouched = topic_id(&flow, &name).await;
    let grant = "mutation($input: GrantAddInput!) { it: grantAdd(input: $input) \
                 { userErrors { code message } } }";
    let input = json!({
        "scope": { "topicId": untouched }, "grantee": { "algorithmId": flow.algorithm },
        "access": "PUBLISH",
    });
    let first = vec![(grant, json!({ "input": input }))];
    let between = faster(server.api(), "list: grants", first).await;
    let url = between.url("");
    let arguments = ["apply", "--prune=9", "--server", &url, "-"];
    let applied = run(&server, &arguments, &exported).await;
    assert_eq!(printed(&applied, 0), "no changes\n");
    let added = export(&server).await;
    assert!(added.contains(&format!("topic: {name}\n")), "{added}");
    assert_ne!(added, exported);
}
