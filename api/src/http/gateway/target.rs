//! What a direct run calls: an algorithm, and the version that the path selects.

use domain::algorithm::VersionPublished;
use domain::{AlgorithmId, NameError, VersionSelector};
use projections::algorithm::state;
use projections::{ReadModel, ReadModelError};

/// The parts of the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    organization: String,
    name: String,
    version: Option<String>,
}

impl Target {
    /// The target that a path behind `/v1/algo/` names, as the original's clients write it: the
    /// Node client with the scheme that its README has, and with a slash at the end.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let path = path.strip_prefix("algo://").unwrap_or(path);
        let path = path.strip_suffix('/').unwrap_or(path);
        let mut parts = path.split('/').map(str::to_owned);
        let target = Self {
            organization: parts.next()?,
            name: parts.next()?,
            version: parts.next(),
        };
        let is_whole = parts.next().is_none() && !path.split('/').any(str::is_empty);
        is_whole.then_some(target)
    }

    /// The version to call now; otherwise why there is none, in words.
    pub(super) async fn resolve(
        &self,
        model: &ReadModel,
    ) -> Result<Result<VersionPublished, String>, ReadModelError> {
        let none = |why: &dyn std::fmt::Display| Ok(Err(format!("{}: {why}", self.path())));
        let algorithm = format!("{}/{}", self.organization, self.name);
        let Ok(algorithm) = algorithm.parse::<AlgorithmId>() else {
            return none(&"there is no such algorithm");
        };
        let ids = [algorithm];
        let Some(row) = model.algorithms_by_id(&ids).await?.pop() else {
            return none(&"there is no such algorithm");
        };
        let selector = match selector(self.version.as_deref()) {
            Ok(selector) => selector,
            Err(error) => return none(&error),
        };
        let versions = model.versions_of(&ids).await?;
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
    fn a_path_is_read_as_clients_write_it() {
        let target = |version: Option<&str>| {
            Some(Target {
                organization: "acme".to_owned(),
                name: "score".to_owned(),
                version: version.map(str::to_owned),
            })
        };
        for path in [
            "acme/score",
            "acme/score/",
            "algo://acme/score",
            "algo://acme/score/",
        ] {
            assert_eq!(Target::parse(path), target(None), "{path}");
        }
        for path in [
            "acme/score/1.0.0",
            "acme/score/1.0.0/",
            "algo://acme/score/1.0.0/",
        ] {
            assert_eq!(Target::parse(path), target(Some("1.0.0")), "{path}");
        }
        for path in [
            "",
            "/",
            "acme",
            "acme/",
            "acme//score",
            "acme/score//",
            "a/b/c/d",
            "algo://",
        ] {
            assert_eq!(Target::parse(path), None, "{path}");
        }
    }

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
