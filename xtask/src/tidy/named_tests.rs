//! The tests that documents name, as `cargo test -p CRATE NAME` in a line of text, exist.

use super::{Tree, Violation};

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let documents = tree.iter().filter(|(path, _)| path.ends_with(".md"));
    documents
        .flat_map(|(path, text)| {
            let named = text.lines().flat_map(commands);
            let absent = named.filter(|command| !exists(tree, command));
            absent.map(|command| Violation {
                path: path.clone(),
                rule: "named-tests",
                advice: format!(
                    "`{}` finds no test: name the one that is there",
                    command.text
                ),
            })
        })
        .collect()
}

/// A command that runs one test.
struct Command<'t> {
    text: &'t str,
    package: &'t str,
    /// The test's function, without its modules.
    function: &'t str,
}

/// The commands in the inline code of a line.
fn commands(line: &str) -> impl Iterator<Item = Command<'_>> {
    let code = line.split('`').skip(1).step_by(2);
    code.filter_map(|text| {
        let mut words = text.strip_prefix("cargo test -p ")?.split_whitespace();
        let package = words.next()?;
        let path = words.last()?;
        let function = path.rsplit("::").next()?;
        Some(Command {
            text,
            package,
            function,
        })
    })
}

fn exists(tree: &Tree, command: &Command<'_>) -> bool {
    let Some(folder) = folder(tree, command.package) else {
        return false;
    };
    let definition = format!("fn {}(", command.function);
    let sources = tree.range(folder.clone()..);
    let mut sources = sources.take_while(|(path, _)| path.starts_with(&folder));
    sources.any(|(path, text)| path.ends_with(".rs") && text.contains(&definition))
}

/// The folder of a package, with its slash.
fn folder(tree: &Tree, package: &str) -> Option<String> {
    let name = format!("name = \"{package}\"");
    let mut manifests = tree.iter().filter_map(|(path, text)| {
        let folder = path.strip_suffix("Cargo.toml")?;
        let is_named = text.lines().find(|line| line.starts_with("name = ")) == Some(&name);
        is_named.then(|| folder.to_owned())
    });
    manifests.next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree_of;

    fn absent(text: &str) -> Vec<String> {
        let tree = tree_of(&[
            ("docs/a.md", text),
            ("http/Cargo.toml", "[package]\nname = \"eventflows-http\"\n"),
            ("http/src/guard.rs", "async fn a_page_is_refused() {}"),
            ("https/src/guard.rs", "fn another() {}"),
        ]);
        check(&tree).into_iter().map(|one| one.advice).collect()
    }

    #[test]
    fn a_test_that_is_there_passes_with_and_without_its_path() {
        for text in [
            "see `cargo test -p eventflows-http a_page_is_refused`",
            "`x`, `cargo test -p eventflows-http --lib guard::tests::a_page_is_refused`.",
            "`cargo test -p eventflows-http`",
        ] {
            assert_eq!(absent(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn a_test_that_is_not_there_is_named() {
        for command in [
            "cargo test -p eventflows-http a_page",
            "cargo test -p eventflows-http another",
            "cargo test -p http a_page_is_refused",
        ] {
            let advice = format!("`{command}` finds no test: name the one that is there");
            assert_eq!(absent(&format!("`{command}`")), [advice]);
        }
    }
}
