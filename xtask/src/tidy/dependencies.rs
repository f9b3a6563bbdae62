//! Which crate of ours may know which, and which may know the databases, servers, brokers and keys.

use serde_json::Value;

use super::Violation;

const RULE: &str = "dependencies";

const LIBRARIES: &[&str] = &[
    "api",
    "auditor",
    "brokers",
    "client",
    "desired",
    "domain",
    "engine",
    "event-store",
    "eventflows-http",
    "expressions",
    "projections",
    "workers",
];
const EVERYTHING_RUN: &[&str] = &[
    "api",
    "auditor",
    "brokers",
    "client",
    "desired",
    "domain",
    "engine",
    "event-store",
    "eventflows-http",
    "expressions",
    "kurrentdb-stand-in",
    "projections",
    "server",
    "workers",
];

/// Member → members it may depend on, for its tests and build scripts too.
const MEMBERS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("brokers", &[]),
    ("expressions", &[]),
    (
        "event-store",
        &["domain", "kurrentdb-stand-in", "test-database"],
    ),
    ("kurrentdb-stand-in", &[]),
    ("engine", &["domain", "event-store"]),
    ("projections", &["domain", "event-store", "test-database"]),
    (
        "workers",
        &["domain", "brokers", "expressions", "test-database"],
    ),
    ("api", &["domain", "engine", "expressions", "projections"]),
    ("eventflows-http", &["domain", "api"]),
    ("client", &["domain"]),
    ("auditor", &["domain", "event-store", "projections"]),
    ("desired", &["client", "domain"]),
    ("server", LIBRARIES),
    ("tests", EVERYTHING_RUN),
    ("bench", EVERYTHING_RUN),
    ("test-database", &[]),
    ("xtask", &[]),
];

