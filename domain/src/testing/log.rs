//! What surrounds events in a log.

use crate::{Actor, CommandId, CorrelationId, EventId, Meta, NewEvent};

/// A person.
pub fn user(name: &str) -> Actor {
    Actor::User {
        name: name.to_owned(),
    }
}

/// What is known of a command that a person asked for.
pub fn meta(actor: Actor, command: CommandId) -> Meta {
    Meta {
        actor,
        correlation: CorrelationId(command.0),
        causation: command.0,
        client_address: None,
    }
}

/// The only event of a command, without any content: as a newer program would write it, if this one
/// does not know the type or the version.
pub fn unknown_event(command: CommandId, type_name: &'static str, schema_version: u32) -> NewEvent {
    NewEvent {
        id: EventId::of_command(command, 0),
        type_name,
        schema_version,
        payload: b"{}".to_vec(),
    }
}
