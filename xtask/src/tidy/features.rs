//! Features of dependencies stand in the workspace's Cargo.toml. Where members add their own, a
//! build of one member takes other features than a build of all, and compiles dependencies again.
//! Only `testing` is asked for by members, for their tests: what is shipped is built without it.

use super::{Tree, Violation};

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let manifests = tree.iter().filter(|(path, _)| path.ends_with("Cargo.toml"));
    manifests
        .flat_map(|(path, text)| {
            let advice = advice(path, text);
            advice.into_iter().map(|advice| Violation {
                path: path.clone(),
                rule: "features",
                advice,
            })
        })
        .collect()
}

fn advice(path: &str, text: &str) -> Vec<String> {
    let mut section = "";
    let mut found = Vec::new();
    for line in text.lines() {
        if line.starts_with('[') {
            section = line;
        }
        let Some((name, rest)) = line.split_once(" = {") else {
            continue;
        };
        let for_tests = path == "tests/Cargo.toml" || section == "[dev-dependencies]";
        let widened = rest.contains("workspace = true") && rest.contains("features");
        if rest.contains("\"testing\"") && !for_tests {
            found.push(format!(
                "ask for `testing` of `{name}` under [dev-dependencies]"
            ));
        } else if widened && !rest.contains("[\"testing\"]") {
            found.push(format!(
                "name the features of `{name}` in the workspace's Cargo.toml"
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree_of;

    fn found(files: &[(&str, &str)]) -> Vec<(String, String)> {
        let violations = check(&tree_of(files)).into_iter();
        violations.map(|one| (one.path, one.advice)).collect()
    }

    #[test]
    fn a_member_that_adds_features_to_a_dependency_is_named() {
        let workspace =
            "[workspace.dependencies]\ntokio = { version = \"1\", features = [\"fs\"] }\n";
        let member = "[features]\nlog = [\"dep:log\"]\n\n[dependencies]\n\
                      tokio = { workspace = true, features = [\"net\"] }\n\
                      log = { workspace = true, optional = true }\nserde.workspace = true\n";
        let violations = found(&[
            ("Cargo.toml", workspace),
            ("api/Cargo.toml", member),
            ("event-store/stand-in/Cargo.toml", member),
        ]);
        let paths: Vec<_> = violations.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["api/Cargo.toml", "event-store/stand-in/Cargo.toml"]);
        assert!(violations[0].1.contains("`tokio`"));
    }

    #[test]
    fn only_tests_ask_for_what_is_there_for_tests() {
        let asks = "domain = { workspace = true, features = [\"testing\"] }\n";
        let shipped = format!("[dependencies]\n{asks}");
        let tests =
            format!("[dependencies]\ndomain.workspace = true\n\n[dev-dependencies]\n{asks}");
        let every = "[workspace.dependencies]\n\
                     domain = { path = \"domain\", features = [\"testing\"] }\n";
        let violations = found(&[
            ("Cargo.toml", every),
            ("api/Cargo.toml", &shipped),
            ("engine/Cargo.toml", &tests),
            ("tests/Cargo.toml", &shipped),
        ]);
        let paths: Vec<_> = violations.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["Cargo.toml", "api/Cargo.toml"]);
        assert!(violations[0].1.contains("[dev-dependencies]"));
    }
}
