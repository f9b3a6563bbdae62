//! Changing an enabled listener.

use super::dlq::{check_dlq, dlq_stream};
use super::{DlqCleared, DlqSet, ListenerSettingsChanged, ListenerVersionChanged, SettingsPatch};
use crate::algorithm::Algorithm;
use crate::authority::Right;
use crate::broker::Broker;
use crate::command::{Command, Ctx, Decided, Each};
use crate::envelope::StreamName;
use crate::event::Event;
use crate::flow::{Flow, Flows};
use crate::ids::ListenerId;
use crate::name::TopicName;
use crate::refusal::Refusal;
use crate::topic::{EnabledListener, Topic};
use crate::version::VersionSelector;

/// Change what is given, all of it or nothing; the rest stays. A value that is already as asked
/// for is not checked: a form sends all its values, although only one was edited.
#[derive(Clone, Debug)]
pub struct UpdateListener {
    pub listener: ListenerId,
    /// Call this version from now on.
    pub version: Option<VersionSelector>,
    /// Send faulty messages to this topic of the same broker, under a DEAD_LETTER or PUBLISH grant;
    /// or have no dead letter queue.
    pub dlq: Option<Option<TopicName>>,
    pub settings: SettingsPatch,
    /// The flows that are enabled now, as far as the caller knows. Only a dead letter queue asks for
    /// them.
    pub flows: Flows,
    /// Set the dead letter queue although it closes a cycle.
    pub allow_cycle: bool,
}

impl UpdateListener {
    /// The update that changes nothing of that listener.
    #[must_use]
    pub fn nothing_of(listener: &ListenerId) -> Self {
        Self {
            listener: listener.clone(),
            version: None,
            dlq: None,
            settings: SettingsPatch::default(),
            flows: Flows::default(),
            allow_cycle: false,
        }
    }

    fn version(
        &self,
        present: &EnabledListener,
        algorithm: &Algorithm,
    ) -> Result<Option<Event>, Refusal> {
        let version = self.version.as_ref();
        let Some(version) = version.filter(|version| **version != present.version) else {
            return Ok(None);
        };
        algorithm.check_resolves(&self.listener.algorithm, version)?;
        let changed = ListenerVersionChanged {
            listener: self.listener.clone(),
            version: version.clone(),
        };
        Ok(Some(changed.into()))
    }

    fn dlq(
        &self,
        present: &EnabledListener,
        topics: &Each<Topic>,
        broker: &Broker,
    ) -> Result<Option<Event>, Refusal> {
        let listener = self.listener.clone();
        match &self.dlq {
            Some(dlq) if *dlq == present.dlq => Ok(None),
            Some(Some(dlq)) => {
                broker.check_connected()?;
                check_dlq(&listener, dlq, topics, broker)?;
                let set = DlqSet {
                    listener,
                    dlq: dlq.clone(),
                };
                let flow = Flow::DeadLetters {
                    listener: set.listener.clone(),
                    dlq: set.dlq.clone(),
                };
                self.flows.check(&flow, self.allow_cycle)?;
                Ok(Some(set.into()))
            }
            Some(None) => Ok(Some(DlqCleared { listener }.into())),
            None => Ok(None),
        }
    }

    fn settings(&self, present: &EnabledListener) -> Result<Option<Event>, Refusal> {
        let settings = self.settings.changed(&present.settings);
        if settings == present.settings {
            return Ok(None);
        }
        settings.check()?;
        let listener = self.listener.clone();
        Ok(Some(ListenerSettingsChanged { listener, settings }.into()))
    }
}

impl Command for UpdateListener {
    type State = (Each<Topic>, Broker, Algorithm);

    fn stream(&self) -> StreamName {
        StreamName::topic(&self.listener.topic)
    }

    fn also_reads(&self) -> Vec<StreamName> {
        let mut streams = Vec::new();
        if self.version.is_some() {
            streams.push(StreamName::algorithm(&self.listener.algorithm));
        }
        if let Some(Some(dlq)) = &self.dlq {
            streams.push(StreamName::broker(self.listener.topic.broker));
            streams.extend(dlq_stream(&self.listener, dlq));
        }
        streams
    }

    fn requires(&self) -> Right {
        Right::Develop(self.listener.algorithm.organization.clone())
    }

    fn decide(&self, (topics, broker, algorithm): &Self::State, _ctx: Ctx) -> Decided {
        let topic = topics.get(&self.listener.topic);
        let present = topic.listener(&self.listener.algorithm)?;
        let changes = [
            self.version(present, algorithm)?,
            self.dlq(present, topics, broker)?,
            self.settings(present)?,
        ];
        Ok(changes.into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests;
