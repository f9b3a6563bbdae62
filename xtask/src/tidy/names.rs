//! Names that say nothing, or say a word that the glossary refuses.

use super::{Tree, Violation};

const RULE: &str = "names";

/// Names of files, folders and modules that become rooms for anything.
const EMPTY_NAMES: &[&str] = &[
    "common", "helper", "helpers", "manager", "misc", "shared", "stuff", "util", "utils",
];

/// Last words of type names that hide what the thing does, and the glossary's refused words.
const EMPTY_TYPE_ENDINGS: &[&str] = &[
    "Common", "Helper", "Helpers", "Manager", "Misc", "Service", "Util", "Utils",
];

const SOURCE_EXTENSIONS: &[&str] = &["js", "rs", "sh", "ts", "tsx"];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (path, text) in tree {
        let Some((stem_path, extension)) = path.rsplit_once('.') else {
            continue;
        };
        if !SOURCE_EXTENSIONS.contains(&extension) {
            continue;
        }
        let mut advice: Vec<String> = stem_path.split('/').filter_map(refused_name).collect();
        if extension == "rs" {
            advice.extend(text.lines().filter_map(refused_definition));
        }
        violations.extend(advice.into_iter().map(|advice| Violation {
            path: path.clone(),
            rule: RULE,
            advice,
        }));
    }
    violations
}

/// What to do instead of naming a file, folder or module so.
fn refused_name(name: &str) -> Option<String> {
    if name == "mod" {
        return Some("write `foo.rs` beside `foo/` instead of `foo/mod.rs`".to_owned());
    }
    if EMPTY_NAMES.contains(&name) {
        return Some(format!(
            "name what `{name}` holds, or move it where it is used"
        ));
    }
    if name.starts_with("new_") || name.starts_with("old_") || has_version_suffix(name) {
        return Some(format!("name `{name}` by what it is, not by when it came"));
    }
    None
}

fn has_version_suffix(name: &str) -> bool {
    let suffix = name.rsplit_once("_v").map(|(_, digits)| digits);
    suffix.is_some_and(|digits| !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()))
}

/// Looks only at items in the first column: what stands deeper is of local concern.
fn refused_definition(line: &str) -> Option<String> {
    let (kind, name) = defined(line)?;
    if kind == "mod" {
        return refused_name(name);
    }
    if name == "FlowEngine" {
        return Some("`FlowEngine` is not a word of the glossary: say which part it is".to_owned());
    }
    let ending = EMPTY_TYPE_ENDINGS
        .iter()
        .find(|ending| name.ends_with(*ending))?;
    Some(format!(
        "name the type `{name}` by what it does, without `{ending}`"
    ))
}

/// The kind and name of the module or type that a line defines.
fn defined(line: &str) -> Option<(&str, &str)> {
    let mut rest = line;
    if let Some(after) = rest.strip_prefix("pub") {
        let scoped = after
            .strip_prefix('(')
            .and_then(|scope| scope.split_once(')'));
        rest = scoped.map_or(after, |(_, after)| after).trim_start();
    }
    let (kind, after) = rest.split_once(' ')?;
    if !["enum", "mod", "struct", "trait", "type", "union"].contains(&kind) {
        return None;
    }
    let end = after
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(after.len());
    Some((kind, &after[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::tree_of;

    fn advice(path: &str, text: &str) -> Vec<String> {
        let violations = check(&tree_of(&[(path, text)]));
        violations.into_iter().map(|one| one.advice).collect()
    }

    #[test]
    fn files_and_folders_with_empty_names_are_refused() {
        for path in [
            "api/src/utils.rs",
            "api/src/common/page.rs",
            "api/src/listener/mod.rs",
            "engine/src/new_queue.rs",
            "engine/src/queue_v2.rs",
            "web/src/helpers.ts",
        ] {
            assert_eq!(advice(path, "").len(), 1, "{path}");
        }
    }

    #[test]
    fn files_named_by_what_they_hold_pass() {
        for path in [
            "api/src/listener.rs",
            "domain/src/command.rs",
            "tests/golden/listener_enabled_v2.json",
            "docs/common.md",
        ] {
            assert!(advice(path, "").is_empty(), "{path}");
        }
    }

    #[test]
    fn types_and_modules_with_refused_words_are_named() {
        for line in [
            "pub struct FlowEngine;",
            "pub(crate) struct ListenerManager<T> {",
            "trait RunService: Send {",
            "enum PageHelper { One }",
            "pub(in crate::api) type ClockUtils = ();",
            "mod util;",
            "pub mod helpers {",
        ] {
            assert_eq!(advice("engine/src/lib.rs", line).len(), 1, "{line}");
        }
    }

    #[test]
    fn words_of_brokers_and_foreign_traits_pass() {
        for line in [
            "pub struct ServiceBus;",
            "    type Service = Router;",
            "use tower::Service;",
            "impl Service for Api {",
            "pub fn new_service() {}",
            "pub(crate) mod listener;",
        ] {
            assert!(advice("brokers/src/lib.rs", line).is_empty(), "{line}");
        }
    }
}
