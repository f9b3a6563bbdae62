//! Whether the process lives, and whether it may be sent requests.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use tokio::time::timeout;

use super::Site;

/// How long the event log may take to say that it can be used. Whoever asks does not wait longer.
const LOG_ANSWERS_IN: Duration = Duration::from_secs(2);

/// Says whether requests are welcome: set once all is started, cleared before the drain.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Requests are welcome, or are not.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

pub(super) async fn live() -> &'static str {
    "alive\n"
}

pub(super) async fn ready(State(site): State<Site>) -> (StatusCode, String) {
    if !site.settings.readiness.is_set() {
        return unready("starting or stopping");
    }
    let store = site.schema.control().engine.store();
    match timeout(LOG_ANSWERS_IN, store.ready()).await {
        Ok(Ok(())) => (StatusCode::OK, "ready\n".to_owned()),
        Ok(Err(error)) => unready(&chain(&error)),
        Err(_) => unready(&format!(
            "the event log gave no answer in {LOG_ANSWERS_IN:?}"
        )),
    }
}

fn unready(why: &str) -> (StatusCode, String) {
    (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n"))
}

/// The error and its causes. Those of the event log name what failed and how, never where it is or
/// who asked with which password.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // What wraps an error may repeat it.
        let error_text = error.to_string();
        if !text.ends_with(&error_text) {
            text = format!("{text}: {error_text}");
        }
        cause = error.source();
    }
    text
}
