//! Mutations of the API: all are asked and answered alike.

use std::fmt;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::ClientError;
use crate::request::Client;

/// What every payload is asked for beside its entity.
const OUTCOME: &str = "position warnings { message } \
                       userErrors { code message path changes { summary actor { name } } }";

/// A mutation with its input.
#[derive(Clone, Debug, PartialEq)]
pub struct Mutation {
    name: &'static str,
    id: Option<String>,
    input: Value,
    entity: Option<(&'static str, &'static str)>,
}

/// The answer to a mutation.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Payload {
    /// What was asked for with [`Mutation::returning`].
    pub entity: Option<Value>,
    /// Where in the log the effect is visible; none if it was refused.
    pub position: Option<String>,
    warnings: Vec<Warning>,
    user_errors: Vec<UserError>,
}

#[derive(Debug, Deserialize)]
struct Warning {
    message: String,
}

/// Why a mutation was refused.
#[derive(Debug, Deserialize)]
pub struct UserError {
    pub code: String,
    message: String,
    path: Option<Vec<String>>,
    changes: Vec<Change>,
}

/// What somebody else did since the entity was read.
#[derive(Debug, Deserialize)]
struct Change {
    summary: Option<String>,
    actor: Actor,
}

#[derive(Debug, Deserialize)]
struct Actor {
    name: String,
}

#[derive(Deserialize)]
struct Answer {
    it: Payload,
}

impl Mutation {
    /// The mutation `name`, which takes nothing but an input.
    #[must_use]
    pub fn new(name: &'static str, input: Value) -> Self {
        Self {
            name,
            id: None,
            input,
            entity: None,
        }
    }

    /// The mutation `name` of the entity with that id.
    #[must_use]
    pub fn of(name: &'static str, id: impl Into<String>, input: Value) -> Self {
        Self {
            id: Some(id.into()),
            ..Self::new(name, input)
        }
    }

    /// Refuses the mutation unless its entity is still at that revision.
    #[must_use]
    pub fn expecting(mut self, revision: impl Into<Value>) -> Self {
        self.input["expectedRevision"] = revision.into();
        self
    }

    /// Asks for the fields `selection` of the payload's field `entity`.
    #[must_use]
    pub fn returning(mut self, entity: &'static str, selection: &'static str) -> Self {
        self.entity = Some((entity, selection));
        self
    }

    /// The GraphQL document.
    #[must_use]
    pub fn document(&self) -> String {
        let (name, input) = (self.name, input_type(self.name));
        let (variable, argument) = match self.id {
            Some(_) => ("$id: ID!, ", "id: $id, "),
            None => ("", ""),
        };
        let entity = match self.entity {
            Some((entity, selection)) => format!("entity: {entity} {{ {selection} }} "),
            None => String::new(),
        };
        format!(
            "mutation({variable}$input: {input}!) {{ it: {name}({argument}input: $input) {{ \
             {entity}{OUTCOME} }} }}"
        )
    }

    /// The variables of the document.
    #[must_use]
    pub fn variables(&self) -> Value {
        json!({ "id": self.id, "input": self.input })
    }
}

/// The type of a mutation's input: `ListenerPauseInput` for `listenerPause`.
#[must_use]
pub fn input_type(mutation: &str) -> String {
    let (first, rest) = mutation.split_at(1);
    format!("{}{rest}Input", first.to_ascii_uppercase())
}

impl Client {
    /// Sends a mutation under an idempotency key, so that it takes effect once however often it is
    /// sent.
    ///
    /// # Errors
    /// There is no answer after some attempts, or it is an error. A refusal is none:
    /// [`Payload::accepted`] tells.
    pub async fn send(&self, mutation: &Mutation, key: &str) -> Result<Payload, ClientError> {
        let mut variables = mutation.variables();
        variables["input"]["idempotencyKey"] = json!(key);
        let answer: Answer = self.ask(&mutation.document(), &variables).await?;
        Ok(answer.it)
    }
}

impl Payload {
    /// The payload of a mutation that took effect.
    ///
    /// # Errors
    /// The mutation was refused.
    pub fn accepted(mut self) -> Result<Self, UserError> {
        match self.user_errors.pop() {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }

    /// What was done and deserves a second look.
    pub fn warnings(&self) -> impl Iterator<Item = &str> {
        self.warnings.iter().map(|warning| warning.message.as_str())
    }
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.message, self.code)?;
        if let Some(path) = &self.path {
            write!(f, " at {}", path.join("."))?;
        }
        f.write_str(")")?;
        for Change { summary, actor } in &self.changes {
            let summary = summary.as_deref().unwrap_or("an unknown change");
            write!(f, "\n  since then, {}: {summary}", actor.name)?;
        }
        Ok(())
    }
}

impl std::error::Error for UserError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_declares_the_input_of_its_mutation() {
        let pause = Mutation::of("listenerPause", "l1", json!({})).returning("listener", "id");
        assert_eq!(
            pause.document(),
            format!(
                "mutation($id: ID!, $input: ListenerPauseInput!) {{ \
                 it: listenerPause(id: $id, input: $input) {{ entity: listener {{ id }} \
                 {OUTCOME} }} }}"
            )
        );
        let create = Mutation::new("organizationCreate", json!({ "name": "acme" }));
        assert!(create.document().starts_with(
            "mutation($input: OrganizationCreateInput!) { it: organizationCreate(input: $input)"
        ));
    }

    #[test]
    fn a_refusal_says_where_and_what_others_changed() {
        let payload: Payload = serde_json::from_value(json!({
            "entity": null, "position": null, "warnings": [],
            "userErrors": [{
                "code": "CONFLICT", "message": "the revision is 3 now",
                "path": ["input", "expectedRevision"],
                "changes": [{ "summary": "paused it", "actor": { "name": "ada" } }],
            }],
        }))
        .unwrap();
        assert_eq!(
            payload.accepted().unwrap_err().to_string(),
            "the revision is 3 now (CONFLICT at input.expectedRevision)\n  \
             since then, ada: paused it"
        );
    }
}
