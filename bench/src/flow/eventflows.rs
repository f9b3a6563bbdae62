//! The whole of eventflows: server, log, read models, worker and journal in this process.

use client::{Client, Mutation};
use domain::Ids;
use serde_json::{Value, json};
use server::config::Settings;
use server::environment::RandomIds;
use server::serve::Server;

use super::{FlowArgs, Kafka, Measured};
use crate::log::backend::Backend;

const TOPICS: &str = include_str!("topics.graphql");

/// Where the journal is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Journal {
    Sqlite,
    Postgres,
}

pub(super) async fn run(
    kafka: &Kafka,
    url: &str,
    args: &FlowArgs,
    run: usize,
    journal: Journal,
) -> Measured {
    let results = kafka.results(&format!("eventflows-{journal:?}"), run).await;
    let database = match journal {
        Journal::Sqlite => None,
        Journal::Postgres => Some(Backend::Postgres.new_log().await),
    };
    let data = tempfile::tempdir_in("target").unwrap();
    let server = Server::start(Settings {
        allow_unauthenticated_network: false,
        remote_workers: false,
        public_url: None,
        listen: ([127, 0, 0, 1], 0).into(),
        data: data.path().to_owned(),
        log_url: None,
        read_models_url: None,
        journal_url: database.as_ref().map(|database| database.url().into()),
        adopt_journal: false,
        worker_memory: 256 * 1024 * 1024,
        administrator: "bench".to_owned(),
        graphiql: None,
        log: server::logging::LogFormat::Text,
        checkpoints: server::checkpoints::CheckpointArgs::default(),
    })
    .await
    .unwrap();
    let address = format!("http://{}", server.address());
    let api = Api(Client::new(address.parse().unwrap()).unwrap());
    api.set_up(kafka, url, &results, args.concurrency).await;
    let measured = kafka
        .measure(&results, args.messages, std::process::id())
        .await;
    server.stop().await.unwrap();
    if let Some(database) = database {
        database.remove().await;
    }
    measured
}

struct Api(Client);

impl Api {
    async fn set_up(&self, kafka: &Kafka, url: &str, results: &str, concurrency: usize) {
        let input = json!({ "name": "acme" });
        let organization = self.step("organizationCreate", "organization", input).await;
        let input = json!({ "organizationId": organization, "name": "score" });
        let algorithm = self.step("algorithmRegister", "algorithm", input).await;
        let input = json!({ "algorithmId": algorithm, "version": "1.0.0", "endpoint": url });
        self.step("versionPublish", "version", input).await;
        let servers = &kafka.settings.bootstrap_servers;
        let settings = json!({ "kafka": { "bootstrapServers": servers } });
        let input = json!({ "name": "main", "settings": settings });
        let broker = self.step("brokerConnect", "broker", input).await;
        let orders = self.topic(&broker, &kafka.orders).await;
        let results = self.topic(&broker, results).await;
        for (topic, access) in [(&orders, "SUBSCRIBE"), (&results, "PUBLISH")] {
            let input = json!({
                "scope": { "topicId": topic }, "grantee": { "algorithmId": algorithm },
                "access": access,
            });
            self.step("grantAdd", "grant", input).await;
        }
        let input = json!({ "topicId": results, "algorithmId": algorithm, "version": "1.0.0" });
        self.step("publisherEnable", "publisher", input).await;
        let input = json!({
            "topicId": orders, "algorithmId": algorithm, "version": "1.0.0",
            "settings": { "start": { "at": "EARLIEST" }, "concurrency": concurrency },
        });
        self.step("listenerEnable", "listener", input).await;
    }

    /// The id of the entity of a mutation.
    async fn step(&self, name: &'static str, entity: &'static str, input: Value) -> Value {
        let mutation = Mutation::new(name, input).returning(entity, "id");
        let payload = self.0.send(&mutation, &RandomIds.next().to_string()).await;
        let payload = payload.unwrap().accepted().unwrap();
        payload.entity.unwrap()["id"].clone()
    }

    /// The id of a topic of a broker.
    async fn topic(&self, broker: &Value, name: &str) -> Value {
        let variables = json!({ "id": broker, "search": name });
        let topics: Vec<Value> = self.0.list(TOPICS, variables).await.unwrap();
        let found = topics.iter().find(|topic| topic["name"] == name);
        found.expect("the topic was discovered")["id"].clone()
    }
}
