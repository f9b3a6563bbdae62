//! A flow set up from nothing: organization, algorithm, broker, grants, listener, publisher.

use serde_json::{Value, json};

use crate::binary::Eventflows;
use crate::graphql::GraphQl;
use crate::kafka::Kafka;
use crate::wait::eventually;

/// The topics of every flow.
pub const TOPICS: [&str; 3] = ["orders", "scores", "orders-dlq"];

/// What may differ between flows.
pub struct FlowOptions {
    /// The endpoint of each version.
    pub versions: Vec<(&'static str, String)>,
    pub version: &'static str,
    pub dlq: bool,
    pub settings: Value,
}

impl FlowOptions {
    /// Version 1.0.0 at `endpoint`, from the earliest message on, with fast retries and a DLQ.
    #[must_use]
    pub fn to(endpoint: String) -> Self {
        Self {
            versions: vec![("1.0.0", endpoint)],
            version: "1.0.0",
            dlq: true,
            settings: json!({
                "start": { "at": "EARLIEST" },
                "retry": { "initialBackoffMs": 10, "maxBackoffMs": 200 },
            }),
        }
    }
}

/// A running flow and the ids of its parts.
pub struct Flow {
    pub api: GraphQl,
    pub algorithm: Value,
    pub broker: Value,
    /// The ids of orders, scores and orders-dlq.
    pub topics: Vec<Value>,
    pub subscribe_grant: Value,
    pub publish_grant: Value,
    pub dead_letter_grant: Value,
    pub listener: Value,
    pub publisher: Value,
}

impl Flow {
    /// Sets everything up, all of it over GraphQL.
    pub async fn set_up(eventflows: &Eventflows, kafka: &Kafka, options: FlowOptions) -> Self {
        let api = eventflows.api();
        let algorithm = algorithm(&api, &options.versions).await;
        let (broker, topics) = connect(&api, kafka).await;
        let subscribe_grant = grant(&api, &topics[0], &algorithm, "SUBSCRIBE").await;
        let publish_grant = grant(&api, &topics[1], &algorithm, "PUBLISH").await;
        let dead_letter_grant = grant(&api, &topics[2], &algorithm, "DEAD_LETTER").await;
        let publisher = api
            .done(
                "mutation($input: PublisherEnableInput!) { it: publisherEnable(input: $input) \
                 { publisher { id } userErrors { code message } } }",
                json!({ "input": {
                    "topicId": topics[1], "algorithmId": algorithm, "version": "1.*",
                } }),
            )
            .await["publisher"]["id"]
            .clone();
        let mut flow = Self {
            api,
            algorithm,
            broker,
            topics,
            subscribe_grant,
            publish_grant,
            dead_letter_grant,
            listener: Value::Null,
            publisher,
        };
        let dlq = options.dlq.then(|| kafka.topic("orders-dlq"));
        flow.listener = flow.enable(options.version, options.settings, dlq).await;
        flow
    }

    /// Enables the listener, and gives its id.
    pub async fn enable(&self, version: &str, settings: Value, dlq: Option<String>) -> Value {
        let payload = self
            .api
            .done(
                "mutation($input: ListenerEnableInput!) { it: listenerEnable(input: $input) \
                 { listener { id } userErrors { code message } } }",
                json!({ "input": {
                    "topicId": self.topics[0], "algorithmId": self.algorithm,
                    "version": version, "settings": settings, "dlq": dlq,
                } }),
            )
            .await;
        payload["listener"]["id"].clone()
    }

    /// Disables the listener, and waits until its consumer has stopped.
    pub async fn disable(&self) {
        let document = "mutation($id: ID!) { it: listenerDisable(id: $id, input: {}) \
                        { userErrors { code message } } }";
        self.api
            .done(document, json!({ "id": self.listener }))
            .await;
        self.until_consumers(0).await;
    }

