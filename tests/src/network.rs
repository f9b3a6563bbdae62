//! The network between a server and Kafka, which can be cut.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

/// The largest request or response that passes, in bytes.
const LARGEST: usize = 64 * 1024 * 1024;

/// What happens to bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// They wait.
    Stalled,
    /// Those from Kafka wait: it hears and is not heard.
    Unheard,
    /// Connections break, and there are no others.
    Cut,
}

/// A port on which Kafka is reached while the network is open. Kafka tells its clients where it is;
/// they are told this port instead.
pub struct Network {
    address: SocketAddr,
    state: watch::Sender<State>,
    closed: watch::Sender<()>,
    traffic: Arc<Traffic>,
    _serving: AbortOnDropHandle<()>,
}

#[derive(Default)]
struct Traffic {
    connections: AtomicUsize,
    /// Requests and responses that had to wait.
    held: AtomicUsize,
}

/// Kafka as it calls itself, and as the network has it be called.
#[derive(Clone)]
struct Names {
    kafka: Arc<str>,
    inside: Arc<[u8]>,
    outside: Arc<[u8]>,
}

impl Network {
    /// Opens a port that leads to Kafka at `host:port`, which must call itself that.
    pub async fn to(kafka: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (host, port) = kafka.rsplit_once(':').unwrap();
        let place = |port: u16| [host.as_bytes(), &u32::from(port).to_be_bytes()].concat();
        let names = Names {
            kafka: kafka.into(),
            inside: place(port.parse().unwrap()).into(),
            outside: place(address.port()).into(),
        };
        let state = watch::Sender::new(State::Open);
        let closed = watch::Sender::new(());
        let traffic = Arc::<Traffic>::default();
        let all = (state.subscribe(), closed.subscribe());
        let serving = serve(listener, names, all, Arc::clone(&traffic));
        Self {
            address,
            state,
            closed,
            traffic,
            _serving: AbortOnDropHandle::new(tokio::spawn(serving)),
        }
    }

    /// `host:port`
    #[must_use]
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// The connections that there are.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.traffic.connections.load(Ordering::SeqCst)
    }

    /// How many requests and responses had to wait so far.
    #[must_use]
    pub fn held(&self) -> usize {
        self.traffic.held.load(Ordering::SeqCst)
    }

    /// Lets no bytes through, without anybody being told.
    pub fn stall(&self) {
        self.state.send_replace(State::Stalled);
    }

    /// Lets requests through and no answers, without anybody being told.
    pub fn silence(&self) {
        self.state.send_replace(State::Unheard);
    }

    /// Breaks all connections, and lets none in.
    pub fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Breaks all connections, and lets others in.
    pub fn close(&self) {
        self.closed.send_replace(());
    }

    /// Lets everything through again.
    pub fn mend(&self) {
        self.state.send_replace(State::Open);
    }
}

async fn serve(
    listener: TcpListener,
    names: Names,
    (state, closed): (watch::Receiver<State>, watch::Receiver<()>),
    traffic: Arc<Traffic>,
) {
    let mut tasks = JoinSet::new();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let (names, mut state) = (names.clone(), state.clone());
        let mut closed = closed.clone();
        closed.mark_unchanged();
        let traffic = Arc::clone(&traffic);
        tasks.spawn(async move {
            traffic.connections.fetch_add(1, Ordering::SeqCst);
            let cut = state.clone();
            tokio::select! {
                _ = state.wait_for(|state| *state == State::Cut) => {}
                _ = closed.changed() => {}
                _ = connect(client, &names, cut, &traffic) => {}
            }
            traffic.connections.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

async fn connect(
    client: TcpStream,
    names: &Names,
    state: watch::Receiver<State>,
    traffic: &Traffic,
) -> std::io::Result<()> {
    let (from_client, to_client) = client.into_split();
    let (from_kafka, to_kafka) = TcpStream::connect(&*names.kafka).await?.into_split();
    let to = Gate {
        state: state.clone(),
        traffic,
        opens: |state| matches!(state, State::Open | State::Unheard),
    };
    let back = Gate {
        state,
        traffic,
        opens: |state| state == State::Open,
    };
    tokio::try_join!(
        pass(from_client, to_kafka, to, |_| {}),
        pass(from_kafka, to_client, back, |response| rename(
            response, names
        )),
    )?;
    Ok(())
}

/// Passes requests or responses on, each with its length in front.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut gate: Gate<'_>,
    change: impl Fn(&mut [u8]),
) -> std::io::Result<()> {
    loop {
        let length = from.read_u32().await?;
        let mut frame = vec![0; (length as usize).min(LARGEST)];
        from.read_exact(&mut frame).await?;
        change(&mut frame);
        gate.open().await;
        to.write_u32(length).await?;
        to.write_all(&frame).await?;
    }
}

/// Where what comes waits until the network lets it through.
struct Gate<'t> {
    state: watch::Receiver<State>,
    traffic: &'t Traffic,
    opens: fn(State) -> bool,
}

impl Gate<'_> {
    async fn open(&mut self) {
        let opens = self.opens;
        if opens(*self.state.borrow()) {
            return;
        }
        self.traffic.held.fetch_add(1, Ordering::SeqCst);
        // A network that has ended lets nothing through either.
        let _ = self.state.wait_for(|state| opens(*state)).await;
    }
}

/// Replaces Kafka's host and port, which take the same bytes in every version of its protocol.
fn rename(response: &mut [u8], names: &Names) {
    let length = names.inside.len();
    for start in 0..response.len().saturating_sub(length - 1) {
        let place = &mut response[start..start + length];
        if *place == *names.inside {
            place.copy_from_slice(&names.outside);
        }
    }
}
