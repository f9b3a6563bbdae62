//! No committed file names a path of somebody's machine or the host of a package registry.

use super::{Tree, Violation};

const MACHINE_PATHS: &[&str] = &["/root/", "/work/", "/home/", "/Users/"];
const REGISTRY_HOSTS: &[&str] = &[
    "crates.io-index",
    "index.crates.io",
    "static.crates.io",
    "proxy.golang.org",
    "registry.npmjs",
    "repo.maven.apache.org",
    "repo1.maven.org",
];

/// Lock files record where packages came from, and this file lists what it refuses.
const EXEMPT: &[&str] = &[
    "Cargo.lock",
    "package-lock.json",
    "pnpm-lock.yaml",
    "yarn.lock",
];
const THIS_FILE: &str = "xtask/src/tidy/machines.rs";

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let judged = tree.iter().filter(|(path, _)| !is_exempt(path));
    judged.flat_map(|(path, text)| file(path, text)).collect()
}

fn is_exempt(path: &str) -> bool {
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    path == THIS_FILE || EXEMPT.contains(&name)
}

fn file(path: &str, text: &str) -> Vec<Violation> {
    let paths = MACHINE_PATHS
        .iter()
        .filter(|needle| names_path(text, needle));
    let hosts = REGISTRY_HOSTS
        .iter()
        .filter(|needle| text.contains(**needle));
    let path_advice = paths.map(|needle| {
        format!("say `{needle}` as a path from the repository's root, or take it as an argument")
    });
    let host_advice =
        hosts.map(|needle| format!("leave `{needle}` to each machine's package configuration"));
    path_advice
        .chain(host_advice)
        .map(|advice| Violation {
            path: path.to_owned(),
            rule: "machines",
            advice,
        })
        .collect()
}

/// True where `needle` starts a path; in the middle of a longer one it is something else.
fn names_path(text: &str, needle: &str) -> bool {
    text.match_indices(needle).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "-_./}".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree_of;

    fn violations(path: &str, text: &str) -> usize {
        check(&tree_of(&[(path, text)])).len()
    }

    #[test]
    fn paths_of_a_machine_are_refused() {
        assert_eq!(violations("README.md", "run `/root/bin/eventflows`"), 1);
        assert_eq!(violations("bench/run.sh", "cd /work/main"), 1);
        assert_eq!(
            violations("a.toml", "path = \"/home/me/x\"\nother = \"/root/y\""),
            2
        );
    }

    #[test]
    fn hosts_of_package_registries_are_refused_outside_lock_files() {
        let source = "registry+https://github.com/rust-lang/crates.io-index";
        assert_eq!(violations("deny.toml", source), 1);
        assert_eq!(violations("Cargo.lock", source), 0);
        let resolved = "https://registry.npmjs.org/react";
        assert_eq!(violations("web/.npmrc", resolved), 1);
        assert_eq!(violations("web/package-lock.json", resolved), 0);
    }

    #[test]
    fn a_longer_path_or_address_is_something_else() {
        assert_eq!(
            violations("README.md", "https://example.org/work/a and ./work/b"),
            0
        );
        assert_eq!(violations("README.md", "https://crates.io/crates/sqlx"), 0);
    }
}
