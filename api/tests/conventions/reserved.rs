//! Names that are kept free for what comes.

use std::collections::BTreeSet;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};

const RESERVED: &str = include_str!("../../../docs/adr/0035-names-are-reserved.md");

/// The names in the first column of the tables, in their order.
fn reserved() -> Vec<&'static str> {
    let rows = RESERVED.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.map(|row| row.split('|').next().unwrap());
    let names = cells.flat_map(|cell| cell.split('`'));
    names
        .filter(|name| name.starts_with(char::is_alphabetic))
        .collect()
}

/// Every type of the schema, and every field as `Type.field`; a mutation also by its bare name.
fn taken() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for definition in parse_schema(api::sdl()).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else {
            continue;
        };
        let (name, kind) = (definition.node.name.node, definition.node.kind);
        if let TypeKind::Object(object) = kind {
            for field in object.fields {
                let field = field.node.name.node;
                names.insert(format!("{name}.{field}"));
                if name == "Mutation" {
                    names.insert(field.to_string());
                }
            }
        }
        names.insert(name.to_string());
    }
    names
}

#[test]
fn reserved_names_are_not_taken() {
    let (reserved, taken) = (reserved(), taken());
    assert!(reserved.contains(&"Listener.explanation") && reserved.contains(&"secretRotate"));
    assert!(taken.contains("Query.listeners") && taken.contains("listenerPause"));
    let both: Vec<_> = reserved
        .iter()
        .filter(|name| taken.contains(**name))
        .collect();
    assert_eq!(both, [] as [&&str; 0], "mean something else already");
}
