//! A server that speaks KurrentDB's protocol, for tests of its clients: events in memory or in a
//! file, and faults on demand.
//!
//! It copies what a client sees of one node: expected revisions, idempotency by event id, reads,
//! subscriptions. It knows no users, no cluster, no scavenging and no projections.

#![expect(
    clippy::result_large_err,
    reason = "a status of the protocol is what its requests fail with"
)]

mod append;
mod database;
mod faults;
mod features;
mod filter;
mod id;
#[doc(hidden)]
#[expect(
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::large_enum_variant,
    clippy::too_many_lines,
    reason = "generated code"
)]
pub mod protocol {
    include!(concat!(env!("OUT_DIR"), "/protocol.rs"));
}
mod read;
mod streams;
mod subscription;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::stream::{self, Stream};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tonic::transport::Server;

use self::database::Database;
use self::faults::Faults;
use self::features::Features;
use self::protocol::event_store::client::server_features::server_features_server::ServerFeaturesServer;
use self::protocol::event_store::client::streams::streams_server::StreamsServer;
use self::streams::StreamAnswers;

/// The largest message, as in KurrentDB: that of the largest record.
const MAX_MESSAGE_BYTES: usize = 16 * 1024 * 1024;

/// A running server, on the loopback interface unless told otherwise.
pub struct StandIn {
    address: SocketAddr,
    file: Option<PathBuf>,
    database: Arc<Database>,
    faults: Arc<Faults>,
    serving: Option<JoinHandle<()>>,
}

impl StandIn {
    /// Serves an empty database in memory on a free port.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn start() -> io::Result<Self> {
        Self::start_on(SocketAddr::from(([127, 0, 0, 1], 0)), None).await
    }

    /// Serves on `address` what `file` holds, which is made where it is absent.
    ///
    /// # Errors
    /// The address is taken, or the file is none of a stand-in's.
    pub async fn start_on(address: SocketAddr, file: Option<PathBuf>) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let mut server = Self {
            address: listener.local_addr()?,
            database: Arc::new(Database::open(file.as_deref())?),
            file,
            faults: Arc::default(),
            serving: None,
        };
        server.serve(listener);
        Ok(server)
    }

    /// Where it serves, also after it was stopped and started again.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The connection string, without TLS.
    #[must_use]
    pub fn url(&self) -> String {
        format!("kurrentdb://{}?tls=false", self.address)
    }

    /// Refuses connections, and breaks those there are.
    pub async fn stop(&mut self) {
        if let Some(serving) = self.serving.take() {
            serving.abort();
            let _ = serving.await;
        }
        self.faults.break_connections();
    }

    /// Serves again on the same address; a database in a file is read from it again.
    ///
    /// # Errors
    /// The address was taken meanwhile, or the file was damaged.
    pub async fn start_again(&mut self) -> io::Result<()> {
        self.stop().await;
        if self.file.is_some() {
            self.database = Arc::new(Database::open(self.file.as_deref())?);
        }
        let listener = TcpListener::bind(self.address).await?;
        self.serve(listener);
        Ok(())
    }

    /// Breaks all connections; further ones are taken.
    pub fn break_connections(&self) {
        self.faults.break_connections();
    }

    /// Ends, without an error, every answer that is being streamed.
    pub fn end_streams(&self) {
        self.faults.end_streams();
    }

    /// Ends the answer to the next read in the middle, without an error.
    pub fn cut_next_read(&self) {
        self.faults.cut_next_read();
    }

    /// Keeps what the next append appends, and breaks all connections instead of answering.
    pub fn lose_next_answer(&self) {
        self.faults.lose_next_answer();
    }

    /// Takes requests, and answers none of them until told otherwise.
    pub fn fall_silent(&self, silent: bool) {
        self.faults.fall_silent(silent);
    }

    /// Keeps the subscriptions there are, and sends them nothing any more.
    pub fn hold_subscriptions(&self) {
        self.faults.hold_subscriptions();
    }

    /// How many subscriptions have begun so far, one after the other.
    #[must_use]
    pub fn subscriptions(&self) -> u64 {
        self.faults.subscriptions()
    }

    /// Waits until so many subscriptions have begun.
    pub async fn subscribed(&self, subscriptions: u64) {
        self.faults.subscribed(subscriptions).await;
    }

    /// The number, from 1 on, of the latest subscription that was sent an event; 0 if none was.
    #[must_use]
    pub fn latest_fed(&self) -> u64 {
        self.faults.fed()
    }

    /// Refuses appends of more bytes of data than these, as servers are told to.
    pub fn limit_appends(&self, bytes: usize) {
        self.faults.limit_appends(bytes);
    }

    /// How many requests have come so far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.faults.requests()
    }

    /// How many events it holds, of all streams.
    #[must_use]
    pub fn events(&self) -> usize {
        self.database.length()
    }

    /// Waits until it ends, which it does not by itself.
    pub async fn serve_for_ever(mut self) {
        if let Some(serving) = self.serving.take() {
            let _ = serving.await;
        }
    }

    fn serve(&mut self, listener: TcpListener) {
        let service = StreamAnswers::new(Arc::clone(&self.database), Arc::clone(&self.faults));
        let streams = StreamsServer::new(service).max_decoding_message_size(MAX_MESSAGE_BYTES);
        let incoming = incoming(listener, Arc::clone(&self.faults));
        self.serving = Some(tokio::spawn(async move {
            let server = Server::builder()
                .add_service(streams)
                .add_service(ServerFeaturesServer::new(Features));
            // It ends with its listener, which does not end.
            let _ = server.serve_with_incoming(incoming).await;
        }));
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
        self.faults.break_connections();
    }
}

/// Connections, each known to `faults`, which may break it.
fn incoming(
    listener: TcpListener,
    faults: Arc<Faults>,
) -> impl Stream<Item = io::Result<TcpStream>> {
    stream::unfold((listener, faults), |(listener, faults)| async {
        let connection = async {
            let (connection, _) = listener.accept().await?;
            connection.set_nodelay(true)?;
            let connection = connection.into_std()?;
            faults.connected(connection.try_clone()?);
            TcpStream::from_std(connection)
        };
        Some((connection.await, (listener, faults)))
    })
}
