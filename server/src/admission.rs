//! Admits the worker inside, which may work only while its journal is the cluster's: with two
//! journals, messages would be decided twice.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use domain::cluster::UseJournal;
use domain::{Actor, CommandId, CorrelationId, Ids, JournalId, Refusal, WorkerId};
use engine::{Engine, Failure, Outcome, Request};
use eventflows_http::Readiness;
use tokio::time::sleep;

use crate::parts::Part;

/// How often it is asked again.
const EVERY: Duration = Duration::from_secs(5);

/// Asks whether a worker may work.
pub(crate) struct Admission {
    pub(crate) engine: Arc<Engine>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) readiness: Readiness,
    pub(crate) worker: WorkerId,
    pub(crate) journal: JournalId,
    /// Whether its journal takes the place of another.
    pub(crate) adopt: AtomicBool,
}

/// Why the worker does not work.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0}; let the servers share one with --journal-url, or start one of them with --adopt-journal"
)]
struct NotAdmitted(Refusal);

impl Admission {
    /// Asks once, before anything is served, so that a new log begins with its journal. Returns whether
    /// the worker may work.
    pub(crate) async fn announce(&self) -> bool {
        let admitted = matches!(self.ask(self.adopts()).await, Ok(None));
        if admitted {
            self.adopt.store(false, Ordering::Relaxed);
        }
        admitted
    }

    /// Waits until the journal is the cluster's. Until then the server is not ready.
    pub(crate) async fn granted(&self) {
        loop {
            match self.ask(self.adopts()).await {
                Ok(None) => break,
                Ok(Some(refused)) => {
                    self.readiness.lack(Part::Worker.name(), &refused);
                    tracing::error!(error = &refused as &dyn Error, "the worker does not work");
                }
                Err(error) => {
                    let error = &error as &dyn Error;
                    tracing::warn!(error, "it is not known whether the worker may work");
                }
            }
            sleep(EVERY).await;
        }
        self.adopt.store(false, Ordering::Relaxed);
    }

    /// Waits until the worker may work no longer: another journal was adopted. A log that does not
    /// answer says nothing.
    pub(crate) async fn withdrawn(&self) {
        loop {
            sleep(EVERY).await;
            if let Ok(Some(_)) = self.ask(false).await {
                return;
            }
        }
    }

    /// Once: a journal that took the place of another may be replaced itself.
    fn adopts(&self) -> bool {
        self.adopt.load(Ordering::Relaxed)
    }

    /// Why the worker may not work now, if that is so.
    async fn ask(&self, adopt: bool) -> Result<Option<NotAdmitted>, Failure> {
        let command = UseJournal {
            worker: self.worker,
            journal: self.journal,
            adopt,
        };
        let id = self.ids.next();
        let request = Request {
            actor: Actor::Worker { id: self.worker },
            command: CommandId(id),
            fingerprint: [0; 32],
            correlation: CorrelationId(id),
            causation: None,
            client_address: None,
            repeatable: false,
            expected: Vec::new(),
        };
        Ok(match self.engine.execute(&command, &request).await? {
            Outcome::Refused(refusal) => Some(NotAdmitted(refusal)),
            Outcome::Accepted(_) | Outcome::Stale(_) | Outcome::KeyReused => None,
        })
    }
}
