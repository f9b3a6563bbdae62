//! What all listeners of a worker share.

use std::sync::Arc;
use std::time::Duration;

use brokers::Memory;
use domain::Ids;

use crate::connections::Connections;
use crate::delivery::endpoint::Endpoints;
use crate::journal::Journal;
use crate::lease::Lease;
use crate::meters::Meters;
use crate::publishers::Publishers;
use crate::reporter::Reporter;
use crate::sends::Sends;
use crate::statuses::Statuses;

/// Passed to every consumer.
pub(crate) struct Resources {
    pub(crate) journal: Journal,
    pub(crate) connections: Arc<Connections>,
    pub(crate) endpoints: Endpoints,
    pub(crate) publishers: Arc<Publishers>,
    /// What messages and results take in memory.
    pub(crate) memory: Memory,
    pub(crate) lease: Arc<Lease>,
    pub(crate) sends: Arc<Sends>,
    pub(crate) reporter: Reporter,
    pub(crate) statuses: Arc<Statuses>,
    pub(crate) meters: Arc<Meters>,
    pub(crate) ids: Arc<dyn Ids>,
    /// How long messages in flight may take to end when a consumer stops.
    pub(crate) grace: Duration,
    /// How long a listener must be blocked, or go on, until the control plane is told.
    pub(crate) notice: Duration,
}
