//! Random commands over the API, drawn from a seed, so that a run can be had again.

use serde_json::{Value, json};

use crate::flow::Flow;
use crate::graphql::GraphQl;
use crate::kafka::Kafka;
use crate::random::Random;

/// As many organizations are made at most, so that every list fits a page.
const MOST: u64 = 20;

/// Commands against the parts of a flow and what is made beside it.
pub struct RandomCommands {
    random: Random,
    organizations: Vec<Value>,
    algorithms: Vec<Value>,
    versions: Vec<Value>,
    topics: Vec<Value>,
    listeners: Vec<Value>,
    publishers: Vec<Value>,
    broker: Value,
    pattern: String,
    dlq: String,
    made: u64,
}

impl RandomCommands {
    /// Commands drawn from `seed`.
    pub async fn over(flow: &Flow, kafka: &Kafka, seed: u64) -> Self {
        let document = "{ organizationByName(name: \"acme\") { id } }";
        let acme = flow.api.ask(document, json!({})).await;
        Self {
            random: Random::of(seed),
            organizations: vec![acme["organizationByName"]["id"].clone()],
            algorithms: vec![flow.algorithm.clone()],
            versions: Vec::new(),
            topics: flow.topics.clone(),
            listeners: vec![flow.listener.clone()],
            publishers: vec![flow.publisher.clone()],
            broker: flow.broker.clone(),
            pattern: kafka.topic("*"),
            dlq: kafka.topic("orders-dlq"),
            made: 0,
        }
    }

    /// Executes one. It may be refused, or get no answer from a server that ends.
    ///
    /// # Panics
    /// It is no valid request.
    pub async fn step(&mut self, api: &GraphQl) {
        let (mutation, id, input) = self.draw();
        let kind = client::input_type(mutation);
        let made = match mutation {
            "organizationCreate" => "organization { id }",
            "algorithmRegister" => "algorithm { id }",
            "versionPublish" => "version { id }",
            "listenerEnable" => "listener { id }",
            "publisherEnable" => "publisher { id }",
            _ => "",
        };
        let (variable, argument) = match id {
            Some(_) => (", $id: ID!", ", id: $id"),
            None => ("", ""),
        };
        let document = format!(
            "mutation($input: {kind}!{variable}) {{ it: {mutation}(input: $input{argument}) \
             {{ {made} userErrors {{ code }} position }} }}"
        );
        let variables = json!({ "input": input, "id": id });
        let Some(answer) = api.answer_if_any(&document, variables).await else {
            return;
        };
        assert!(answer.get("errors").is_none(), "{document}: {answer:#}");
        for (field, known) in [
            ("organization", &mut self.organizations),
            ("algorithm", &mut self.algorithms),
            ("version", &mut self.versions),
            ("listener", &mut self.listeners),
            ("publisher", &mut self.publishers),
        ] {
            let id = &answer["data"]["it"][field]["id"];
            if !id.is_null() && !known.contains(id) {
                known.push(id.clone());
            }
        }
    }

    /// A mutation, the id it is about, and its input.
    fn draw(&mut self) -> (&'static str, Option<Value>, Value) {
        self.made += 1;
        match self.random.below(20) {
            0..=3 => self.of_organizations(),
            4..=7 => self.of_algorithms(),
            8..=11 => self.of_grants(),
            12 => ("brokerTopicsDiscover", Some(self.broker.clone()), json!({})),
            _ => self.of_flows(),
        }
    }

    fn of_organizations(&self) -> (&'static str, Option<Value>, Value) {
        let id = Some(one(&self.organizations, self.random.below(MOST)));
        let member = format!("person-{}", self.random.below(4));
        let role = ["OWNER", "MEMBER", "EXECUTOR"][self.random.index(3)];
        let with_role = json!({ "member": member, "role": role });
        match self.random.below(4) {
            0 if self.made < MOST => {
                let name = format!("org-{}", self.made);
                ("organizationCreate", None, json!({ "name": name }))
            }
            0 | 1 => ("organizationMemberAdd", id, with_role),
            2 => ("organizationMemberUpdate", id, with_role),
            _ => ("organizationMemberRemove", id, json!({ "member": member })),
        }
    }

