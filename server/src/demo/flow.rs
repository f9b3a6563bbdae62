//! The demo's flow, set up over the same GraphQL that everybody uses.

use std::net::SocketAddr;
use std::time::Duration;

use api::{LocalError, Principal, Schema};
use domain::Actor;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::DemoArgs;

/// How long the first result may take. A group's first join of the embedded Kafka takes 3 s.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why the flow could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    #[error("the demo's {step} was refused: {answer}")]
    Refused { step: &'static str, answer: Value },
    #[error("the demo's {step} failed")]
    Failed {
        step: &'static str,
        #[source]
        source: LocalError,
    },
    #[error("no result arrived within {} s", PATIENCE.as_secs())]
    NoResult,
}

/// The flow that was set up.
pub struct Flow {
    listener: String,
}

/// Sets the flow up, or what is missing of it where the data were kept.
///
/// # Errors
/// A step is refused or fails.
pub async fn set_up(
    schema: &Schema,
    kafka: &str,
    algorithm: SocketAddr,
) -> Result<Flow, FlowError> {
    let demo = Demo { schema };
    forget_last_kafka(&demo).await?;
    let organization = demo.organization().await?;
    let algorithm = demo.algorithm(&organization, algorithm).await?;
    let broker = demo
        .step(
            "brokerConnect",
            "mutation($input: BrokerConnectInput!) { it: brokerConnect(input: $input) \
             { it: broker { id topics { nodes { id name } } } userErrors { code message } } }",
            json!({ "name": "demo", "kafka": { "bootstrapServers": [kafka] } }),
        )
        .await?;
    let topic = |name: &str| -> Value {
        let nodes = broker["topics"]["nodes"].as_array();
        let mut topics = nodes.into_iter().flatten();
        topics
            .find(|topic| topic["name"] == name)
            .map_or(Value::Null, |topic| topic["id"].clone())
    };
    for (name, access) in [("orders", "SUBSCRIBE"), ("scores", "PUBLISH")] {
        let input = json!({ "topicId": topic(name), "algorithmId": algorithm, "access": access });
        demo.step(
            "topicGrant",
            "mutation($input: TopicGrantInput!) { it: topicGrant(input: $input) \
             { it: grant { id } userErrors { code message } } }",
            input,
        )
        .await?;
    }
    demo.step(
        "publisherEnable",
        "mutation($input: PublisherEnableInput!) { it: publisherEnable(input: $input) \
         { it: publisher { id } userErrors { code message } } }",
        json!({ "topicId": topic("scores"), "algorithmId": algorithm, "version": "1.*" }),
    )
    .await?;
    let listener = demo
        .step(
            "listenerEnable",
            "mutation($input: ListenerEnableInput!) { it: listenerEnable(input: $input) \
             { it: listener { id } userErrors { code message } } }",
            json!({
                "topicId": topic("orders"),
                "algorithmId": algorithm,
                "version": "1.0.0",
                "dlq": "orders-dlq",
                "settings": { "start": { "at": "EARLIEST" } },
            }),
        )
        .await?;
    Ok(Flow {
        listener: listener["id"].as_str().unwrap_or_default().to_owned(),
    })
}

/// Where the data were kept, the broker points to an embedded Kafka that is gone.
async fn forget_last_kafka(demo: &Demo<'_>) -> Result<(), FlowError> {
    let by_name = "{ brokerByName(name: \"demo\") { id } }";
    let known = demo.ask("brokerByName", by_name, json!({})).await?;
    let Some(id) = known["brokerByName"]["id"].as_str() else {
        return Ok(());
    };
    let answer = demo
        .ask(
            "brokerDisconnect",
            "mutation($id: ID!) { brokerDisconnect(id: $id, input: {}) { userErrors { code } } }",
            json!({ "id": id }),
        )
        .await?;
    match answer["brokerDisconnect"]["userErrors"].as_array() {
        Some(errors) if errors.is_empty() => Ok(()),
        _ => Err(FlowError::Refused {
            step: "brokerDisconnect",
            answer,
        }),
    }
}

struct Demo<'a> {
    schema: &'a Schema,
}

