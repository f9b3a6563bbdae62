//! What a request costs does not grow with the things that it asks for: walks over the schema.

use serde_json::{Value, json};

use crate::counter::Alone;
use crate::inventory::Inventory;
use crate::walk::Walk;

/// So many parents are compared with twice as many: enough to have one of each kind.
const FEW: usize = 15;
const MANY: usize = 2 * FEW;

#[tokio::test]
async fn no_field_of_a_list_costs_more_for_more_parents() {
    let alone = Alone::in_process().await;
    let inventory = Inventory::full(MANY).await;
    let walk = Walk::of(&inventory).await;
    for (list, node) in walk.lists() {
        for field in walk.fields(node) {
            let name = format!("{node}.{}", field.name);
            let document = format!(
                "query($first: Int) {{ {}(first: $first) {{ nodes {{ {} }} }} }}",
                list.name,
                walk.select(field, 1)
            );
            let ask = async |first: usize| {
                let before = inventory.reads(&alone);
                let answer = inventory.ask(&document, json!({ "first": first })).await;
                let nodes = answer[&list.name]["nodes"].as_array().unwrap();
                assert_eq!(nodes.len(), first, "{name}");
                inventory.reads(&alone) - before
            };
            costs_the_same(&name, ask).await;
        }
    }
}

#[tokio::test]
async fn nodes_of_a_kind_are_read_together() {
    let alone = Alone::in_process().await;
    let inventory = Inventory::full(MANY).await;
    let walk = Walk::of(&inventory).await;
    for (list, node) in walk.lists() {
        let ids = format!("{{ {}(first: {MANY}) {{ nodes {{ id }} }} }}", list.name);
        let ids = inventory.ask(&ids, json!({})).await[&list.name]["nodes"].clone();
        let ids: Vec<&Value> = ids
            .as_array()
            .unwrap()
            .iter()
            .map(|node| &node["id"])
            .collect();
        let document = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }";
        let ask = async |count: usize| {
            let before = inventory.reads(&alone);
            inventory
                .ask(document, json!({ "ids": ids[..count] }))
                .await;
            inventory.reads(&alone) - before
        };
        costs_the_same(node, ask).await;
    }
}

/// Asks for few and for many, and finds that the reads are as many.
async fn costs_the_same(name: &str, ask: impl AsyncFn(usize) -> usize) {
    let (few, many) = (ask(FEW).await, ask(MANY).await);
    assert!(
        many <= few,
        "{name}: {few} reads for {FEW}, {many} for {MANY}"
    );
}
