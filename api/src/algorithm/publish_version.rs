//! Publishing a version of an algorithm.

use async_graphql::{Context, ID, InputObject};
use domain::algorithm::{CallSettings, PublishVersion};
use domain::{AlgorithmId, Position, Thing, Version};

use super::mutation::VersionPayload;
use super::types::{EndpointProtocol, Version as VersionNode};
use crate::id;
use crate::model_server::ModelServer;
use crate::mutation::{Call, Mutation, NotDone, OnceAtRevision, Target, Terms, arguments};
use crate::user_error::{UserError, UserErrorCode};

/// How long a call may take where nothing is said.
const TIMEOUT_MS: u64 = 300_000;

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
    /// How the endpoint is called, and how its answer is read.
    #[graphql(default_with = "EndpointProtocol::Raw")]
    pub protocol: EndpointProtocol,
    /// The model server that it is, whose settings it gets where they are not given: `timeoutMs` and
    /// `batchesCallers`. Only these are stored.
    pub preset: Option<ModelServer>,
    /// How long one call may take: 1 to 3,000,000; by default what the preset says, or 300,000.
    pub timeout_ms: Option<u64>,
    /// How long connecting to the endpoint may take: 1 to 60,000; by default 3,000.
    pub connect_timeout_ms: Option<u64>,
    /// How long the endpoint may be silent from the beginning of a call until the head of its answer:
    /// 1 to `timeoutMs`. By default, as long as the call may take.
    pub first_byte_timeout_ms: Option<u64>,
    /// How long the endpoint may be silent between two pieces of its answer: 1 to `timeoutMs`. By
    /// default, as long as the call may take.
    pub idle_timeout_ms: Option<u64>,
    /// Whether the endpoint may put calls of several callers into one batch, and refuse all of them
    /// for one. A message that it refuses beside others is then always called once more alone. By
    /// default what the preset says, or false: then that ends after ten refusals that stood.
    pub batches_callers: Option<bool>,
    #[graphql(flatten)]
    pub once: OnceAtRevision,
}

/// A version that an algorithm is to have. What is changed is the algorithm, what is shown the
/// version.
pub(crate) struct NewVersion {
    algorithm: AlgorithmId,
    version: Version,
}

impl Target for NewVersion {
    type Entity = VersionNode;

    fn thing(&self) -> Option<Thing> {
        Some(Thing::Algorithm(self.algorithm.clone()))
    }

    async fn find(
        &self,
        ctx: &Context<'_>,
        _position: Position,
    ) -> async_graphql::Result<Option<VersionNode>> {
        VersionNode::find(ctx, &self.algorithm, &self.version).await
    }
}

impl Mutation for VersionPublishInput {
    type Id = ();
    type Target = NewVersion;
    type Payload = VersionPayload;

    fn terms(&self) -> Terms<'_> {
        self.once.terms()
    }

    fn target(&self, (): &()) -> Result<NewVersion, UserError> {
        Ok(NewVersion {
            algorithm: arguments::id_in(&self.algorithm_id, id::algorithm, "algorithmId")?,
            version: version(&self.version)?,
        })
    }

    async fn run(&self, call: &Call<'_>, target: &NewVersion) -> Result<Position, NotDone> {
        let preset: Option<domain::ModelServer> = self.preset.map(Into::into);
        let timeout_ms = preset.and_then(domain::ModelServer::timeout_ms);
        let batches_callers = preset.is_some_and(domain::ModelServer::batches_callers);
        let command = PublishVersion {
            algorithm: target.algorithm.clone(),
            version: target.version.clone(),
            endpoint: self.endpoint.clone(),
            protocol: self.protocol.into(),
            timeout_ms: self.timeout_ms.or(timeout_ms).unwrap_or(TIMEOUT_MS),
            calls: CallSettings {
                connect_timeout_ms: self.connect_timeout_ms,
                first_byte_timeout_ms: self.first_byte_timeout_ms,
                idle_timeout_ms: self.idle_timeout_ms,
                batches_callers: self.batches_callers.unwrap_or(batches_callers),
            },
        };
        call.execute(&command).await
    }
}

/// The version that an input names.
fn version(text: &str) -> Result<Version, UserError> {
    text.parse().map_err(|_| {
        UserError::new(
            UserErrorCode::BadName,
            "a version must have the form 1.2.3 or 1.2.3-rc.1",
            &["input", "version"],
        )
    })
}
