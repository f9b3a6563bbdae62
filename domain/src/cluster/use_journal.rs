//! Which journal the workers decide in.

use super::{Cluster, JournalAdopted};
use crate::authority::Right;
use crate::command::{Command, Ctx, Decided};
use crate::envelope::StreamName;
use crate::ids::{JournalId, WorkerId};
use crate::refusal::Refusal;

/// Decide messages in a journal from now on. All workers of a cluster use the same one: in two, a
/// message would be decided twice.
#[derive(Clone, Copy, Debug)]
pub struct UseJournal {
    pub worker: WorkerId,
    pub journal: JournalId,
    /// Whether the journal takes the place of another that the cluster used.
    pub adopt: bool,
}

impl Command for UseJournal {
    type State = Cluster;

    fn stream(&self) -> StreamName {
        StreamName::cluster()
    }

    fn requires(&self) -> Right {
        if self.adopt {
            Right::AdministerCluster
        } else {
            Right::Report(self.worker)
        }
    }

    fn decide(&self, state: &Cluster, _ctx: Ctx) -> Decided {
        match state.journal {
            Some(used) if used == self.journal => Ok(vec![]),
            Some(used) if !self.adopt => Err(Refusal::OtherJournal {
                journal: self.journal,
                used,
            }),
            Some(_) | None => Ok(vec![
                JournalAdopted {
                    journal: self.journal,
                }
                .into(),
            ]),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::event::Event;
    use crate::testing::{WORKER, given};

    fn journal(number: u128) -> JournalId {
        JournalId(Uuid::from_u128(number))
    }

    fn use_journal(number: u128) -> UseJournal {
        UseJournal {
            worker: WORKER,
            journal: journal(number),
            adopt: false,
        }
    }

    fn adopted(number: u128) -> Event {
        JournalAdopted {
            journal: journal(number),
        }
        .into()
    }

    #[test]
    fn the_first_journal_is_adopted_and_stays() {
        given([]).when(use_journal(1)).then([adopted(1)]);
        given([adopted(1)]).when(use_journal(1)).then([]);
    }

    #[test]
    fn another_journal_is_refused_until_it_is_adopted() {
        let refusal = Refusal::OtherJournal {
            journal: journal(2),
            used: journal(1),
        };
        given([adopted(1)])
            .when(use_journal(2))
            .then_refused(refusal.clone());
        let adopt = UseJournal {
            adopt: true,
            ..use_journal(2)
        };
        given([adopted(1)]).when(adopt).then([adopted(2)]);
        let history = || [adopted(1), adopted(2)];
        given(history()).when(use_journal(2)).then([]);
        let refusal = Refusal::OtherJournal {
            journal: journal(1),
            used: journal(2),
        };
        given(history()).when(use_journal(1)).then_refused(refusal);
    }
}
