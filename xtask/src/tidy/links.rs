//! Links between the documents and into the code lead to files that exist.

use super::{Tree, Violation};

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let documents = tree.iter().filter(|(path, _)| path.ends_with(".md"));
    documents
        .flat_map(|(path, text)| {
            let dead = targets(text).filter(|target| !exists(tree, path, target));
            dead.map(|target| Violation {
                path: path.clone(),
                rule: "links",
                advice: format!("`{target}` does not exist: mend the link or drop it"),
            })
        })
        .collect()
}

/// What stands in `](…)`, outside fenced code.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    let mut in_fence = false;
    let lines = text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        in_fence ^= is_fence;
        !in_fence && !is_fence
    });
    lines.flat_map(|line| {
        let opened = line.split("](").skip(1);
        opened.filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
    })
}

fn exists(tree: &Tree, document: &str, target: &str) -> bool {
    let target = target.split(['#', ' ']).next().unwrap_or_default();
    if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
        return true;
    }
    let Some(path) = resolved(document, target) else {
        return false;
    };
    let folder = format!("{path}/");
    tree.contains_key(&path) || path.is_empty() || tree.keys().any(|file| file.starts_with(&folder))
}

/// The path from the root of the checkout; absent if the target lies outside of it.
fn resolved(document: &str, target: &str) -> Option<String> {
    let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
    let start = if target.starts_with('/') { "" } else { folder };
    let mut path: Vec<&str> = Vec::new();
    for name in start.split('/').chain(target.split('/')) {
        match name {
            "" | "." => {}
            ".." => {
                path.pop()?;
            }
            name => path.push(name),
        }
    }
    Some(path.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree_of;

    fn dead_links(document: &str, text: &str) -> Vec<String> {
        let tree = tree_of(&[(document, text), ("docs/adr/0001-log.md", ""), ("a.rs", "")]);
        check(&tree).into_iter().map(|one| one.advice).collect()
    }

    #[test]
    fn links_to_what_is_not_there_are_named() {
        assert_eq!(
            dead_links("README.md", "see [a](b.rs) and [c](docs/c.md#top)"),
            [
                "`b.rs` does not exist: mend the link or drop it",
                "`docs/c.md#top` does not exist: mend the link or drop it"
            ]
        );
        assert_eq!(
            dead_links("docs/x.md", "[out](../../elsewhere.md)").len(),
            1
        );
    }

    #[test]
    fn links_to_files_folders_headings_and_hosts_pass() {
        let text = "[f](a.rs) [d](docs/adr/) [h](#top) [w](https://example.org) [l](docs/adr)";
        assert!(dead_links("README.md", text).is_empty());
        assert!(dead_links("docs/x.md", "[up](../a.rs) [here](adr/0001-log.md)").is_empty());
    }

    #[test]
    fn fenced_code_holds_no_links() {
        assert!(dead_links("README.md", "```\n[a](b.rs)\n```\n").is_empty());
    }
}
