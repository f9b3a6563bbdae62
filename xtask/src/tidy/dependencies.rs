//! Which crate of ours may know which, and which may know the databases, servers and brokers.

use serde_json::Value;

use super::Violation;

const RULE: &str = "dependencies";

const LIBRARIES: &[&str] = &[
    "api",
    "brokers",
    "domain",
    "engine",
    "event-store",
    "projections",
    "workers",
];
const EVERYTHING_RUN: &[&str] = &[
    "api",
    "brokers",
    "domain",
    "engine",
    "event-store",
    "kurrentdb-stand-in",
    "projections",
    "server",
    "workers",
];

/// Member → members it may depend on, for its tests and build scripts too.
const MEMBERS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("brokers", &[]),
    ("event-store", &["domain", "kurrentdb-stand-in"]),
    ("kurrentdb-stand-in", &[]),
    ("engine", &["domain", "event-store"]),
    ("projections", &["domain", "event-store"]),
    ("workers", &["domain", "brokers"]),
    ("api", &["domain", "engine", "projections"]),
    ("server", LIBRARIES),
    ("tests", EVERYTHING_RUN),
    ("bench", EVERYTHING_RUN),
    ("xtask", &[]),
];

/// Package, or prefix ending in `*` → members that may depend on it.
const PACKAGES: &[(&str, &[&str])] = &[
    (
        "sqlx*",
        // The benchmarks insert bare rows beside those of the adapters that they judge.
        &["event-store", "projections", "workers", "api", "bench"],
    ),
    ("axum*", &["api"]),
    ("async-graphql*", &["api"]),
    // Tests and benchmarks stand outside: they produce and read messages as any other client of
    // the broker does, so they must not go through the adapter that they judge.
    ("rdkafka*", &["brokers", "tests", "bench"]),
    ("aws-sdk-*", &["brokers"]),
    ("kurrentdb", &["event-store"]),
    ("tonic*", &["kurrentdb-stand-in"]),
    ("fe2o3-amqp*", &["brokers"]),
];

/// `metadata` is the answer of `cargo metadata --no-deps`.
pub(super) fn check(metadata: &Value) -> Vec<Violation> {
    let packages = metadata["packages"].as_array();
    packages.into_iter().flatten().flat_map(member).collect()
}

fn member(package: &Value) -> Vec<Violation> {
    let name = text(&package["name"]);
    let violation = |advice: String| Violation {
        path: format!("{name}/Cargo.toml"),
        rule: RULE,
        advice,
    };
    let Some((_, allowed)) = MEMBERS.iter().find(|(member, _)| *member == name) else {
        return vec![violation(
            "say in xtask's dependency rule what this new crate may know".to_owned(),
        )];
    };
    let dependencies = package["dependencies"].as_array();
    dependencies
        .into_iter()
        .flatten()
        .filter_map(|dependency| refused(name, allowed, text(&dependency["name"])))
        .map(violation)
        .collect()
}

/// What to do instead, if `member` may not depend on `dependency`.
fn refused(member: &str, allowed: &[&str], dependency: &str) -> Option<String> {
    if MEMBERS.iter().any(|(name, _)| *name == dependency) {
        if allowed.contains(&dependency) {
            return None;
        }
        return Some(format!(
            "do without {dependency}: {member} may know {}",
            listed(allowed)
        ));
    }
    let (_, members) = PACKAGES
        .iter()
        .find(|(pattern, _)| matches(pattern, dependency))?;
    if members.contains(&member) {
        return None;
    }
    Some(format!(
        "do without {dependency}: only {} may know it",
        listed(members)
    ))
}

fn matches(pattern: &str, package: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => package.starts_with(prefix),
        None => package == pattern,
    }
}

fn listed(members: &[&str]) -> String {
    if members.is_empty() {
        return "nothing of ours".to_owned();
    }
    members.join(", ")
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn advice(member: &str, dependencies: &[&str]) -> Vec<String> {
        let dependencies: Vec<Value> = dependencies
            .iter()
            .map(|name| json!({ "name": name, "kind": "dev" }))
            .collect();
        let package = json!({ "name": member, "dependencies": dependencies });
        let violations = check(&json!({ "packages": [package] }));
        violations.into_iter().map(|one| one.advice).collect()
    }

    #[test]
    fn a_member_may_know_what_the_layers_allow() {
        assert!(advice("api", &["domain", "engine", "projections", "serde"]).is_empty());
        assert!(advice("tests", &["server", "workers", "rdkafka"]).is_empty());
    }

    #[test]
    fn a_member_that_reaches_across_the_layers_is_named() {
        assert_eq!(
            advice("workers", &["domain", "engine"]),
            ["do without engine: workers may know domain, brokers"]
        );
        assert_eq!(
            advice("domain", &["brokers"]),
            ["do without brokers: domain may know nothing of ours"]
        );
    }

    #[test]
    fn a_server_does_not_know_the_tests() {
        assert_eq!(advice("server", &["tests"]).len(), 1);
    }

    #[test]
    fn databases_web_servers_and_broker_clients_stay_in_their_crates() {
        assert_eq!(
            advice("engine", &["sqlx", "axum", "async-graphql-axum", "rdkafka"]).len(),
            4
        );
        assert_eq!(
            advice("workers", &["aws-sdk-sqs"]),
            ["do without aws-sdk-sqs: only brokers may know it"]
        );
        assert_eq!(advice("tests", &["fe2o3-amqp-management"]).len(), 1);
    }

    #[test]
    fn a_new_member_needs_a_line_in_the_rule() {
        assert_eq!(advice("gateway", &[]).len(), 1);
    }
}
