//! Checks the rules of STYLE.md that no lint can, and prints every violation.

mod changelog;
mod dependencies;
mod features;
mod links;
mod machines;
mod migrations;
mod module_docs;
mod named_tests;
mod names;
mod released;
mod releases;
#[cfg(test)]
mod scratch;

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
    violations.extend(changelog::check(&tree));
    violations.extend(dependencies::check(&metadata()?));
    violations.extend(features::check(&tree));
    violations.extend(links::check(&tree));
    violations.extend(machines::check(&tree));
    violations.extend(migrations::check_names(&tree));
    violations.extend(module_docs::check(&tree));
    violations.extend(named_tests::check(&tree));
    violations.extend(names::check(&tree));
    violations.extend(check_history(&repository, &tree, environment::is_ci())?);
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

/// What was released must stay as it was. Only a whole history tells what was.
fn check_history(
    repository: &Repository<'_>,
    tree: &Tree,
    is_ci: bool,
) -> Result<Vec<Violation>, Failure> {
    if repository.is_shallow()? {
        let advice =
            "the clone is shallow, which hides what was released: fetch all of its history";
        if !is_ci {
            eprintln!("tidy: {advice}");
            return Ok(Vec::new());
        }
        return Ok(vec![Violation {
            path: ".".to_owned(),
            rule: "history",
            advice: advice.to_owned(),
        }]);
    }
    let releases = releases::commits(repository)?;
    let mut violations = released::check(repository, tree, &releases)?;
    match releases.first() {
        None => violations.extend(changelog::check_before_the_first_release(tree)),
        Some(first) => violations.extend(migrations::check_history(repository, tree, first)?),
    }
    Ok(violations)
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

#[cfg(test)]
mod tests {
    use super::scratch::Scratch;
    use super::*;

    #[test]
    fn a_shallow_clone_is_refused_where_a_machine_decides() {
        let scratch = Scratch::new("shallow");
        scratch.write("a.rs", "one");
        scratch.commit();
        let clone = scratch.shallow_clone();
        let check = |is_ci| check_history(&Repository::at(&clone), &Tree::new(), is_ci).unwrap();
        assert!(check(false).is_empty());
        assert_eq!(check(true)[0].rule, "history");
    }
}
