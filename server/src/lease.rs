//! Keeps the lease of the worker inside, has it work only while it may, and cleans up after workers
//! that are gone.

use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::lease::{
    Asked, Epoch, Held, Holder, Lease, LeaseError, LeaseStore, Leased, RENEW_EVERY, TERM, Taken,
    give_back, is_free, renew, take,
};
use eventflows_http::Readiness;
use tokio::time::{Instant, sleep, timeout};
use workers::{Journal, Permission, Permits};

use crate::admission::Admission;
use crate::parts::Part;

/// How often a lease that somebody else has is asked for, or one that was not answered.
const AGAIN: Duration = Duration::from_secs(1);

/// How long before the end of an unrenewed term a worker that nothing else holds back begins to stop.
const MARGIN: Duration = Duration::from_secs(5);

/// Why the worker does not work.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum StandsBy {
    #[error("the worker stands by until another one has stopped")]
    Held(#[source] Held),
    #[error(
        "the worker stands by: its data directory is a copy, or was copied, and the other one was \
         used since; `eventflows serve --adopt-journal` has this one work"
    )]
    Outdated(#[source] Held),
}

/// The lease of the worker inside.
pub(crate) struct WorkerLease {
    store: Arc<dyn LeaseStore>,
    holder: Holder,
    journal: Journal,
    readiness: Readiness,
    /// The last epoch that is known of the journal.
    guarded: AtomicU64,
    /// Whether it works although the journal may be a copy.
    adopt: bool,
    /// Whether the worker must keep to the term itself: nothing else keeps others from its work.
    keeps_to_term: bool,
    held: Mutex<Option<Lease>>,
    /// What was last said.
    said: Mutex<Option<StandsBy>>,
}

impl WorkerLease {
    /// A lease that is not taken yet. With a journal of its own, the worker leases the assignments;
    /// with one that it shares, its own part of it. `local` says that the leases are in its data
    /// directory, which one process uses at a time.
    pub(crate) fn new(
        store: Arc<dyn LeaseStore>,
        holder: Holder,
        journal: Journal,
        readiness: Readiness,
        local: bool,
    ) -> Self {
        Self {
            store,
            holder,
            guarded: AtomicU64::new(journal.epoch().0),
            keeps_to_term: !local && !journal.is_shared(),
            journal,
            readiness,
            adopt: false,
            held: Mutex::default(),
            said: Mutex::default(),
        }
    }

    /// Takes the lease also with a journal that may be a copy, if that is wanted.
    pub(crate) fn adopting(self, adopt: bool) -> Self {
        Self { adopt, ..self }
    }

    /// Has the worker work whenever its journal is the cluster's and the lease its own, until it is
    /// cancelled.
    pub(crate) async fn permit(&self, admission: &Admission, admitted: bool, permits: &Permits) {
        let mut admitted = admitted;
        loop {
            if !admitted {
                admission.granted().await;
            }
            admitted = false;
            let (lease, until) = self.taken().await;
            self.readiness.restored(Part::Worker.name());
            *self.said.lock().unwrap_or_else(PoisonError::into_inner) = None;
            let lost = tokio::select! {
                () = self.kept(lease, until, Some(permits)) => true,
                () = self.clean_up() => false,
                _replaced = admission.withdrawn() => false,
            };
            if lost {
                tracing::error!("another process has taken over; the worker stands by");
                permits.withdraw().await;
                continue;
            }
            let last = *self.held();
            tokio::select! {
                () = permits.withdraw() => {}
                () = self.kept(last.unwrap_or(lease), until, None) => permits.withdraw().await,
            }
            self.give_back().await;
        }
    }

