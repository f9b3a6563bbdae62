//! Whether a worker may work for listeners, as whoever keeps its lease says.

use tokio::sync::watch;
use tokio::time::Instant;

/// Whether a worker may take messages and decide them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// It stands by.
    Withheld,
    /// It may until then, unless it hears more: nothing but its own word holds it back.
    Until(Instant),
    /// It may. What it may not do any more, its journal refuses.
    Granted,
}

/// The side of a worker.
pub struct Permit {
    pub(crate) permission: watch::Receiver<Permission>,
    /// Whether it works for listeners.
    pub(crate) working: watch::Sender<bool>,
}

/// The side of whoever permits.
pub struct Permits {
    permission: watch::Sender<Permission>,
    working: watch::Receiver<bool>,
}

/// Both sides, for a worker that stands by at first.
#[must_use]
pub fn permits() -> (Permits, Permit) {
    let (permission, follow) = watch::channel(Permission::Withheld);
    let (working, works) = watch::channel(false);
    let permits = Permits {
        permission,
        working: works,
    };
    let permit = Permit {
        permission: follow,
        working,
    };
    (permits, permit)
}

impl Permits {
    /// Has the worker know from now on.
    pub fn say(&self, permission: Permission) {
        self.permission.send_replace(permission);
    }

    /// Has the worker stand by, and waits until it has stopped what it was doing.
    pub async fn withdraw(&self) {
        self.say(Permission::Withheld);
        // A worker that has ended does nothing.
        let _ = self.working.clone().wait_for(|works| !works).await;
    }
}

impl Permit {
    /// A worker that nobody stands beside.
    #[must_use]
    pub fn always() -> Self {
        let (permits, permit) = permits();
        permits.say(Permission::Granted);
        permit
    }

    /// Waits until the worker may work, or until it may not.
    pub(crate) async fn until(&mut self, permitted: bool) {
        let is = |permission: &Permission| (*permission != Permission::Withheld) == permitted;
        if self.permission.wait_for(is).await.is_err() {
            // Whoever permitted is gone: it stays as it is.
            std::future::pending::<()>().await;
        }
    }
}

impl Permission {
    /// Whether something may be begun or decided now.
    pub(crate) fn allows(self, now: Instant) -> bool {
        match self {
            Self::Withheld => false,
            Self::Until(end) => now < end,
            Self::Granted => true,
        }
    }
}
