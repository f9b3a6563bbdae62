//! The state of a cluster as documents: from one server to another, twice, pruned and refused.

mod conflicts;

use std::fmt::Write;
use std::process::{Output, Stdio};

use client::Mutation;
use serde_json::{Value, json};
use tests::flow::{publish, withdraw};
use tests::{Endpoint, Eventflows, Flow, FlowOptions, GraphQl, Kafka, binary, eventually};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// Runs a command as a client of `server`, with `input` to read.
pub(crate) async fn run(server: &Eventflows, args: &[&str], input: &str) -> Output {
    let mut child = Command::new(binary::path())
        .args(args)
        .env(
            "EVENTFLOWS_SERVER",
            format!("http://{}", server.authority()),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).await.unwrap();
    drop(stdin);
    child.wait_with_output().await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What it printed; it ended with that code.
fn printed(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    text(&output.stdout)
}

/// Why it failed; it printed no change.
fn failed(output: &Output) -> String {
    assert_eq!(printed(output, 1), "");
    text(&output.stderr)
}

pub(crate) async fn export(server: &Eventflows) -> String {
    printed(&run(server, &["export"], "").await, 0)
}

async fn position(api: &GraphQl) -> Value {
    api.ask("{ position }", json!({})).await["position"].clone()
}

/// Waits until a worker looks at brokers for `server`.
async fn until_worker(server: &Eventflows, kafka: &Kafka) {
    let api = server.api();
    let connect = "mutation($input: BrokerConnectInput!) { it: brokerConnect(input: $input) \
                   { broker { id } userErrors { code } } }";
    let settings = json!({ "kafka": { "bootstrapServers": [kafka.address()] } });
    let input = json!({ "input": { "name": "probe", "settings": settings } });
    let broker = eventually("a worker", async || {
        let payload = api.ask(connect, input.clone()).await["it"].clone();
        let broker = payload["broker"]["id"].clone();
        broker.is_string().then_some(broker)
    })
    .await;
    let disconnect = "mutation($id: ID!) { it: brokerDisconnect(id: $id, input: {}) \
                      { userErrors { code } } }";
    api.done(disconnect, json!({ "id": broker })).await;
}

async fn send(api: &GraphQl, mutation: Mutation) {
    api.done(&mutation.document(), mutation.variables()).await;
}

/// A flow with something of every kind.
async fn populated(server: &Eventflows, kafka: &Kafka, endpoint: &Endpoint) -> Flow {
    let mut options = FlowOptions::to(endpoint.url("/"));
    options.versions.push(("1.1.0", endpoint.url("/next")));
    options.settings["concurrency"] = json!(3);
    let flow = Flow::set_up(server, kafka, options).await;
    let api = &flow.api;
    let organization = api
        .ask("{ organizationByName(name: \"acme\") { id } }", json!({}))
        .await["organizationByName"]["id"]
        .clone();
    for (member, role) in [("ada", "OWNER"), ("bob@example.org", "EXECUTOR")] {
        let (id, input) = (
            organization.as_str().unwrap(),
            json!({ "member": member, "role": role }),
        );
        send(api, Mutation::of("organizationMemberAdd", id, input)).await;
    }
    let change = json!({
        "edit": "ADD", "access": "SUBSCRIBE", "pattern": "anything-*",
        "grantee": { "organizationId": organization },
    });
    let (id, input) = (
        flow.broker.as_str().unwrap(),
        json!({ "changes": [change] }),
    );
    send(api, Mutation::of("grantsEdit", id, input)).await;
    let input = json!({
        "organizationId": organization, "name": "other", "description": "yes: # no",
    });
    send(api, Mutation::new("algorithmRegister", input)).await;
    // The listener is on 1.0.0 exactly: it stays, and holds its position.
    withdraw(api, &flow.algorithm, "1.0.0").await;
    let pause = "mutation($id: ID!) { it: listenerPause(id: $id, input: {}) \
                 { userErrors { code message } } }";
    api.done(pause, json!({ "id": flow.listener })).await;
    flow
}

#[tokio::test]
async fn the_state_of_one_cluster_makes_another_and_applied_again_changes_nothing() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let (first, second) = (Eventflows::start().await, Eventflows::start().await);
    populated(&first, &kafka, &endpoint).await;
    until_worker(&second, &kafka).await;
    let exported = export(&first).await;
    assert_eq!(exported, export(&first).await, "exported twice");
    for part in [
        "bob@example.org: EXECUTOR",
        "anything-*",
        "withdrawn: true",
        "paused: true",
    ] {
        assert!(exported.contains(part), "{part}: {exported}");
    }
    assert!(printed(&run(&first, &["diff", "--prune", "-"], &exported).await, 0) == "no changes\n");

    let before = position(&second.api()).await;
    let planned = printed(&run(&second, &["diff", "-"], &exported).await, 2);
    let dry = run(&second, &["apply", "--dry-run", "-"], &exported).await;
    assert_eq!(printed(&dry, 2), planned);
    assert_eq!(position(&second.api()).await, before, "nothing was changed");
    let applied = printed(&run(&second, &["apply", "-"], &exported).await, 0);
    assert_eq!(applied, planned);
    assert_eq!(export(&second).await, exported);

    let before = position(&second.api()).await;
    let again = run(&second, &["apply", "--prune", "-"], &exported).await;
    assert_eq!(printed(&again, 0), "no changes\n");
    assert_eq!(
        position(&second.api()).await,
        before,
        "no event was appended"
    );
}

