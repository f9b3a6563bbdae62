//! Publishing a version of an algorithm.

use async_graphql::{ID, InputObject};
use domain::algorithm::PublishVersion;
use domain::{AlgorithmId, Position, Version};

use super::mutation::AlgorithmPayload;
use super::types::Protocol;
use crate::id;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Terms, arguments};
use crate::user_error::{UserError, UserErrorCode};

/// A version to publish.
#[derive(InputObject)]
pub struct VersionPublishInput {
    /// The algorithm that it is a version of.
    pub algorithm_id: ID,
    /// A semantic version: `1.2.3`, or a pre-release such as `1.2.3-rc.1`.
    pub version: String,
    /// An `http` URL that names a host, without user name, password or fragment. `https` is refused
    /// until workers can call it.
    pub endpoint: String,
    /// How the endpoint is called and its answer read.
    #[graphql(default_with = "Protocol::Raw")]
    pub protocol: Protocol,
    /// How long one call may take: 1 to 3,000,000.
    #[graphql(default = 300_000)]
    pub timeout_ms: u64,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

impl Mutation for VersionPublishInput {
    type Id = ();
    type Target = AlgorithmId;
    type Payload = AlgorithmPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, (): &()) -> Result<AlgorithmId, UserError> {
        arguments::id_in(&self.algorithm_id, id::algorithm, "algorithmId")
    }

    async fn run(&self, call: &Call<'_>, algorithm: &AlgorithmId) -> Result<Position, NotDone> {
        let command = PublishVersion {
            algorithm: algorithm.clone(),
            version: version(&self.version)?,
            endpoint: self.endpoint.clone(),
            protocol: self.protocol.into(),
            timeout_ms: self.timeout_ms,
        };
        call.execute(&command).await
    }
}

/// The version that an input names.
pub(super) fn version(text: &str) -> Result<Version, UserError> {
    text.parse().map_err(|_| {
        UserError::new(
            UserErrorCode::BadName,
            "a version is written 1.2.3 or 1.2.3-rc.1",
            &["input", "version"],
        )
    })
}
