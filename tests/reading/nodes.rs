//! Every id that a field shows is one that `node` takes, and leads to what was promised.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::counter::Alone;
use crate::inventory::Inventory;
use crate::walk::Walk;

#[tokio::test]
async fn every_id_that_a_field_shows_resolves_to_what_it_is_the_id_of() {
    let _alone = Alone::in_process().await;
    let inventory = Inventory::full(2).await;
    let walk = Walk::of(&inventory).await;
    let mut shown = BTreeMap::new();
    for (list, node) in walk.lists() {
        for field in walk.fields(node) {
            let field = walk.select(field, 2);
            let document = format!(
                "{{ {}(first: 10) {{ nodes {{ __typename id {field} }} }} }}",
                list.name
            );
            collect(
                &walk,
                &inventory.ask(&document, json!({})).await,
                &mut shown,
            );
        }
    }
    let types: BTreeSet<&str> = shown.values().map(String::as_str).collect();
    let mut nodes = walk.members("Node");
    // No list leads to a job, whose id its mutation shows.
    assert!(nodes.remove("Job"));
    assert_eq!(types, nodes, "an id of each type is shown");
    let ids: Vec<&String> = shown.keys().collect();
    for ids in ids.chunks(100) {
        let document = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }";
        let nodes = inventory.ask(document, json!({ "ids": ids })).await["nodes"].clone();
        for (id, node) in ids.iter().zip(nodes.as_array().unwrap()) {
            assert_eq!(*node, json!({ "__typename": shown[*id], "id": id }));
        }
    }
}

/// Collects the ids in an answer, each with the type that it should lead to.
fn collect(walk: &Walk, answer: &Value, shown: &mut BTreeMap<String, String>) {
    match answer {
        Value::Array(items) => items.iter().for_each(|item| collect(walk, item, shown)),
        Value::Object(fields) => {
            let ty = fields.get("__typename").and_then(Value::as_str);
            for name in ty.into_iter().flat_map(|ty| walk.ids(ty)) {
                let Some(id) = fields.get(name).and_then(Value::as_str) else {
                    continue;
                };
                assert_eq!(
                    name, "id",
                    "another thing is shown as itself, not by its id"
                );
                let ty = ty.unwrap().to_owned();
                let before = shown.insert(id.to_owned(), ty.clone());
                assert!(
                    before.is_none_or(|before| before == ty),
                    "{id} is of two types"
                );
            }
            fields
                .values()
                .for_each(|value| collect(walk, value, shown));
        }
        _ => {}
    }
}
