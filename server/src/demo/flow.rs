//! The demo's flow, set up through the API that everybody uses.

use std::net::SocketAddr;
use std::time::Duration;

use client::{Client, ClientError, Mutation, UserError};
use domain::Ids;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::DemoArgs;

const EXISTING: &str = include_str!("existing.graphql");
const TOPICS: &str = include_str!("topics.graphql");
const LEDGER: &str = include_str!("ledger.graphql");

/// How long the first result may take. A group's first join of the embedded Kafka takes 3 s.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why the flow could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum FlowError {
    #[error("the demo's {step} was refused")]
    Refused {
        step: &'static str,
        source: UserError,
    },
    #[error("the demo's {step} failed")]
    Failed {
        step: &'static str,
        source: ClientError,
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
    client: &Client,
    ids: &dyn Ids,
    kafka: &str,
    algorithm: SocketAddr,
) -> Result<Flow, FlowError> {
    let demo = Demo { client, ids };
    let existing = demo.ask("query", EXISTING, json!({})).await?;
    demo.disconnect_last_kafka(&existing).await?;
    let organization = demo.organization(&existing).await?;
    let algorithm = demo.algorithm(&existing, &organization, algorithm).await?;
    let topics = demo.broker(kafka).await?;
    let topic = |name: &str| -> Value {
        let mut topics = topics.as_array().into_iter().flatten();
        let topic = topics.find(|topic| topic["name"] == name);
        topic.map_or(Value::Null, |topic| topic["id"].clone())
    };
    for (name, access) in [
        ("orders", "SUBSCRIBE"),
        ("scores", "PUBLISH"),
        ("orders-dlq", "DEAD_LETTER"),
    ] {
        let input = json!({
            "scope": { "topicId": topic(name) }, "grantee": { "algorithmId": algorithm },
            "access": access,
        });
        demo.step("grantAdd", "grant", input).await?;
    }
    let publisher =
        json!({ "topicId": topic("scores"), "algorithmId": algorithm, "version": "1.*" });
    demo.step("publisherEnable", "publisher", publisher).await?;
    let listener = json!({
        "topicId": topic("orders"),
        "algorithmId": algorithm,
        "version": "1.0.0",
        "dlq": "orders-dlq",
        "settings": { "start": { "at": "EARLIEST" } },
    });
    let listener = demo.step("listenerEnable", "listener", listener).await?;
    Ok(Flow { listener })
}

struct Demo<'a> {
    client: &'a Client,
    ids: &'a dyn Ids,
}

impl Demo<'_> {
    /// Where the data were kept, the broker is an embedded Kafka that has ended.
    async fn disconnect_last_kafka(&self, existing: &Value) -> Result<(), FlowError> {
        if let Some(id) = existing["brokerByName"]["id"].as_str() {
            let disconnect = Mutation::of("brokerDisconnect", id, json!({}));
            self.send("brokerDisconnect", &disconnect).await?;
        }
        Ok(())
    }

    async fn organization(&self, existing: &Value) -> Result<String, FlowError> {
        match existing["organizationByName"]["id"].as_str() {
            Some(id) => Ok(id.to_owned()),
            None => {
                let input = json!({ "name": "acme" });
                self.step("organizationCreate", "organization", input).await
            }
        }
    }

    /// The algorithm with its two versions. Kept versions point to a sample algorithm that has
    /// ended, and a version never changes: each start of the demo registers its own.
    async fn algorithm(
        &self,
        existing: &Value,
        organization: &str,
        address: SocketAddr,
    ) -> Result<String, FlowError> {
        let starts = existing["algorithms"]["nodes"].as_array();
        let name = match starts.map_or(0, Vec::len) {
            0 => "score".to_owned(),
            again => format!("score-{}", again + 1),
        };
        let input = json!({
            "organizationId": organization,
            "name": name,
            "description": "Scores an order between 0 and 1.",
        });
        let id = self.step("algorithmRegister", "algorithm", input).await?;
        for version in ["1.0.0", "1.1.0"] {
            let input = json!({
                "algorithmId": id,
                "version": version,
                "endpoint": format!("http://{address}/{version}"),
                "timeoutMs": 10_000,
            });
            self.step("versionPublish", "version", input).await?;
        }
        Ok(id)
    }

    /// Connects the embedded Kafka. Returns its topics.
    async fn broker(&self, kafka: &str) -> Result<Value, FlowError> {
        let settings = json!({ "kafka": { "bootstrapServers": [kafka] } });
        let input = json!({ "name": "demo", "settings": settings });
        let broker = self.step("brokerConnect", "broker", input).await?;
        let answer = self.ask("topics", TOPICS, json!({ "id": broker })).await?;
        Ok(answer["node"]["topics"]["nodes"].clone())
    }

    /// A mutation that takes an input alone. Returns the id of its entity.
    async fn step(
        &self,
        name: &'static str,
        entity: &'static str,
        input: Value,
    ) -> Result<String, FlowError> {
        let mutation = Mutation::new(name, input).returning(entity, "id");
        let entity = self.send(name, &mutation).await?;
        Ok(entity["id"].as_str().unwrap_or_default().to_owned())
    }

    async fn send(&self, step: &'static str, mutation: &Mutation) -> Result<Value, FlowError> {
        let key = self.ids.next().to_string();
        let sent = self.client.send(mutation, &key).await;
        let payload = sent.map_err(|source| FlowError::Failed { step, source })?;
        let accepted = payload.accepted();
        let payload = accepted.map_err(|source| FlowError::Refused { step, source })?;
        Ok(payload.entity.unwrap_or_default())
    }

    async fn ask(
        &self,
        step: &'static str,
        document: &str,
        variables: Value,
    ) -> Result<Value, FlowError> {
        let answer = self.client.ask(document, &variables).await;
        answer.map_err(|source| FlowError::Failed { step, source })
    }
}

impl Flow {
    /// Waits until the first order was scored.
    ///
    /// # Errors
    /// None was within a minute.
    pub async fn first_result(&self, client: &Client) -> Result<(), FlowError> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let answer: Result<Value, _> =
                client.ask(LEDGER, &json!({ "id": self.listener })).await;
            let answer = answer.map_err(|source| FlowError::Failed {
                step: "first result",
                source,
            })?;
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
       "{{ listeners {{ nodes {{ topic {{ name }} versionSelector ledger {{ received succeeded deadLettered inFlight }} runs(first: 3) {{ nodes {{ messageId decision calledVersion reasonText }} }} }} }} }}"}}'

3. Change the version while orders flow (1.1.0 adds a risk), then look at scores again:
     curl -s http://{address}/graphql -H 'content-type: application/json' -d '{{"query":
       "mutation {{ listenerUpdate(id: \"{listener}\", input: {{ version: \"1.1.0\" }}) {{ listener {{ versionSelector }} userErrors {{ message }} position }} }}"}}'

Ctrl-C stops all of it."#
        )
    }
}
