//! Every element of the schema says what it is.

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};

/// The names of what has no description.
fn undescribed(sdl: &str) -> Vec<String> {
    let document = parse_schema(sdl).unwrap();
    let mut found = Vec::new();
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else {
            continue;
        };
        let definition = definition.node;
        let name = definition.name.node.to_string();
        let mut look = |described: bool, member: &str| {
            if !described {
                found.push(format!("{name}{member}"));
            }
        };
        look(definition.description.is_some(), "");
        match definition.kind {
            TypeKind::Object(object) => {
                for field in object.fields {
                    let field = field.node;
                    look(
                        field.description.is_some(),
                        &format!(".{}", field.name.node),
                    );
                }
            }
            TypeKind::Interface(interface) => {
                for field in interface.fields {
                    let field = field.node;
                    look(
                        field.description.is_some(),
                        &format!(".{}", field.name.node),
                    );
                }
            }
            TypeKind::InputObject(input) => {
                for field in input.fields {
                    let field = field.node;
                    look(
                        field.description.is_some(),
                        &format!(".{}", field.name.node),
                    );
                }
            }
            TypeKind::Enum(values) => {
                for value in values.values {
                    let value = value.node;
                    look(
                        value.description.is_some(),
                        &format!(".{}", value.value.node),
                    );
                }
            }
            TypeKind::Scalar | TypeKind::Union(_) => {}
        }
    }
    found
}

#[test]
fn every_type_field_and_value_has_a_description() {
    assert_eq!(undescribed(&api::sdl()), Vec::<String>::new());
}

#[test]
fn what_has_no_description_is_found() {
    let sdl = "type A { b: Int } \"d\" enum C { \"d\" D E }";
    assert_eq!(undescribed(sdl), ["A", "A.b", "C.E"]);
}
