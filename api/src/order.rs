//! The order of an answer's fields: that in which the request names them, as GraphQL wants it. The
//! library puts them in the order in which they were ready.

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Name, Response, Value};

/// The fields of an object by the names that they have in the answer, each with its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct FieldOrder(IndexMap<Name, FieldOrder>);

impl FieldOrder {
    /// The order that a selection of `document` asks for. The document is within the limits, so
    /// that following its fragments comes to an end.
    pub(crate) fn of(selection: &SelectionSet, document: &ExecutableDocument) -> Self {
        let mut order = Self::default();
        order.collect(selection, document);
        order
    }

    fn collect(&mut self, selection: &SelectionSet, document: &ExecutableDocument) {
        for item in &selection.items {
            match &item.node {
                Selection::Field(field) => {
                    let name = field.node.response_key().node.clone();
                    let fields = self.0.entry(name).or_default();
                    fields.collect(&field.node.selection_set.node, document);
                }
                Selection::InlineFragment(fragment) => {
                    self.collect(&fragment.node.selection_set.node, document);
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = document.fragments.get(&spread.node.fragment_name.node);
                    if let Some(fragment) = fragment {
                        self.collect(&fragment.node.selection_set.node, document);
                    }
                }
            }
        }
    }

    /// The response with its fields in this order.
    pub(crate) fn restore(&self, mut response: Response) -> Response {
        self.sort(&mut response.data);
        response
    }

    fn sort(&self, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.sort_by_cached_key(|name, _| self.0.get_index_of(name));
                for (name, value) in fields {
                    if let Some(order) = self.0.get(name) {
                        order.sort(value);
                    }
                }
            }
            Value::List(values) => values.iter_mut().for_each(|value| self.sort(value)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use async_graphql::value;

    use super::*;

    fn order(query: &str) -> FieldOrder {
        let document = parse_query(query).unwrap();
        let operation = document.operations.iter().next().unwrap().1;
        FieldOrder::of(&operation.node.selection_set.node, &document)
    }

    #[test]
    fn fields_stand_as_the_request_names_them() {
        let order = order(
            "query { ...Late first: a { z y { b a } } list { ... on X { q } p } a }
             fragment Late on Query { late a { y { c } } }",
        );
        let data = value!({
            "a": 1,
            "list": [{ "p": 1, "q": 2 }, { "q": 3 }],
            "first": { "y": { "a": 1, "b": 2 }, "z": null },
            "late": 0,
        });
        let sorted = order.restore(Response::new(data));
        assert_eq!(
            serde_json::to_string(&sorted.data).unwrap(),
            r#"{"late":0,"a":1,"first":{"z":null,"y":{"b":2,"a":1}},"list":[{"q":2,"p":1},{"q":3}]}"#
        );
    }
}
