//! What replacing a broker would move and leave behind.

use std::collections::BTreeMap;

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use domain::broker::Broker;
use domain::grant::{Grantee, Permission};
use domain::replacement::{Holding, Missing, Move, Preview, preview};
use domain::topic::Topic;
use domain::{AlgorithmId, BrokerId, Position, State, StreamName, TopicId, TopicName};

use crate::as_of::{self, AsOf};
use crate::control::control;
use crate::error::{failure, invalid, read_failure};
use crate::grant::Access;
use crate::id;
use crate::view::View;

/// One more topic than a replacement takes, so that it is refused and none forgotten.
const MOST_TOPICS: u32 = 10_001;

/// What a replacement would move, and what it would leave behind. Pattern grants are not listed:
/// they all move.
#[derive(SimpleObject)]
pub struct BrokerReplacementPreview {
    /// What moves, by topic.
    pub moves: Vec<ReplacementMove>,
    /// Topics in use that the replacement lacks.
    pub missing: Vec<ReplacementMissing>,
}

/// A topic whose grants, listeners and publishers go to the topic of the same name.
#[derive(SimpleObject)]
pub struct ReplacementMove {
    /// The name of the topic.
    pub topic: String,
    /// What moves.
    pub holding: ReplacementHolding,
}

/// A topic in use that the replacement lacks.
#[derive(SimpleObject)]
pub struct ReplacementMissing {
    /// The name of the topic.
    pub topic: String,
    /// What depends on it, and would be ended.
    pub holding: ReplacementHolding,
    /// Listeners on other topics that use it as their dead letter queue, and would be disabled.
    pub dlq_of: Vec<ReplacementDlqOf>,
}

/// What depends on one topic.
#[derive(SimpleObject)]
pub struct ReplacementHolding {
    /// Its grants.
    pub grants: Vec<ReplacementGrant>,
    /// The algorithms of its listeners, as `organization/name`.
    pub listeners: Vec<String>,
    /// The algorithms of its publishers, as `organization/name`.
    pub publishers: Vec<String>,
}

/// A grant of one topic.
#[derive(SimpleObject)]
pub struct ReplacementGrant {
    /// The algorithm, as `organization/name`; null if it is given to an organization.
    pub algorithm: Option<String>,
    /// The organization, if it is given to all of its algorithms.
    pub organization: Option<String>,
    /// What it permits.
    pub access: Access,
}

/// A listener on another topic.
#[derive(SimpleObject)]
pub struct ReplacementDlqOf {
    /// The name of the topic that it reads.
    pub topic: String,
    /// Its algorithm, as `organization/name`.
    pub algorithm: String,
}

#[derive(Default)]
pub struct ReplacementQuery;

#[Object]
impl ReplacementQuery {
    /// What `brokerReplace` would move and leave behind; null if one of the brokers is not
    /// connected.
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

/// The topics of a broker that are in use, as far as the read models know.
pub(super) async fn in_use(view: &View, broker: BrokerId) -> Result<Vec<TopicName>> {
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
