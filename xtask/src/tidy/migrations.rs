//! Migrations are only ever added to: each file stays as the commit left it that brought it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Tree, Violation};
use crate::failure::Failure;
use crate::git::Repository;

const RULE: &str = "migrations";
const FOLDER: &str = "migrations/";
const TIMESTAMP_DIGITS: usize = 14;

pub(super) fn check(repository: &Repository<'_>, tree: &Tree) -> Result<Vec<Violation>, Failure> {
    let mut violations = misnamed(tree);
    if repository.is_shallow()? {
        eprintln!("tidy: the history is shallow, so edits of migrations go unseen here");
        return Ok(violations);
    }
    if repository.has_commits() {
        let history = history(repository)?;
        violations.extend(vanished(&history, tree));
        violations.extend(edited(repository, &history, tree)?);
    }
    Ok(violations)
}

fn misnamed(tree: &Tree) -> Vec<Violation> {
    let paths = tree.keys().filter(|path| path.starts_with(FOLDER));
    paths
        .filter(|path| !is_well_named(path))
        .map(|path| {
            let advice = "name it `<yyyymmddhhmmss>_<what_it_does>.sql`";
            violation(path, advice)
        })
        .collect()
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

/// What the commits did to migrations, oldest first.
#[derive(Default)]
struct History {
    /// Path → the first commit that added it.
    added: BTreeMap<String, String>,
    /// Paths that some commit deleted, or renamed to another.
    deleted: BTreeSet<String>,
}

fn history(repository: &Repository<'_>) -> Result<History, Failure> {
    let log = repository.ask(&[
        "log",
        "--reverse",
        "--no-renames",
        "--diff-filter=AD",
        "--format=commit %H",
        "--name-status",
        "HEAD",
        "--",
        FOLDER,
    ])?;
    Ok(parsed(&log))
}

/// Lines are `commit <id>`, `A<tab><path>` and `D<tab><path>`.
fn parsed(log: &str) -> History {
    let mut history = History::default();
    let mut commit = "";
    for line in log.lines() {
        if let Some(id) = line.strip_prefix("commit ") {
            commit = id;
        } else if let Some(path) = line.strip_prefix("A\t") {
            let first = history.added.entry(path.to_owned());
            first.or_insert_with(|| commit.to_owned());
        } else if let Some(path) = line.strip_prefix("D\t") {
            history.deleted.insert(path.to_owned());
        }
    }
    history
}

/// Deleted by a commit, or from the working tree since the last one.
fn vanished(history: &History, tree: &Tree) -> Vec<Violation> {
    let gone = history
        .added
        .keys()
        .filter(|path| !tree.contains_key(*path));
    let paths: BTreeSet<&String> = gone.chain(&history.deleted).collect();
    let advice = "a migration that was committed stays, under its name: add one that undoes it";
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
    for (path, commit) in still_there {
        let then = repository.ask(&["rev-parse", &format!("{commit}:{path}")])?;
        let now = repository.ask(&["hash-object", "--", path])?;
        if then != now {
            let advice = "a migration that was committed is never edited: add another";
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
