//! Versions of an algorithm and the selectors that pick one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub use semver::Version;

use crate::name::NameError;

/// Which version of an algorithm to call, resolved anew at each run.
///
/// Only the exact form may name a pre-release: `latest` and the starred forms never choose one.
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
    /// The newest of `published` that the selector picks, if there is one.
    #[must_use]
    pub fn resolve<'a>(
        &self,
        published: impl IntoIterator<Item = &'a Version>,
    ) -> Option<&'a Version> {
        published
            .into_iter()
            .filter(|version| self.matches(version))
            .max()
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
            _ => self.matches(version),
        }
    }

    fn matches(&self, version: &Version) -> bool {
        let released = version.pre.is_empty();
        match self {
            Self::Exact(exact) => exact == version,
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
                "is written 1.2.3, 1.2.*, 1.* or latest",
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
}