#[tokio::test]
async fn what_changed_is_changed_in_place_and_what_is_unnamed_goes_when_pruned() {
    let kafka = Kafka::from_environment();
    let endpoint = Endpoint::echo().await;
    let server = Eventflows::start().await;
    let flow = Flow::set_up(&server, &kafka, FlowOptions::to(endpoint.url("/"))).await;
    publish(&flow.api, &flow.algorithm, "2.0.0", &endpoint.url("/two")).await;
    let [orders, scores, dlq] = ["orders", "scores", "orders-dlq"].map(|name| kafka.topic(name));
    let exported = export(&server).await;
    let wanted = on_latest(&exported)
        .replace("concurrency: 16", "concurrency: 5")
        .replace("  dlq: ", "  paused: true\n  dlq: ");
    let changed = printed(&run(&server, &["apply", "-"], &wanted).await, 0);
    let listener = format!("main/{orders} of acme/score");
    assert_eq!(
        changed,
        format!(
            "~ listener {listener}: paused\n\
             ~ listener {listener}: version 1.0.0 → latest, concurrency 16 → 5\n\
             2 changes (0 removals)\n"
        )
    );
    let seen = flow
        .look("enabled paused versionSelector settings { concurrency }")
        .await;
    assert_eq!(
        seen,
        json!({
            "enabled": true, "paused": true, "versionSelector": "latest", "settings": { "concurrency": 5 },
        })
    );

    let kept: String = documents(&exported, &["Organization", "Algorithm"]);
    let held = export(&server).await;
    let same = run(&server, &["diff", "-"], &kept).await;
    assert_eq!(
        printed(&same, 0),
        "no changes\n",
        "nothing is removed unasked"
    );
    let refused = failed(&run(&server, &["apply", "--prune", "-"], &kept).await);
    for part in [
        "6 of 9 things",
        "no terminal",
        "`--prune=6`",
        "whole cluster",
    ] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    let refused = failed(&run(&server, &["apply", "--prune=5", "-"], &kept).await);
    assert!(refused.contains("more than the 5"), "{refused}");
    assert_eq!(export(&server).await, held, "something was changed");
    let pruned = run(&server, &["apply", "--prune=6", "-"], &kept).await;
    assert!(text(&pruned.stderr).contains("pruning covers the whole cluster"));
    assert_eq!(
        printed(&pruned, 0),
        format!(
            "- publisher main/{scores} of acme/score\n\
             - listener {listener}\n\
             - grant main/{orders}: acme/score SUBSCRIBE\n\
             - grant main/{dlq}: acme/score DEAD_LETTER\n\
             - grant main/{scores}: acme/score PUBLISH\n\
             - broker main\n\
             6 changes (6 removals)\n"
        )
    );
    assert_eq!(export(&server).await, kept);
}

/// The id of a topic of the flow's broker.
async fn topic_id(flow: &Flow, name: &str) -> Value {
    let document = "query($id: ID!, $name: String!) { node(id: $id) { ... on Broker { \
                    topics(filter: { search: $name }) { nodes { id name } } } } }";
    let variables = json!({ "id": flow.broker, "name": name });
    let found = flow.api.ask(document, variables).await;
    let topics = found["node"]["topics"]["nodes"].as_array().unwrap().clone();
    let topic = topics.into_iter().find(|topic| topic["name"] == name);
    topic.unwrap()["id"].clone()
}

/// The documents with the listener, which selects 1.0.0, on the newest version.
fn on_latest(text: &str) -> String {
    let line = |line: &str| {
        if line.starts_with("  version: ") && line.contains("1.0.0") {
            "  version: latest\n".to_owned()
        } else {
            format!("{line}\n")
        }
    };
    text.lines().map(line).collect()
}

/// Those documents of a text that are of one of the kinds.
fn documents(text: &str, kinds: &[&str]) -> String {
    let of_kind = |document: &&str| {
        kinds
            .iter()
            .any(|kind| document.contains(&format!("kind: {kind}\n")))
    };
    let found: Vec<_> = text.split("---\n").filter(of_kind).collect();
    found.join("---\n")
}

