//! Messages that are called together. Each waits for its own answer, and all else of it stays its own.

mod answer;
mod body;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use domain::batch::{Collector, Outcome, Split, Whole};
use domain::listener::{BatchFormat, BatchPolicy};
use domain::run::CalledVersion;
use domain::settlement::{self, Answer, Verdict};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::sleep;
use uuid::Uuid;

use super::call::call;
use super::called::Called;
use super::claim::Run;
use super::endpoint::Endpoints;
use super::input::Input;
use crate::journal::RunKey;

pub(super) use self::body::is_part;

/// The batches of a consumer.
pub(crate) struct Batches {
    shared: Arc<Shared>,
    collector: Mutex<Collector<Kind, Item>>,
    /// The batches that are being called.
    calls: Mutex<JoinSet<()>>,
}

struct Shared {
    endpoints: Endpoints,
    /// The consumer group, the namespace of the ids of batches.
    group: Uuid,
    /// Calls at once.
    room: Semaphore,
}

/// What messages of a batch have in common.
#[derive(Clone, PartialEq)]
struct Kind {
    version: CalledVersion,
    format: BatchFormat,
}

/// A message in a batch.
struct Item {
    body: Bytes,
    /// The run id as text.
    run: Bytes,
    traceparent: Bytes,
    key: RunKey,
    answer: oneshot::Sender<Ended>,
}

/// What the call of a message came to, and whether that is its own.
pub(super) struct Ended {
    pub(super) called: Called,
    outcome: Outcome,
}

impl Ended {
    /// Whether nothing is known of the message by itself: its neighbours may be to blame.
    pub(super) fn is_shared(&self) -> bool {
        self.outcome == Outcome::Shared
            && self.called.connected
            && matches!(
                settlement::judge(&self.called.answer),
                Verdict::Retry { .. }
            )
    }
}

impl Batches {
    /// For so many calls at once.
    pub(crate) fn new(endpoints: Endpoints, group: Uuid, concurrency: u32) -> Self {
        Self {
            shared: Arc::new(Shared {
                endpoints,
                group,
                room: Semaphore::new(concurrency as usize),
            }),
            collector: Mutex::default(),
            calls: Mutex::default(),
        }
    }

    /// Calls a message together with others, or `alone`; none where the task of its batch is gone.
    pub(super) async fn call(
        &self,
        version: &CalledVersion,
        policy: BatchPolicy,
        input: &Input,
        run: &Run,
        alone: bool,
    ) -> Option<Ended> {
        let (answer, mut answered) = oneshot::channel();
        let kind = Kind {
            version: version.clone(),
            format: policy.format,
        };
        let item = Item {
            body: body::part(input),
            run: run.id.clone(),
            traceparent: run.traceparent.clone(),
            key: run.key,
            answer,
        };
        if alone {
            self.begin(kind, vec![item]);
            return answered.await.ok();
        }
        let size = item.body.len();
        let joined = self
            .collector()
            .join(kind.clone(), policy.limits(), size, item);
        for (before, items) in joined.closed {
            self.begin(before, items);
        }
        if joined.leads {
            tokio::select! {
                biased;
                ended = &mut answered => return ended.ok(),
                () = sleep(Duration::from_millis(policy.wait_ms)) => {}
            }
            let closed = self.collector().close(joined.batch);
            if let Some(items) = closed {
                self.begin(kind, items);
            }
        }
        answered.await.ok()
    }

    /// Has a task call the items. It ends with the consumer.
    fn begin(&self, kind: Kind, items: Vec<Item>) {
        let shared = Arc::clone(&self.shared);
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        while calls.try_join_next().is_some() {}
        calls.spawn(async move { shared.take(&kind, items).await });
    }

    fn collector(&self) -> MutexGuard<'_, Collector<Kind, Item>> {
        self.collector
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Calls a batch, and parts of it, until each item has ended.
    async fn take(&self, kind: &Kind, items: Vec<Item>) {
        let mut items: Vec<_> = items.into_iter().map(Some).collect();
        let mut split = Split::new(items.len());
        while let Some(part) = split.next() {
            let present: Vec<&Item> = items[part.clone()].iter().flatten().collect();
            let mut answers = self.call(kind, &present).await;
            let Some((ended, outcome)) = split.ended(answers.whole) else {
                continue;
            };
            for item in ended {
                if let Some(item) = items[item].take() {
                    let called = answers.next();
                    // One that was given up meanwhile needs no answer.
                    let _ = item.answer.send(Ended { called, outcome });
                }
            }
        }
    }

    async fn call(&self, kind: &Kind, items: &[&Item]) -> Answers {
        let Ok(_room) = self.room.acquire().await else {
            // It is never closed.
            return Answers::whole(Called::failed(Answer::Unreachable, None), Whole::Unsaid);
        };
        let ids: Vec<u8> = items.iter().flat_map(|item| item.run.to_vec()).collect();
        let id = Uuid::new_v5(&self.group, &ids);
        let run = Run::of_batch(id, items[0].traceparent.clone(), items[0].key);
        let bodies = items.iter().map(|item| &item.body);
        let input = body::joined(kind.format, bodies);
        let called = call(&self.endpoints, &kind.version, &input, &run).await;
        Answers::of(kind.format, called, items.len())
    }
}

/// What a call of a batch came to.
struct Answers {
    whole: Whole,
    /// Those of the items, in order; none where there is one for all.
    own: std::vec::IntoIter<Called>,
    shared: Called,
}

impl Answers {
    fn whole(called: Called, whole: Whole) -> Self {
        Self {
            whole,
            own: Vec::new().into_iter(),
            shared: called,
        }
    }

    fn of(format: BatchFormat, called: Called, count: usize) -> Self {
        let whole = match settlement::judge(&called.answer) {
            Verdict::Succeeded => {
                let Some(result) = &called.result else {
                    return Self::whole(called, Whole::Answered);
                };
                let own = answer::parts(format, result, count);
                let Some(own) = own else {
                    let text = format!("it is no batch of {count} results");
                    let mut unread = Called::failed(Answer::Undecodable, Some(text));
                    unread.received = called.received;
                    return Self::whole(unread, Whole::Refused);
                };
                return Self {
                    whole: Whole::Answered,
                    own: own.into_iter(),
                    shared: called,
                };
            }
            Verdict::Faulty(_) => Whole::Refused,
            Verdict::Retry { .. } if matches!(called.answer, Answer::Status { .. }) => {
                Whole::Failed
            }
            Verdict::Retry { .. }
            | Verdict::Wait { .. }
            | Verdict::Block(_)
            | Verdict::ExpressionFailed(_) => Whole::Unsaid,
        };
        Self::whole(called, whole)
    }

    /// The answer of the next item.
    fn next(&mut self) -> Called {
        self.own.next().unwrap_or_else(|| self.shared.clone())
    }
}
