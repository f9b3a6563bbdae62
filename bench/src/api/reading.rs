//! What the UI asks most, over HTTP: an algorithm's Events tab and the list of brokers.

use std::sync::Arc;

use serde_json::json;

use super::ApiArgs;
use super::inventory::{ALGORITHMS, algorithm};
use super::load::{self, Body};

/// The topics that an algorithm may use, with what is enabled on them.
const EVENTS_TAB: &str = "query($name: String!) { algorithmByName(name: $name) {
    id name versions(first: 10) { nodes { version withdrawn } }
    grants(first: 50) { nodes { id access topic { name } topicPattern broker { id name kind } } }
    listeners(first: 50) { nodes { id topic { name } enabled paused versionSelector problem { code text } deadLetterTopic { name }
        resolvedVersion { version } broker { name } consumers(first: 10) { nodes { state reason } } } }
    publishers(first: 50) { nodes { id topic { name } enabled versionSelector broker { name } } } } }";

const BROKERS: &str = "{ brokers(first: 100) { nodes { id name kind connectedAt
    topicsChangedAt credential { name version }
    counts { topics grants listeners publishers } } } }";

pub(super) async fn run(url: &str, clients: usize, args: &ApiArgs) {
    let tab: Body = Arc::new(|client, number| {
        // Clients look at different algorithms, each at one after another.
        let name = algorithm((client * 251 + number) % ALGORITHMS).to_string();
        json!({ "query": EVENTS_TAB, "variables": { "name": name } }).to_string()
    });
    let brokers: Body = Arc::new(|_, _| json!({ "query": BROKERS }).to_string());
    for (what, body) in [("Events tab", tab), ("broker list", brokers)] {
        let mut measured = load::run(url, clients, args.time(), body, "\"nodes\":[{").await;
        println!(
            "{what}, {clients} clients: {:.0}/s, p50 {:.2?}, p99 {:.2?}",
            measured.rate,
            measured.answers.percentile(0.5),
            measured.answers.percentile(0.99)
        );
    }
}
