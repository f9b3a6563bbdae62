//! Versions of an algorithm and the selectors that pick one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use semver::Version;

use crate::name::NameError;

/// Which version of an algorithm to call, resolved again at each run.
///
/// Only the exact form may name a pre-release: `latest` and the starred forms never choose one.
/// Build metadata does not order versions; the exact form finds a version with or without it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum VersionSelector {
    /// `1.2.3`
    Exact(Version),
    /// `1.2.*`
    Minor { major: u64, minor: u64 },
    /// `1.*`
    Major { major: u64 },
    /// `latest`
    Latest,
}

impl VersionSelector {
    /// The newest of `published` that the selector picks, if there is one: of equal ones that
    /// which is written like the selector.
    #[must_use]
    pub fn resolve<'a>(
        &self,
        published: impl IntoIterator<Item = &'a Version>,
    ) -> Option<&'a Version> {
        published
            .into_iter()
            .filter(|version| self.matches(version))
            .max_by_key(|version| (self.names(version), *version))
    }

    /// Whether a publisher with this selector takes results of `version`: of every version that
    /// it matches, and for `latest` of the newest of `published` only.
    #[must_use]
    pub fn takes<'a>(
        &self,
        version: &Version,
        published: impl IntoIterator<Item = &'a Version>,
    ) -> bool {
        match self {
            Self::Latest => self.resolve(published) == Some(version),
            Self::Exact(_) | Self::Minor { .. } | Self::Major { .. } => self.matches(version),
        }
    }

    /// Whether the selector is `version` to the letter.
    fn names(&self, version: &Version) -> bool {
        matches!(self, Self::Exact(exact) if exact == version)
    }

    fn matches(&self, version: &Version) -> bool {
        let released = version.pre.is_empty();
        match self {
            Self::Exact(exact) if exact.build.is_empty() => exact.cmp_precedence(version).is_eq(),
            Self::Exact(_) => self.names(version),
            Self::Minor { major, minor } => {
                released && version.major == *major && version.minor == *minor
            }
            Self::Major { major } => released && version.major == *major,
            Self::Latest => released,
        }
    }
}

impl fmt::Display for VersionSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(version) => version.fmt(f),
            Self::Minor { major, minor } => write!(f, "{major}.{minor}.*"),
            Self::Major { major } => write!(f, "{major}.*"),
            Self::Latest => f.write_str("latest"),
        }
    }
}

impl FromStr for VersionSelector {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let refused = || {
            NameError::new(
                "a version selector",
                "must have the form 1.2.3, 1.2.*, 1.* or latest",
            )
        };
        if text == "latest" {
            return Ok(Self::Latest);
        }
        let Some(prefix) = text.strip_suffix(".*") else {
            return Version::parse(text).map(Self::Exact).map_err(|_| refused());
        };
        let number = |part: &str| match part.parse::<u64>() {
            // "01" and "+1" parse as numbers, yet are no version parts.
            Ok(number) if number.to_string() == part => Ok(number),
            _ => Err(refused()),
        };
        match prefix.split_once('.') {
            None => Ok(Self::Major {
                major: number(prefix)?,
            }),
            Some((major, minor)) => Ok(Self::Minor {
                major: number(major)?,
                minor: number(minor)?,
            }),
        }
    }
}

