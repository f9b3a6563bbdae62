//! Features of dependencies stand in the workspace's Cargo.toml. Where members add their own, a
//! build of one member takes other features than a build of all, and compiles dependencies again.

use super::{Tree, Violation};

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let members = tree
        .iter()
        .filter(|(path, _)| path.ends_with("/Cargo.toml"));
    members
        .flat_map(|(path, text)| {
            let widened = text.lines().filter_map(widened);
            widened.map(|name| Violation {
                path: path.clone(),
                rule: "features",
                advice: format!("name the features of `{name}` in the workspace's Cargo.toml"),
            })
        })
        .collect()
}

/// The dependency that a line takes from the workspace with more features.
fn widened(line: &str) -> Option<&str> {
    let (name, rest) = line.split_once(" = {")?;
    (rest.contains("workspace = true") && rest.contains("features")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree_of;

    #[test]
    fn a_member_that_adds_features_to_a_dependency_is_named() {
        let workspace =
            "[workspace.dependencies]\ntokio = { version = \"1\", features = [\"fs\"] }\n";
        let member = "[features]\nlog = [\"dep:log\"]\n\n[dependencies]\n\
                      tokio = { workspace = true, features = [\"net\"] }\n\
                      log = { workspace = true, optional = true }\nserde.workspace = true\n";
        let violations = check(&tree_of(&[
            ("Cargo.toml", workspace),
            ("api/Cargo.toml", member),
            ("event-store/stand-in/Cargo.toml", member),
        ]));
        let paths: Vec<_> = violations.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["api/Cargo.toml", "event-store/stand-in/Cargo.toml"]);
        assert!(violations[0].advice.contains("`tokio`"));
    }
}
