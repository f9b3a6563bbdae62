//! The standard client of subscriptions, graphql-ws over ws, unchanged, against the real binary.

use std::collections::HashSet;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tests::Eventflows;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// How long the client may be silent. Far above what it is, so that a slow machine does not fail.
const PATIENCE: Duration = Duration::from_secs(60);

const CREATE: &str = "mutation($name: String!) { it: organizationCreate(input: { name: $name, \
                      idempotencyKey: $name }) { userErrors { code } } }";

/// A client in a process of its own. Killed when dropped.
struct Client {
    _process: Child,
    url: ChildStdin,
    told: Lines<BufReader<ChildStdout>>,
}

impl Client {
    /// Runs a case of `tests/graphql-js/client.mjs` against a server.
    async fn start(case: &str, eventflows: &Eventflows) -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the test command names the Node that runs the client"
        )]
        let node = std::env::var_os("EVENTFLOWS_TEST_NODE").expect(
            "EVENTFLOWS_TEST_NODE names a Node that finds the packages of tests/graphql-js: \
             `cargo xtask test` fetches both",
        );
        let mut command = Command::new(node);
        command.arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/graphql-js/client.mjs"
        ));
        command
            .arg(case)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = command.kill_on_drop(true).spawn().unwrap();
        let told = BufReader::new(process.stdout.take().unwrap()).lines();
        let mut client = Self {
            url: process.stdin.take().unwrap(),
            _process: process,
            told,
        };
        client.moved(eventflows).await;
        client
    }

    /// Says where the server is now.
    async fn moved(&mut self, eventflows: &Eventflows) {
        let line = format!("{}\n", eventflows.url());
        self.url.write_all(line.as_bytes()).await.unwrap();
    }

    /// What the client tells next.
    async fn tells(&mut self) -> Value {
        let line = timeout(PATIENCE, self.told.next_line()).await;
        let line = line.expect("the client is silent").unwrap();
        serde_json::from_str(&line.expect("the client has ended")).unwrap()
    }

    /// Reads until the client tells `wanted`, and answers what it told before.
    async fn until(&mut self, wanted: Value) -> Vec<Value> {
        let mut before = Vec::new();
        let found = async {
            loop {
                let told = self.tells().await;
                if told == wanted {
                    return;
                }
                before.push(told);
            }
        };
        // A client that goes on connecting goes on telling.
        if timeout(PATIENCE, found).await.is_err() {
            before.truncate(20);
            panic!("{wanted} does not come after {before:?}");
        }
        before
    }

    /// The next event, whatever happens to connections before it.
    async fn event(&mut self) -> u64 {
        loop {
            if let Some(position) = self.tells().await["position"].as_u64() {
                return position;
            }
        }
    }
}

/// The positions of the events among what a client told.
fn seen(told: &[Value]) -> Vec<u64> {
    let positions = told.iter().map(|told| told["position"].as_u64());
    positions.flatten().collect()
}

async fn create(eventflows: &Eventflows, name: &str) {
    eventflows.api().done(CREATE, json!({ "name": name })).await;
}

#[tokio::test]
async fn a_client_continues_where_it_was_when_the_server_was_restarted() {
    let mut eventflows = Eventflows::start().await;
    let mut client = Client::start("follow", &eventflows).await;
    create(&eventflows, "first").await;
    let mut positions = vec![client.event().await];
    while positions.last() < Some(&2) {
        positions.push(client.event().await);
    }
    eventflows.terminate().await;
    positions.extend(seen(&client.until(json!({ "closed": 1001 })).await));
    let eventflows = eventflows.start_again().await;
    client.moved(&eventflows).await;
    positions.extend(seen(&client.until(json!({ "connected": true })).await));
    create(&eventflows, "second").await;
    let head = eventflows.api().ask("{ position }", json!({})).await;
    let head: u64 = head["position"].as_str().unwrap().parse().unwrap();
    while positions.last() < Some(&head) {
        positions.push(client.event().await);
    }
    // Each once, in order.
    assert_eq!(positions, (1..=head).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_client_that_flooded_comes_back_and_misses_nothing() {
    let eventflows = Eventflows::start().await;
    create(&eventflows, "first").await;
    let mut client = Client::start("flood", &eventflows).await;
    let mut told = client.until(json!({ "closed": 1013 })).await;
    told.extend(client.until(json!({ "connected": true })).await);
    create(&eventflows, "second").await;
    let head = eventflows.api().ask("{ position }", json!({})).await;
    let head: u64 = head["position"].as_str().unwrap().parse().unwrap();
    let mut positions = seen(&told);
    while positions.last() < Some(&head) {
        positions.push(client.event().await);
    }
    assert_eq!(positions, (1..=head).collect::<Vec<_>>());
}

#[tokio::test]
async fn one_subscription_too_many_fails_by_itself() {
    let eventflows = Eventflows::start().await;
    let mut client = Client::start("many", &eventflows).await;
    let refused = loop {
        let told = client.tells().await;
        assert!(told.get("closed").is_none(), "{told}");
        if told.get("refused").is_some() {
            break told;
        }
    };
    assert_eq!(refused["name"], 50);
    assert_eq!(refused["refused"][0]["extensions"]["code"], "TOO_COMPLEX");
    create(&eventflows, "acme").await;
    let mut others: HashSet<u64> = (0..50).collect();
    while !others.is_empty() {
        let told = client.tells().await;
        assert!(told.get("closed").is_none(), "{told}");
        if told["type"] == "ORGANIZATION_CREATED" {
            others.remove(&told["name"].as_u64().unwrap());
        }
    }
}

#[tokio::test]
async fn a_client_does_not_repeat_a_fault_of_its_own() {
    let eventflows = Eventflows::start().await;
    for code in [4400, 4401, 4406, 4409] {
        let mut client = Client::start(&code.to_string(), &eventflows).await;
        let mut told = client.until(json!({ "closed": code })).await;
        // Every subscription ends with the code, and nothing is connected again.
        let fatal = |told: &Value| told["fatal"] == code;
        let subscriptions = if code == 4409 { 2 } else { 1 };
        while told.iter().filter(|told| fatal(told)).count() < subscriptions {
            told.push(client.tells().await);
        }
        drop(client.url);
        while let Some(line) = client.told.next_line().await.unwrap() {
            told.push(serde_json::from_str(&line).unwrap());
        }
        let connections = told.iter().filter(|told| told["connected"] == true).count();
        assert!(connections <= 1, "{code}: {told:?}");
    }
}
