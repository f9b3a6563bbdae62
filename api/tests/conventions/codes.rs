//! Every mutation says which codes its user errors have. That it has no others is looked at in each
//! answer that the scenarios get.

use std::collections::BTreeSet;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};

/// Codes that any mutation can have.
const COMMON: [&str; 4] = [
    "BAD_ID",
    "OUT_OF_RANGE",
    "CONFLICT",
    "IDEMPOTENCY_KEY_REUSED",
];

#[test]
fn every_mutation_names_its_codes_and_every_code_belongs_to_one() {
    let sdl = api::sdl();
    let (mut known, mut named) = (Vec::new(), BTreeSet::new());
    for definition in parse_schema(&sdl).unwrap().definitions {
        let TypeSystemDefinition::Type(definition) = definition else {
            continue;
        };
        let name = definition.node.name.node.to_string();
        match definition.node.kind {
            TypeKind::Enum(codes) if name == "UserErrorCode" => {
                let codes = codes.values.into_iter();
                known = codes.map(|code| code.node.value.node.to_string()).collect();
            }
            TypeKind::Object(mutations) if name == "Mutation" => {
                for mutation in mutations.fields {
                    let description = mutation.node.description.unwrap().node;
                    let (_, codes) = description.split_once("\n\nCodes: ").unwrap_or_else(|| {
                        panic!("{} does not name its codes", mutation.node.name.node)
                    });
                    let codes = codes.split('`').skip(1).step_by(2);
                    named.extend(codes.map(str::to_owned));
                }
            }
            _ => {}
        }
    }
    let common = COMMON.iter().map(|&code| code.to_owned());
    let expected: BTreeSet<String> = known.iter().cloned().collect();
    named.extend(common);
    assert_eq!(named, expected);
}
