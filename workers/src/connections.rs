//! The worker's broker connections: one broker and one sink each, shared by all its consumers.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use brokers::{Broker, BrokerError, Outgoing, Sink};
use domain::BrokerId;
use domain::broker::BrokerSettings;
use tokio::sync::OnceCell;

use crate::control_plane::frame::AssignedBroker;

/// Makes brokers of their settings. The server passes the real ones, tests fakes.
pub trait Connector: Send + Sync {
    /// A broker that connects on use.
    ///
    /// # Errors
    /// The worker has no client for such a broker.
    fn connect(&self, settings: &BrokerSettings) -> Result<Arc<dyn Broker>, BrokerError>;
}

/// How brokers are reached, as far as the control plane has said, and the connections in use.
pub(crate) struct Connections {
    connector: Arc<dyn Connector>,
    known: Mutex<HashMap<BrokerId, Known>>,
}

struct Known {
    settings: Arc<BrokerSettings>,
    /// The brokers that it took over from.
    replaces: HashSet<BrokerId>,
    open: Option<Arc<Connection>>,
}

pub(crate) struct Connection {
    broker: Arc<dyn Broker>,
    sink: OnceCell<Arc<dyn Sink>>,
}

impl Connections {
    pub(crate) fn new(connector: Arc<dyn Connector>) -> Self {
        Self {
            connector,
            known: Mutex::default(),
        }
    }

    /// Takes in how brokers are reached. A connection by other settings is used no further.
    pub(crate) fn learn(&self, brokers: Vec<AssignedBroker>) {
        let mut known = self.known();
        for assigned in brokers {
            let before = known.remove(&assigned.broker);
            let before = before.filter(|before| *before.settings == assigned.settings);
            let told = match before {
                Some(before) => Known {
                    replaces: assigned.replaces,
                    ..before
                },
                None => Known {
                    settings: Arc::new(assigned.settings),
                    replaces: assigned.replaces,
                    open: None,
                },
            };
            known.insert(assigned.broker, told);
        }
    }

    /// Whether a broker took over from another.
    pub(crate) fn replaced(&self, broker: BrokerId, earlier: BrokerId) -> bool {
        let known = self.known();
        known
            .get(&broker)
            .is_some_and(|known| known.replaces.contains(&earlier))
    }

    /// How a broker is reached, where that is known.
    pub(crate) fn settings(&self, broker: BrokerId) -> Option<Arc<BrokerSettings>> {
        let known = self.known();
        known.get(&broker).map(|known| Arc::clone(&known.settings))
    }

    /// The connection to a broker, made on first use.
    ///
    /// # Errors
    /// It is not known how the broker is reached, or there is no client for it.
    pub(crate) fn of(&self, broker: BrokerId) -> Result<Arc<Connection>, BrokerError> {
        let mut known = self.known();
        let Some(known) = known.get_mut(&broker) else {
            let text = format!("the control plane has not said how broker {broker} is reached");
            return Err(BrokerError::Other(text));
        };
        if let Some(open) = &known.open {
            return Ok(Arc::clone(open));
        }
        let made = Arc::new(Connection {
            broker: self.connector.connect(&known.settings)?,
            sink: OnceCell::new(),
        });
        known.open = Some(Arc::clone(&made));
        Ok(made)
    }

    /// Lets go of the connections that are not `wanted`; each closes after its last use.
    pub(crate) fn retain(&self, wanted: impl Fn(BrokerId) -> bool) {
        for (id, known) in self.known().iter_mut() {
            known.open.take_if(|_| !wanted(*id));
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<BrokerId, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    pub(crate) fn broker(&self) -> &dyn Broker {
        &*self.broker
    }

    pub(crate) async fn publish(&self, outgoing: Outgoing) -> Result<(), BrokerError> {
        let sink = self.sink.get_or_try_init(|| self.broker.sink()).await?;
        sink.publish(outgoing).await
    }
}
