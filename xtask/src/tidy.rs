//! Checks the rules of STYLE.md that no lint can, and prints every violation.

mod dependencies;
mod links;
mod machines;
mod migrations;
mod module_docs;
mod names;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;

use crate::environment;
use crate::failure::Failure;
use crate::git::Repository;
use crate::process;

/// The text files of the checkout that are or could be committed, by path from its root.
type Tree = BTreeMap<String, String>;

/// One breach of one rule, printed as `path: rule: what to do instead`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    path: String,
    rule: &'static str,
    advice: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.path, self.rule, self.advice)
    }
}

pub(crate) fn run() -> Result<(), Failure> {
    let repository = Repository::at(environment::root());
    let tree = tree(&repository)?;
    let mut violations = Vec::new();
    violations.extend(dependencies::check(&metadata()?));
    violations.extend(links::check(&tree));
    violations.extend(machines::check(&tree));
    violations.extend(migrations::check(&repository, &tree)?);
    violations.extend(module_docs::check(&tree));
    violations.extend(names::check(&tree));
    violations.sort();
    for violation in &violations {
        eprintln!("{violation}");
    }
    match violations.len() {
        0 => Ok(()),
        1 => Err(Failure::new("tidy found one violation")),
        count => Err(Failure::new(format!("tidy found {count} violations"))),
    }
}

fn tree(repository: &Repository<'_>) -> Result<Tree, Failure> {
    let listing = repository.ask(&[
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ])?;
    let paths = listing.split_terminator('\0');
    // A file may be deleted but still listed, and an image is not text: neither has rules here.
    let texts = paths.filter_map(|path| {
        let text = fs::read_to_string(environment::root().join(path)).ok()?;
        Some((path.to_owned(), text))
    });
    Ok(texts.collect())
}

fn metadata() -> Result<serde_json::Value, Failure> {
    let command = ["metadata", "--no-deps", "--format-version", "1", "--locked"];
    let metadata = process::output(&mut process::cargo(command))?;
    serde_json::from_str(&metadata)
        .map_err(|error| Failure::new(format!("cannot read cargo's metadata: {error}")))
}

#[cfg(test)]
fn tree_of(files: &[(&str, &str)]) -> Tree {
    let owned = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    owned.collect()
}
