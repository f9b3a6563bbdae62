//! Publishing a version of an algorithm.

use super::{Algorithm, CallSettings, Endpoint, Protocol, VersionPublished};
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::ids::AlgorithmId;
use crate::refusal::Refusal;
use crate::version::Version;

/// Publish a version that will never change.
#[derive(Clone, Debug)]
pub struct PublishVersion {
    pub algorithm: AlgorithmId,
    pub version: Version,
    pub endpoint: String,
    pub protocol: Protocol,
    pub timeout_ms: u64,
    pub calls: CallSettings,
}

impl Command for PublishVersion {
    type State = Algorithm;

    fn stream(&self) -> StreamName {
        StreamName::algorithm(&self.algorithm)
    }

    fn requires(&self) -> Right {
        Right::Develop(self.algorithm.organization.clone())
    }

    fn decide(&self, state: &Algorithm, _ctx: Ctx) -> Decided {
        state.check_in_use(&self.algorithm)?;
        // Build metadata does not tell versions apart: a selector must never find two equal ones.
        let same = |taken: &Version| taken.cmp_precedence(&self.version).is_eq();
        if state.versions.keys().any(same) {
            return Err(Refusal::VersionTaken {
                algorithm: self.algorithm.clone(),
                version: self.version.clone(),
            });
        }
        self.calls.check(self.timeout_ms)?;
        let endpoint = self.endpoint.parse::<Endpoint>();
        endpoint.map_err(|wrong| Refusal::BadEndpoint(wrong.to_string()))?;
        Ok(vec![
            VersionPublished {
                algorithm: self.algorithm.clone(),
                version: self.version.clone(),
                endpoint: self.endpoint.clone(),
                protocol: self.protocol,
                timeout_ms: self.timeout_ms,
                calls: self.calls,
            }
            .into(),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Event;
    use crate::testing::{
        algorithm_registered, algorithm_retired, given, version_published, version_withdrawn,
    };

    fn publish(version: &str) -> PublishVersion {
        PublishVersion {
            algorithm: "acme/score".parse().unwrap(),
            version: version.parse().unwrap(),
            endpoint: format!("http://127.0.0.1:9000/{version}"),
            protocol: Protocol::Raw,
            timeout_ms: 30_000,
            calls: CallSettings::default(),
        }
    }

    fn published(version: &str) -> VersionPublished {
        let Event::VersionPublished(published) = version_published("acme/score", version) else {
            unreachable!("it is published")
        };
        published
    }

    #[test]
    fn a_new_version_is_published() {
        given([algorithm_registered("acme/score")])
            .when(publish("1.0.0"))
            .then([version_published("acme/score", "1.0.0")]);
    }

    #[test]
    fn a_version_is_published_once() {
        given([
            algorithm_registered("acme/score"),
            version_published("acme/score", "1.0.0"),
        ])
        .when(publish("1.0.0"))
        .then_refused(Refusal::VersionTaken {
            algorithm: "acme/score".parse().unwrap(),
            version: "1.0.0".parse().unwrap(),
        });
    }

    #[test]
    fn a_withdrawn_version_and_another_build_of_it_are_taken() {
        for version in ["1.0.0", "1.0.0+build.2"] {
            given([
                algorithm_registered("acme/score"),
                version_published("acme/score", "1.0.0"),
                version_withdrawn("acme/score", "1.0.0"),
            ])
            .when(publish(version))
            .then_refused(Refusal::VersionTaken {
                algorithm: "acme/score".parse().unwrap(),
                version: version.parse().unwrap(),
            });
        }
    }

    #[test]
    fn a_retired_algorithm_publishes_nothing() {
        given([
            algorithm_registered("acme/score"),
            algorithm_retired("acme/score"),
        ])
        .when(publish("1.0.0"))
        .then_refused(Refusal::AlgorithmRetired("acme/score".parse().unwrap()));
    }

    #[test]
    fn an_unknown_algorithm_is_refused() {
        given([])
            .when(publish("1.0.0"))
            .then_refused(Refusal::UnknownAlgorithm("acme/score".parse().unwrap()));
    }

    #[test]
    fn a_timeout_of_nothing_is_refused() {
        let hasty = PublishVersion {
            timeout_ms: 0,
            ..publish("1.0.0")
        };
        given([algorithm_registered("acme/score")])
            .when(hasty)
            .then_refused(Refusal::OutOfBounds {
                field: "timeoutMs",
                min: 1,
                max: 3_000_000,
            });
    }

    #[test]
    fn the_parts_of_a_call_have_no_more_time_than_the_whole() {
        type Part = fn(&mut CallSettings) -> &mut Option<u64>;
        let parts: [(Part, &str, u64); 3] = [
            (|c| &mut c.connect_timeout_ms, "connectTimeoutMs", 60_000),
            (
                |c| &mut c.first_byte_timeout_ms,
                "firstByteTimeoutMs",
                30_000,
            ),
            (|c| &mut c.idle_timeout_ms, "idleTimeoutMs", 30_000),
        ];
        for (part, field, max) in parts {
            for (value, fits) in [(0, false), (1, true), (max, true), (max + 1, false)] {
                let mut version = publish("1.0.0");
                *part(&mut version.calls) = Some(value);
                let calls = version.calls;
                let when = given([algorithm_registered("acme/score")]).when(version);
                if fits {
                    let mut event = published("1.0.0");
                    event.calls = calls;
                    when.then([event.into()]);
                } else {
                    when.then_refused(Refusal::OutOfBounds { field, min: 1, max });
                }
            }
        }
    }

    #[test]
    fn an_endpoint_that_cannot_be_called_is_refused() {
        for endpoint in ["http://host:notaport/", "https://models.example/"] {
            let wrong = endpoint.parse::<Endpoint>().unwrap_err();
            let uncallable = PublishVersion {
                endpoint: endpoint.to_owned(),
                ..publish("1.0.0")
            };
            given([algorithm_registered("acme/score")])
                .when(uncallable)
                .then_refused(Refusal::BadEndpoint(wrong.to_string()));
        }
    }
}
