//! The schema breaks no client of the last release, but for what `api/breaking.txt` lists with its
//! reasons. `cargo xtask release` makes the present schema the released one.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod breaking;

use std::collections::BTreeSet;
use std::io::ErrorKind;

use breaking::breaking_changes;

/// Absent until the first release: nothing is promised before it.
const RELEASED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/released/schema.graphql");
const LISTED: &str = include_str!("../../breaking.txt");

#[test]
fn every_breaking_change_since_the_last_release_is_listed_with_its_reason() {
    let found = match std::fs::read_to_string(RELEASED) {
        Ok(released) => breaking_changes(&released, &api::sdl()),
        Err(error) if error.kind() == ErrorKind::NotFound => BTreeSet::new(),
        Err(error) => panic!("cannot read {RELEASED}: {error}"),
    };
    let listed: BTreeSet<String> = LISTED
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (change, reason) = line.split_once(": ").expect("`change: reason`");
            assert!(!reason.trim().is_empty(), "{line}: a reason is missing");
            change.to_owned()
        })
        .collect();
    let unlisted: Vec<_> = found.difference(&listed).collect();
    assert!(
        unlisted.is_empty(),
        "these break clients of the last release: {unlisted:#?}; undo them, or list them in \
         api/breaking.txt as `change: reason`, and describe them in a `.breaking.md` fragment \
         under changelog.d"
    );
    let outdated: Vec<_> = listed.difference(&found).collect();
    assert!(outdated.is_empty(), "listed, and not so: {outdated:#?}");
}

const BEFORE: &str = "
    interface Node { id: ID! }
    type Query { one(id: ID!, n: Int = 1): A, many: [A!], old: U }
    type A implements Node { id: ID!, x: Int, s: String! }
    type B { y: Int! }
    union U = A | B
    enum E { P Q }
    input I { a: Int!, b: String! = \"\", c: [Int!] }
    scalar S
";

/// The changes that `after` would be, where one line of the schema before is replaced.
#[track_caller]
fn changes(line: &str, after: &str) -> Vec<String> {
    assert!(BEFORE.contains(line));
    let changes = breaking_changes(BEFORE, &BEFORE.replace(line, after));
    changes.into_iter().collect()
}

#[test]
fn additions_and_promises_that_grow_break_nothing() {
    for (line, after) in [
        ("scalar S", "scalar S scalar T type C { z: Int }"),
        ("x: Int, s", "x: Int!, more(a: Int!): B, s"),
        ("many: [A!]", "many(first: Int, order: E! = P): [A!]!"),
        ("id: ID!, n: Int = 1", "id: ID, n: Int = 2"),
        ("enum E { P Q }", "enum E { P Q R }"),
        ("U = A | B", "U = A | B | Query"),
        ("a: Int!, b", "a: Int, d: Int, e: Int! = 1, b"),
        ("c: [Int!]", "c: [Int]"),
        ("scalar S", "\"for people\" scalar S"),
    ] {
        assert_eq!(changes(line, after), [""; 0], "{after}");
    }
}

#[test]
fn what_a_client_may_rely_on_cannot_go() {
    for (line, after, change) in [
        ("scalar S", "", "S is removed"),
        ("scalar S", "enum S { X }", "S is another kind of type"),
        ("x: Int, ", "", "A.x is removed"),
        ("s: String!", "s: String", "A.s is String, was String!"),
        ("x: Int,", "x: [Int],", "A.x is [Int], was Int"),
        ("y: Int!", "y: ID!", "B.y is ID!, was Int!"),
        ("many: [A!]", "many: [A]", "Query.many is [A], was [A!]"),
        (
            "many: [A!]",
            "many(n: Int!): [A!]",
            "Query.many(n) is new and required",
        ),
        ("id: ID!, n: Int = 1", "id: ID!", "Query.one(n) is removed"),
        ("n: Int = 1", "n: Int! = 1", "Query.one(n) is Int!, was Int"),
        ("n: Int = 1", "n: Int", "Query.one(n) has no default, had 1"),
        ("enum E { P Q }", "enum E { P }", "E.Q is removed"),
        ("U = A | B", "U = A", "B of U is removed"),
        ("A implements Node", "A", "A is no Node"),
        ("a: Int!,", "", "I.a is removed"),
        ("a: Int!,", "a: Int!, z: Int!,", "I.z is new and required"),
        ("c: [Int!]", "c: [Int!]!", "I.c is [Int!]!, was [Int!]"),
        (
            "b: String! = \"\"",
            "b: String!",
            "I.b has no default, had \"\"",
        ),
        ("input I {", "input I @oneOf {", "I takes exactly one field"),
    ] {
        assert_eq!(changes(line, after), [change], "{after}");
    }
}
