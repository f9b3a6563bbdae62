//! Mutations of the API: all are asked and answered alike.

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

/// A mutation to send.
pub(super) struct Mutation {
    name: &'static str,
    /// The field of the payload that holds what was changed.
    entity: &'static str,
    /// What is changed, where that is an argument of its own.
    pub(super) id: Option<String>,
    pub(super) input: Value,
    /// What it is recorded with.
    pub(super) stream: Option<String>,
    /// It is refused where the stream is not as it was seen.
    pub(super) guarded: bool,
}

impl Mutation {
    pub(super) fn new(name: &'static str, entity: &'static str, input: Value) -> Self {
        Self {
            name,
            entity,
            id: None,
            input,
            stream: None,
            guarded: false,
        }
    }

    /// Of what is there already.
    pub(super) fn of(name: &'static str, entity: &'static str, id: &str, input: Value) -> Self {
        Self {
            id: Some(id.to_owned()),
            ..Self::new(name, entity, input)
        }
    }

    pub(super) fn guarded(self, stream: String) -> Self {
        Self {
            guarded: true,
            ..self.moving(stream)
        }
    }

    /// It is recorded in that stream, and has no guard.
    pub(super) fn moving(self, stream: String) -> Self {
        Self {
            stream: Some(stream),
            ..self
        }
    }

    pub(super) fn document(&self) -> String {
        let Self { name, entity, .. } = self;
        let (first, rest) = name.split_at(1);
        let input = format!("{}{rest}Input", first.to_uppercase());
        let (variable, argument) = match self.id {
            Some(_) => ("$id: ID!, ", "id: $id, "),
            None => ("", ""),
        };
        format!(
            "mutation({variable}$input: {input}!) {{ it: {name}({argument}input: $input) {{ \
             entity: {entity} {{ id }} position warnings {{ message }} \
             userErrors {{ code message path changes {{ words actor {{ name }} }} }} }} }}"
        )
    }
}

/// The answer to a mutation.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Payload {
    pub(super) entity: Option<Entity>,
    pub(super) position: Option<String>,
    pub(super) warnings: Vec<Warning>,
    pub(super) user_errors: Vec<UserError>,
}

#[derive(Deserialize)]
pub(super) struct Entity {
    pub(super) id: String,
}

#[derive(Deserialize)]
pub(super) struct Warning {
    pub(super) message: String,
}

/// Why nothing was changed.
#[derive(Debug, Deserialize)]
pub(super) struct UserError {
    code: String,
    message: String,
    path: Option<Vec<String>>,
    changes: Vec<ForeignChange>,
}

/// What somebody else did meanwhile.
#[derive(Debug, Deserialize)]
struct ForeignChange {
    words: Option<String>,
    actor: Actor,
}

#[derive(Debug, Deserialize)]
struct Actor {
    name: String,
}

impl fmt::Display for UserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.message, self.code)?;
        if let Some(path) = &self.path {
            write!(f, " at {}", path.join("."))?;
        }
        f.write_str(")")?;
        for change in &self.changes {
            let words = change.words.as_deref().unwrap_or("something unknown");
            write!(
                f,
                "\n  since it was read, by {}: {words}",
                change.actor.name
            )?;
        }
        Ok(())
    }
}
