//! A reader of the broker in memory.

use std::sync::Arc;

use async_trait::async_trait;
use brokers::{
    BrokerError, Delivery, Hold, Identity, Message, Metadata, Room, Source, SourceSettings,
    SourceStatus,
};
use tokio::sync::watch;

use super::{MemoryBroker, Shared};

pub(super) struct MemorySource {
    broker: MemoryBroker,
    changed: watch::Receiver<()>,
    settings: SourceSettings,
    next: i64,
}

impl MemorySource {
    pub(super) fn new(broker: MemoryBroker, settings: SourceSettings) -> Self {
        Self {
            changed: broker.0.changed.subscribe(),
            broker,
            settings,
            next: 0,
        }
    }

    fn take(&mut self) -> Option<Delivery> {
        let state = self.broker.0.state.lock().unwrap();
        let messages = state.topics.get(&self.settings.topic)?;
        loop {
            let offset = self.next;
            let stored = messages.get(usize::try_from(offset).unwrap())?;
            self.next += 1;
            let SourceSettings { topic, group, .. } = &self.settings;
            let key = (topic.clone(), group.clone(), offset);
            if state.settled.contains(&key) {
                continue;
            }
            let headers = stored.headers.iter();
            let headers = headers.map(|(name, value)| (name.to_string(), value.clone()));
            let headers: Vec<_> = headers.collect();
            let message = Message {
                identity: Identity::Kafka {
                    topic: topic.as_str().into(),
                    partition: 0,
                    offset,
                },
                key: stored.key.clone(),
                metadata: Metadata::of_headers(&headers, &["ce_"]),
                headers,
                body: stored.body.clone(),
                timestamp: Some(std::time::UNIX_EPOCH),
                attempt: None,
            };
            let shared = Arc::clone(&self.broker.0);
            let _room = self.settings.memory.take(message.size());
            return Some(Delivery::new(message, Held { shared, key, _room }));
        }
    }
}

struct Held {
    _room: Room,
    shared: Arc<Shared>,
    key: (String, String, i64),
}

impl Hold for Held {
    fn settle(self: Box<Self>) {
        self.shared.state.lock().unwrap().settled.insert(self.key);
    }

    fn is_lost(&self) -> bool {
        self.shared.state.lock().unwrap().lost.contains(&self.key.2)
    }

    fn begin(&self) -> bool {
        !self.is_lost()
    }

    fn rest(&self) {}
}

#[async_trait]
impl Source for MemorySource {
    async fn recv(&mut self) -> Result<Delivery, BrokerError> {
        loop {
            self.changed.borrow_and_update();
            let memory = self.settings.memory.clone();
            let mut freed = std::pin::pin!(memory.freed().notified());
            freed.as_mut().enable();
            if memory.is_full() {
                freed.await;
                continue;
            }
            if let Some(delivery) = self.take() {
                return Ok(delivery);
            }
            self.changed.changed().await.unwrap();
        }
    }

    fn status(&self) -> watch::Receiver<SourceStatus> {
        self.broker.0.status.subscribe()
    }

    async fn hold(&mut self, hold: bool) {
        self.broker.0.state.lock().unwrap().is_held = hold;
    }

    async fn close(self: Box<Self>) -> Result<(), BrokerError> {
        self.broker.0.state.lock().unwrap().open_sources -= 1;
        Ok(())
    }
}
