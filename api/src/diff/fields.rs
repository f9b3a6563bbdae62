//! The fields that are compared: those of a thing's own.

use crate::id::GlobalId;

/// The name of the type, and the selection of its own fields; none for what never changes.
pub(super) fn of(id: &GlobalId) -> Option<(&'static str, &'static str)> {
    Some(match id {
        GlobalId::Organization(_) => ("Organization", ORGANIZATION),
        GlobalId::Algorithm(_) => ("Algorithm", ALGORITHM),
        GlobalId::Version(..) => ("Version", VERSION),
        GlobalId::Broker(_) => ("Broker", BROKER),
        GlobalId::Topic(_) => ("Topic", TOPIC),
        GlobalId::Grant(_) => ("Grant", GRANT),
        GlobalId::Listener(_) => ("Listener", LISTENER),
        GlobalId::Publisher(_) => ("Publisher", PUBLISHER),
        GlobalId::Worker(_) | GlobalId::Run(_) | GlobalId::Event(_) | GlobalId::Job(_) => {
            return None;
        }
    })
}

const ORGANIZATION: &str = "name createdAt members(first: 100) { nodes { name role roleSince } }";

const ALGORITHM: &str = "name description registeredAt retired retiredAt \
    versions(first: 100) { nodes { version withdrawn withdrawnReason } }";

const VERSION: &str = "version endpoint protocol timeoutMs connectTimeoutMs firstByteTimeoutMs idleTimeoutMs batchesCallers publishedAt withdrawn withdrawnAt \
    withdrawnReason";

const BROKER: &str = "name kind connectedAt topicsChangedAt disconnectedAt replacedAt replacedBy { name } \
    credential { name version } counts { topics grants listeners publishers } \
    status { state running blocked failed } settings { __typename \
    ... on KafkaSettings { bootstrapServers security tls saslMechanism } \
    ... on SqsSettings { region endpoint sqsAuth roleArn } \
    ... on ServiceBusSettings { namespace endpoint serviceBusAuth keyName tenantId clientId } }";

const TOPIC: &str = "name partitions \
    counts { subscribeGrants publishGrants listeners publishers }";

const GRANT: &str = "access grantedAt topic { name } topicPattern grantedBecause { id } \
    grantee { __typename ... on Algorithm { name } ... on Organization { name } }";

const LISTENER: &str = "enabled paused versionSelector resolvedVersion { version } problem { code text } topic { name } \
    deadLetterTopic { name } \
    consumerGroup changedAt changedBecause { id } \
    settings { start { at time } concurrency ordering faults tombstones maxMessageBytes filter \
    transform { request result } retry { maxAttempts initialBackoffMs maxBackoffMs maxAgeMs } \
    sampling { runs maxBytes mask { key headers message request answer } } \
    batch { format count bytes waitMs } } \
    consumers(first: 100) { nodes { worker { uuid } state reason stateSince } }";

const PUBLISHER: &str = "enabled versionSelector topic { name } changedAt changedBecause { id }";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    /// What has an id of its own, says the same again, or lives outside the log.
    const LEFT_OUT: &[&str] = &[
        "activity",
        "algorithm",
        "algorithmCount",
        "algorithms",
        "broker",
        "consumerStatuses",
        "disablePreview",
        "disconnectPreview",
        "grants",
        "id",
        "lag",
        "lagPerSecond",
        "ledger",
        "listed",
        "listeners",
        "organization",
        "publishers",
        "retirePreview",
        "revision",
        "revokePreview",
        "runs",
        "series",
        "topics",
        "withdrawPreview",
    ];

    const KINDS: [(&str, &str); 8] = [
        ("Organization", ORGANIZATION),
        ("Algorithm", ALGORITHM),
        ("Version", VERSION),
        ("Broker", BROKER),
        ("Topic", TOPIC),
        ("Grant", GRANT),
        ("Listener", LISTENER),
        ("Publisher", PUBLISHER),
    ];

    #[tokio::test]
    async fn every_selection_is_one_of_its_type() {
        for (kind, selection) in KINDS {
            // What is skipped is validated like the rest.
            let skipped = "node(id: \"\") @skip(if: true)";
            let document =
                format!("{{ __typename {skipped} {{ ... on {kind} {{ {selection} }} }} }}");
            crate::schema::introspect(&document).await;
        }
    }

    #[tokio::test]
    async fn every_field_of_a_node_is_compared_or_left_out_on_purpose() {
        for (kind, selection) in KINDS {
            let left_out = LEFT_OUT.iter().map(|&name| name.to_owned());
            let known: BTreeSet<String> = left_out.chain(top_level(selection)).collect();
            for field in fields_of(kind).await {
                assert!(known.contains(&field), "{kind}.{field}");
            }
        }
    }

    /// The names in a selection that are in no braces or parentheses.
    fn top_level(selection: &str) -> Vec<String> {
        let mut depth = 0;
        let mut names = String::new();
        for sign in selection.chars() {
            match sign {
                '{' | '(' => depth += 1,
                '}' | ')' => depth -= 1,
                sign if depth == 0 => names.push(sign),
                _ => {}
            }
        }
        names.split_whitespace().map(str::to_owned).collect()
    }

    async fn fields_of(kind: &str) -> Vec<String> {
        let document = format!("{{ __type(name: \"{kind}\") {{ fields {{ name }} }} }}");
        let answer = crate::schema::introspect(&document).await;
        let fields = answer["__type"]["fields"].as_array().unwrap();
        let name = |field: &Value| field["name"].as_str().unwrap().to_owned();
        fields.iter().map(name).collect()
    }
}
