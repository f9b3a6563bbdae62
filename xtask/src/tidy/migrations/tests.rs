//! Each test has a history of its own, made by git in a temporary folder.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::process;
use crate::tidy::tree_of;

const FIRST: &str = "migrations/sqlite/log/20260101000000_create_events.sql";
const SECOND: &str = "migrations/sqlite/log/20260102000000_add_actor.sql";

/// A repository in which FIRST is committed with the text `one`.
struct Scratch(PathBuf);

impl Scratch {
    fn with_a_migration(test: &str) -> Self {
        let scratch = Self::empty(test);
        scratch.write(FIRST, "one");
        scratch.commit();
        scratch
    }

    fn empty(test: &str) -> Self {
        let root = std::env::temp_dir().join(format!("tidy-{test}-{}", std::process::id()));
        fs::create_dir_all(&root).unwrap();
        let scratch = Self(root);
        scratch.git(&["init", "--quiet"]);
        scratch
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--no-gpg-sign", "--message", "change"]);
    }

    fn git(&self, arguments: &[&str]) {
        let mut git = process::program("git");
        git.current_dir(&self.0);
        git.args(["-c", "user.name=t", "-c", "user.email=t@example.org"]);
        process::run(git.args(arguments)).unwrap();
    }

    /// Paths of the violations when the working tree holds `files`.
    fn violations(&self, files: &[&str]) -> Vec<String> {
        let files: Vec<(&str, &str)> = files.iter().map(|path| (*path, "")).collect();
        let violations = check(&Repository::at(&self.0), &tree_of(&files)).unwrap();
        violations.into_iter().map(|one| one.path).collect()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn a_migration_is_named_by_its_time_and_what_it_does() {
    assert!(is_well_named(FIRST));
    for name in [
        "1_create.sql",
        "20260101000000_.sql",
        "20260101000000_Create.sql",
        "20260101000000_create-events.sql",
        "20260101000000_create.txt",
    ] {
        let path = format!("migrations/sqlite/{name}");
        let violations = misnamed(&tree_of(&[(&path, ""), ("domain/src/lib.rs", "")]));
        assert_eq!(violations.len(), 1, "{name}");
    }
}

#[test]
fn a_committed_migration_left_alone_is_fine_and_so_is_a_new_one() {
    let scratch = Scratch::with_a_migration("alone");
    scratch.write(SECOND, "two");
    assert!(scratch.violations(&[FIRST, SECOND]).is_empty());
}

#[test]
fn an_edited_migration_is_named_before_and_after_the_commit() {
    let scratch = Scratch::with_a_migration("edited");
    scratch.write(FIRST, "other");
    assert_eq!(scratch.violations(&[FIRST]), [FIRST]);
    scratch.commit();
    assert_eq!(scratch.violations(&[FIRST]), [FIRST]);
}

#[test]
fn an_edit_that_was_taken_back_is_fine() {
    let scratch = Scratch::with_a_migration("back");
    scratch.write(FIRST, "other");
    scratch.commit();
    scratch.write(FIRST, "one");
    scratch.commit();
    assert!(scratch.violations(&[FIRST]).is_empty());
}

#[test]
fn a_deleted_migration_is_named_before_and_after_the_commit() {
    let scratch = Scratch::with_a_migration("deleted");
    fs::remove_file(scratch.0.join(FIRST)).unwrap();
    assert_eq!(scratch.violations(&[]), [FIRST]);
    scratch.commit();
    assert_eq!(scratch.violations(&[]), [FIRST]);
}

#[test]
fn a_renamed_migration_is_named() {
    let scratch = Scratch::with_a_migration("renamed");
    scratch.git(&["mv", FIRST, SECOND]);
    scratch.commit();
    assert_eq!(scratch.violations(&[SECOND]), [FIRST]);
}

#[test]
fn a_history_without_commits_has_nothing_to_keep() {
    let scratch = Scratch::empty("unborn");
    scratch.write(FIRST, "one");
    assert!(scratch.violations(&[FIRST]).is_empty());
}

#[test]
fn a_shallow_history_is_not_judged() {
    let scratch = Scratch::with_a_migration("shallow");
    let source = format!("file://{}", scratch.0.display());
    scratch.git(&["clone", "--quiet", "--depth=1", &source, "shallow"]);
    scratch.write(&format!("shallow/{FIRST}"), "other");
    let shallow = scratch.0.join("shallow");
    let violations = check(&Repository::at(&shallow), &tree_of(&[(FIRST, "")])).unwrap();
    assert!(violations.is_empty());
}