    fn of_algorithms(&self) -> (&'static str, Option<Value>, Value) {
        let organization = one(&self.organizations, self.random.below(MOST));
        let algorithm = one(&self.algorithms, self.random.below(MOST));
        let version = format!("1.{}.0", self.random.below(4));
        match self.random.below(9) {
            0 | 4 if self.made < 4 * MOST => {
                let name = format!("algorithm-{}", self.made);
                let input = json!({ "organizationId": organization, "name": name });
                ("algorithmRegister", None, input)
            }
            3 | 5 if !self.versions.is_empty() => {
                let version = one(&self.versions, self.random.below(MOST));
                ("versionWithdraw", Some(version), json!({}))
            }
            // The first one stays, so that something is left to work with.
            8 if algorithm != self.algorithms[0] => ("algorithmRetire", Some(algorithm), json!({})),
            _ => {
                let endpoint = "http://127.0.0.1:9/";
                let input = json!({
                    "algorithmId": algorithm, "version": version, "endpoint": endpoint,
                });
                ("versionPublish", None, input)
            }
        }
    }

    fn of_grants(&self) -> (&'static str, Option<Value>, Value) {
        let access = ["SUBSCRIBE", "PUBLISH", "DEAD_LETTER"][self.random.index(3)];
        let edit = ["ADD", "ADD", "REMOVE"][self.random.index(3)];
        if self.random.below(4) == 0 {
            let organization = one(&self.organizations, self.random.below(MOST));
            let change = json!({
                "edit": edit, "access": access, "pattern": self.pattern,
                "grantee": { "organizationId": organization },
            });
            let input = json!({ "changes": [change] });
            return ("grantsEdit", Some(self.broker.clone()), input);
        }
        let algorithm = one(&self.algorithms, self.random.below(MOST));
        let topic = one(&self.topics, self.random.below(MOST));
        let grantee = json!({ "algorithmId": algorithm });
        let change = json!({ "edit": edit, "access": access, "grantee": grantee });
        ("grantsEdit", Some(topic), json!({ "changes": [change] }))
    }

    fn of_flows(&self) -> (&'static str, Option<Value>, Value) {
        let version = ["1.*", "latest", "1.0.0", "1.2.*"][self.random.index(4)];
        let listener = Some(one(&self.listeners, self.random.below(MOST)));
        let publisher = Some(one(&self.publishers, self.random.below(MOST)));
        let mut enable = json!({
            "topicId": one(&self.topics, self.random.below(MOST)),
            "algorithmId": one(&self.algorithms, self.random.below(MOST)),
            "version": version, "allowCycle": true,
        });
        let concurrency = 1 + self.random.below(4);
        let settings = json!({ "start": { "at": "LATEST" }, "concurrency": concurrency });
        match self.random.below(15) {
            0..=2 => {
                enable["settings"] = settings;
                ("listenerEnable", None, enable)
            }
            3 | 4 => ("publisherEnable", None, enable),
            5 => ("listenerPause", listener, json!({})),
            6 => ("listenerResume", listener, json!({})),
            7 => ("listenerUpdate", listener, json!({ "version": version })),
            8 => ("listenerDisable", listener, json!({})),
            9 => ("listenerUpdate", listener, json!({ "dlq": self.dlq })),
            10 => ("listenerUpdate", listener, json!({ "dlq": null })),
            11 => {
                let update = json!({
                    "version": version, "dlq": self.dlq, "settings": { "concurrency": concurrency },
                });
                ("listenerUpdate", listener, update)
            }
            12 => {
                let to = json!({ "to": { "end": "EARLIEST" } });
                ("listenerResetPosition", listener, to)
            }
            13 => ("publisherUpdate", publisher, json!({ "version": version })),
            _ => ("publisherDisable", publisher, json!({})),
        }
    }
}

fn one(choices: &[Value], drawn: u64) -> Value {
    let index = usize::try_from(drawn).unwrap() % choices.len();
    choices[index].clone()
}
