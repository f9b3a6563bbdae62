//! The releases in a repository's history: the commits that changed the workspace's version to one
//! without a pre-release part.

use crate::failure::Failure;
use crate::git::Repository;
use crate::version;

/// Oldest first.
pub(super) fn commits(repository: &Repository<'_>) -> Result<Vec<String>, Failure> {
    if !repository.has_commits() {
        return Ok(Vec::new());
    }
    let log = repository.ask(&[
        "log",
        "--reverse",
        "--format=%H %P",
        "-G^version = ",
        "HEAD",
        "--",
        "Cargo.toml",
    ])?;
    let mut releases = Vec::new();
    for line in log.lines() {
        let mut words = line.split_whitespace();
        // A commit without a parent began the history; it changed nothing.
        let (Some(commit), Some(parent)) = (words.next(), words.next()) else {
            continue;
        };
        if is_release(repository, parent, commit)? {
            releases.push(commit.to_owned());
        }
    }
    Ok(releases)
}

fn is_release(repository: &Repository<'_>, parent: &str, commit: &str) -> Result<bool, Failure> {
    let before = manifest(repository, parent)?;
    let after = manifest(repository, commit)?;
    let after = version::of_workspace(&after).filter(|after| version::is_release(after));
    Ok(after.is_some() && after != version::of_workspace(&before))
}

/// Empty where the commit has none.
fn manifest(repository: &Repository<'_>, commit: &str) -> Result<String, Failure> {
    let path = repository.ask(&["ls-tree", "--name-only", commit, "Cargo.toml"])?;
    if path.is_empty() {
        return Ok(path);
    }
    repository.ask(&["show", &format!("{commit}:Cargo.toml")])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::scratch::Scratch;

    fn releases(scratch: &Scratch) -> usize {
        commits(&Repository::at(scratch.root())).unwrap().len()
    }

    #[test]
    fn a_commit_that_changes_the_version_to_a_plain_one_is_a_release() {
        let scratch = Scratch::new("releases");
        assert_eq!(releases(&scratch), 0);
        for (version, count) in [
            ("0.1.0", 0),
            ("0.1.0-dev", 0),
            ("0.1.0", 1),
            ("0.2.0-dev", 1),
            ("0.2.0", 2),
        ] {
            scratch.write_version(version);
            scratch.commit();
            assert_eq!(releases(&scratch), count, "{version}");
        }
    }
}
