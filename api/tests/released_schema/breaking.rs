//! What of a schema breaks the clients of an older one.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputValueDefinition, Type, TypeDefinition, TypeKind,
    TypeSystemDefinition,
};
use async_graphql::{Name, Positioned};

/// The changes from one schema to the other that break a client, each as a sentence.
pub(crate) fn breaking_changes(before: &str, after: &str) -> BTreeSet<String> {
    let (before, after) = (types(before), types(after));
    let mut changes = Changes::default();
    for (name, before) in &before {
        match after.get(name) {
            None => changes.removed(name),
            Some(after) => changes.of_type(name, before, after),
        }
    }
    changes.0
}

fn types(sdl: &str) -> BTreeMap<String, TypeDefinition> {
    let document = parse_schema(sdl).unwrap();
    let types = document.definitions.into_iter().filter_map(|definition| {
        let TypeSystemDefinition::Type(ty) = definition else {
            return None;
        };
        Some((ty.node.name.node.to_string(), ty.node))
    });
    types.collect()
}

#[derive(Default)]
struct Changes(BTreeSet<String>);

impl Changes {
    fn removed(&mut self, what: &str) {
        self.add(format!("{what} is removed"));
    }

    fn add(&mut self, change: String) {
        self.0.insert(change);
    }

    fn of_type(&mut self, name: &str, before: &TypeDefinition, after: &TypeDefinition) {
        match (&before.kind, &after.kind) {
            (TypeKind::Scalar, TypeKind::Scalar) => {}
            (TypeKind::Object(before), TypeKind::Object(after)) => {
                self.interfaces(name, &before.implements, &after.implements);
                self.fields(name, &before.fields, &after.fields);
            }
            (TypeKind::Interface(before), TypeKind::Interface(after)) => {
                self.interfaces(name, &before.implements, &after.implements);
                self.fields(name, &before.fields, &after.fields);
            }
            (TypeKind::Union(before), TypeKind::Union(after)) => {
                for member in missing(&before.members, &after.members) {
                    self.removed(&format!("{member} of {name}"));
                }
            }
            (TypeKind::Enum(before), TypeKind::Enum(after)) => {
                for value in &before.values {
                    let value = &value.node.value.node;
                    if after.values.iter().all(|v| v.node.value.node != *value) {
                        self.removed(&format!("{name}.{value}"));
                    }
                }
            }
            (TypeKind::InputObject(old), TypeKind::InputObject(new)) => {
                self.inputs(&old.fields, &new.fields, |field| format!("{name}.{field}"));
                if one_of(after) && !one_of(before) {
                    self.add(format!("{name} takes exactly one field"));
                }
            }
            _ => self.add(format!("{name} is another kind of type")),
        }
    }

    fn interfaces(&mut self, name: &str, before: &[Positioned<Name>], after: &[Positioned<Name>]) {
        for interface in missing(before, after) {
            self.add(format!("{name} is no {interface}"));
        }
    }

    fn fields(
        &mut self,
        ty: &str,
        before: &[Positioned<FieldDefinition>],
        after: &[Positioned<FieldDefinition>],
    ) {
        for before in before {
            let before = &before.node;
            let name = format!("{ty}.{}", before.name.node);
            let mut after = after.iter().map(|field| &field.node);
            let Some(after) = after.find(|field| field.name.node == before.name.node) else {
                self.removed(&name);
                continue;
            };
            // Readers of what was promised may be promised more.
            self.types(&name, (&before.ty.node, &after.ty.node), |before, after| {
                holds(after, before)
            });
            self.inputs(&before.arguments, &after.arguments, |argument| {
                format!("{name}({argument})")
            });
        }
    }

    /// Arguments, or the fields of an input object.
    fn inputs(
        &mut self,
        before: &[Positioned<InputValueDefinition>],
        after: &[Positioned<InputValueDefinition>],
        name: impl Fn(&Name) -> String,
    ) {
        for before in before {
            let before = &before.node;
            let name = name(&before.name.node);
            let mut after = after.iter().map(|input| &input.node);
            let Some(after) = after.find(|input| input.name.node == before.name.node) else {
                self.removed(&name);
                continue;
            };
            // Callers that give what was asked for may be asked for less.
            self.types(&name, (&before.ty.node, &after.ty.node), holds);
            if let (Some(default), None) = (&before.default_value, &after.default_value) {
                self.add(format!("{name} has no default, had {}", default.node));
            }
        }
        for input in after.iter().map(|input| &input.node) {
            let is_new = before.iter().all(|b| b.node.name.node != input.name.node);
            if is_new && !input.ty.node.nullable && input.default_value.is_none() {
                self.add(format!("{} is new and required", name(&input.name.node)));
            }
        }
    }

    fn types(
        &mut self,
        name: &str,
        (before, after): (&Type, &Type),
        compatible: impl Fn(&Type, &Type) -> bool,
    ) {
        if !compatible(before, after) {
            self.add(format!("{name} is {after}, was {before}"));
        }
    }
}

/// Whether every value of the one type is a value of the other.
fn holds(one: &Type, other: &Type) -> bool {
    if one.nullable && !other.nullable {
        return false;
    }
    match (&one.base, &other.base) {
        (BaseType::Named(one), BaseType::Named(other)) => one == other,
        (BaseType::List(one), BaseType::List(other)) => holds(one, other),
        _ => false,
    }
}

fn one_of(ty: &TypeDefinition) -> bool {
    ty.directives.iter().any(|d| d.node.name.node == "oneOf")
}

fn missing<'a>(
    before: &'a [Positioned<Name>],
    after: &'a [Positioned<Name>],
) -> impl Iterator<Item = &'a Name> {
    let before = before.iter().map(|name| &name.node);
    before.filter(|name| after.iter().all(|other| other.node != **name))
}
