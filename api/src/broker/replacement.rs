//! Replacing a broker by another, and looking beforehand at what will come of it.

use std::collections::BTreeMap;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use domain::broker::{Broker, ReplaceBroker};
use domain::grant::{Grantee, Permission};
use domain::replacement::{Holding, Missing, Move, Preview, preview};
use domain::topic::Topic;
use domain::{AlgorithmId, BrokerId, Position, State, StreamName, TopicId, TopicName};

use super::mutation::{BrokerPayload, answer};
use crate::as_of::{self, AsOf};
use crate::control::control;
use crate::error::{failure, invalid, read_failure};
use crate::grant::Access;
use crate::id;
use crate::listener::settings::ListenerStartInput;
use crate::mutation::{Ticket, execute};
use crate::scalar::BigInt;
use crate::user_error::UserError;
use crate::view::View;

/// One more topic than a replacement takes, so that it is refused and none forgotten.
const MOST_TOPICS: u32 = 10_001;

#[derive(InputObject)]
pub struct BrokerReplaceInput {
    /// A broker of the same kind that is alive.
    pub replacement_id: ID,
    /// Go on where the replacement lacks topics: what hangs on those ends.
    #[graphql(default)]
    pub leave_missing: bool,
    /// Where listeners begin on the new broker; where each was told to begin unless chosen.
    pub start: Option<ListenerStartInput>,
    /// The same key again answers the same and does nothing more; at most 200 bytes.
    pub idempotency_key: Option<String>,
    /// The revision of the broker's stream that the caller last saw.
    pub expected_revision: Option<BigInt>,
}

/// What a replacement would move, and what it would leave behind. Grants on topic patterns are not
/// among it: they all move.
#[derive(SimpleObject)]
pub struct BrokerReplacementPreview {
    /// By topic.
    pub moves: Vec<ReplacementMove>,
    /// Topics in use that the replacement lacks.
    pub missing: Vec<ReplacementMissing>,
}

/// A topic whose grants, listeners and publishers go to the topic of the same name.
#[derive(SimpleObject)]
pub struct ReplacementMove {
    pub topic: String,
    pub holding: ReplacementHolding,
}

/// A topic in use that the replacement lacks.
#[derive(SimpleObject)]
pub struct ReplacementMissing {
    pub topic: String,
    /// What hangs on it, and would end.
    pub holding: ReplacementHolding,
    /// Listeners on other topics that have it for a dead letter queue, and would end.
    pub dlq_of: Vec<ReplacementDlqOf>,
}

/// What hangs on one topic.
#[derive(SimpleObject)]
pub struct ReplacementHolding {
    pub grants: Vec<ReplacementGrant>,
    /// The algorithms whose listeners hang on it, as `organization/name`.
    pub listeners: Vec<String>,
    /// The algorithms whose publishers hang on it, as `organization/name`.
    pub publishers: Vec<String>,
}

/// A grant that hangs on a topic.
#[derive(SimpleObject)]
pub struct ReplacementGrant {
    /// `organization/name`; null where it is given to an organization.
    pub algorithm: Option<String>,
    /// The organization to all of whose algorithms it is given; null where it is given to one.
    pub organization: Option<String>,
    pub access: Access,
}

/// A listener on another topic.
#[derive(SimpleObject)]
pub struct ReplacementDlqOf {
    pub topic: String,
    /// `organization/name`
    pub algorithm: String,
}

#[derive(Default)]
pub struct ReplacementQuery;

#[Object]
impl ReplacementQuery {
    /// What `brokerReplace` would move and leave behind now; null where one of the brokers is not.
    async fn broker_replacement_preview(
        &self,
        ctx: &Context<'_>,
        id: ID,
        replacement_id: ID,
        as_of: Option<AsOf>,
    ) -> Option<Result<BrokerReplacementPreview>> {
        look(ctx, &id, &replacement_id, as_of).await.transpose()
    }
}

#[derive(Default)]
pub struct ReplacementMutation;

#[Object]
impl ReplacementMutation {
    /// Ends a broker for good and has another of the same kind take over its grants,
    /// listeners and publishers, topic by topic. Nothing is consumed from the old one any more.
    /// The broker that is answered is the replacement.
    async fn broker_replace(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: BrokerReplaceInput,
    ) -> Option<Result<BrokerPayload>> {
        Some(replace(ctx, id, input).await)
    }
}

