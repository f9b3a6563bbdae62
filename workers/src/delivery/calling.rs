//! Which calls are under way, and which were when a worker crashed.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

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

    /// Whether the run's last call may have taken a worker down: it was counted, nothing is known of
    /// its end, and it is not still under way here. An orderly stop takes such attempts back.
    pub(super) fn may_have_crashed(&self, run: &Run) -> bool {
        run.forgiven > 0 && run.attempts > 0 && !self.runs().contains(&run.key)
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
