//! Links between the documents and into the code lead to files and headings that exist.

use std::collections::BTreeMap;

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
    prose(text).flat_map(|line| {
        let opened = line.split("](").skip(1);
        opened.filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
    })
}

/// The lines outside fenced code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut in_fence = false;
    text.lines().filter(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        in_fence ^= is_fence;
        !in_fence && !is_fence
    })
}

fn exists(tree: &Tree, document: &str, target: &str) -> bool {
    // A title may follow in quotes.
    let target = target.split(' ').next().unwrap_or_default();
    if target.contains("://") || target.starts_with("mailto:") {
        return true;
    }
    let (target, anchor) = match target.split_once('#') {
        Some((target, anchor)) => (target, Some(anchor)),
        None => (target, None),
    };
    let path = if target.is_empty() {
        Some(document.to_owned())
    } else {
        resolved(document, target)
    };
    let Some(path) = path else {
        return false;
    };
    if let Some(text) = tree.get(&path) {
        let leads_to_heading = |anchor| !path.ends_with(".md") || has_heading(text, anchor);
        return anchor.is_none_or(leads_to_heading);
    }
    let folder = format!("{path}/");
    anchor.is_none() && (path.is_empty() || tree.keys().any(|file| file.starts_with(&folder)))
}

/// Whether one of the document's headings has the anchor. A repeated one has a number behind it.
fn has_heading(text: &str, anchor: &str) -> bool {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let headings = prose(text).filter_map(|line| {
        let title = line.trim_start_matches('#');
        (title.len() < line.len()).then(|| title.strip_prefix(' '))?
    });
    headings.map(slug).any(|slug| {
        let earlier = seen.entry(slug.clone()).or_default();
        let unique = match *earlier {
            0 => slug,
            number => format!("{slug}-{number}"),
        };
        *earlier += 1;
        unique == anchor
    })
}

/// As GitHub makes an anchor of a heading: lower case, hyphens for spaces, no punctuation.
fn slug(title: &str) -> String {
    let kept = title.trim().chars().filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        c if c.is_alphanumeric() => Some(c),
        _ => None,
    });
    kept.flat_map(char::to_lowercase).collect()
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
            dead_links(
                "README.md",
                "see [a](b.rs) and [c](docs/c.md#top) and [d](docs/adr#x)"
            ),
            [
                "`b.rs` does not exist: mend the link or drop it",
                "`docs/c.md#top` does not exist: mend the link or drop it",
                "`docs/adr#x` does not exist: mend the link or drop it"
            ]
        );
        assert_eq!(
            dead_links("docs/x.md", "[out](../../elsewhere.md)").len(),
            1
        );
    }

    #[test]
    fn links_to_files_folders_headings_and_hosts_pass() {
        let text = "# The top\n[f](a.rs) [d](docs/adr/) [h](#the-top) [w](https://example.org/#x) \
                    [l](docs/adr) [t](a.rs \"title\") [line](a.rs#L1)";
        assert_eq!(dead_links("README.md", text), [""; 0]);
        assert!(dead_links("docs/x.md", "[up](../a.rs) [here](adr/0001-log.md)").is_empty());
    }

    #[test]
    fn an_anchor_is_a_heading_of_the_document_it_leads_to() {
        let text = "# One: `log` & more\n## Twice\n## Twice\n```\n# no heading\n```\n#tag\n";
        for (anchor, is_there) in [
            ("#one-log--more", true),
            ("#twice", true),
            ("#twice-1", true),
            ("#twice-2", false),
            ("#no-heading", false),
            ("#tag", false),
        ] {
            let tree = tree_of(&[
                ("docs/a.md", text),
                ("README.md", &format!("[x](docs/a.md{anchor})")),
                ("docs/b.md", &format!("# B\n[b](#b) [x](a.md{anchor})")),
            ]);
            let expected = if is_there { 0 } else { 2 };
            assert_eq!(check(&tree).len(), expected, "{anchor}");
        }
    }

    #[test]
    fn fenced_code_holds_no_links() {
        assert!(dead_links("README.md", "```\n[a](b.rs)\n```\n").is_empty());
    }
}
