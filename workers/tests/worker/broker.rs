//! A broker in memory that can refuse.

mod source;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use brokers::{
    Backlog, Beginning, Broker, BrokerError, Cause, Metadata, Outgoing, PositionsError, Sink,
    Source, SourceSettings, SourceState, SourceStatus, Start, TopicInfo,
};
use bytes::Bytes;
use tokio::sync::watch;

use self::source::MemorySource;

/// One partition per topic; a group's source begins with what the group has not settled.
#[derive(Clone, Default)]
pub(crate) struct MemoryBroker(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: watch::Sender<()>,
    /// What sources say of themselves.
    status: watch::Sender<SourceStatus>,
    /// The topic whose writes are neither done nor refused.
    stuck: watch::Sender<Option<String>>,
}

impl Default for Shared {
    fn default() -> Self {
        let assigned = SourceStatus {
            state: SourceState::Assigned { partitions: 1 },
            lag: None,
        };
        Self {
            state: Mutex::default(),
            changed: watch::Sender::default(),
            status: watch::Sender::new(assigned),
            stuck: watch::Sender::default(),
        }
    }
}

#[derive(Default)]
struct State {
    topics: HashMap<String, Vec<Outgoing>>,
    settled: HashSet<(String, String, i64)>,
    /// The offsets of messages that were given to another reader.
    lost: HashSet<i64>,
    refusing: HashSet<String>,
    refused: usize,
    waiting: usize,
    is_held: bool,
    most: Option<usize>,
    most_headers: Option<usize>,
    too_large: usize,
    panics: usize,
    open_sources: usize,
    is_away: bool,
}

impl MemoryBroker {
    pub(crate) fn write(&self, topic: &str, headers: &[(&str, &str)], body: &[u8]) {
        self.write_message(topic, "key", headers, body);
    }

    pub(crate) fn write_with_key(&self, topic: &str, key: &str, body: &[u8]) {
        self.write_message(topic, key, &[], body);
    }

    fn write_message(&self, topic: &str, key: &str, headers: &[(&str, &str)], body: &[u8]) {
        self.append(Outgoing {
            topic: topic.to_owned(),
            key: Some(Bytes::copy_from_slice(key.as_bytes())),
            headers: headers
                .iter()
                .map(|(name, value)| {
                    let value = Bytes::copy_from_slice(value.as_bytes());
                    ((*name).to_owned().into(), Some(value))
                })
                .collect(),
            metadata: Metadata::default(),
            body: Some(Bytes::copy_from_slice(body)),
        });
    }

    /// After a reset, wherever that leads, has a group read its topic from the beginning, once.
    async fn start_over(&self, settings: &SourceSettings) -> Result<(), BrokerError> {
        let positions = &settings.positions;
        let failed = |error: PositionsError| BrokerError::Other(error.to_string());
        let reset = positions.reset();
        let standings = positions.load().await.map_err(failed)?;
        if reset == 0 || standings.iter().any(|standing| standing.reset == reset) {
            return Ok(());
        }
        let beginning = Beginning {
            partition: 0,
            offset: 0,
            cause: Cause::Reset,
        };
        positions.begin(vec![beginning]).await.map_err(failed)?;
        let mut state = self.0.state.lock().unwrap();
        let SourceSettings { topic, group, .. } = settings;
        state
            .settled
            .retain(|(of, by, _)| (of, by) != (topic, group));
        Ok(())
    }

    /// Writes a message again, to another topic.
    pub(crate) fn copy(&self, message: &Outgoing, topic: &str) {
        self.append(Outgoing {
            topic: topic.to_owned(),
            ..message.clone()
        });
    }

    pub(crate) fn messages(&self, topic: &str) -> Vec<Outgoing> {
        let state = self.0.state.lock().unwrap();
        state.topics.get(topic).cloned().unwrap_or_default()
    }

    pub(crate) fn settled(&self) -> usize {
        self.0.state.lock().unwrap().settled.len()
    }

    pub(crate) fn open_sources(&self) -> usize {
        self.0.state.lock().unwrap().open_sources
    }

    /// Deletes a topic with all that its groups had settled, and creates it again.
    pub(crate) fn recreate(&self, topic: &str) {
        let mut state = self.0.state.lock().unwrap();
        state.topics.remove(topic);
        state.settled.retain(|(of, ..)| of != topic);
    }

    /// Gives the message at that offset to another reader.
    pub(crate) fn lose(&self, offset: i64) {
        self.0.state.lock().unwrap().lost.insert(offset);
    }

    /// Whether writes to the topic fail from now on.
    pub(crate) fn refuse(&self, topic: &str, refuse: bool) {
        let mut state = self.0.state.lock().unwrap();
        if refuse {
            state.refusing.insert(topic.to_owned());
        } else {
            state.refusing.remove(topic);
        }
    }

    /// Lets writes to that topic wait from now on, and those to no other.
    pub(crate) fn stick(&self, topic: Option<&str>) {
        self.0.stuck.send_replace(topic.map(str::to_owned));
    }

    /// Whether the source that was told last fetches nothing.
    pub(crate) fn is_held(&self) -> bool {
        self.0.state.lock().unwrap().is_held
    }

    /// How many writes wait.
    pub(crate) fn waiting(&self) -> usize {
        self.0.state.lock().unwrap().waiting
    }

