//! Whether the process lives, and whether it may be sent requests.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use tokio::time::timeout;

use super::Site;

/// How long the event log may take to say that it can be used; callers do not wait longer.
const LOG_ANSWERS_IN: Duration = Duration::from_secs(2);

/// What the server as a whole lacks before it has started, and while it stops.
const SERVER: &str = "the server";

/// Says whether requests are welcome: they are where nothing is lacking.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<Mutex<Lacking>>);

/// What is lacking, by the part that lacks it.
type Lacking = BTreeMap<&'static str, String>;

impl Default for Readiness {
    /// That of a server that starts.
    fn default() -> Self {
        let starting = Lacking::from([(SERVER, "the server is starting".to_owned())]);
        Self(Arc::new(Mutex::new(starting)))
    }
}

impl Readiness {
    /// All parts are started.
    pub fn started(&self) {
        self.lacking().remove(SERVER);
    }

    /// The server stops and takes no further requests.
    pub fn stopping(&self) {
        let why = "the server is stopping".to_owned();
        self.lacking().insert(SERVER, why);
    }

    /// A part does not do its work, and this is why.
    pub fn lack(&self, part: &'static str, why: &(dyn Error + 'static)) {
        self.lacking().insert(part, chain(why));
    }

    /// A part does its work again.
    pub fn restored(&self, part: &'static str) {
        self.lacking().remove(part);
    }

    /// Why requests are not welcome, a line for each part; nothing where they are.
    #[must_use]
    pub fn why_not(&self) -> Option<String> {
        let lacking = self.lacking();
        if lacking.is_empty() {
            return None;
        }
        let mut text = String::new();
        for why in lacking.values() {
            let _infallible = writeln!(text, "{why}");
        }
        Some(text)
    }

    fn lacking(&self) -> std::sync::MutexGuard<'_, Lacking> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) async fn live() -> &'static str {
    "alive\n"
}

pub(super) async fn ready(State(site): State<Site>) -> (StatusCode, String) {
    if let Some(why) = site.settings.readiness.why_not() {
        return (StatusCode::SERVICE_UNAVAILABLE, why);
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
fn chain(error: &(dyn Error + 'static)) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_ready_once_it_has_started_and_while_no_part_lacks_anything() {
        let readiness = Readiness::default();
        assert_eq!(readiness.why_not().unwrap(), "the server is starting\n");
        readiness.started();
        assert_eq!(readiness.why_not(), None);
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        readiness.lack("the checkpointer", &full);
        readiness.stopping();
        let why = readiness.why_not().unwrap();
        assert_eq!(why, "no storage space\nthe server is stopping\n");
    }
}
