//! The workspace's version, which says what was released: a version without a pre-release part.

const LINE: &str = "version = \"";

/// The version that the workspace's Cargo.toml names.
pub(crate) fn of_workspace(manifest: &str) -> Option<&str> {
    let version = manifest.lines().find_map(|line| line.strip_prefix(LINE))?;
    version.strip_suffix('"')
}

/// The workspace's Cargo.toml with another version; its own `version` line is the only one that
/// starts in the first column.
pub(crate) fn replaced(manifest: &str, version: &str) -> String {
    let lines = manifest.lines().map(|line| {
        if line.starts_with(LINE) {
            format!("{LINE}{version}\"\n")
        } else {
            format!("{line}\n")
        }
    });
    lines.collect()
}

/// Three numbers and nothing else: `0.1.0-dev` is on the way to a release, not one.
pub(crate) fn is_release(version: &str) -> bool {
    let numbers: Vec<&str> = version.split('.').collect();
    let is_number =
        |text: &&str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    numbers.len() == 3 && numbers.iter().all(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "[workspace.package]\nversion = \"0.1.0-dev\"\nedition = \"2024\"\n\n\
                            [workspace.dependencies]\nclap = { version = \"4.6\" }\n";

    #[test]
    fn the_version_is_read_and_replaced_where_the_workspace_names_it() {
        assert_eq!(of_workspace(MANIFEST), Some("0.1.0-dev"));
        let replaced = replaced(MANIFEST, "0.1.0");
        assert_eq!(of_workspace(&replaced), Some("0.1.0"));
        assert!(replaced.ends_with("clap = { version = \"4.6\" }\n"));
        assert_eq!(of_workspace("[workspace]\n"), None);
    }

    #[test]
    fn a_version_with_a_pre_release_part_is_no_release() {
        assert!(is_release("0.1.0"));
        for version in ["0.1.0-dev", "0.1", "1.0.0.0", "0.1.", "v0.1.0", ""] {
            assert!(!is_release(version), "{version}");
        }
    }
}