    /// Pauses the listener, and waits until its consumer has stopped.
    pub async fn pause(&self) {
        let document = "mutation($id: ID!) { it: listenerPause(id: $id, input: {}) \
                        { userErrors { code message } } }";
        self.api
            .done(document, json!({ "id": self.listener }))
            .await;
        self.until_consumers(0).await;
    }

    /// Resumes the listener.
    pub async fn resume(&self) {
        let document = "mutation($id: ID!) { it: listenerResume(id: $id, input: {}) \
                        { userErrors { code message } } }";
        self.api
            .done(document, json!({ "id": self.listener }))
            .await;
    }

    /// Waits until so many consumers serve the listener.
    pub async fn until_consumers(&self, wanted: usize) {
        eventually("the number of consumers", async || {
            let listener = self.look("consumers { totalCount }").await;
            let consumers = &listener["consumers"]["totalCount"];
            (*consumers == wanted).then_some(())
        })
        .await;
    }

    /// Fields of the listener.
    pub async fn look(&self, fields: &str) -> Value {
        let document =
            format!("query($id: ID!) {{ node(id: $id) {{ ... on Listener {{ {fields} }} }} }}");
        let answer = self
            .api
            .ask(&document, json!({ "id": self.listener }))
            .await;
        answer["node"].clone()
    }

    /// The ledger, as numbers, checked to balance.
    pub async fn ledger(&self) -> Ledger {
        let fields = "ledger { received succeeded deadLettered filtered dropped inFlight }";
        let ledger = self.look(fields).await["ledger"].clone();
        let count = |name: &str| ledger[name].as_str().unwrap().parse::<u64>().unwrap();
        let ended = [
            "succeeded",
            "deadLettered",
            "filtered",
            "dropped",
            "inFlight",
        ];
        let sum: u64 = ended.iter().map(|name| count(name)).sum();
        assert_eq!(count("received"), sum, "the ledger balances: {ledger}");
        Ledger {
            succeeded: count("succeeded"),
            dead_lettered: count("deadLettered"),
            dropped: count("dropped"),
        }
    }

    /// Waits until so many messages have ended in each way.
    pub async fn until_ended(&self, succeeded: u64, dead_lettered: u64) {
        let wanted = Ledger {
            succeeded,
            dead_lettered,
            dropped: 0,
        };
        eventually(&format!("{wanted:?}"), async || {
            (self.ledger().await == wanted).then_some(())
        })
        .await;
    }

