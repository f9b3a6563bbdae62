//! What a direct run calls: an algorithm, and the version that its caller selects.

use domain::algorithm::VersionPublished;
use domain::{AlgorithmId, NameError, VersionSelector};
use projections::ReadModelError;
use projections::algorithm::state;

use crate::control::Control;

/// What a caller names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub organization: String,
    pub name: String,
    /// A selector, or what callers write for one: `1.2` for the newest of 1.2.
    pub version: Option<String>,
}

impl Target {
    /// The version to call now; otherwise why there is none, in words.
    ///
    /// # Errors
    /// The read models cannot be read.
    pub async fn resolve(
        &self,
        control: &Control,
    ) -> Result<Result<VersionPublished, String>, ReadModelError> {
        let none = |why: &dyn std::fmt::Display| Ok(Err(format!("{}: {why}", self.path())));
        let algorithm = format!("{}/{}", self.organization, self.name);
        let Ok(algorithm) = algorithm.parse::<AlgorithmId>() else {
            return none(&"there is no such algorithm");
        };
        let ids = [algorithm];
        let Some(row) = control.model.algorithms_by_id(&ids).await?.pop() else {
            return none(&"there is no such algorithm");
        };
        let selector = match selector(self.version.as_deref()) {
            Ok(selector) => selector,
            Err(error) => return none(&error),
        };
        let versions = control.model.versions_of(&ids).await?;
        match state(row.retired_at.is_some(), &versions).resolve(&selector) {
            Ok(version) => Ok(Ok(version.clone())),
            Err(unresolved) => none(&unresolved),
        }
    }

    fn path(&self) -> String {
        let version = self.version.as_deref();
        let version = version.map_or_else(String::new, |version| format!("/{version}"));
        format!("{}/{}{version}", self.organization, self.name)
    }
}

/// The selector that callers mean: none is the newest, and `1.2` the newest of 1.2.
fn selector(text: Option<&str>) -> Result<VersionSelector, NameError> {
    let Some(text) = text else {
        return Ok(VersionSelector::Latest);
    };
    match text.parse() {
        Ok(selector) => Ok(selector),
        Err(error) => format!("{text}.*").parse().map_err(|_| error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_selected_as_callers_write_them() {
        let read = |text| selector(text).map(|selector| selector.to_string());
        for (text, wanted) in [
            (None, "latest"),
            (Some("latest"), "latest"),
            (Some("1.2.3"), "1.2.3"),
            (Some("1.2"), "1.2.*"),
            (Some("1.2.*"), "1.2.*"),
            (Some("1.*"), "1.*"),
            (Some("1"), "1.*"),
        ] {
            assert_eq!(read(text).unwrap(), wanted);
        }
        for text in ["latestPrivate", "", "1.2.3.4", "cafe0123"] {
            assert!(read(Some(text)).is_err(), "{text}");
        }
    }
}
