//! Whether the process lives, and whether it may be sent requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::State;
use axum::http::StatusCode;

use super::Site;

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
        let text = "starting or stopping\n".to_owned();
        return (StatusCode::SERVICE_UNAVAILABLE, text);
    }
    match site.schema.control().engine.store().head().await {
        Ok(_) => (StatusCode::OK, "ready\n".to_owned()),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")),
    }
}
