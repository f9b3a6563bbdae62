//! Released migrations are only ever added to: from the first release on, each file stays as the
//! commit left it that brought it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Tree, Violation};
use crate::failure::Failure;
use crate::git::Repository;

const RULE: &str = "migrations";
const FOLDER: &str = "migrations/";
const TIMESTAMP_DIGITS: usize = 14;

pub(super) fn check_names(tree: &Tree) -> Vec<Violation> {
    let paths = tree.keys().filter(|path| path.starts_with(FOLDER));
    paths
        .filter(|path| !is_well_named(path))
        .map(|path| {
            let advice = "name it `<yyyymmddhhmmss>_<what_it_does>.sql`";
            violation(path, advice)
        })
        .collect()
}

/// Databases of a release have run its migrations. Before the first release nobody has any.
pub(super) fn check_history(
    repository: &Repository<'_>,
    tree: &Tree,
    first_release: &str,
) -> Result<Vec<Violation>, Failure> {
    let history = history(repository, first_release)?;
    let mut violations = vanished(&history, tree);
    violations.extend(edited(repository, &history, tree)?);
    Ok(violations)
}

fn is_well_named(path: &str) -> bool {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let parts = name
        .strip_suffix(".sql")
        .and_then(|stem| stem.split_once('_'));
    parts.is_some_and(|(timestamp, what)| {
        timestamp.len() == TIMESTAMP_DIGITS
            && timestamp.bytes().all(|byte| byte.is_ascii_digit())
            && what.starts_with(|c: char| c.is_ascii_lowercase())
            && what
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    })
}

/// What became of migrations from the first release on.
#[derive(Default)]
struct History {
    /// Path → git's id of the contents that came first.
    added: BTreeMap<String, String>,
    /// Paths that some commit deleted, or renamed to another.
    deleted: BTreeSet<String>,
}

fn history(repository: &Repository<'_>, first_release: &str) -> Result<History, Failure> {
    let log = repository.ask(&[
        "log",
        "--reverse",
        "--no-renames",
        "--no-abbrev",
        "--diff-filter=AD",
        "--format=",
        "--raw",
        &format!("{first_release}..HEAD"),
        "--",
        FOLDER,
    ])?;
    let mut history = History {
        added: repository.contents(first_release, FOLDER)?,
        ..History::default()
    };
    for line in log.lines() {
        history.note(line);
    }
    Ok(history)
}

impl History {
    /// `:<mode> <mode> <id> <id> <A or D><tab><path>`
    fn note(&mut self, line: &str) {
        let Some((change, path)) = line.split_once('\t') else {
            return;
        };
        let mut words = change.rsplit(' ');
        match (words.next(), words.next()) {
            (Some("A"), Some(id)) => {
                let first = self.added.entry(path.to_owned());
                first.or_insert_with(|| id.to_owned());
            }
            (Some("D"), _) => {
                self.deleted.insert(path.to_owned());
            }
            _ => {}
        }
    }
}

/// Deleted by a commit, or from the working tree since the last one.
fn vanished(history: &History, tree: &Tree) -> Vec<Violation> {
    let gone = history
        .added
        .keys()
        .filter(|path| !tree.contains_key(*path));
    let paths: BTreeSet<&String> = gone.chain(&history.deleted).collect();
    let advice = "a released migration stays, under its name: add one that undoes it";
    paths
        .into_iter()
        .map(|path| violation(path, advice))
        .collect()
}

/// Compared by git's ids of the contents then and now.
fn edited(
    repository: &Repository<'_>,
    history: &History,
    tree: &Tree,
) -> Result<Vec<Violation>, Failure> {
    let mut violations = Vec::new();
    let still_there = history
        .added
        .iter()
        .filter(|(path, _)| tree.contains_key(*path));
    for (path, then) in still_there {
        let now = repository.ask(&["hash-object", "--", path])?;
        if then != now.trim() {
            let advice = "a released migration is never edited: add another";
            violations.push(violation(path, advice));
        }
    }
    Ok(violations)
}

fn violation(path: &str, advice: &str) -> Violation {
    Violation {
        path: path.to_owned(),
        rule: RULE,
        advice: advice.to_owned(),
    }
}

#[cfg(test)]
mod tests;
