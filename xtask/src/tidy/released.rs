//! The released schema is what clients were promised: only a release changes it.

use std::collections::BTreeMap;

use super::{Tree, Violation};
use crate::failure::Failure;
use crate::git::Repository;
use crate::version;

const FOLDER: &str = "api/released/";

pub(super) fn check(
    repository: &Repository<'_>,
    tree: &Tree,
    releases: &[String],
) -> Result<Vec<Violation>, Failure> {
    if is_releasing(repository, tree)? {
        return Ok(Vec::new());
    }
    let promised = match releases.last() {
        Some(last) => repository.contents(last, FOLDER)?,
        None => BTreeMap::new(),
    };
    let present = tree.keys().filter(|path| path.starts_with(FOLDER));
    let mut violations = Vec::new();
    for path in present {
        let id = repository.ask(&["hash-object", "--", path])?;
        if promised.get(path).map(String::as_str) != Some(id.trim()) {
            violations.push(violation(path));
        }
    }
    let vanished = promised.keys().filter(|path| !tree.contains_key(*path));
    violations.extend(vanished.map(|path| violation(path)));
    Ok(violations)
}

/// True while the working tree holds a release that is not committed yet.
fn is_releasing(repository: &Repository<'_>, tree: &Tree) -> Result<bool, Failure> {
    let now = tree.get("Cargo.toml");
    let now = now.and_then(|manifest| version::of_workspace(manifest));
    let Some(now) = now.filter(|version| version::is_release(version)) else {
        return Ok(false);
    };
    let committed = repository.ask(&["show", "HEAD:Cargo.toml"])?;
    Ok(version::of_workspace(&committed) != Some(now))
}

fn violation(path: &str) -> Violation {
    Violation {
        path: path.to_owned(),
        rule: "released",
        advice: "only `cargo xtask release` changes it: restore what the last release left"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::releases;
    use crate::tidy::scratch::Scratch;
    use crate::tidy::tree_of;

    const SCHEMA: &str = "api/released/schema.graphql";

    /// How many violations there are where the working tree holds the version and maybe a schema.
    fn violations(scratch: &Scratch, version: &str, schema: &[&str]) -> usize {
        scratch.write_version(version);
        let manifest = Scratch::manifest(version);
        let mut files = vec![("Cargo.toml", manifest.as_str())];
        for schema in schema {
            scratch.write(SCHEMA, schema);
            files.push((SCHEMA, schema));
        }
        let repository = Repository::at(scratch.root());
        let releases = releases::commits(&repository).unwrap();
        let violations = check(&repository, &tree_of(&files), &releases);
        violations.unwrap().len()
    }

    fn committed(test: &str, version: &str) -> Scratch {
        let scratch = Scratch::new(test);
        scratch.write_version(version);
        scratch.commit();
        scratch
    }

    #[test]
    fn nothing_is_promised_before_the_first_release() {
        let scratch = committed("unreleased", "0.1.0-dev");
        assert_eq!(violations(&scratch, "0.1.0-dev", &[]), 0);
        assert_eq!(violations(&scratch, "0.1.0-dev", &["one"]), 1);
    }

    #[test]
    fn a_release_brings_its_schema_which_then_stays() {
        let scratch = committed("promise", "0.1.0-dev");
        assert_eq!(violations(&scratch, "0.1.0", &["one"]), 0);
        scratch.commit();
        assert_eq!(violations(&scratch, "0.1.0", &["one"]), 0);
        assert_eq!(violations(&scratch, "0.1.0", &["two"]), 1);
        scratch.commit();
        assert_eq!(violations(&scratch, "0.1.0", &["two"]), 1);
        assert_eq!(violations(&scratch, "0.1.0", &["one"]), 0);
        assert_eq!(violations(&scratch, "0.1.0", &[]), 1);
    }

    #[test]
    fn the_next_release_changes_it() {
        let scratch = committed("next", "0.1.0-dev");
        violations(&scratch, "0.1.0", &["one"]);
        scratch.commit();
        assert_eq!(violations(&scratch, "0.2.0", &["two"]), 0);
        scratch.commit();
        assert_eq!(violations(&scratch, "0.2.0", &["two"]), 0);
        assert_eq!(violations(&scratch, "0.2.0", &["one"]), 1);
    }
}
