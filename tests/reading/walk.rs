//! Documents that visit what the schema has, made from the schema itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::inventory::Inventory;

const INTROSPECTION: &str = "{ __schema { types { name kind possibleTypes { name } fields { name \
    args { name type { kind } defaultValue } \
    type { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";

/// The types of a schema.
pub(crate) struct Walk(BTreeMap<String, Type>);

#[derive(Default)]
struct Type {
    fields: Vec<Field>,
    /// The object types of a union or an interface.
    members: Vec<String>,
}

pub(crate) struct Field {
    pub(crate) name: String,
    /// The name of its type, without lists around it.
    pub(crate) ty: String,
    /// Which arguments it takes.
    args: BTreeSet<String>,
    /// Whether it cannot be asked for without arguments.
    needs_arguments: bool,
}

impl Walk {
    pub(crate) async fn of(inventory: &Inventory) -> Self {
        let answer = inventory.ask(INTROSPECTION, json!({})).await;
        let types = answer["__schema"]["types"].as_array().unwrap().iter();
        let named = |ty: &Value| ty["name"].as_str().unwrap().to_owned();
        let types = types.map(|ty| {
            let read = Type {
                fields: array(&ty["fields"]).iter().map(field).collect(),
                members: match ty["kind"].as_str() {
                    Some("UNION" | "INTERFACE") => {
                        array(&ty["possibleTypes"]).iter().map(named).collect()
                    }
                    _ => Vec::new(),
                },
            };
            (named(ty), read)
        });
        Self(types.collect())
    }

    /// The fields of a type that can be asked for as they are.
    pub(crate) fn fields(&self, ty: &str) -> impl Iterator<Item = &Field> {
        let fields = self.0[ty].fields.iter();
        fields.filter(|field| !field.needs_arguments)
    }

    /// The object types that implement an interface or are in a union.
    pub(crate) fn members(&self, ty: &str) -> BTreeSet<&str> {
        self.0[ty].members.iter().map(String::as_str).collect()
    }

    /// The fields of a type whose values are global ids.
    pub(crate) fn ids(&self, ty: &str) -> impl Iterator<Item = &str> {
        let fields = self.0.get(ty).into_iter().flat_map(|ty| &ty.fields);
        fields
            .filter(|field| field.ty == "ID")
            .map(|field| field.name.as_str())
    }

    /// The lists that can be asked for at the top, with the type of their nodes.
    pub(crate) fn lists(&self) -> Vec<(&Field, &str)> {
        let lists = self.fields("Query").filter_map(|field| {
            let node = self.node(&field.ty)?;
            Some((field, node))
        });
        lists.collect()
    }

    /// The type of a connection's nodes.
    fn node(&self, ty: &str) -> Option<&str> {
        if !ty.ends_with("Connection") {
            return None;
        }
        let nodes = self.fields(ty).find(|field| field.name == "nodes");
        nodes.map(|nodes| nodes.ty.as_str())
    }

    fn is_leaf(&self, ty: &str) -> bool {
        let ty = &self.0[ty];
        ty.fields.is_empty() && ty.members.is_empty()
    }

    /// A field with what it answers, so many levels of fields below.
    pub(crate) fn select(&self, field: &Field, depth: usize) -> String {
        let name = &field.name;
        if self.is_leaf(&field.ty) {
            return name.clone();
        }
        let arguments = if field.args.contains("first") {
            "(first: 1)"
        } else {
            ""
        };
        let inner = match self.node(&field.ty) {
            Some(node) => {
                let count = self.fields(&field.ty).any(|f| f.name == "totalCount");
                let count = if count { "totalCount " } else { "" };
                format!("{count}nodes {{ {} }}", self.selection(node, depth))
            }
            None => self.selection(&field.ty, depth),
        };
        format!("{name}{arguments} {{ {inner} }}")
    }

    fn selection(&self, ty: &str, depth: usize) -> String {
        let mut selection = "__typename".to_owned();
        for member in self.members(ty) {
            selection.push_str(&format!(
                " ... on {member} {{ {} }}",
                self.selection(member, depth)
            ));
        }
        if self.members(ty).is_empty() {
            for field in self.fields(ty) {
                if depth > 0 || self.is_leaf(&field.ty) {
                    selection.push(' ');
                    selection.push_str(&self.select(field, depth.saturating_sub(1)));
                }
            }
        }
        selection
    }
}

fn field(field: &Value) -> Field {
    let args = array(&field["args"]);
    let needs = |arg: &Value| arg["type"]["kind"] == "NON_NULL" && arg["defaultValue"].is_null();
    let mut ty = &field["type"];
    while ty["name"].is_null() {
        ty = &ty["ofType"];
    }
    Field {
        name: field["name"].as_str().unwrap().to_owned(),
        ty: ty["name"].as_str().unwrap().to_owned(),
        args: args
            .iter()
            .map(|arg| arg["name"].as_str().unwrap().to_owned())
            .collect(),
        needs_arguments: args.iter().any(needs),
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
