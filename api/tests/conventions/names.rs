//! Names and arguments that are the same everywhere.

use std::collections::BTreeSet;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{FieldDefinition, TypeKind, TypeSystemDefinition};

/// Queries of the server itself, or for workers, which are about the present alone; and `diff`,
/// which has moments of its own.
const WITHOUT_AS_OF: &[&str] = &[
    "diff",
    "job",
    "listenerResetPositionPreview",
    "outputs",
    "position",
    "readModels",
    "run",
    "runs",
    "serverInfo",
    "workflow",
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

/// What a mutation does, the last word of its name, and whether it does so to what exists, which an
/// `id` beside the input selects. `docs/api.md` tells it to clients.
const VERBS: &[(&str, bool)] = &[
    ("Add", false),
    ("Answer", false),
    ("Connect", false),
    ("Create", false),
    ("Disable", true),
    ("Disconnect", true),
    ("Discover", true),
    ("Edit", true),
    ("Enable", false),
    ("Join", false),
    ("Leave", false),
    ("Pause", true),
    ("Publish", false),
    ("Rebuild", false),
    ("Register", false),
    ("Remove", true),
    ("Replace", true),
    ("Report", false),
    ("ResetPosition", true),
    ("Resume", true),
    ("Retire", true),
    ("Rotate", true),
    ("Update", true),
    ("Withdraw", true),
];

#[test]
fn a_mutation_is_a_noun_with_one_of_the_verbs_and_selects_what_exists_by_id() {
    let sdl = api::sdl();
    let mut used = BTreeSet::new();
    for (name, selects) in mutations(&sdl) {
        if name == "undo" {
            continue;
        }
        let verb = VERBS.iter().find(|(verb, _)| name.ends_with(verb));
        let (verb, of_what_exists) = verb.unwrap_or_else(|| panic!("{name} has a verb of its own"));
        used.insert(*verb);
        // A member is no node: the organization selects it, and the input names it.
        let selects_owner = name == "organizationMemberAdd";
        assert_eq!(selects, *of_what_exists || selects_owner, "{name}");
    }
    let all: BTreeSet<&str> = VERBS.iter().map(|(verb, _)| *verb).collect();
    assert_eq!(used, all);
    let guide = include_str!("../../../docs/api.md");
    for (verb, _) in VERBS {
        assert!(
            guide.contains(&format!("`{verb}`")),
            "docs/api.md tells nothing of {verb}"
        );
    }
}

/// The mutations, and whether they take an id.
fn mutations(sdl: &str) -> Vec<(String, bool)> {
    let definitions = parse_schema(sdl).unwrap().definitions;
    let found = definitions
        .into_iter()
        .find_map(|definition| match definition {
            TypeSystemDefinition::Type(it) if it.node.name.node == "Mutation" => Some(it.node.kind),
            _ => None,
        });
    let Some(TypeKind::Object(object)) = found else {
        panic!("the schema has mutations");
    };
    let fields = object.fields.into_iter().map(|field| field.node);
    let selects = |field: &FieldDefinition| {
        let mut arguments = field.arguments.iter();
        arguments.any(|argument| argument.node.name.node == "id")
    };
    fields
        .map(|field| (field.name.node.to_string(), selects(&field)))
        .collect()
}
