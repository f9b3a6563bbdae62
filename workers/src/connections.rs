//! The worker's broker connections: one broker and one sink each, shared by all its consumers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use brokers::{Broker, BrokerError, Outgoing, Sink};
use tokio::sync::OnceCell;

use crate::control_plane::assignment::{BrokerRef, BrokerSettings};

/// Makes brokers of connection settings. The server passes the real ones, tests fakes.
pub trait Connector: Send + Sync {
    /// A broker that connects on use.
    fn connect(&self, settings: &BrokerSettings) -> Arc<dyn Broker>;
}

/// The connections in use, by id.
pub(crate) struct Connections {
    connector: Arc<dyn Connector>,
    open: Mutex<HashMap<String, Arc<Connection>>>,
}

pub(crate) struct Connection {
    broker: Arc<dyn Broker>,
    sink: OnceCell<Arc<dyn Sink>>,
}

impl Connections {
    pub(crate) fn new(connector: Arc<dyn Connector>) -> Self {
        Self {
            connector,
            open: Mutex::default(),
        }
    }

    /// The connection, made on first use.
    pub(crate) fn of(&self, connection: &BrokerRef) -> Arc<Connection> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = open.get(&connection.id) {
            return Arc::clone(known);
        }
        let made = Arc::new(Connection {
            broker: self.connector.connect(&connection.settings),
            sink: OnceCell::new(),
        });
        open.insert(connection.id.clone(), Arc::clone(&made));
        made
    }

    /// Forgets the connections that are not `wanted`; they close when nobody uses them any more.
    pub(crate) fn retain(&self, wanted: impl Fn(&str) -> bool) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|id, _| wanted(id));
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