    /// All runs, the newest first.
    pub async fn runs(&self) -> Vec<Value> {
        let mut runs = Vec::new();
        let mut after = Value::Null;
        loop {
            let document = "query($id: ID!, $after: String) { node(id: $id) { ... on Listener { \
                runs(first: 100, after: $after) { \
                nodes { uuid messageId attemptCount decision calledVersion httpStatus reason reasonText } \
                pageInfo { hasNextPage endCursor } } } } }";
            let variables = json!({ "id": self.listener, "after": after });
            let page = self.api.ask(document, variables).await["node"]["runs"].clone();
            runs.extend(page["nodes"].as_array().unwrap().iter().cloned());
            if page["pageInfo"]["hasNextPage"] != true {
                return runs;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    }
}

/// How many messages ended in which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ledger {
    pub succeeded: u64,
    pub dead_lettered: u64,
    pub dropped: u64,
}

/// Registers acme/score with its versions.
pub async fn algorithm(api: &GraphQl, versions: &[(&str, String)]) -> Value {
    let organization = api
        .done(
            "mutation { it: organizationCreate(input: { name: \"acme\" }) \
             { organization { id } userErrors { code message } } }",
            json!({}),
        )
        .await["organization"]["id"]
        .clone();
    let algorithm = api
        .done(
            "mutation($input: AlgorithmRegisterInput!) { it: algorithmRegister(input: $input) \
             { algorithm { id } userErrors { code message } } }",
            json!({ "input": { "organizationId": organization, "name": "score" } }),
        )
        .await["algorithm"]["id"]
        .clone();
    for (version, endpoint) in versions {
        publish(api, &algorithm, version, endpoint).await;
    }
    algorithm
}

/// Publishes a version, and gives its id.
pub async fn publish(api: &GraphQl, algorithm: &Value, version: &str, endpoint: &str) -> Value {
    api.done(
        "mutation($input: VersionPublishInput!) { it: versionPublish(input: $input) \
         { version { id } userErrors { code message } } }",
        json!({ "input": {
            "algorithmId": algorithm, "version": version, "endpoint": endpoint,
            // Longer than any test holds a call: one that times out may cost no attempt.
            "timeoutMs": 120_000,
        } }),
    )
    .await["version"]["id"]
        .clone()
}

/// Withdraws a version of an algorithm, because it was wrong.
///
/// # Panics
/// It is not published.
pub async fn withdraw(api: &GraphQl, algorithm: &Value, version: &str) {
    let document = "query($id: ID!) { node(id: $id) { ... on Algorithm { versions { nodes { id version } } } } }";
    let found = api.ask(document, json!({ "id": algorithm })).await;
    let mut versions = found["node"]["versions"]["nodes"]
        .as_array()
        .unwrap()
        .iter();
    let found = versions.find(|found| found["version"] == version).unwrap();
    let withdraw = "mutation($id: ID!) { it: versionWithdraw(id: $id, \
                    input: { reason: \"it was wrong\" }) { userErrors { code message } } }";
    api.done(withdraw, json!({ "id": found["id"] })).await;
}

/// Creates the topics, connects the broker, and gives its id and those of the topics.
pub async fn connect(api: &GraphQl, kafka: &Kafka) -> (Value, Vec<Value>) {
    kafka.create(&TOPICS, 4).await;
    broker(api, kafka, "main").await
}

/// Connects the broker under a name, and gives its id and those of the topics, which are there.
pub async fn broker(api: &GraphQl, kafka: &Kafka, name: &str) -> (Value, Vec<Value>) {
    let payload = eventually("a worker that looks at the broker", async || {
        let payload = api
            .ask(
                "mutation($input: BrokerConnectInput!) { it: brokerConnect(input: $input) \
                 { broker { id } userErrors { code message } } }",
                json!({ "input": {
                    "name": name,
                    "settings": { "kafka": { "bootstrapServers": [kafka.address()] } },
                } }),
            )
            .await["it"]
            .clone();
        let errors = payload["userErrors"].as_array().unwrap();
        if errors.iter().any(|error| error["code"] == "NO_WORKER") {
            return None;
        }
        assert!(errors.is_empty(), "{payload:#}");
        Some(payload)
    })
    .await;
    let broker = payload["broker"]["id"].clone();
    let mut topics = Vec::new();
    for name in TOPICS {
        let found = api
            .ask(
                "query($id: ID!, $search: String!) { node(id: $id) { ... on Broker { \
                 topics(filter: { search: $search }) { nodes { id name partitions } } } } }",
                json!({ "id": broker, "search": kafka.topic(name) }),
            )
            .await;
        let nodes = found["node"]["topics"]["nodes"].as_array().unwrap().clone();
        let exact = nodes
            .into_iter()
            .find(|node| node["name"] == kafka.topic(name));
        let topic = exact.expect("the topic was discovered");
        assert_eq!(topic["partitions"], 4);
        topics.push(topic["id"].clone());
    }
    (broker, topics)
}

/// Grants a topic, and gives the grant's id.
pub async fn grant(api: &GraphQl, topic: &Value, algorithm: &Value, access: &str) -> Value {
    api.done(
        "mutation($input: GrantAddInput!) { it: grantAdd(input: $input) \
         { grant { id } userErrors { code message } } }",
        json!({ "input": {
            "scope": { "topicId": topic }, "grantee": { "algorithmId": algorithm },
            "access": access,
        } }),
    )
    .await["grant"]["id"]
        .clone()
}
