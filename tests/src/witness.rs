//! Proof that a listener which is to be silent was silent: another one, of another algorithm on the
//! same topic, has had the messages meanwhile.

use serde_json::{Value, json};

use crate::endpoint::Endpoint;
use crate::flow::{grant, publish};
use crate::graphql::GraphQl;
use crate::wait::eventually;

/// A listener of acme/witness, with an endpoint of its own.
pub struct Witness {
    endpoint: Endpoint,
}

impl Witness {
    /// Follows `topic` from its first message on. acme is there.
    pub async fn of(api: &GraphQl, topic: &Value) -> Self {
        let endpoint = Endpoint::echo().await;
        let organization = "{ organizationByName(name: \"acme\") { id } }";
        let organization = api.ask(organization, json!({})).await;
        let algorithm = api
            .done(
                "mutation($input: AlgorithmRegisterInput!) { it: algorithmRegister(input: $input) \
                 { algorithm { id } userErrors { code message } } }",
                json!({ "input": {
                    "organizationId": organization["organizationByName"]["id"], "name": "witness",
                } }),
            )
            .await["algorithm"]["id"]
            .clone();
        publish(api, &algorithm, "1.0.0", &endpoint.url("/")).await;
        grant(api, topic, &algorithm, "SUBSCRIBE").await;
        api.done(
            "mutation($input: ListenerEnableInput!) { it: listenerEnable(input: $input) \
             { listener { id } userErrors { code message } } }",
            json!({ "input": {
                "topicId": topic, "algorithmId": algorithm, "version": "1.0.0",
                "settings": { "start": { "at": "EARLIEST" } },
            } }),
        )
        .await;
        Self { endpoint }
    }

    /// Waits until it has had so many messages.
    pub async fn has_had(&self, messages: usize) {
        eventually("the witness has had the messages", async || {
            (self.endpoint.calls().len() >= messages).then_some(())
        })
        .await;
    }
}
