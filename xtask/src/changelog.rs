//! Changes since the last release, one file each, and how a release joins them.

/// Where they are.
pub(crate) const FOLDER: &str = "changelog.d/";
/// Says how to write one.
pub(crate) const GUIDE: &str = "README.md";

/// In the order of a release's sections.
const KINDS: [(&str, &str); 5] = [
    ("breaking", "Breaking"),
    ("security", "Security"),
    ("added", "Added"),
    ("changed", "Changed"),
    ("fixed", "Fixed"),
];

/// One change: `<slug>.<kind>.md` with a paragraph in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fragment {
    slug: String,
    pub(crate) kind: &'static str,
    /// On one line, with links that are relative to the folder.
    text: String,
}

impl Fragment {
    /// Refuses with what to do instead.
    pub(crate) fn parse(file_name: &str, text: &str) -> Result<Self, String> {
        let name = file_name.strip_suffix(".md");
        let (slug, kind) = name
            .and_then(|name| name.split_once('.'))
            .filter(|(slug, _)| is_kebab_case(slug))
            .ok_or("name it `<slug>.<kind>.md`, the slug in kebab case")?;
        let kinds = KINDS.map(|(kind, _)| kind);
        let kind = kinds
            .into_iter()
            .find(|known| *known == kind)
            .ok_or_else(|| format!("`{kind}` is not a kind: take one of {}", kinds.join(", ")))?;
        let text = text.trim_end();
        if !text.starts_with(|c: char| c.is_uppercase() || c == '`' || c == '[') {
            return Err("start with a sentence: no heading, no bullet".to_owned());
        }
        if text.lines().any(|line| line.trim().is_empty()) {
            return Err("write one paragraph".to_owned());
        }
        if !text.ends_with('.') {
            return Err("end with a full stop".to_owned());
        }
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        Ok(Self {
            slug: slug.to_owned(),
            kind,
            text: lines.join(" "),
        })
    }

    /// The changelog lies one folder above.
    fn item(&self) -> String {
        format!("- {}\n", self.text.replace("](../", "]("))
    }
}

fn is_kebab_case(slug: &str) -> bool {
    let is_word = |word: &str| {
        let mut bytes = word.bytes();
        !word.is_empty() && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    slug.split('-').all(is_word)
}

/// The changelog with a section for the release above those of earlier ones.
pub(crate) fn with_release(
    changelog: &str,
    version: &str,
    date: &str,
    mut fragments: Vec<Fragment>,
) -> String {
    fragments.sort_by(|one, other| one.slug.cmp(&other.slug));
    let mut section = format!("## {version} ({date})\n\n");
    for (kind, title) in KINDS {
        let items = fragments.iter().filter(|fragment| fragment.kind == kind);
        let items: String = items.map(Fragment::item).collect();
        if !items.is_empty() {
            section += &format!("### {title}\n\n{items}\n");
        }
    }
    let start = changelog.find("\n## ").map_or(changelog.len(), |at| at + 1);
    let (introduction, earlier) = changelog.split_at(start);
    let joined = format!("{}\n\n{section}{earlier}", introduction.trim_end());
    format!("{}\n", joined.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(file_name: &str, text: &str) -> String {
        Fragment::parse(file_name, text).unwrap_err()
    }

    #[test]
    fn a_fragment_is_a_slug_a_kind_and_a_paragraph() {
        let fragment = Fragment::parse("run-gateway-2.added.md", "A gateway\nfor runs.\n");
        let fragment = fragment.unwrap();
        assert_eq!(
            (
                fragment.slug.as_str(),
                fragment.kind,
                fragment.text.as_str()
            ),
            ("run-gateway-2", "added", "A gateway for runs.")
        );
    }

    #[test]
    fn other_files_are_refused_with_what_to_do() {
        let text = "A gateway.";
        for name in ["gateway.md", "Gateway.added.md", "a--b.added.md", "a.added"] {
            assert!(refusal(name, text).starts_with("name it"), "{name}");
        }
        assert!(refusal("a.feature.md", text).contains("breaking, security, added"));
        assert!(refusal("a.b.added.md", text).contains("`b.added` is not a kind"));
        assert!(refusal("a.added.md", "").contains("start with a sentence"));
        assert!(refusal("a.added.md", "- A gateway.").contains("start with a sentence"));
        assert!(refusal("a.added.md", "One.\n\nTwo.").contains("one paragraph"));
        assert!(refusal("a.added.md", "A gateway").contains("full stop"));
    }

    #[test]
    fn a_release_is_a_section_above_the_earlier_ones() {
        let fragments = [
            ("b.fixed.md", "B works."),
            ("c.added.md", "C. See [`docs/c.md`](../docs/c.md)."),
            ("a.added.md", "A."),
        ];
        let fragments = fragments.map(|(name, text)| Fragment::parse(name, text).unwrap());
        let changelog = "# Changelog\n\nNewest first.\n\n## 0.1.0 (2026-01-01)\n\n- First.\n";
        assert_eq!(
            with_release(changelog, "0.2.0", "2026-02-01", fragments.into()),
            "# Changelog\n\nNewest first.\n\n## 0.2.0 (2026-02-01)\n\n### Added\n\n- A.\n\
             - C. See [`docs/c.md`](docs/c.md).\n\n### Fixed\n\n- B works.\n\n\
             ## 0.1.0 (2026-01-01)\n\n- First.\n"
        );
    }

    #[test]
    fn the_first_release_follows_the_introduction() {
        let fragment = Fragment::parse("a.added.md", "A.").unwrap();
        assert_eq!(
            with_release("# Changelog\n", "0.1.0", "2026-01-01", vec![fragment]),
            "# Changelog\n\n## 0.1.0 (2026-01-01)\n\n### Added\n\n- A.\n"
        );
    }
}