impl Demo<'_> {
    async fn organization(&self) -> Result<Value, FlowError> {
        let by_name = "{ organizationByName(name: \"acme\") { id } }";
        let known = self.ask("organizationByName", by_name, json!({})).await?;
        if known["organizationByName"]["id"].is_string() {
            return Ok(known["organizationByName"]["id"].clone());
        }
        let created = self
            .step(
                "organizationCreate",
                "mutation($input: OrganizationCreateInput!) \
                 { it: organizationCreate(input: $input) \
                 { it: organization { id } userErrors { code message } } }",
                json!({ "name": "acme" }),
            )
            .await?;
        Ok(created["id"].clone())
    }

    /// The algorithm with its two versions. Kept versions point to a sample algorithm that is
    /// gone, and a version never changes: each start of the demo registers its own.
    async fn algorithm(
        &self,
        organization: &Value,
        address: SocketAddr,
    ) -> Result<Value, FlowError> {
        let all = "{ algorithms(first: 100) { nodes { id } } }";
        let known = self.ask("algorithms", all, json!({})).await?;
        let starts = known["algorithms"]["nodes"].as_array().map_or(0, Vec::len);
        let name = match starts {
            0 => "score".to_owned(),
            again => format!("score-{}", again + 1),
        };
        let registered = self
            .step(
                "algorithmRegister",
                "mutation($input: AlgorithmRegisterInput!) \
                 { it: algorithmRegister(input: $input) \
                 { it: algorithm { id } userErrors { code message } } }",
                json!({
                    "organizationId": organization,
                    "name": name,
                    "description": "Scores an order between 0 and 1.",
                }),
            )
            .await?;
        let id = registered["id"].clone();
        for version in ["1.0.0", "1.1.0"] {
            self.step(
                "versionPublish",
                "mutation($input: VersionPublishInput!) { it: versionPublish(input: $input) \
                 { it: algorithm { id } userErrors { code message } } }",
                json!({
                    "algorithmId": id,
                    "version": version,
                    "endpoint": format!("http://{address}/{version}"),
                    "timeoutMs": 10_000,
                }),
            )
            .await?;
        }
        Ok(id)
    }

    /// A mutation with an input, its field and its entity both aliased `it`.
    async fn step(
        &self,
        step: &'static str,
        document: &str,
        input: Value,
    ) -> Result<Value, FlowError> {
        let answer = self.ask(step, document, json!({ "input": input })).await?;
        if answer["it"]["it"].is_object() {
            return Ok(answer["it"]["it"].clone());
        }
        Err(FlowError::Refused { step, answer })
    }

    async fn ask(
        &self,
        step: &'static str,
        document: &str,
        variables: Value,
    ) -> Result<Value, FlowError> {
        let principal = Principal {
            actor: Actor::User {
                name: "admin".to_owned(),
            },
            client_address: None,
        };
        let answer = self.schema.execute_json(document, variables, principal);
        answer
            .await
            .map_err(|source| FlowError::Failed { step, source })
    }
}

impl Flow {
    /// Waits until the first order was scored.
    ///
    /// # Errors
    /// None was within a minute.
    pub async fn first_result(&self, schema: &Schema) -> Result<(), FlowError> {
        let demo = Demo { schema };
        let document =
            "query($id: ID!) { node(id: $id) { ... on Listener { ledger { succeeded } } } }";
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let variables = json!({ "id": self.listener });
            let answer = demo.ask("first result", document, variables).await?;
            let succeeded = answer["node"]["ledger"]["succeeded"].as_str();
            if succeeded.is_some_and(|count| count != "0") {
                return Ok(());
            }
            sleep(Duration::from_millis(50)).await;
        }
        Err(FlowError::NoResult)
    }

    /// What to look at and what to try.
    #[must_use]
    pub fn guide(&self, address: SocketAddr, kafka: &str, args: &DemoArgs) -> String {
        let listener = &self.listener;
        let graphiql = if args.graphiql.is_some() {
            format!("http://{address}/graphiql/")
        } else {
            "left out; `cargo xtask demo` brings it".to_owned()
        };
        let data = match &args.data {
            Some(data) => format!("{} (kept)", data.display()),
            None => "thrown away at the end; keep it with --data DIR".to_owned(),
        };
        format!(
            r#"
eventflows is running: orders flow from a topic through an algorithm to another topic.

  API       http://{address}/graphql
  GraphiQL  {graphiql}
  Kafka     {kafka}  (embedded; topics orders, scores, orders-dlq)
  data      {data}

Three things to try, each in another terminal:

1. Send an order, and see its score:
     echo '{{"order": 4711, "amount": 250}}' | kcat -P -b {kafka} -t orders
     kcat -C -b {kafka} -t scores -o beginning -e -q | grep 4711
   One that is faulty goes to orders-dlq, with the reason in its headers:
     echo 'no order' | kcat -P -b {kafka} -t orders
     kcat -C -b {kafka} -t orders-dlq -o -1 -e -q -f '%h\n%s\n'

2. See what became of the messages received:
     curl -s http://{address}/graphql -H 'content-type: application/json' -d '{{"query":
       "{{ listeners {{ nodes {{ topicName version ledger {{ received succeeded deadLettered inFlight }} runs(first: 3) {{ nodes {{ message decision version reasonText }} }} }} }} }}"}}'

3. Change the version while orders flow (1.1.0 adds a risk), then look at scores again:
     curl -s http://{address}/graphql -H 'content-type: application/json' -d '{{"query":
       "mutation {{ listenerChangeVersion(id: \"{listener}\", input: {{ version: \"1.1.0\" }}) {{ listener {{ version }} userErrors {{ message }} position }} }}"}}'

Ctrl-C stops all of it."#
        )
    }
}