    /// Whether sources cannot be opened from now on.
    pub(crate) fn go_away(&self, is_away: bool) {
        self.0.state.lock().unwrap().is_away = is_away;
    }

    /// What sources say of themselves from now on.
    pub(crate) fn say(&self, status: SourceStatus) {
        self.0.status.send_replace(status);
    }

    /// How many writes failed because their topic was refused.
    pub(crate) fn refused(&self) -> usize {
        self.0.state.lock().unwrap().refused
    }

    /// Refuses messages of more bytes from now on.
    pub(crate) fn take_at_most(&self, bytes: usize) {
        self.0.state.lock().unwrap().most = Some(bytes);
    }

    /// Refuses messages with more bytes of headers from now on.
    pub(crate) fn take_headers_of_at_most(&self, bytes: usize) {
        self.0.state.lock().unwrap().most_headers = Some(bytes);
    }

    /// How many messages were refused for their size.
    pub(crate) fn too_large(&self) -> usize {
        self.0.state.lock().unwrap().too_large
    }

    /// The panics that are still to come.
    pub(crate) fn panics(&self) -> usize {
        self.0.state.lock().unwrap().panics
    }

    /// Makes that many writes panic.
    pub(crate) fn panic(&self, panics: usize) {
        self.0.state.lock().unwrap().panics = panics;
    }

    fn append(&self, outgoing: Outgoing) {
        let mut state = self.0.state.lock().unwrap();
        let topic = state.topics.entry(outgoing.topic.clone()).or_default();
        topic.push(outgoing);
        drop(state);
        self.0.changed.send_replace(());
    }
}

#[async_trait]
impl Broker for MemoryBroker {
    async fn topics(&self) -> Result<Vec<TopicInfo>, BrokerError> {
        let state = self.0.state.lock().unwrap();
        let topics = state.topics.keys().map(|name| TopicInfo {
            name: name.clone(),
            partitions: Some(1),
        });
        Ok(topics.collect())
    }

    async fn backlog(
        &self,
        topic: &str,
        group: &str,
        _start: Start,
        _reset: u64,
    ) -> Result<Backlog, BrokerError> {
        let state = self.0.state.lock().unwrap();
        let written = state.topics.get(topic).map_or(0, Vec::len);
        let settled = state.settled.iter();
        let settled = settled
            .filter(|(of, by, _)| of == topic && by == group)
            .count();
        Ok(Backlog {
            has_position: settled > 0,
            waiting: u64::try_from(written - settled).unwrap(),
        })
    }

    async fn source(&self, settings: SourceSettings) -> Result<Box<dyn Source>, BrokerError> {
        {
            let mut state = self.0.state.lock().unwrap();
            if state.is_away {
                return Err(BrokerError::Unreachable("as the test wants".to_owned()));
            }
            state.open_sources += 1;
        }
        self.start_over(&settings).await?;
        Ok(Box::new(MemorySource::new(self.clone(), settings)))
    }

    async fn sink(&self) -> Result<Arc<dyn Sink>, BrokerError> {
        Ok(Arc::new(self.clone()))
    }
}

#[async_trait]
impl Sink for MemoryBroker {
    async fn publish(&self, outgoing: Outgoing) -> Result<(), BrokerError> {
        let mut stuck = self.0.stuck.subscribe();
        let is_stuck = |stuck: &Option<String>| stuck.as_ref() == Some(&outgoing.topic);
        if is_stuck(&stuck.borrow_and_update()) {
            self.0.state.lock().unwrap().waiting += 1;
            stuck.wait_for(|stuck| !is_stuck(stuck)).await.unwrap();
            self.0.state.lock().unwrap().waiting -= 1;
        }
        let panics = {
            let mut state = self.0.state.lock().unwrap();
            if state.refusing.contains(&outgoing.topic) {
                state.refused += 1;
                return Err(BrokerError::NoTopic(outgoing.topic));
            }
            let exceeds = |most: Option<usize>, len| most.is_some_and(|most| len > most);
            let body = outgoing.body.as_ref().map_or(0, Bytes::len);
            let headers = outgoing.headers.iter();
            let headers =
                headers.map(|(name, value)| name.len() + value.as_ref().map_or(0, Bytes::len));
            if exceeds(state.most, body) || exceeds(state.most_headers, headers.sum()) {
                state.too_large += 1;
                return Err(BrokerError::TooLarge("as the test wants".to_owned()));
            }
            let panics = state.panics > 0;
            state.panics = state.panics.saturating_sub(1);
            panics
        };
        assert!(!panics, "as the test wants");
        self.append(spelled(outgoing));
        Ok(())
    }
}

/// With what the message says of itself in headers, as Kafka has it.
fn spelled(mut outgoing: Outgoing) -> Outgoing {
    let metadata = std::mem::take(&mut outgoing.metadata);
    let mut said = Vec::new();
    said.extend(
        metadata
            .content_type
            .map(|value| ("content-type".into(), Some(value))),
    );
    let encoding = metadata.content_encoding;
    said.extend(encoding.map(|value| ("content-encoding".into(), Some(value))));
    let attributes = metadata.event.iter().flat_map(|event| event.attributes());
    said.extend(attributes.map(|(name, value)| (format!("ce_{name}").into(), Some(value.clone()))));
    outgoing.headers.splice(..0, said);
    outgoing
}
