//! Which calls are under way, and which were when a worker crashed.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use domain::health::Company;

use super::claim::Run;
use crate::journal::RunKey;

/// The runs of a consumer whose endpoint is being called.
#[derive(Default)]
pub(crate) struct Calling(Mutex<HashSet<RunKey>>);

/// A call under way, until it is dropped.
pub(super) struct Under<'a> {
    calling: &'a Calling,
    run: RunKey,
}

impl Calling {
    pub(super) fn begin(&self, run: RunKey) -> Under<'_> {
        self.runs().insert(run);
        Under { calling: self, run }
    }

    /// Who may be called beside a run. Its last call may have taken a worker down if it was counted,
    /// nothing is known of its end, and it is not still under way here. An orderly stop takes such
    /// attempts back.
    pub(super) fn company(&self, run: &Run) -> Company {
        let is_cut_short = run.forgiven > 0 && run.attempts > 0;
        if is_cut_short && !self.runs().contains(&run.key) {
            return Company::Nobody;
        }
        Company::Others
    }

    fn runs(&self) -> MutexGuard<'_, HashSet<RunKey>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Under<'_> {
    fn drop(&mut self) {
        self.calling.runs().remove(&self.run);
    }
}
