//! Fields of the same name on members of one union or interface can be asked for together: they
//! have the same leaf type, or object types of the same shape.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{BaseType, Type, TypeKind, TypeSystemDefinition};

/// The types of a schema, as far as fields may conflict.
#[derive(Default)]
struct Types {
    /// The fields of each object type.
    objects: BTreeMap<String, BTreeMap<String, Type>>,
    /// The object types of each union and interface.
    members: BTreeMap<String, BTreeSet<String>>,
}

impl Types {
    fn of(sdl: &str) -> Self {
        let mut types = Self::default();
        for definition in parse_schema(sdl).unwrap().definitions {
            let TypeSystemDefinition::Type(definition) = definition else {
                continue;
            };
            let name = definition.node.name.node.to_string();
            match definition.node.kind {
                TypeKind::Object(object) => {
                    for interface in object.implements {
                        let members = types.members.entry(interface.node.to_string());
                        members.or_default().insert(name.clone());
                    }
                    let field = |field: async_graphql::parser::types::FieldDefinition| {
                        (field.name.node.to_string(), field.ty.node)
                    };
                    let fields = object.fields.into_iter().map(|f| field(f.node));
                    types.objects.insert(name, fields.collect());
                }
                TypeKind::Union(union) => {
                    let members = union.members.iter().map(|m| m.node.to_string());
                    types.members.entry(name).or_default().extend(members);
                }
                _ => {}
            }
        }
        types
    }

    /// The object types that a field of this type may answer; none for a leaf.
    fn possible(&self, ty: &str) -> BTreeSet<String> {
        match self.members.get(ty) {
            Some(members) => members.clone(),
            None if self.objects.contains_key(ty) => BTreeSet::from([ty.to_owned()]),
            None => BTreeSet::new(),
        }
    }

    /// The fields that cannot be asked for together on these object types.
    fn conflicts(
        &self,
        objects: &BTreeSet<String>,
        seen: &mut BTreeSet<[String; 2]>,
    ) -> Vec<String> {
        let mut found = Vec::new();
        for one in objects {
            for other in objects.range(one.clone()..).skip(1) {
                if !seen.insert([one.clone(), other.clone()]) {
                    continue;
                }
                for (name, ty) in &self.objects[one] {
                    let Some(as_other) = self.objects[other].get(name) else {
                        continue;
                    };
                    let inner = [self.possible(base(ty)), self.possible(base(as_other))];
                    let composite = inner.iter().all(|types| !types.is_empty());
                    if composite && wrapping(ty) == wrapping(as_other) {
                        let [mut inner, others] = inner;
                        inner.extend(others);
                        found.extend(self.conflicts(&inner, seen));
                    } else if ty != as_other {
                        found.push(format!("{name}: {one} {ty}, {other} {as_other}"));
                    }
                }
            }
        }
        found
    }
}

/// The name of the type, without lists around it.
fn base(ty: &Type) -> &str {
    match &ty.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => base(inner),
    }
}

/// The lists and exclamation marks around the name.
fn wrapping(ty: &Type) -> String {
    ty.to_string().replace(base(ty), "")
}

fn conflicts(sdl: &str) -> Vec<String> {
    let types = Types::of(sdl);
    let mut seen = BTreeSet::new();
    let conflicts = types
        .members
        .values()
        .map(|m| types.conflicts(m, &mut seen));
    conflicts.flatten().collect()
}

#[test]
fn fields_of_the_same_name_can_be_asked_for_together() {
    assert_eq!(conflicts(&api::sdl()), Vec::<String>::new());
}

#[test]
fn a_conflict_is_found_also_below_a_field() {
    let sdl = "union U = A | B type A { x: Int y: C z: D! } type B { x: Int! y: E z: D! } \
               type C { n: Int } type E { n: String } type D { n: Int }";
    let found = conflicts(sdl);
    assert_eq!(found, ["x: A Int, B Int!", "n: C Int, E String"]);
}