#[tokio::test]
async fn bad_documents_are_refused_by_place_and_change_nothing() {
    let server = Eventflows::start().await;
    let api = server.api();
    let before = eventually("the worker", async || {
        // The journal is adopted first, and then the worker joins.
        let position = position(&api).await;
        (position == "2").then_some(position)
    })
    .await;
    let organization = |name: &str, spec: &str| {
        format!(
            "apiVersion: eventflows/v1\nkind: Organization\nmetadata:\n  name: {name}\n\
             spec: {spec}\n"
        )
    };
    let good = organization("acme", "{}");
    let lost = "apiVersion: eventflows/v1\nkind: Publisher\nmetadata: { broker: main, topic: t, \
                algorithm: acme/score }\nspec: { version: latest }\n";
    for (input, problem) in [
        (String::new(), "standard input contains no document"),
        (organization("acme", "{ owner: ada }"), "standard input:5:"),
        (organization("acme", "{ members: 7 }"), "standard input:5:"),
        (organization("acme", "{ members: { ada: KING } }"), "KING"),
        (organization(&"a".repeat(300), "{}"), "standard input:4:9: "),
        (
            format!("{good}---\n{good}"),
            "already described at standard input:1:1",
        ),
        (format!("{good}---\n{lost}"), "names broker main"),
        (format!("{good}---\n{lost}"), "names algorithm acme/score"),
        ("kind: [".to_owned(), "standard input:"),
    ] {
        let error = failed(&run(&server, &["apply", "--prune", "-"], &input).await);
        assert!(error.contains(problem), "{input}: {error}");
    }
    let absent = failed(&run(&server, &["apply", "absent.yaml"], "").await);
    assert!(absent.contains("cannot read absent.yaml"), "{absent}");
    let nowhere = ["export", "--server", "http://127.0.0.1:9"];
    let nowhere = failed(&run(&server, &nowhere, "").await);
    assert!(
        nowhere.contains("cannot reach http://127.0.0.1:9"),
        "{nowhere}"
    );
    assert_eq!(position(&api).await, before, "nothing was changed");
}

#[tokio::test]
async fn an_apply_that_is_refused_says_what_was_made_and_goes_on_when_applied_again() {
    let server = Eventflows::start().await;
    let mut input = String::new();
    for (name, endpoint) in [("one", "http://127.0.0.1:9/"), ("two", "not a url")] {
        write!(
            input,
            "apiVersion: eventflows/v1\nkind: Algorithm\nmetadata: {{ name: acme/{name} }}\n\
             spec: {{ versions: {{ 1.0.0: {{ endpoint: '{endpoint}' }} }} }}\n---\n"
        )
        .unwrap();
    }
    let acme =
        "apiVersion: eventflows/v1\nkind: Organization\nmetadata: { name: acme }\nspec: {}\n";
    input.push_str(acme);
    let stopped = run(&server, &["apply", "-"], &input).await;
    assert_eq!(
        printed(&stopped, 1),
        "+ organization acme\n+ algorithm acme/one\n+ version acme/one 1.0.0: http://127.0.0.1:9/\n\
         + algorithm acme/two\n"
    );
    let error = text(&stopped.stderr);
    for part in [
        "4 of 5 changes",
        "+ version acme/two 1.0.0",
        "BAD_ENDPOINT",
        "input.endpoint",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    let mended = input.replace("not a url", "http://127.0.0.1:9/two");
    let rest = printed(&run(&server, &["apply", "-"], &mended).await, 0);
    assert_eq!(
        rest,
        "+ version acme/two 1.0.0: http://127.0.0.1:9/two\n1 change (0 removals)\n"
    );
}

#[tokio::test]
async fn a_cluster_whose_lists_make_too_long_an_answer_is_exported_whole() {
    let server = Eventflows::start().await;
    let mut input =
        "apiVersion: eventflows/v1\nkind: Organization\nmetadata: { name: acme }\nspec: {}\n"
            .to_owned();
    // In all more than an answer's 1 MiB.
    let endpoint = format!("http://127.0.0.1:9/{}", "x".repeat(2000));
    for algorithm in 0..12 {
        write!(
            input,
            "---\napiVersion: eventflows/v1\nkind: Algorithm\n\
             metadata: {{ name: acme/a{algorithm} }}\nspec:\n  versions:\n"
        )
        .unwrap();
        for version in 0..50 {
            writeln!(input, "    1.{version}.0: {{ endpoint: '{endpoint}' }}").unwrap();
        }
    }
    let applied = printed(&run(&server, &["apply", "-"], &input).await, 0);
    assert!(applied.ends_with("613 changes (0 removals)\n"));
    let exported = export(&server).await;
    assert_eq!(exported.matches(&endpoint).count(), 600);
    let same = run(&server, &["diff", "--prune", "-"], &input).await;
    assert_eq!(printed(&same, 0), "no changes\n");
}
