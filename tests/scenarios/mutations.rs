//! Every mutation once: what is done is an event, and the answer says where it is.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;

use client::Mutation;
use serde_json::{Value, json};
use tests::flow::broker;
use tests::{Eventflows, Flow, FlowOptions, GraphQl, Kafka, eventually};

/// An answer of a worker is handed to the request that waits for it, whose decision is recorded.
const NOT_RECORDED: &str = "workerAnswer";

/// No broker that has a credential can be connected yet: no worker speaks to one.
const NEVER_DONE: &str = "brokerCredentialRotate";

const WORKER: &str = "018f0000-0000-7000-8000-0000000000aa";

/// Performs mutations, and remembers which.
struct Performed<'a> {
    api: &'a GraphQl,
    names: Mutex<BTreeSet<&'static str>>,
}

impl Performed<'_> {
    /// Creates something, and gives its id.
    async fn create(&self, name: &'static str, entity: &'static str, input: Value) -> Value {
        let mutation = Mutation::new(name, input).returning(entity, "id");
        self.perform(name, &mutation).await["entity"]["id"].clone()
    }

    /// Changes what exists.
    async fn change(&self, name: &'static str, id: &Value, input: Value) {
        let mutation = Mutation::of(name, id.as_str().unwrap(), input);
        self.perform(name, &mutation).await;
    }

    /// Does what neither creates nor changes a thing of its own.
    /// The journal that the workers of the cluster decide in.
    async fn journal(&self) -> Value {
        let document = "{ events(filter: { types: [JOURNAL_ADOPTED] }, first: 1) { \
                        nodes { payload } } }";
        let events = eventually("the journal", async || {
            let events = self.api.ask(document, json!({})).await;
            let event = events["events"]["nodes"].get(0)?;
            Some(event["payload"]["journal"].clone())
        });
        events.await
    }

    async fn report(&self, name: &'static str, input: Value) {
        self.perform(name, &Mutation::new(name, input)).await;
    }

    async fn perform(&self, name: &'static str, mutation: &Mutation) -> Value {
        let (document, variables) = (mutation.document(), mutation.variables());
        let done = self.api.done(&document, variables).await;
        let position: u64 = done["position"].as_str().unwrap_or("0").parse().unwrap();
        assert!(
            position > 0,
            "{name} was done and has no position: {done:#}"
        );
        self.names.lock().unwrap().insert(name);
        done
    }
}

#[tokio::test]
async fn every_mutation_that_is_done_has_a_position() {
    let kafka = Kafka::from_environment();
    let data = tempfile::tempdir().unwrap();
    let admitting = [("EVENTFLOWS_REMOTE_WORKERS", Path::new("true"))];
    let server = Eventflows::start_with(data, &admitting).await;
    let options = FlowOptions::to("http://127.0.0.1:9/".to_owned());
    let flow = Flow::set_up(&server, &kafka, options).await;
    let performed = Performed {
        api: &flow.api,
        names: Mutex::default(),
    };
    organizations_and_algorithms(&performed).await;
    listeners_and_publishers(&performed, &flow).await;
    grants(&performed, &flow).await;
    workers(&performed, &kafka).await;
    performed.report("readModelsRebuild", json!({})).await;
    brokers(&performed, &flow, &kafka).await;

    let document = "{ __schema { mutationType { fields { name } } } }";
    let schema = flow.api.ask(document, json!({})).await;
    let fields = schema["__schema"]["mutationType"]["fields"].clone();
    let fields = fields.as_array().unwrap().iter();
    let mut expected: BTreeSet<&str> = fields.map(|f| f["name"].as_str().unwrap()).collect();
    assert!(expected.remove(NOT_RECORDED) && expected.remove(NEVER_DONE));
    assert_eq!(performed.names.into_inner().unwrap(), expected);
}

async fn organizations_and_algorithms(it: &Performed<'_>) {
    let beta = json!({ "name": "beta" });
    let beta = it.create("organizationCreate", "organization", beta).await;
    let member = |name: &str, role: &str| json!({ "member": name, "role": role });
    let ann = member("ann", "OWNER");
    it.change("organizationMemberAdd", &beta, ann).await;
    let bob = member("bob", "MEMBER");
    it.change("organizationMemberAdd", &beta, bob).await;
    let bob = member("bob", "EXECUTOR");
    it.change("organizationMemberUpdate", &beta, bob).await;
    let bob = json!({ "member": "bob" });
    it.change("organizationMemberRemove", &beta, bob).await;
    let fold = json!({ "organizationId": beta, "name": "fold" });
    let fold = it.create("algorithmRegister", "algorithm", fold).await;
    let version = json!({
        "algorithmId": fold, "version": "1.0.0", "endpoint": "http://127.0.0.1:9/",
    });
    let version = it.create("versionPublish", "version", version).await;
    it.change("versionWithdraw", &version, json!({})).await;
    it.change("algorithmRetire", &fold, json!({})).await;
}

