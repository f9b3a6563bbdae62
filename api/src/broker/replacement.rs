//! What replacing a broker would move and leave behind.

use std::collections::BTreeMap;
use std::time::Duration;

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use domain::broker::Broker;
use domain::grant::GrantKey;
use domain::replacement::{Holding, Preview, preview};
use domain::topic::Topic as TopicState;
use domain::{BrokerId, ListenerId, Position, PublisherId, State, StreamName, TopicId, TopicName};
use projections::ReadModel;

use crate::as_of::{self, AsOf};
use crate::control::{Control, control};
use crate::error::{Code, error, failure, read_failure};
use crate::grant::Grant;
use crate::id;
use crate::job::JobStepKind;
use crate::listener::Listener;
use crate::mutation::NotDone;
use crate::mutation::call::Task;
use crate::publisher::Publisher;
use crate::topic::Topic;
use crate::view::View;

/// One more topic than a replacement takes, so that it is refused and none forgotten.
const MOST_TOPICS: u32 = 10_001;

/// How long a job follows the policies that move what depended on a broker.
const LONGEST_MOVE: Duration = Duration::from_secs(600);

/// What a replacement would move, and what it would leave behind. Pattern grants are not listed:
/// they all move.
#[derive(SimpleObject)]
pub struct BrokerReplacementPreview {
    /// What moves, by topic.
    pub moves: Vec<ReplacementMove>,
    /// Topics in use that the replacement lacks.
    pub missing: Vec<ReplacementMissing>,
}

pub struct ReplacementMove(TopicId, Holding, View);

/// A topic whose grants, listeners and publishers go to the topic of the same name.
#[Object]
impl ReplacementMove {
    /// The topic, on the broker that would be replaced.
    async fn topic(&self) -> Topic {
        Topic::of_id(self.0.clone(), self.2.clone())
    }

    /// What moves.
    async fn holding(&self) -> ReplacementHolding {
        ReplacementHolding(self.0.clone(), self.1.clone(), self.2.clone())
    }
}

pub struct ReplacementMissing {
    topic: TopicId,
    holding: Holding,
    dlq_of: Vec<ListenerId>,
    view: View,
}

/// A topic in use that the replacement lacks.
#[Object]
impl ReplacementMissing {
    /// The topic.
    async fn topic(&self) -> Topic {
        Topic::of_id(self.topic.clone(), self.view.clone())
    }

    /// What depends on it, and would be ended.
    async fn holding(&self) -> ReplacementHolding {
        let (topic, holding) = (self.topic.clone(), self.holding.clone());
        ReplacementHolding(topic, holding, self.view.clone())
    }

    /// Listeners on other topics that use it as their dead letter queue, and would be disabled.
    async fn dlq_of(&self) -> Option<Result<Vec<Listener>>> {
        Some(self.view.find_all(self.dlq_of.clone(), Listener).await)
    }
}

pub struct ReplacementHolding(TopicId, Holding, View);

/// What depends on one topic.
#[Object]
impl ReplacementHolding {
    /// Its grants.
    async fn grants(&self) -> Option<Result<Vec<Grant>>> {
        let grants = self.1.grants.iter();
        let keys = grants.map(|permission| GrantKey::of_topic(&self.0, permission));
        Some(self.2.find_all(keys.collect(), Grant).await)
    }

    /// Its listeners.
    async fn listeners(&self) -> Option<Result<Vec<Listener>>> {
        let listeners = self.1.listeners.iter().map(|algorithm| ListenerId {
            topic: self.0.clone(),
            algorithm: algorithm.clone(),
        });
        Some(self.2.find_all(listeners.collect(), Listener).await)
    }

    /// Its publishers.
    async fn publishers(&self) -> Option<Result<Vec<Publisher>>> {
        let publishers = self.1.publishers.iter().map(|algorithm| PublisherId {
            topic: self.0.clone(),
            algorithm: algorithm.clone(),
        });
        Some(self.2.find_all(publishers.collect(), Publisher).await)
    }
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
    let broker = id::known(id, id::broker)?;
    let replacement = id::known(replacement, id::broker)?;
    let until = as_of::bound(ctx, as_of).await?;
    let fold = async |id| fold::<Broker>(ctx, &StreamName::broker(id), until).await;
    let (present, replacement) = (fold(broker).await?, fold(replacement).await?);
    if present.settings.is_none() || replacement.settings.is_none() {
        return Ok(None);
    }
    let mut hanging = BTreeMap::new();
    let view = View::at(ctx, as_of).await?;
    for name in used(view.model(), broker).await? {
        let topic = TopicId {
            broker,
            topic: name.clone(),
        };
        let state = self::fold::<TopicState>(ctx, &StreamName::topic(&topic), until).await?;
        hanging.insert(name, state);
    }
    let preview = preview(&hanging, &replacement);
    Ok(Some(BrokerReplacementPreview::of(broker, preview, &view)))
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
async fn used(model: &ReadModel, broker: BrokerId) -> Result<Vec<TopicName>> {
    let topics = model.topics_in_use(broker, MOST_TOPICS).await;
    topics.map_err(|cause| read_failure(&cause))
}

/// The topics of a broker that are in use now.
pub(super) async fn in_use(control: &Control, broker: BrokerId) -> Result<Vec<TopicName>> {
    used(&control.model, broker).await
}

/// Waits until policies have moved everything from a broker that was replaced.
pub(super) async fn moved(task: &Task, broker: BrokerId) -> Result<(), NotDone> {
    let model = &task.control.model;
    let mut changes = model.watch();
    let moving = async {
        let all = used(model, broker).await?.len();
        task.progress.step(JobStepKind::MoveTopics, Some(all));
        loop {
            // Marked as seen before the rows are read: a change in between wakes us again.
            changes.mark_unchanged();
            let left = used(model, broker).await?.len();
            task.progress.topics(all.saturating_sub(left), all);
            if left == 0 || changes.changed().await.is_err() {
                return Ok(());
            }
        }
    };
    let moved = tokio::time::timeout(LONGEST_MOVE, moving).await;
    moved.unwrap_or_else(|_| {
        let text =
            "the broker has been replaced, and policies are still moving what depended on it";
        Err(NotDone::Failed(error(Code::Unavailable, text)))
    })
}

impl BrokerReplacementPreview {
    fn of(broker: BrokerId, preview: Preview, view: &View) -> Self {
        let on_broker = |topic| TopicId { broker, topic };
        let moves = preview
            .moves
            .into_iter()
            .map(|moved| ReplacementMove(on_broker(moved.topic), moved.holding, view.clone()));
        let listener = |(topic, algorithm)| ListenerId {
            topic: on_broker(topic),
            algorithm,
        };
        let missing = preview
            .missing
            .into_iter()
            .map(|missing| ReplacementMissing {
                topic: on_broker(missing.topic),
                holding: missing.holding,
                dlq_of: missing.dlq_of.into_iter().map(listener).collect(),
                view: view.clone(),
            });
        Self {
            moves: moves.collect(),
            missing: missing.collect(),
        }
    }
}