impl TryFrom<String> for VersionSelector {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<VersionSelector> for String {
    fn from(selector: VersionSelector) -> Self {
        selector.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn resolve(selector: &str, published: &[&str]) -> Option<String> {
        let published: Vec<Version> = published.iter().map(|v| v.parse().unwrap()).collect();
        let selector: VersionSelector = selector.parse().unwrap();
        selector.resolve(&published).map(ToString::to_string)
    }

    #[test]
    fn a_selector_picks_the_newest_match() {
        let published = ["1.0.0", "1.2.0", "1.2.10", "1.2.9", "2.0.0"];
        assert_eq!(resolve("1.2.9", &published).unwrap(), "1.2.9");
        assert_eq!(resolve("1.2.*", &published).unwrap(), "1.2.10");
        assert_eq!(resolve("1.*", &published).unwrap(), "1.2.10");
        assert_eq!(resolve("latest", &published).unwrap(), "2.0.0");
        assert_eq!(resolve("3.*", &published), None);
    }

    #[test]
    fn a_pre_release_is_chosen_only_by_its_full_name() {
        let published = ["1.0.0", "1.1.0-rc.1"];
        assert_eq!(resolve("latest", &published).unwrap(), "1.0.0");
        assert_eq!(resolve("1.1.*", &published), None);
        assert_eq!(resolve("1.1.0-rc.1", &published).unwrap(), "1.1.0-rc.1");
    }

    #[test]
    fn build_metadata_is_found_without_being_named() {
        let published = ["1.0.0+a", "1.1.0+b"];
        assert_eq!(resolve("1.1.0", &published).unwrap(), "1.1.0+b");
        assert_eq!(resolve("1.1.0+b", &published).unwrap(), "1.1.0+b");
        assert_eq!(resolve("1.1.0+c", &published), None);
        assert_eq!(resolve("latest", &published).unwrap(), "1.1.0+b");
        assert_eq!(resolve("1.0.0", &["1.0.0", "1.0.0+z"]).unwrap(), "1.0.0");
    }

    #[test]
    fn a_publisher_takes_every_match_and_of_latest_the_newest() {
        let published: Vec<Version> = ["1.0.0", "1.1.0"].map(|v| v.parse().unwrap()).to_vec();
        let takes = |selector: &str, version: &str| {
            let selector: VersionSelector = selector.parse().unwrap();
            selector.takes(&version.parse().unwrap(), &published)
        };
        assert!(takes("1.*", "1.0.0"));
        assert!(takes("1.0.0", "1.0.0"));
        assert!(!takes("1.0.0", "1.1.0"));
        assert!(takes("latest", "1.1.0"));
        assert!(!takes("latest", "1.0.0"));
    }

    #[test]
    fn a_selector_reads_back_as_it_was_written() {
        for text in ["1.2.3", "1.2.*", "1.*", "latest", "1.0.0-rc.1"] {
            let selector: VersionSelector = text.parse().unwrap();
            assert_eq!(selector.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for text in [
            "", "*", "1", "1.2", "v1.0.0", "1.2.3.*", "01.*", "+1.*", "Latest", ".*",
        ] {
            assert!(text.parse::<VersionSelector>().is_err(), "{text:?}");
        }
    }

    fn versions() -> impl Strategy<Value = Vec<Version>> {
        let version = (0_u64..3, 0_u64..3, 0_u64..3, 0_usize..4, 0_usize..3);
        let version = version.prop_map(|(major, minor, patch, pre, build)| {
            let pre = ["", "", "-alpha", "-rc.1"][pre];
            let build = ["", "", "+b7"][build];
            format!("{major}.{minor}.{patch}{pre}{build}")
                .parse()
                .unwrap()
        });
        proptest::collection::vec(version, 0..12)
    }

    fn selectors() -> impl Strategy<Value = VersionSelector> {
        prop_oneof![
            Just(VersionSelector::Latest),
            (0_u64..3).prop_map(|major| VersionSelector::Major { major }),
            (0_u64..3, 0_u64..3).prop_map(|(major, minor)| VersionSelector::Minor { major, minor }),
        ]
    }

    proptest! {
        #[test]
        fn a_selector_never_chooses_a_pre_release_nor_an_older_match(
            published in versions(),
            selector in selectors(),
        ) {
            let matching = |version: &&Version| {
                let text = format!("{}.{}.{}", version.major, version.minor, version.patch);
                let prefix = selector.to_string().replace('*', "");
                version.pre.is_empty() && (prefix == "latest" || text.starts_with(&prefix))
            };
            match selector.resolve(&published) {
                None => prop_assert_eq!(published.iter().find(matching), None),
                Some(picked) => {
                    prop_assert!(matching(&picked));
                    for other in published.iter().filter(matching) {
                        prop_assert!(other.cmp_precedence(picked).is_le());
                    }
                }
            }
        }

        #[test]
        fn what_is_picked_does_not_depend_on_the_order_of_publishing(
            published in versions(),
            selector in selectors(),
        ) {
            let mut sorted = published.clone();
            sorted.sort();
            prop_assert_eq!(selector.resolve(&published), selector.resolve(&sorted));
        }

        #[test]
        fn withdrawing_what_was_not_picked_changes_nothing(
            published in versions(),
            selector in selectors(),
            index in 0_usize..12,
        ) {
            let picked = selector.resolve(&published).cloned();
            let mut fewer = published.clone();
            if index < fewer.len() && Some(&fewer[index]) != picked.as_ref() {
                fewer.remove(index);
            }
            prop_assert_eq!(selector.resolve(&fewer), picked.as_ref());
        }

        #[test]
        fn every_published_version_is_found_by_its_full_name(
            published in versions(),
            index in 0_usize..12,
        ) {
            if let Some(version) = published.get(index) {
                let exact = VersionSelector::Exact(version.clone());
                prop_assert_eq!(exact.resolve(&published), Some(version));
            }
        }
    }
}
