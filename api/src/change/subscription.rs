//! Following what changes.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, Error, ID, Result, Subscription};
use domain::Position as At;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, stream};
use projections::change::{ChangesError, POSITIONS_KEPT, ThingsChanged};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::scope::Scope;
use super::{NodeChange, NodeChanges, NodeKind};
use crate::control::{Control, control};
use crate::error::{Code, error, log_failure, read_failure};
use crate::gathering::Gathering;
use crate::id::GlobalId;
use crate::scalar::Position;
use crate::view::View;

/// After so much silence a client is told how far it is.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// The most things of an item, unless a single event touches more: the client has asked for
/// fields of each.
const MOST_THINGS: usize = 100;

#[derive(Default)]
pub struct ChangeSubscription;

#[Subscription]
impl ChangeSubscription {
    /// Changes to what lists and entities show: each thing that changed, in its current state,
    /// sent once the read models have reached the change.
    ///
    /// Without `after`, the first item comes at once and says where the subscription begins: lists
    /// read after it, together with the changes that follow, are complete. After an interruption,
    /// resume after the last item's position. `POSITION_TOO_OLD` says that this is not possible,
    /// because too much has happened since, or because the log does not reach that position, for
    /// example after a restore: read the lists again. When nothing changes, an item without
    /// changes is sent every 20 seconds.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only changes to these things, at most 100.")] of: Option<Vec<ID>>,
        #[graphql(desc = "Only changes to these kinds of things.")] kinds: Option<Vec<NodeKind>>,
        #[graphql(desc = "Only what belongs to this broker, topic, algorithm or organization.")]
        within: Option<ID>,
        after: Option<Position>,
    ) -> Result<impl Stream<Item = Result<NodeChanges>> + use<>> {
        let scope = Scope::new(of.as_deref(), kinds, within.as_ref())?;
        let control = Arc::clone(ctx.data_unchecked::<Arc<Control>>());
        let reached = begin(ctx, after).await?;
        let following = Following {
            shown: control.model.watch(),
            waiting: VecDeque::new(),
            control,
            gathering: ctx.data_unchecked::<Gathering>().clone(),
            scope,
            read: reached,
            reached,
            greet: after.is_none(),
            ended: false,
        };
        Ok(following.items())
    }
}

/// The position after which changes are sent.
async fn begin(ctx: &Context<'_>, after: Option<Position>) -> Result<At> {
    let Some(Position(after)) = after else {
        return Ok(control(ctx).model.position());
    };
    let head = control(ctx).engine.store().head().await;
    let head = head.map_err(|cause| log_failure(&cause))?;
    resume(after, head).map_err(|text| error(Code::PositionTooOld, text))
}

/// Where a client that stopped at `after` continues, or why it cannot.
fn resume(after: At, head: At) -> Result<At, String> {
    match head.0.checked_sub(after.0) {
        None => Err(format!(
            "the log ends at {head}: it is not the log that {after} was read from"
        )),
        Some(behind) if behind > POSITIONS_KEPT => {
            Err(ChangesError::TooOld { after, behind }.to_string())
        }
        Some(_) => Ok(after),
    }
}

/// A client's place in the feed.
struct Following {
    control: Arc<Control>,
    gathering: Gathering,
    /// Wakes it when the rows have moved on.
    shown: watch::Receiver<At>,
    /// Taken from the feed, and not yet sent.
    waiting: VecDeque<Arc<ThingsChanged>>,
    /// The feed was read up to here.
    read: At,
    /// The client has received everything up to here.
    reached: At,
    scope: Scope,
    /// The client is yet to be told where it begins.
    greet: bool,
    ended: bool,
}

impl Following {
    fn items(self) -> BoxStream<'static, Result<NodeChanges>> {
        let items = stream::unfold(self, |mut following| async move {
            let item = following.next().await?;
            following.ended = item.is_err();
            Some((item, following))
        });
        items.boxed()
    }

    async fn next(&mut self) -> Option<Result<NodeChanges>> {
        if self.ended {
            return None;
        }
        if std::mem::take(&mut self.greet) {
            return Some(Ok(self.item(Gathered::default())));
        }
        let deadline = Instant::now() + HEARTBEAT;
        loop {
            if self.waiting.is_empty() {
                match timeout_at(deadline, self.fetch()).await {
                    Ok(Ok(())) => {}
                    Ok(Err(cause)) => return Some(Err(failure(&cause))),
                    Err(_) => return Some(Ok(self.item(Gathered::default()))),
                }
            }
            let gathered = self.gather();
            if !gathered.is_empty() || Instant::now() >= deadline {
                return Some(Ok(self.item(gathered)));
            }
        }
    }

    /// Waits until the rows have moved on, and takes what changed.
    async fn fetch(&mut self) -> Result<(), ChangesError> {
        loop {
            self.shown.mark_unchanged();
            let changes = self.control.model.changes(self.read).await?;
            if changes.reached > self.read {
                self.read = changes.reached;
                self.waiting = changes.changes.into();
                return Ok(());
            }
            // The model, which sends, is there as long as the control.
            let _ = self.shown.changed().await;
        }
    }

    /// What is waiting of what was asked for; whole positions, as many as fit into an item.
    fn gather(&mut self) -> Gathered {
        let mut gathered = Gathered::default();
        while gathered.things.len() < MOST_THINGS {
            let Some(changed) = self.waiting.pop_front() else {
                self.reached = self.read;
                break;
            };
            gathered.more |= changed.more;
            for thing in &changed.things {
                let id = GlobalId::of(thing.clone());
                if self.scope.covers(&id) {
                    gathered.things.insert(id, changed.position);
                }
            }
            self.reached = changed.position;
        }
        gathered
    }

    fn item(&self, gathered: Gathered) -> NodeChanges {
        let view = View::of(self.control.model.clone(), &self.gathering);
        let change = |(id, position)| NodeChange {
            position,
            id,
            view: view.clone(),
        };
        let mut changes: Vec<NodeChange> = gathered.things.into_iter().map(change).collect();
        changes.sort_by_key(|change| change.position);
        NodeChanges {
            position: Position(self.reached),
            changes,
            truncated: gathered.more,
        }
    }
}

fn failure(cause: &ChangesError) -> Error {
    match cause {
        ChangesError::TooOld { .. } => error(Code::PositionTooOld, cause.to_string()),
        ChangesError::Model(cause) => read_failure(cause),
    }
}

/// What changed, each thing with the last position that changed it.
#[derive(Default)]
struct Gathered {
    things: HashMap<GlobalId, At>,
    more: bool,
}

impl Gathered {
    fn is_empty(&self) -> bool {
        self.things.is_empty() && !self.more
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_resumes_unless_it_is_too_far_behind_or_ahead_of_the_log() {
        let head = At(POSITIONS_KEPT + 5);
        assert_eq!(resume(At(5), head), Ok(At(5)));
        assert_eq!(resume(head, head), Ok(head));
        assert!(resume(At(4), head).is_err());
        assert!(resume(At(head.0 + 1), head).is_err());
    }
}
