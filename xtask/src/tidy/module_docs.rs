//! Every Rust file opens with what it is for.

use super::{Tree, Violation};

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let rust_files = tree.iter().filter(|(path, _)| path.ends_with(".rs"));
    rust_files
        .filter(|(_, text)| !has_purpose(text))
        .map(|(path, _)| Violation {
            path: path.clone(),
            rule: "module-docs",
            advice: "open the file with `//!` and its purpose in one sentence".to_owned(),
        })
        .collect()
}

fn has_purpose(text: &str) -> bool {
    let first = text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("//!"));
    first.is_some_and(|purpose| !purpose.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree_of;

    #[test]
    fn a_file_that_does_not_say_its_purpose_is_named() {
        let tree = tree_of(&[
            ("domain/src/lib.rs", "//! Decisions.\n"),
            ("domain/src/empty.rs", ""),
            ("domain/src/blank.rs", "//!\n//! Too late.\n"),
            ("server/src/main.rs", "use std::fs;\n//! Late.\n"),
            ("README.md", "# eventflows\n"),
        ]);
        let paths: Vec<String> = check(&tree).into_iter().map(|one| one.path).collect();
        assert_eq!(
            paths,
            [
                "domain/src/blank.rs",
                "domain/src/empty.rs",
                "server/src/main.rs"
            ]
        );
    }
}
