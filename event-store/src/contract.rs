//! What every backend promises, as claims that run against each of them.

mod commands;
mod expectations;
mod following;
mod reading;
mod refusal;
mod sample;
mod skipping;

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::port::EventStore;

pub(crate) use self::refusal::one_refused;
pub(crate) use self::sample::{NOW, sample};
pub(crate) use self::skipping::{Positioned, skipped};

/// One log of the backend under test: each call opens a further handle on it.
pub(crate) type Log = Arc<dyn Fn() -> BoxFuture<'static, Arc<dyn EventStore>> + Send + Sync>;

/// Runs every claim, each against a log of its own from `new_log`, and names the broken ones.
pub(crate) async fn hold(new_log: impl Fn() -> Log) {
    let claims = expectations::claims()
        .into_iter()
        .chain(commands::claims())
        .chain(following::claims())
        .chain(skipping::claims())
        .chain(reading::claims());
    let mut broken = Vec::new();
    for (claim, run) in claims {
        if tokio::spawn(run(new_log())).await.is_err() {
            broken.push(claim);
        }
    }
    assert!(broken.is_empty(), "broken promises: {broken:#?}");
}

/// A claim's wording, and its proof.
type Claim = (&'static str, fn(Log) -> BoxFuture<'static, ()>);
