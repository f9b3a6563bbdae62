//! `eventflows audit replay`: the state at an earlier time, by the projections that serve today's.

use std::io::Write;
use std::str::FromStr;
use std::sync::Arc;

use clap::Args;
use domain::grant::Access;
use domain::{Envelope, Position};
use event_store::EventStore;
use jiff::Timestamp;
use projections::connection::Connection;
use projections::grant::{Grant, GrantFilter};
use projections::listener::{Listener, ListenerFilter};
use projections::publisher::{Publisher, PublisherFilter};
use projections::{Page, Paging, Projector, ReadModel, ReadModelError};
use serde_json::{Value, json};

use super::{Failure, LogArgs, output};

/// Events read, and rows listed, at once.
const PAGE: u32 = 512;

#[derive(Debug, Args)]
pub struct ReplayArgs {
    #[command(flatten)]
    log: LogArgs,
    /// A position, or a time as 2026-11-21T08:00:00Z: the state before the first event that was
    /// recorded later.
    #[arg(long)]
    as_of: AsOf,
}

/// The end of the past that is asked for.
#[derive(Clone, Copy, Debug)]
enum AsOf {
    Position(Position),
    Time(Timestamp),
}

impl FromStr for AsOf {
    type Err = jiff::Error;

    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        match text.parse() {
            Ok(position) => Ok(Self::Position(Position(position))),
            Err(_) => text.parse().map(Self::Time),
        }
    }
}

impl AsOf {
    fn includes(self, envelope: &Envelope) -> bool {
        match self {
            Self::Position(last) => envelope.position <= last,
            Self::Time(last) => envelope.recorded_at <= last,
        }
    }
}

pub(super) async fn run(args: &ReplayArgs) -> Result<(), Failure> {
    let store = args.log.open().await?;
    let head = store.head().await?;
    if let AsOf::Position(wanted) = args.as_of
        && wanted > head
    {
        return Err(format!("the log ends at position {head}").into());
    }
    let scratch = tempfile::tempdir()?;
    let model = ReadModel::open(&scratch.path().join("read.db")).await?;
    let recorded_at = project(store, &model, args.as_of).await?;
    let state = state(&model, recorded_at).await?;
    writeln!(output(None)?, "{}", serde_json::to_string_pretty(&state)?)?;
    Ok(())
}

/// Applies the events of that past; tells when the last of them was recorded.
async fn project(
    store: Arc<dyn EventStore>,
    model: &ReadModel,
    as_of: AsOf,
) -> Result<Option<Timestamp>, Failure> {
    let projector = Projector::new(model.clone(), Arc::clone(&store));
    let mut recorded_at = None;
    loop {
        let mut page = store.read_all(model.position(), PAGE as usize).await?;
        let read = page.len();
        let past = page.iter().take_while(|envelope| as_of.includes(envelope));
        page.truncate(past.count());
        projector.apply(&page).await?;
        recorded_at = page.last().map(|last| last.recorded_at).or(recorded_at);
        if page.len() < read || read == 0 {
            return Ok(recorded_at);
        }
    }
}

async fn state(model: &ReadModel, recorded_at: Option<Timestamp>) -> Result<Value, Failure> {
    let connections = list(
        async |paging| model.connections(&paging).await,
        |connection: &Connection| connection.id.to_string(),
    );
    let grants = list(
        async |paging| model.grants(&GrantFilter::default(), &paging).await,
        Grant::key,
    );
    let listeners = list(
        async |paging| model.listeners(&ListenerFilter::default(), &paging).await,
        |listener: &Listener| listener.id.to_string(),
    );
    let publishers = list(
        async |paging| model.publishers(&PublisherFilter::default(), &paging).await,
        |publisher: &Publisher| publisher.id.to_string(),
    );
    let (connections, grants) = (connections.await?, grants.await?);
    let (listeners, publishers) = (listeners.await?, publishers.await?);
    let readers = grants
        .iter()
        .filter(|grant| grant.access == Access::Subscribe);
    let readers = readers.map(|grant| reader(grant, &listeners));
    Ok(json!({
        "position": model.position().0,
        "recorded_at": recorded_at,
        "connections": connections.iter().map(connection).collect::<Vec<_>>(),
        "grants": grants.iter().map(grant).collect::<Vec<_>>(),
        "listeners": listeners.iter().map(listener).collect::<Vec<_>>(),
        "publishers": publishers.iter().map(publisher).collect::<Vec<_>>(),
        "could_read": readers.collect::<Vec<_>>(),
    }))
}

/// All rows of a list, which its pages are read to the end for.
async fn list<T>(
    page: impl AsyncFn(Paging) -> Result<Page<T>, ReadModelError>,
    key: impl Fn(&T) -> String,
) -> Result<Vec<T>, ReadModelError> {
    let mut rows: Vec<T> = Vec::new();
    loop {
        let after = rows.last().map(&key).unwrap_or_default();
        let next = page(Paging { after, limit: PAGE }).await?;
        rows.extend(next.rows);
        if !next.more {
            return Ok(rows);
        }
    }
}

fn connection(connection: &Connection) -> Value {
    json!({
        "id": connection.id,
        "name": connection.name,
        "settings": connection.settings,
        "connected_at": connection.connected_at,
    })
}

fn grant(grant: &Grant) -> Value {
    json!({
        "topic": grant.topic.to_string(),
        "algorithm": grant.algorithm,
        "access": grant.access,
        "granted_at": grant.granted_at,
    })
}

fn listener(listener: &Listener) -> Value {
    json!({
        "topic": listener.id.topic.to_string(),
        "algorithm": listener.id.algorithm,
        "enabled": listener.enabled,
        "version": listener.version,
        "settings": listener.settings,
        "dlq": listener.dlq,
        "changed_at": listener.changed_at,
    })
}

fn publisher(publisher: &Publisher) -> Value {
    json!({
        "topic": publisher.id.topic.to_string(),
        "algorithm": publisher.id.algorithm,
        "enabled": publisher.enabled,
        "version": publisher.version,
        "changed_at": publisher.changed_at,
    })
}

/// Who could read the topic by a grant, and which version did, if one did.
fn reader(grant: &Grant, listeners: &[Listener]) -> Value {
    let reads = |listener: &&Listener| {
        listener.enabled
            && listener.id.topic == grant.topic
            && listener.id.algorithm == grant.algorithm
    };
    json!({
        "topic": grant.topic.to_string(),
        "algorithm": grant.algorithm,
        "since": grant.granted_at,
        "did_with_version": listeners.iter().find(reads).map(|listener| &listener.version),
    })
}
