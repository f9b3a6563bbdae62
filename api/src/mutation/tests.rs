//! What every mutation of the schema has in common.

use serde_json::Value;

use crate::schema::introspect;

const MUTATIONS: &str = "{ __schema { mutationType { fields { name
    args { name type { ofType { name inputFields { name } } } }
    type { name interfaces { name } } } } } }";

/// Answers of workers to requests record nothing.
const UNRECORDED: &str = "workerAnswer";

fn names(list: &Value) -> Vec<&str> {
    let items = list.as_array().unwrap().iter();
    items.map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_mutation_takes_an_id_or_none_and_an_input_of_its_name() {
    let schema = introspect(MUTATIONS).await;
    let mutations = schema["__schema"]["mutationType"]["fields"].clone();
    for mutation in mutations.as_array().unwrap() {
        let name = mutation["name"].as_str().unwrap();
        let arguments = names(&mutation["args"]);
        assert!(
            [&["input"][..], &["id", "input"][..]].contains(&&arguments[..]),
            "{name}: {arguments:?}"
        );
        let input = mutation["args"].as_array().unwrap().last().unwrap();
        let (first, rest) = name.split_at(1);
        let expected = format!("{}{rest}Input", first.to_uppercase());
        assert_eq!(input["type"]["ofType"]["name"], expected.as_str());
        let members = names(&input["type"]["ofType"]["inputFields"]);
        let keyed = members.contains(&"idempotencyKey");
        assert_eq!(keyed, name != UNRECORDED, "{name}: {members:?}");
    }
}

#[tokio::test]
async fn every_mutation_answers_a_payload_that_can_be_null() {
    let schema = introspect(MUTATIONS).await;
    let mutations = schema["__schema"]["mutationType"]["fields"].clone();
    for mutation in mutations.as_array().unwrap() {
        let name = mutation["name"].as_str().unwrap();
        // Not null, but for a fault, that would be null itself.
        assert_eq!(
            names(&mutation["type"]["interfaces"]),
            ["Payload"],
            "{name}"
        );
    }
}
