//! What every store of the journal promises, as claims that run against each of them.

mod confirmations;
mod consumers;
mod decisions;
mod epochs;
mod outbox;
mod positions;
mod retention;
mod runs;
mod sample;
mod samples;
mod search;
mod series;
mod workflows;

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::Journal;

pub(super) use self::consumers::{say_joining, told};
pub(super) use self::sample::{claim, listener, owner, succeeded};

/// One journal of the store under test: each call opens it once more, as a worker does that was
/// started again.
pub(super) type Opener = Arc<dyn Fn() -> BoxFuture<'static, Journal> + Send + Sync>;

/// A claim's wording, and its proof.
type Claim = (&'static str, fn(Opener) -> BoxFuture<'static, ()>);

/// Pairs the names of functions with themselves.
macro_rules! claims {
    ($($claim:ident),* $(,)?) => {
        pub(super) fn claims() -> Vec<super::Claim> {
            vec![$((stringify!($claim), |open| Box::pin($claim(open)))),*]
        }
    };
}
use claims;

/// Runs every claim, each in a journal of its own, and names the broken ones.
pub(super) async fn hold(new_journal: impl Fn() -> Opener) {
    let claims = runs::claims()
        .into_iter()
        .chain(decisions::claims())
        .chain(epochs::claims())
        .chain(outbox::claims())
        .chain(positions::claims())
        .chain(retention::claims())
        .chain(consumers::claims())
        .chain(samples::claims())
        .chain(confirmations::claims())
        .chain(search::claims())
        .chain(workflows::claims())
        .chain(series::claims());
    let mut broken = Vec::new();
    for (claim, run) in claims {
        if tokio::spawn(run(new_journal())).await.is_err() {
            broken.push(claim);
        }
    }
    assert!(broken.is_empty(), "broken promises: {broken:#?}");
}
