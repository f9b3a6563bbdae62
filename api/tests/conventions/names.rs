//! Names and arguments that are the same everywhere.

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};

/// Queries of the server itself, or for workers, which are about the present alone; and `diff`,
/// which has moments of its own.
const WITHOUT_AS_OF: &[&str] = &[
    "diff",
    "job",
    "outputs",
    "position",
    "readModels",
    "serverInfo",
];

#[test]
fn queries_of_what_the_log_holds_take_as_of() {
    let sdl = api::sdl();
    let mut without = Vec::new();
    for definition in parse_schema(&sdl).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else {
            continue;
        };
        let definition = definition.node;
        let TypeKind::Object(object) = definition.kind else {
            continue;
        };
        if definition.name.node != "Query" {
            continue;
        }
        for field in object.fields {
            let arguments = field.node.arguments.iter();
            if !arguments
                .map(|argument| &argument.node.name.node)
                .any(|name| name == "asOf")
            {
                without.push(field.node.name.node.to_string());
            }
        }
    }
    without.sort_unstable();
    assert_eq!(without, WITHOUT_AS_OF);
}

#[test]
fn what_is_given_is_called_an_input() {
    let sdl = api::sdl();
    for definition in parse_schema(&sdl).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else {
            continue;
        };
        let name = definition.node.name.node.to_string();
        if matches!(definition.node.kind, TypeKind::InputObject(_)) && name != "AsOf" {
            assert!(name.ends_with("Input"), "{name}");
        }
    }
}