async fn look(
    ctx: &Context<'_>,
    id: &ID,
    replacement: &ID,
    as_of: Option<AsOf>,
) -> Result<Option<BrokerReplacementPreview>> {
    let wrong = |error: id::IdError| invalid(error.to_string());
    let broker = id::broker(id).map_err(wrong)?;
    let replacement = id::broker(replacement).map_err(wrong)?;
    let until = as_of::bound(ctx, as_of).await?;
    let fold = async |id| fold::<Broker>(ctx, &StreamName::broker(id), until).await;
    let (present, replacement) = (fold(broker).await?, fold(replacement).await?);
    if present.settings.is_none() || replacement.settings.is_none() {
        return Ok(None);
    }
    let mut hanging = BTreeMap::new();
    let view = View::at(ctx, as_of).await?;
    for name in in_use(&view, broker).await? {
        let topic = TopicId {
            broker,
            topic: name.clone(),
        };
        let state = self::fold::<Topic>(ctx, &StreamName::topic(&topic), until).await?;
        hanging.insert(name, state);
    }
    Ok(Some(preview(&hanging, &replacement).into()))
}

/// A stream as its decisions saw it when the log ended at `until`.
async fn fold<S: State>(
    ctx: &Context<'_>,
    stream: &StreamName,
    until: Option<Position>,
) -> Result<S> {
    let state = control(ctx).engine.fold_until(stream, until).await;
    state.map_err(|cause| failure(&cause))
}

async fn replace(ctx: &Context<'_>, id: ID, input: BrokerReplaceInput) -> Result<BrokerPayload> {
    let key = input.idempotency_key.as_deref();
    let expected = input.expected_revision;
    let ticket = Ticket::new("brokerReplace", Some(&id), &input, key, expected);
    let mut command = match command(&id, &input) {
        Ok(command) => command,
        Err(error) => return Ok(BrokerPayload::refused(error)),
    };
    command.topics = in_use(&View::live(ctx), command.broker).await?;
    let ended = execute(ctx, &ticket, &command).await;
    // The broker is gone: the payload shows the one that took over.
    answer(ctx, Some(command.replacement), ended).await
}

/// The command, without the topics that there are.
fn command(id: &ID, input: &BrokerReplaceInput) -> Result<ReplaceBroker, UserError> {
    let start = input.start.as_ref();
    let start = start.map(|start| start.position(&["input", "start", "time"]));
    Ok(ReplaceBroker {
        broker: id::broker(id).map_err(|error| UserError::bad_id(&error, &["id"]))?,
        replacement: id::broker(&input.replacement_id)
            .map_err(|error| UserError::bad_id(&error, &["input", "replacementId"]))?,
        topics: Vec::new(),
        leave_missing: input.leave_missing,
        start: start.transpose()?,
    })
}

/// The topics of a broker that something hangs on, as far as the read models know.
async fn in_use(view: &View, broker: BrokerId) -> Result<Vec<TopicName>> {
    let topics = view.model().topics_in_use(broker, MOST_TOPICS).await;
    topics.map_err(|cause| read_failure(&cause))
}

impl From<Preview> for BrokerReplacementPreview {
    fn from(preview: Preview) -> Self {
        Self {
            moves: preview.moves.into_iter().map(Into::into).collect(),
            missing: preview.missing.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<Move> for ReplacementMove {
    fn from(moved: Move) -> Self {
        Self {
            topic: moved.topic.to_string(),
            holding: moved.holding.into(),
        }
    }
}

impl From<Missing> for ReplacementMissing {
    fn from(missing: Missing) -> Self {
        let dlq_of = |(topic, algorithm): (TopicName, AlgorithmId)| ReplacementDlqOf {
            topic: topic.to_string(),
            algorithm: algorithm.to_string(),
        };
        Self {
            topic: missing.topic.to_string(),
            holding: missing.holding.into(),
            dlq_of: missing.dlq_of.into_iter().map(dlq_of).collect(),
        }
    }
}

impl From<Holding> for ReplacementHolding {
    fn from(holding: Holding) -> Self {
        let names = |algorithms: Vec<AlgorithmId>| {
            let names = algorithms.iter().map(ToString::to_string);
            names.collect()
        };
        Self {
            grants: holding.grants.into_iter().map(Into::into).collect(),
            listeners: names(holding.listeners),
            publishers: names(holding.publishers),
        }
    }
}

impl From<Permission> for ReplacementGrant {
    fn from(permission: Permission) -> Self {
        let (algorithm, organization) = match permission.grantee {
            Grantee::Algorithm(algorithm) => (Some(algorithm.to_string()), None),
            Grantee::Organization(organization) => (None, Some(organization.to_string())),
        };
        Self {
            algorithm,
            organization,
            access: permission.access.into(),
        }
    }
}
