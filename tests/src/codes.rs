//! The codes that the schema says a mutation's user errors have.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde_json::Value;

/// Codes that any mutation can have.
const COMMON: [&str; 4] = [
    "BAD_ID",
    "OUT_OF_RANGE",
    "CONFLICT",
    "IDEMPOTENCY_KEY_REUSED",
];

/// Takes events back by other mutations, and is refused for what they are.
const ANY: &str = "undo";

static NAMED: LazyLock<BTreeMap<String, BTreeSet<String>>> = LazyLock::new(|| named(&api::sdl()));

/// Looks at an answer to `document`.
///
/// # Panics
/// A user error has a code that the descriptions of the document's mutations do not name.
pub(crate) fn check(document: &str, data: &Value) {
    if !document.trim_start().starts_with("mutation") {
        return;
    }
    let payloads = data.as_object().into_iter().flat_map(|data| data.values());
    let errors = payloads.filter_map(|payload| payload["userErrors"].as_array());
    for code in errors.flatten().filter_map(|error| error["code"].as_str()) {
        let mut asked = NAMED
            .iter()
            .filter(|(name, _)| document.contains(&format!("{name}(")));
        assert!(
            COMMON.contains(&code)
                || asked.any(|(name, codes)| name == ANY || codes.contains(code)),
            "{document} was refused with {code}, which its description does not name"
        );
    }
}

/// The codes that each mutation's description names.
fn named(sdl: &str) -> BTreeMap<String, BTreeSet<String>> {
    let (_, mutations) = sdl.split_once("type Mutation {").unwrap();
    let (mutations, _) = mutations.split_once("\n}").unwrap();
    let parts: Vec<&str> = mutations.split("\"\"\"").collect();
    let described = parts.chunks_exact(2).map(|pair| pair[1]);
    let fields = parts.iter().skip(2).step_by(2);
    let mutations = described.zip(fields).map(|(description, field)| {
        let name = field.trim().split('(').next().unwrap().to_owned();
        let codes = description
            .split_once("Codes: ")
            .map_or("", |(_, codes)| codes);
        let codes = codes.split('`').skip(1).step_by(2).map(str::to_owned);
        (name, codes.collect::<BTreeSet<String>>())
    });
    let mutations: BTreeMap<_, _> = mutations.collect();
    assert!(
        mutations["listenerPause"].contains("NOT_ENABLED"),
        "{mutations:?}"
    );
    mutations
}