/// Package, or prefix ending in `*` → members that may depend on it.
const PACKAGES: &[(&str, &[&str])] = &[
    (
        "sqlx*",
        // The benchmarks insert bare rows beside those of the adapters that they judge.
        &[
            "event-store",
            "projections",
            "workers",
            "test-database",
            "bench",
        ],
    ),
    ("cel", &["expressions"]),
    ("axum*", &["eventflows-http"]),
    ("async-graphql-axum", &["eventflows-http"]),
    ("async-graphql*", &["api", "eventflows-http"]),
    // Tests and benchmarks stand outside: they produce and read messages as any other client of
    // the broker does, so they must not go through the adapter that they judge.
    ("rdkafka*", &["brokers", "tests", "bench"]),
    ("aws-sdk-*", &["brokers"]),
    ("kurrentdb", &["event-store"]),
    ("tonic*", &["kurrentdb-stand-in"]),
    ("fe2o3-amqp*", &["brokers"]),
    ("rusqlite", &["event-store", "projections", "workers"]),
    (
        "hyper*",
        // Checkpoints are posted, endpoints called, and the demo has an algorithm of its own.
        &["auditor", "bench", "client", "server", "tests", "workers"],
    ),
    // KurrentDB's client is handed the provider of its encryption.
    ("rustls*", &["client", "event-store"]),
    ("tokio-tungstenite", &["client", "tests"]),
    ("ed25519-dalek", &["event-store"]),
    // Checkpoints, the fingerprints of idempotent requests and of messages, and the digests of bodies
    // that are left out.
    ("sha2", &["api", "brokers", "event-store", "workers"]),
    ("argon2", &[]),
    ("chacha20poly1305", &[]),
    ("x25519-dalek", &[]),
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
    let folder = text(&package["manifest_path"]);
    let folder = folder.rsplit('/').nth(1).unwrap_or_default();
    let mut found = Vec::new();
    // The prefix keeps a name apart from that of a package in the registry.
    if folder != name.strip_prefix("eventflows-").unwrap_or(name) {
        found.push(violation(format!("call the folder {folder} as its crate")));
    }
    let Some((_, allowed)) = MEMBERS.iter().find(|(member, _)| *member == name) else {
        found.push(violation(
            "say in xtask's dependency rule what this new crate may know".to_owned(),
        ));
        return found;
    };
    let dependencies = package["dependencies"].as_array();
    let dependencies = dependencies.into_iter().flatten();
    let refused =
        dependencies.filter_map(|dependency| refused(name, allowed, text(&dependency["name"])));
    found.extend(refused.map(violation));
    found
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
    let members = match members {
        [] => "no crate of ours".to_owned(),
        members => format!("only {}", members.join(", ")),
    };
    Some(format!("do without {dependency}: {members} may know it"))
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
        let folder = member.strip_prefix("eventflows-").unwrap_or(member);
        of(&json!({
            "name": member,
            "manifest_path": format!("/eventflows/{folder}/Cargo.toml"),
            "dependencies": dependencies,
        }))
    }

    fn of(package: &Value) -> Vec<String> {
        let violations = check(&json!({ "packages": [package] }));
        violations.into_iter().map(|one| one.advice).collect()
    }

    #[test]
    fn a_member_may_know_what_the_layers_allow() {
        assert!(advice("api", &["domain", "engine", "projections", "serde"]).is_empty());
        assert!(advice("eventflows-http", &["api", "axum", "async-graphql-axum"]).is_empty());
        assert!(advice("tests", &["server", "workers", "rdkafka"]).is_empty());
    }

    #[test]
    fn a_member_that_reaches_across_the_layers_is_named() {
        assert_eq!(
            advice("workers", &["domain", "engine"]),
            ["do without engine: workers may know domain, brokers, expressions, test-database"]
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
    fn the_api_knows_no_web_server() {
        let only_http =
            |package: &str| format!("do without {package}: only eventflows-http may know it");
        for package in ["axum", "axum-extra", "async-graphql-axum"] {
            assert_eq!(advice("api", &[package]), [only_http(package)]);
            assert_eq!(advice("server", &[package]), [only_http(package)]);
        }
        assert_eq!(advice("api", &["hyper", "hyper-util", "rustls"]).len(), 3);
    }

    #[test]
    fn graphql_is_known_to_the_api_and_its_doors() {
        assert_eq!(
            advice("workers", &["async-graphql"]),
            ["do without async-graphql: only api, eventflows-http may know it"]
        );
    }

    #[test]
    fn the_doors_know_what_is_behind_the_api_through_it() {
        let behind = ["engine", "event-store", "projections", "workers", "brokers"];
        assert_eq!(advice("eventflows-http", &behind).len(), behind.len());
    }

    #[test]
    fn databases_stay_behind_the_log_the_read_models_and_the_journal() {
        for member in ["api", "engine", "eventflows-http", "server"] {
            assert_eq!(advice(member, &["sqlx", "rusqlite"]).len(), 2, "{member}");
        }
    }

    #[test]
    fn an_encrypted_connection_is_made_by_the_client_and_the_log() {
        assert_eq!(
            advice("server", &["rustls", "rustls-pemfile"])[0],
            "do without rustls: only client, event-store may know it"
        );
    }

    #[test]
    fn keys_stay_where_something_is_sealed_or_signed() {
        assert_eq!(
            advice("api", &["argon2", "sha2"]),
            ["do without argon2: no crate of ours may know it"]
        );
        assert_eq!(
            advice("engine", &["ed25519-dalek", "rusqlite", "hyper-util"]).len(),
            3
        );
    }

    #[test]
    fn a_folder_is_called_as_its_crate() {
        let package =
            json!({ "name": "client", "manifest_path": "/eventflows/api/client2/Cargo.toml" });
        assert_eq!(of(&package), ["call the folder client2 as its crate"]);
        let package = json!({
            "name": "eventflows-http", "manifest_path": "/eventflows/http/Cargo.toml",
        });
        assert!(of(&package).is_empty());
    }

    #[test]
    fn a_new_member_needs_a_line_in_the_rule() {
        assert_eq!(advice("gateway", &[]).len(), 1);
    }
}
