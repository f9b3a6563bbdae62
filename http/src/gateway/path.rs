//! The path of a direct run: an algorithm, and a version where one is named.

use api::run::target::Target;

/// The target that a path below `/v1/algo/` names, as the original's clients write it: the Node
/// client with the scheme that its README has, and with a slash at the end.
pub(super) fn target(path: &str) -> Option<Target> {
    let path = path.strip_prefix("algo://").unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut parts = path.split('/').map(str::to_owned);
    let target = Target {
        organization: parts.next()?,
        name: parts.next()?,
        version: parts.next(),
    };
    let is_whole = parts.next().is_none() && !path.split('/').any(str::is_empty);
    is_whole.then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_as_clients_write_it() {
        let named = |version: Option<&str>| {
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
            assert_eq!(target(path), named(None), "{path}");
        }
        for path in [
            "acme/score/1.0.0",
            "acme/score/1.0.0/",
            "algo://acme/score/1.0.0/",
        ] {
            assert_eq!(target(path), named(Some("1.0.0")), "{path}");
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
            assert_eq!(target(path), None, "{path}");
        }
    }
}
