//! Following what changes.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, ID, Result, Subscription};
use domain::{Envelope, Position as At};
use engine::ReadError;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use super::scope::Scope;
use super::touched::touched;
use super::{Change, Changes, Kind};
use crate::control::{Control, control};
use crate::error::{Code, error, log_failure, read_failure};
use crate::id::GlobalId;
use crate::scalar::Position;
use crate::view::View;

/// After so much silence a client is told how far it is.
const HEARTBEAT: Duration = Duration::from_secs(20);

/// The most events that are replayed: reading the lists again costs less.
const MOST_BEHIND: u64 = 10_000;

/// The most things of an item, unless a single event touches more: whoever follows has asked for
/// fields of each.
const MOST_THINGS: usize = 100;

/// Events taken at once.
const BATCH: usize = 256;

/// How long the read models may take to reach an event that is in the log.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Default)]
pub struct ChangeSubscription;

#[Subscription]
impl ChangeSubscription {
    /// What changes of what lists and entities show: each thing with its row as it is now, sent
    /// once the read models have reached it.
    ///
    /// Without `after` the first item comes at once and says where it begins: lists read after
    /// it, with the changes that follow, are complete. After a break, resume behind the last
    /// item's position. `POSITION_TOO_OLD` says that this cannot be done, because too much
    /// happened since or because the log does not reach so far, as after a restore: read the
    /// lists again. Silence is broken every 20 seconds by an item without changes.
    async fn changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only of these things, at most 100.")] of: Option<Vec<ID>>,
        #[graphql(desc = "Only of these kinds.")] kinds: Option<Vec<Kind>>,
        #[graphql(desc = "Only of what belongs to this broker, topic, algorithm or organization.")]
        within: Option<ID>,
        after: Option<Position>,
    ) -> Result<impl Stream<Item = Result<Changes>> + use<>> {
        let scope = Scope::new(of.as_deref(), kinds, within.as_ref())?;
        let control = Arc::clone(ctx.data_unchecked::<Arc<Control>>());
        let reached = begin(ctx, after).await?;
        let events = control.engine.store().follow(reached);
        let following = Following {
            events: events.ready_chunks(BATCH).boxed(),
            waiting: VecDeque::new(),
            control,
            scope,
            reached,
            greet: after.is_none(),
            ended: false,
        };
        Ok(following.items())
    }
}

/// The position that changes are told from.
async fn begin(ctx: &Context<'_>, after: Option<Position>) -> Result<At> {
    let head = control(ctx).engine.store().head().await;
    let head = head.map_err(|cause| log_failure(&cause))?;
    match after {
        None => Ok(head),
        Some(Position(after)) => {
            resume(after, head).map_err(|text| error(Code::PositionTooOld, text))
        }
    }
}

/// Where a client goes on that stopped at `after`, or why it cannot.
fn resume(after: At, head: At) -> Result<At, String> {
    match head.0.checked_sub(after.0) {
        None => Err(format!(
            "the log ends at {head}: it is not the log that {after} was read from"
        )),
        Some(behind) if behind > MOST_BEHIND => Err(format!(
            "{behind} events happened since; at most {MOST_BEHIND} are replayed"
        )),
        Some(_) => Ok(after),
    }
}

/// A client's place in the log.
struct Following {
    events: BoxStream<'static, Vec<Result<Envelope, ReadError>>>,
    /// Taken from the log, and not yet told of.
    waiting: VecDeque<Envelope>,
    control: Arc<Control>,
    scope: Scope,
    reached: At,
    /// The client is yet to be told where it begins.
    greet: bool,
    ended: bool,
}

impl Following {
    fn items(self) -> BoxStream<'static, Result<Changes>> {
        let items = stream::unfold(self, |mut following| async move {
            let item = following.next().await?;
            following.ended = item.is_err();
            Some((item, following))
        });
        items.boxed()
    }

    async fn next(&mut self) -> Option<Result<Changes>> {
        if self.ended {
            return None;
        }
        if std::mem::take(&mut self.greet) {
            let shown = self.until_shown(self.reached).await;
            return Some(shown.map(|()| self.item(Gathered::default())));
        }
        let deadline = Instant::now() + HEARTBEAT;
        loop {
            if self.waiting.is_empty() {
                let Ok(batch) = timeout_at(deadline, self.events.next()).await else {
                    return Some(Ok(self.item(Gathered::default())));
                };
                let batch: Result<VecDeque<_>, _> = batch?.into_iter().collect();
                match batch {
                    Ok(batch) => self.waiting = batch,
                    Err(cause) => return Some(Err(log_failure(&cause))),
                }
            }
            match self.gather().await {
                Ok(gathered) if gathered.is_empty() && Instant::now() < deadline => {}
                Ok(gathered) => return Some(Ok(self.item(gathered))),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// What the events that wait touch; whole events, as many as fit into an item.
    async fn gather(&mut self) -> Result<Gathered> {
        if let Some(last) = self.waiting.back() {
            self.until_shown(last.position).await?;
        }
        let mut gathered = Gathered::default();
        while let Some(envelope) = self.waiting.pop_front() {
            let (model, engine) = (&self.control.model, &self.control.engine);
            let touched = touched(&envelope, model, engine).await?;
            gathered.more |= touched.more;
            for id in touched.ids {
                if self.scope.covers(&id) {
                    gathered.things.insert(id, envelope.position);
                }
            }
            self.reached = envelope.position;
            if gathered.things.len() >= MOST_THINGS {
                break;
            }
        }
        Ok(gathered)
    }

    async fn until_shown(&mut self, position: At) -> Result<()> {
        let shown = self.control.model.wait_for(position, PATIENCE).await;
        shown.map_err(|cause| read_failure(&cause))
    }

    fn item(&self, gathered: Gathered) -> Changes {
        let view = View::of(self.control.model.clone());
        let change = |(id, position)| Change {
            position,
            id,
            view: view.clone(),
        };
        let mut changes: Vec<Change> = gathered.things.into_iter().map(change).collect();
        changes.sort_by_key(|change| change.position);
        Changes {
            position: Position(self.reached),
            changes,
            more: gathered.more,
        }
    }
}

/// What is touched, each thing with the last position that touched it.
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
        let head = At(MOST_BEHIND + 5);
        assert_eq!(resume(At(5), head), Ok(At(5)));
        assert_eq!(resume(head, head), Ok(head));
        assert!(resume(At(4), head).is_err());
        assert!(resume(At(head.0 + 1), head).is_err());
    }
}