    /// Gives the lease back, if it is held, so that nobody waits for its end.
    pub(crate) async fn give_back(&self) {
        let held = self.held().take();
        if let Some(lease) = held {
            let given = timeout(RENEW_EVERY, give_back(&*self.store, lease)).await;
            if let Ok(Err(error)) = given {
                let error = &error as &dyn Error;
                tracing::warn!(error, "the lease is not given back, and ends with its term");
            }
        }
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Option<Lease>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leased(&self) -> Leased {
        if self.journal.is_shared() {
            Leased::Worker(self.holder.worker)
        } else {
            Leased::Assignments
        }
    }

    /// Waits until the lease is taken and its epoch is in the journal. Returns when it ends unless it
    /// is renewed.
    async fn taken(&self) -> (Lease, Instant) {
        loop {
            let asked = Asked {
                leased: self.leased(),
                by: self.holder,
                guarded: Epoch(self.guarded.load(Ordering::Relaxed)),
                alone: !self.journal.is_shared() && !self.adopt,
                term: TERM,
            };
            let now = Instant::now();
            match answered(take(&*self.store, &asked)).await {
                Ok(Taken::Lease(lease)) => {
                    *self.held() = Some(lease);
                    self.guarded.fetch_max(lease.epoch.0, Ordering::Relaxed);
                    match self.journal.take_over(lease.epoch).await {
                        Ok(true) => return (lease, now + TERM),
                        // The leases were restored from an old copy: the next epoch is higher.
                        Ok(false) => {}
                        Err(error) => {
                            let error = &error as &dyn Error;
                            tracing::warn!(error, "the journal does not take the lease's epoch");
                        }
                    }
                }
                Ok(Taken::Held(held)) => self.stand_by(held),
                Err(error) => {
                    let error = &error as &dyn Error;
                    tracing::warn!(error, "the worker waits for its lease");
                }
            }
            sleep(AGAIN).await;
        }
    }

    fn stand_by(&self, held: Held) {
        let why = match held {
            Held::By(_) => StandsBy::Held(held),
            Held::Outdated { .. } => StandsBy::Outdated(held),
        };
        self.readiness.lack(Part::Worker.name(), &why);
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.as_ref() != Some(&why) {
            tracing::warn!(error = &why as &dyn Error, "the worker does not work");
            *said = Some(why);
        }
    }

    /// Renews the lease until somebody else has it, and tells the worker for how long it may work. In
    /// a shared journal a worker that was taken over is refused, so it goes on until then.
    async fn kept(&self, mut lease: Lease, mut until: Instant, permits: Option<&Permits>) {
        let say = |permission| {
            if let Some(permits) = permits {
                permits.say(permission);
            }
        };
        let keeps_to_term = self.keeps_to_term;
        let mut wait = RENEW_EVERY;
        say(if keeps_to_term {
            Permission::Until(until)
        } else {
            Permission::Granted
        });
        loop {
            sleep(wait).await;
            let now = Instant::now();
            match answered(renew(&*self.store, lease, TERM)).await {
                Ok(Some(renewed)) => {
                    lease = renewed;
                    until = now + TERM;
                    *self.held() = Some(lease);
                    wait = RENEW_EVERY;
                    if keeps_to_term {
                        say(Permission::Until(until));
                    }
                }
                Ok(None) => {
                    *self.held() = None;
                    return;
                }
                Err(error) => {
                    let error = &error as &dyn Error;
                    tracing::warn!(error, "the lease is not renewed");
                    wait = AGAIN;
                    if keeps_to_term && Instant::now() + MARGIN > until {
                        say(Permission::Withheld);
                    }
                }
            }
        }
    }

    /// Ends what workers left in the shared journal that are gone, until it is cancelled.
    async fn clean_up(&self) {
        loop {
            sleep(RENEW_EVERY).await;
            let others = match self.journal.others().await {
                Ok(others) => others,
                Err(error) => {
                    let error = &error as &dyn Error;
                    tracing::warn!(error, "it is not known who shares the journal");
                    continue;
                }
            };
            for (worker, guarded) in others {
                let asked = Asked {
                    leased: Leased::Worker(worker),
                    by: self.holder,
                    guarded,
                    alone: false,
                    term: TERM,
                };
                if let Err(error) = self.clean_up_after(&asked, worker).await {
                    let error = &*error;
                    tracing::warn!(worker.id = %worker, error, "what a worker left is not ended");
                }
            }
        }
    }

    async fn clean_up_after(
        &self,
        asked: &Asked,
        worker: domain::WorkerId,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let record = answered(self.store.read(asked.leased)).await?;
        if !is_free(record.as_ref()) {
            return Ok(());
        }
        let Taken::Lease(lease) = answered(take(&*self.store, asked)).await? else {
            return Ok(());
        };
        let ended = self.journal.clean_up_after(worker, lease.epoch).await;
        answered(give_back(&*self.store, lease)).await?;
        if let Some(runs) = ended? {
            tracing::info!(worker.id = %worker, runs, "what a worker left that is gone is ended");
        }
        Ok(())
    }
}

/// An answer of the store of leases, which may say nothing for long.
async fn answered<T>(asking: impl Future<Output = Result<T, LeaseError>>) -> Result<T, LeaseError> {
    match timeout(RENEW_EVERY, asking).await {
        Ok(answer) => answer,
        Err(late) => Err(LeaseError(Box::new(late))),
    }
}
