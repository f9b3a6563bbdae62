//! What happened to listeners and their dead letter queues.

use serde::{Deserialize, Serialize};

use super::{
    DisableListener, EnableListener, ListenerSettings, PauseListener, ResetTarget, ResumeListener,
    UpdateListener,
};
use crate::describe::BrokerNames;
use crate::event::Payload;
use crate::ids::{EventId, ListenerId};
use crate::name::TopicName;
use crate::thing::{Subject, Thing};
use crate::topic::EnabledListener;
use crate::undo::{Inverse, NoUndo, Past, Standing, unless_changed};
use crate::version::VersionSelector;

/// A member enabled a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerEnabled {
    #[serde(flatten)]
    pub listener: ListenerId,
    pub version: VersionSelector,
    pub settings: ListenerSettings,
    /// The event that a policy answered by this, where no person asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
}

/// The listener was switched to another version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerVersionChanged {
    #[serde(flatten)]
    pub listener: ListenerId,
    pub version: VersionSelector,
}

/// The listener's settings were changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerSettingsChanged {
    #[serde(flatten)]
    pub listener: ListenerId,
    /// All of them, changed or not.
    pub settings: ListenerSettings,
}

/// The listener consumes nothing until it is resumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerPaused {
    #[serde(flatten)]
    pub listener: ListenerId,
}

/// The listener consumes again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerResumed {
    #[serde(flatten)]
    pub listener: ListenerId,
}

/// The listener goes on elsewhere in its topic; what it reads again is called again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerPositionReset {
    #[serde(flatten)]
    pub listener: ListenerId,
    pub to: ResetTarget,
}

/// The listener stopped; its position is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerDisabled {
    #[serde(flatten)]
    pub listener: ListenerId,
    /// The event that a policy answered by this, where no person asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<EventId>,
}

/// Faulty messages now go to this topic of the same broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DlqSet {
    #[serde(flatten)]
    pub listener: ListenerId,
    pub dlq: TopicName,
}

/// The listener no longer has a dead letter queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DlqCleared {
    #[serde(flatten)]
    pub listener: ListenerId,
}

impl Payload for ListenerEnabled {
    const NAME: &'static str = "ListenerEnabled";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Topic(&self.listener.topic)
    }

    fn about(&self) -> Vec<Thing> {
        counted(&self.listener)
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!(
            "enabled {} at version {}",
            named(&self.listener),
            self.version
        )
    }

    fn inverse(&self, past: &Past<'_>) -> Result<Inverse, NoUndo> {
        enabled_in(past.now, &self.listener)?;
        Ok(Box::new(DisableListener {
            listener: self.listener.clone(),
        }))
    }
}

impl Payload for ListenerVersionChanged {
    const NAME: &'static str = "ListenerVersionChanged";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Topic(&self.listener.topic)
    }

    fn about(&self) -> Vec<Thing> {
        vec![Thing::Listener(self.listener.clone())]
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!(
            "moved {} to version {}",
            named(&self.listener),
            self.version
        )
    }

    fn inverse(&self, past: &Past<'_>) -> Result<Inverse, NoUndo> {
        unless_changed(enabled_in(past.now, &self.listener)?.version == self.version)?;
        let before = enabled_in(past.before, &self.listener)?;
        Ok(Box::new(UpdateListener {
            version: Some(before.version.clone()),
            ..UpdateListener::nothing_of(&self.listener)
        }))
    }
}

impl Payload for ListenerSettingsChanged {
    const NAME: &'static str = "ListenerSettingsChanged";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Topic(&self.listener.topic)
    }

    fn about(&self) -> Vec<Thing> {
        vec![Thing::Listener(self.listener.clone())]
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!("changed the settings of {}", named(&self.listener))
    }

    fn inverse(&self, past: &Past<'_>) -> Result<Inverse, NoUndo> {
        unless_changed(enabled_in(past.now, &self.listener)?.settings == self.settings)?;
        let before = enabled_in(past.before, &self.listener)?;
        Ok(Box::new(UpdateListener {
            settings: (&before.settings).into(),
            ..UpdateListener::nothing_of(&self.listener)
        }))
    }
}

impl Payload for ListenerPaused {
    const NAME: &'static str = "ListenerPaused";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Topic(&self.listener.topic)
    }

    fn about(&self) -> Vec<Thing> {
        vec![Thing::Listener(self.listener.clone())]
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!("paused {}", named(&self.listener))
    }

    fn inverse(&self, past: &Past<'_>) -> Result<Inverse, NoUndo> {
        unless_changed(enabled_in(past.now, &self.listener)?.paused)?;
        let listener = self.listener.clone();
        Ok(Box::new(ResumeListener { listener }))
    }
}

