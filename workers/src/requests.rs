//! Answers what the control plane wants to know of brokers.

use std::sync::Arc;
use std::time::Duration;

use brokers::BrokerError;
use futures_util::StreamExt;
use tokio::time::timeout;

use crate::connections::Connector;
use crate::consumer::start;
use crate::control_plane::frame::{Asked, WorkerRequest};
use crate::control_plane::{ControlPlane, Found};

/// Requests answered at once.
const AT_ONCE: usize = 8;

/// How long a look may take: an answer is due within 10 s.
const PATIENCE: Duration = Duration::from_secs(9);

/// Answers requests until their stream ends or fails.
pub(crate) async fn answer(control_plane: &ControlPlane, connector: &Arc<dyn Connector>) {
    let requests = control_plane.requests();
    requests
        .take_while(|request| {
            if let Err(error) = request {
                tracing::warn!(%error, "the requests of the control plane ended");
            }
            std::future::ready(request.is_ok())
        })
        .filter_map(|request| std::future::ready(request.ok()))
        .for_each_concurrent(AT_ONCE, |request| {
            answer_one(control_plane, connector, request)
        })
        .await;
}

async fn answer_one(
    control_plane: &ControlPlane,
    connector: &Arc<dyn Connector>,
    request: WorkerRequest,
) {
    let found = find(connector, &request.asked).await;
    // The caller has a time limit of its own and may ask again.
    if let Err(error) = control_plane.answer(&request, found).await {
        tracing::warn!(%error, "an answer did not reach the control plane");
    }
}

async fn find(connector: &Arc<dyn Connector>, asked: &Asked) -> Result<Found, String> {
    match asked {
        Asked::Topics { settings } => {
            // A broker of its own: nothing may be assigned on it yet.
            let broker = connector.connect(settings);
            let broker = broker.map_err(|error| error.to_string())?;
            in_time(broker.topics()).await.map(Found::Topics)
        }
        Asked::Backlog {
            settings,
            topic,
            group,
            start,
            reset,
        } => {
            let broker = connector.connect(settings);
            let broker = broker.map_err(|error| error.to_string())?;
            let backlog = broker.backlog(topic, group, start::after(start), *reset);
            in_time(backlog).await.map(Found::Backlog)
        }
        Asked::Unknown => Err("the worker does not know the request".to_owned()),
    }
}

/// What a broker answers before the control plane gives up.
async fn in_time<T>(look: impl Future<Output = Result<T, BrokerError>>) -> Result<T, String> {
    match timeout(PATIENCE, look).await {
        Ok(found) => found.map_err(|error| error.to_string()),
        Err(_) => Err("the broker did not answer in time".to_owned()),
    }
}
