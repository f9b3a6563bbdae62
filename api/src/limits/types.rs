//! What the fields of a schema answer, as far as it bears on what they cost.

use std::collections::HashMap;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, Type, TypeKind, TypeSystemDefinition,
};

/// The object types and interfaces of a schema.
#[derive(Debug)]
pub(super) struct Types(HashMap<String, Fields>);

/// The fields of one type.
pub(super) type Fields = HashMap<String, FieldShape>;

/// What one field answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FieldShape {
    /// The type's name, without lists around it.
    pub(super) ty: String,
    pub(super) list: bool,
    /// It is a connection: `first` or `last` says how much of it is asked for.
    pub(super) paged: bool,
    /// The argument that holds a value for each item of the answer.
    pub(super) by_ids: bool,
}

impl Types {
    /// The types that `sdl` describes.
    ///
    /// # Panics
    /// `sdl` is none; it is what the library printed.
    pub(super) fn of(sdl: &str) -> Self {
        let document = parse_schema(sdl).expect("a printed schema can be read");
        let types = document.definitions.into_iter().filter_map(|definition| {
            let TypeSystemDefinition::Type(ty) = definition else {
                return None;
            };
            let fields = match ty.node.kind {
                TypeKind::Object(object) => object.fields,
                TypeKind::Interface(interface) => interface.fields,
                _ => return None,
            };
            let fields = fields.into_iter().map(|field| shape(field.node)).collect();
            Some((ty.node.name.node.to_string(), fields))
        });
        Self(types.collect())
    }

    pub(super) fn fields(&self, ty: &str) -> Option<&Fields> {
        self.0.get(ty)
    }
}

fn shape(field: FieldDefinition) -> (String, FieldShape) {
    let (ty, list) = unwrap(&field.ty.node);
    let takes = |name| field.arguments.iter().any(|a| a.node.name.node == name);
    let shape = FieldShape {
        ty,
        list,
        paged: takes("first"),
        by_ids: takes("ids"),
    };
    (field.name.node.to_string(), shape)
}

fn unwrap(ty: &Type) -> (String, bool) {
    match &ty.base {
        BaseType::Named(name) => (name.to_string(), false),
        BaseType::List(inner) => (unwrap(inner).0, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_connections_are_told_from_single_things() {
        let types = Types::of(
            "type Query { one: A, many: [A!]!, page(first: Int): As, some(ids: [ID!]!): [A] }
             type A { x: Int } type As { nodes: [A!]! } union U = A | As",
        );
        let query = types.fields("Query").unwrap();
        let shapes = ["one", "many", "page", "some"].map(|name| {
            let FieldShape {
                ty,
                list,
                paged,
                by_ids,
            } = &query[name];
            (ty.as_str(), *list, *paged, *by_ids)
        });
        assert_eq!(
            shapes,
            [
                ("A", false, false, false),
                ("A", true, false, false),
                ("As", false, true, false),
                ("A", true, false, true),
            ]
        );
        assert!(types.fields("U").is_none());
    }
}