async fn listeners_and_publishers(it: &Performed<'_>, flow: &Flow) {
    let (listener, publisher) = (&flow.listener, &flow.publisher);
    it.change("listenerPause", listener, json!({})).await;
    let history = "query($of: ID!) { history(of: $of, first: 1) { nodes { id } } }";
    let told = flow.api.ask(history, json!({ "of": listener })).await;
    let paused = &told["history"]["nodes"][0]["id"];
    it.change("undo", paused, json!({})).await;
    // It runs already: what had nothing to do is done, too.
    it.change("listenerResume", listener, json!({})).await;
    let wider = json!({ "settings": { "concurrency": 2 } });
    it.change("listenerUpdate", listener, wider).await;
    let earliest = json!({ "to": { "end": "EARLIEST" } });
    it.change("listenerResetPosition", listener, earliest).await;
    it.change("listenerDisable", listener, json!({})).await;
    let enable = json!({
        "topicId": flow.topics[0], "algorithmId": flow.algorithm, "version": "latest",
        "settings": { "start": { "at": "LATEST" } },
    });
    it.create("listenerEnable", "listener", enable).await;
    let latest = json!({ "version": "latest" });
    it.change("publisherUpdate", publisher, latest).await;
    it.change("publisherDisable", publisher, json!({})).await;
    let enable = json!({
        "topicId": flow.topics[1], "algorithmId": flow.algorithm, "version": "1.*",
    });
    it.create("publisherEnable", "publisher", enable).await;
}

async fn grants(it: &Performed<'_>, flow: &Flow) {
    let orders = &flow.topics[0];
    let grantee = json!({ "algorithmId": flow.algorithm });
    let scope = json!({ "topicId": orders });
    let add = json!({ "scope": scope, "grantee": grantee, "access": "PUBLISH" });
    let grant = it.create("grantAdd", "grant", add).await;
    it.change("grantRemove", &grant, json!({})).await;
    let change = json!({ "edit": "ADD", "grantee": grantee, "access": "PUBLISH" });
    let edit = json!({ "changes": [change] });
    it.change("grantsEdit", orders, edit).await;
    let document = "{ organizationByName(name: \"acme\") { id } }";
    let acme = flow.api.ask(document, json!({})).await["organizationByName"]["id"].clone();
    let change = json!({
        "edit": "ADD", "pattern": "of-acme-*", "grantee": { "organizationId": acme },
        "access": "SUBSCRIBE",
    });
    let edit = json!({ "changes": [change] });
    it.change("grantsEdit", &flow.broker, edit).await;
}

async fn workers(it: &Performed<'_>, kafka: &Kafka) {
    let join = json!({
        "workerId": WORKER, "protocolVersion": domain::worker::PROTOCOL_VERSION,
        "journalId": it.journal().await,
    });
    it.report("workerJoin", join).await;
    let broker = domain::testing::broker_id("main");
    let listener = json!({
        "broker": broker, "topic": kafka.topic("orders"), "algorithm": "acme/score",
    });
    let report = json!({ "workerId": WORKER, "listener": listener, "report": "STARTED" });
    it.report("consumerReport", report).await;
    it.report("workerLeave", json!({ "workerId": WORKER }))
        .await;
}

async fn brokers(it: &Performed<'_>, flow: &Flow, kafka: &Kafka) {
    let connect = json!({
        "name": "next", "settings": { "kafka": { "bootstrapServers": [kafka.address()] } },
    });
    let next = it.create("brokerConnect", "broker", connect).await;
    it.change("brokerTopicsDiscover", &next, json!({})).await;
    let replace = json!({ "replacementId": next });
    it.change("brokerReplace", &flow.broker, replace).await;
    let (last, _) = broker(&flow.api, kafka, "last").await;
    it.change("brokerDisconnect", &last, json!({})).await;
}
