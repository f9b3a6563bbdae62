//! Each test has a history of its own, made by git in a temporary folder.

use std::fs;

use super::*;
use crate::tidy::releases;
use crate::tidy::scratch::Scratch;
use crate::tidy::tree_of;

const FIRST: &str = "migrations/sqlite/log/20260101000000_create_events.sql";
const SECOND: &str = "migrations/sqlite/log/20260102000000_add_actor.sql";

/// A repository that released FIRST with the text `one`.
fn released(test: &str) -> Scratch {
    let scratch = unreleased(test);
    scratch.write_version("0.1.0");
    scratch.commit();
    scratch
}

fn unreleased(test: &str) -> Scratch {
    let scratch = Scratch::new(test);
    scratch.write_version("0.1.0-dev");
    scratch.write(FIRST, "one");
    scratch.commit();
    scratch
}

/// Paths of the violations when the working tree holds `files`.
fn violations(scratch: &Scratch, files: &[&str]) -> Vec<String> {
    let files: Vec<(&str, &str)> = files.iter().map(|path| (*path, "")).collect();
    let repository = Repository::at(scratch.root());
    let releases = releases::commits(&repository).unwrap();
    let first = releases.first().unwrap();
    let violations = check_history(&repository, &tree_of(&files), first).unwrap();
    violations.into_iter().map(|one| one.path).collect()
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
        let violations = check_names(&tree_of(&[(&path, ""), ("domain/src/lib.rs", "")]));
        assert_eq!(violations.len(), 1, "{name}");
    }
}

#[test]
fn a_released_migration_left_alone_is_fine_and_so_is_a_new_one() {
    let scratch = released("alone");
    scratch.write(SECOND, "two");
    assert!(violations(&scratch, &[FIRST, SECOND]).is_empty());
}

#[test]
fn an_edited_migration_is_named_before_and_after_the_commit() {
    let scratch = released("edited");
    scratch.write(FIRST, "other");
    assert_eq!(violations(&scratch, &[FIRST]), [FIRST]);
    scratch.commit();
    assert_eq!(violations(&scratch, &[FIRST]), [FIRST]);
}

#[test]
fn an_edit_that_was_taken_back_is_fine() {
    let scratch = released("back");
    scratch.write(FIRST, "other");
    scratch.commit();
    scratch.write(FIRST, "one");
    scratch.commit();
    assert!(violations(&scratch, &[FIRST]).is_empty());
}

#[test]
fn a_deleted_migration_is_named_before_and_after_the_commit() {
    let scratch = released("deleted");
    fs::remove_file(scratch.root().join(FIRST)).unwrap();
    assert_eq!(violations(&scratch, &[]), [FIRST]);
    scratch.commit();
    assert_eq!(violations(&scratch, &[]), [FIRST]);
}

#[test]
fn a_renamed_migration_is_named() {
    let scratch = released("renamed");
    scratch.git(&["mv", FIRST, SECOND]);
    scratch.commit();
    assert_eq!(violations(&scratch, &[SECOND]), [FIRST]);
}

#[test]
fn a_migration_that_came_after_the_release_stays_too() {
    let scratch = released("later");
    scratch.write(SECOND, "two");
    scratch.commit();
    scratch.write(SECOND, "other");
    assert_eq!(violations(&scratch, &[FIRST, SECOND]), [SECOND]);
}

#[test]
fn what_was_done_before_the_first_release_is_not_judged() {
    let scratch = unreleased("before");
    scratch.write(FIRST, "other");
    scratch.git(&["mv", FIRST, SECOND]);
    scratch.commit();
    scratch.write_version("0.1.0");
    scratch.commit();
    assert!(violations(&scratch, &[SECOND]).is_empty());
}
