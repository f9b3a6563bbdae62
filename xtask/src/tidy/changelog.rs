//! What a user notices is told in a fragment under `changelog.d`; only releases write CHANGELOG.md.

use super::{Tree, Violation};
use crate::changelog::{FOLDER, Fragment, GUIDE};

const CHANGELOG: &str = "CHANGELOG.md";

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let malformed = fragments(tree).filter_map(|(path, fragment)| {
        let advice = fragment.err()?;
        Some(violation(path, advice))
    });
    let unreleased = tree
        .get(CHANGELOG)
        .filter(|text| text.contains("\n## Unreleased"));
    let unreleased = unreleased.map(|_| {
        let advice = "move what is not released into `changelog.d/<slug>.<kind>.md`";
        violation(CHANGELOG, advice.to_owned())
    });
    malformed.chain(unreleased).collect()
}

/// Before the first release there is nothing to break.
pub(super) fn check_before_the_first_release(tree: &Tree) -> Vec<Violation> {
    let breaking = fragments(tree).filter(|(_, fragment)| {
        let kind = fragment.as_ref().map(|fragment| fragment.kind);
        kind == Ok("breaking")
    });
    let advice = "nothing is released, so nothing breaks: mend the text of the feature itself";
    breaking
        .map(|(path, _)| violation(path, advice.to_owned()))
        .collect()
}

fn fragments(tree: &Tree) -> impl Iterator<Item = (&str, Result<Fragment, String>)> {
    tree.iter().filter_map(|(path, text)| {
        let name = path.strip_prefix(FOLDER)?;
        (name != GUIDE).then(|| (path.as_str(), Fragment::parse(name, text)))
    })
}

fn violation(path: &str, advice: String) -> Violation {
    Violation {
        path: path.to_owned(),
        rule: "changelog",
        advice,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree_of;

    #[test]
    fn fragments_have_a_form_and_the_guide_is_none() {
        let tree = tree_of(&[
            ("changelog.d/README.md", "# Changes\n"),
            ("changelog.d/gateway.added.md", "A gateway.\n"),
            ("changelog.d/gateway.feature.md", "A gateway.\n"),
            ("changelog.d/more/gateway.added.md", "A gateway.\n"),
        ]);
        let paths: Vec<String> = check(&tree).into_iter().map(|one| one.path).collect();
        assert_eq!(
            paths,
            [
                "changelog.d/gateway.feature.md",
                "changelog.d/more/gateway.added.md"
            ]
        );
    }

    #[test]
    fn the_changelog_holds_releases_alone() {
        let of = |text| check(&tree_of(&[(CHANGELOG, text)])).len();
        assert_eq!(of("# Changelog\n\n## 0.1.0 (2026-01-01)\n"), 0);
        assert_eq!(of("# Changelog\n\n## Unreleased\n\n- A.\n"), 1);
    }

    #[test]
    fn nothing_breaks_before_the_first_release() {
        let tree = tree_of(&[
            ("changelog.d/a.breaking.md", "Rename A to B.\n"),
            ("changelog.d/b.added.md", "B.\n"),
        ]);
        assert_eq!(check_before_the_first_release(&tree).len(), 1);
    }
}