impl Payload for ListenerResumed {
    const NAME: &'static str = "ListenerResumed";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Topic(&self.listener.topic)
    }

    fn about(&self) -> Vec<Thing> {
        vec![Thing::Listener(self.listener.clone())]
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!("resumed {}", named(&self.listener))
    }

    fn inverse(&self, past: &Past<'_>) -> Result<Inverse, NoUndo> {
        unless_changed(!enabled_in(past.now, &self.listener)?.paused)?;
        let listener = self.listener.clone();
        Ok(Box::new(PauseListener { listener }))
    }
}

impl Payload for ListenerPositionReset {
    const NAME: &'static str = "ListenerPositionReset";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Topic(&self.listener.topic)
    }

    fn about(&self) -> Vec<Thing> {
        vec![Thing::Listener(self.listener.clone())]
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!("reset {} to {}", named(&self.listener), self.to)
    }

    fn inverse(&self, _past: &Past<'_>) -> Result<Inverse, NoUndo> {
        Err(NoUndo::Final(
            "the position before is not in the log; reset it to another",
        ))
    }
}

impl Payload for ListenerDisabled {
    const NAME: &'static str = "ListenerDisabled";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Topic(&self.listener.topic)
    }

    fn about(&self) -> Vec<Thing> {
        counted(&self.listener)
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!("disabled {}", named(&self.listener))
    }

    fn inverse(&self, past: &Past<'_>) -> Result<Inverse, NoUndo> {
        unless_changed(enabled_in(past.now, &self.listener).is_err())?;
        let before = enabled_in(past.before, &self.listener)?;
        Ok(Box::new(EnableListener {
            listener: self.listener.clone(),
            version: before.version.clone(),
            settings: before.settings.clone(),
            dlq: before.dlq.clone(),
            paused: before.paused,
            flows: past.flows.clone(),
            allow_cycle: false,
        }))
    }
}

impl Payload for DlqSet {
    const NAME: &'static str = "DlqSet";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Topic(&self.listener.topic)
    }

    fn about(&self) -> Vec<Thing> {
        vec![Thing::Listener(self.listener.clone())]
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        let listener = named(&self.listener);
        format!("made {} the dead letter queue of {listener}", self.dlq)
    }

    fn inverse(&self, past: &Past<'_>) -> Result<Inverse, NoUndo> {
        unless_changed(enabled_in(past.now, &self.listener)?.dlq.as_ref() == Some(&self.dlq))?;
        let before = enabled_in(past.before, &self.listener)?;
        Ok(Box::new(UpdateListener {
            dlq: Some(before.dlq.clone()),
            flows: past.flows.clone(),
            ..UpdateListener::nothing_of(&self.listener)
        }))
    }
}

impl Payload for DlqCleared {
    const NAME: &'static str = "DlqCleared";
    const VERSION: u32 = 1;

    fn subject(&self) -> Subject<'_> {
        Subject::Topic(&self.listener.topic)
    }

    fn about(&self) -> Vec<Thing> {
        vec![Thing::Listener(self.listener.clone())]
    }

    fn describe(&self, _names: &BrokerNames) -> String {
        format!("removed the dead letter queue of {}", named(&self.listener))
    }

    fn inverse(&self, past: &Past<'_>) -> Result<Inverse, NoUndo> {
        unless_changed(enabled_in(past.now, &self.listener)?.dlq.is_none())?;
        let before = enabled_in(past.before, &self.listener)?;
        Ok(Box::new(UpdateListener {
            dlq: Some(before.dlq.clone()),
            flows: past.flows.clone(),
            ..UpdateListener::nothing_of(&self.listener)
        }))
    }
}

/// A listener whose coming or going its topic and its broker count.
fn counted(id: &ListenerId) -> Vec<Thing> {
    vec![
        Thing::Listener(id.clone()),
        Thing::Topic(id.topic.clone()),
        Thing::Broker(id.topic.broker),
    ]
}

/// The listener in a sentence.
pub(crate) fn named(id: &ListenerId) -> String {
    format!("the listener of {} on {}", id.algorithm, id.topic.topic)
}

/// The listener as it was or is, if it was or is enabled.
fn enabled_in<'a>(
    standing: &'a Standing,
    listener: &ListenerId,
) -> Result<&'a EnabledListener, NoUndo> {
    let listener = standing.topic.listeners.get(&listener.algorithm);
    listener.ok_or(NoUndo::ChangedSince)
}
