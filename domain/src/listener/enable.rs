//! Enabling a listener.

use super::dlq::{check_dlq, dlq_stream};
use super::starts::Starts;
use super::{DlqSet, ListenerEnabled, ListenerPaused, ListenerSettings, StartPosition};
use crate::algorithm::Algorithm;
use crate::authority::Right;
use crate::broker::Broker;
use crate::command::{Command, Ctx, Decided, Each};
use crate::envelope::StreamName;
use crate::flow::{Flow, Flows};
use crate::grant::Access;
use crate::ids::ListenerId;
use crate::name::TopicName;
use crate::refusal::Refusal;
use crate::topic::Topic;
use crate::version::VersionSelector;

/// Enable a listener under a SUBSCRIBE grant, and its dead letter queue under a DEAD_LETTER or PUBLISH
/// grant.
#[derive(Clone, Debug)]
pub struct EnableListener {
    pub listener: ListenerId,
    pub version: VersionSelector,
    /// Without a start, one that was enabled before keeps that which it had.
    pub settings: ListenerSettings,
    pub dlq: Option<TopicName>,
    /// Consume nothing until it is resumed.
    pub paused: bool,
    /// The flows that are enabled now, as far as the caller knows.
    pub flows: Flows,
    /// Enable it although it closes a cycle.
    pub allow_cycle: bool,
}

impl Command for EnableListener {
    type State = ((Each<Topic>, Starts), Broker, Algorithm);

    fn stream(&self) -> StreamName {
        StreamName::topic(&self.listener.topic)
    }

    fn also_reads(&self) -> Vec<StreamName> {
        let dlq = self.dlq.as_ref();
        let dlq = dlq.and_then(|dlq| dlq_stream(&self.listener, dlq));
        [
            StreamName::broker(self.listener.topic.broker),
            StreamName::algorithm(&self.listener.algorithm),
        ]
        .into_iter()
        .chain(dlq)
        .collect()
    }

    fn requires(&self) -> Right {
        Right::Develop(self.listener.algorithm.organization.clone())
    }

    fn decide(&self, ((topics, starts), broker, algorithm): &Self::State, _ctx: Ctx) -> Decided {
        let ListenerId {
            topic: source,
            algorithm: algorithm_id,
        } = &self.listener;
        let topic = topics.get(source);
        broker.check_connected()?;
        topic.check_granted(source, algorithm_id, Access::Subscribe, broker)?;
        if topic.listeners.contains_key(algorithm_id) {
            return Err(Refusal::ListenerAlreadyEnabled);
        }
        algorithm.check_resolves(algorithm_id, &self.version)?;
        self.settings.check()?;
        let settings = ListenerSettings {
            start: self.start(starts, broker)?,
            ..self.settings.clone()
        };
        if let Some(dlq) = &self.dlq {
            check_dlq(&self.listener, dlq, topics, broker)?;
        }
        for flow in Flow::of_listener(&self.listener, self.dlq.as_ref()) {
            self.flows.check(&flow, self.allow_cycle)?;
        }
        let mut events = vec![
            ListenerEnabled {
                listener: self.listener.clone(),
                version: self.version.clone(),
                settings,
                cause: None,
            }
            .into(),
        ];
        if let Some(dlq) = &self.dlq {
            events.push(
                DlqSet {
                    listener: self.listener.clone(),
                    dlq: dlq.clone(),
                }
                .into(),
            );
        }
        if self.paused {
            events.push(
                ListenerPaused {
                    listener: self.listener.clone(),
                }
                .into(),
            );
        }
        Ok(events)
    }
}

impl EnableListener {
    /// Where it is to begin where its group has no position: none where the broker keeps none.
    fn start(&self, starts: &Starts, broker: &Broker) -> Result<Option<StartPosition>, Refusal> {
        broker.check_start(self.settings.start, "settings.start")?;
        match self.settings.start {
            None if broker.keeps_positions() => match starts.before(&self.listener) {
                None => Err(Refusal::StartRequired(self.listener.topic.clone())),
                Some(start) => Ok(Some(start)),
            },
            start => Ok(start),
        }
    }
}

#[cfg(test)]
mod tests;
