//! Taking back what happened to listeners.

use super::{Inverse, NoUndo, Past, Standing, unless_changed};
use crate::ids::ListenerId;
use crate::listener::{
    ChangeListenerSettings, ChangeListenerVersion, ClearDlq, DisableListener, DlqCleared, DlqSet,
    EnableListener, ListenerDisabled, ListenerEnabled, ListenerPaused, ListenerResumed,
    ListenerSettingsChanged, ListenerVersionChanged, PauseListener, ResumeListener, SetDlq,
};
use crate::topic::EnabledListener;

pub(super) fn enabled(e: &ListenerEnabled, past: &Past<'_>) -> Result<Inverse, NoUndo> {
    enabled_in(past.now, &e.listener)?;
    Ok(Inverse::DisableListener(DisableListener {
        listener: e.listener.clone(),
        cause: None,
    }))
}

pub(super) fn version_changed(
    e: &ListenerVersionChanged,
    past: &Past<'_>,
) -> Result<Inverse, NoUndo> {
    unless_changed(enabled_in(past.now, &e.listener)?.version == e.version)?;
    Ok(Inverse::ChangeListenerVersion(ChangeListenerVersion {
        listener: e.listener.clone(),
        version: enabled_in(past.before, &e.listener)?.version.clone(),
    }))
}

pub(super) fn settings_changed(
    e: &ListenerSettingsChanged,
    past: &Past<'_>,
) -> Result<Inverse, NoUndo> {
    unless_changed(enabled_in(past.now, &e.listener)?.settings == e.settings)?;
    let before = ChangeListenerSettings {
        listener: e.listener.clone(),
        settings: enabled_in(past.before, &e.listener)?.settings.clone(),
    };
    Ok(Inverse::ChangeListenerSettings(Box::new(before)))
}

pub(super) fn paused(e: &ListenerPaused, past: &Past<'_>) -> Result<Inverse, NoUndo> {
    unless_changed(enabled_in(past.now, &e.listener)?.paused)?;
    Ok(Inverse::ResumeListener(ResumeListener {
        listener: e.listener.clone(),
    }))
}

pub(super) fn resumed(e: &ListenerResumed, past: &Past<'_>) -> Result<Inverse, NoUndo> {
    unless_changed(!enabled_in(past.now, &e.listener)?.paused)?;
    Ok(Inverse::PauseListener(PauseListener {
        listener: e.listener.clone(),
    }))
}

pub(super) fn disabled(e: &ListenerDisabled, past: &Past<'_>) -> Result<Inverse, NoUndo> {
    unless_changed(enabled_in(past.now, &e.listener).is_err())?;
    let before = enabled_in(past.before, &e.listener)?;
    let again = EnableListener {
        listener: e.listener.clone(),
        version: before.version.clone(),
        settings: before.settings.clone(),
        dlq: before.dlq.clone(),
        paused: before.paused,
        flows: past.flows.clone(),
        allow_cycle: false,
    };
    Ok(Inverse::EnableListener(Box::new(again)))
}

pub(super) fn dlq_set(e: &DlqSet, past: &Past<'_>) -> Result<Inverse, NoUndo> {
    unless_changed(enabled_in(past.now, &e.listener)?.dlq.as_ref() == Some(&e.dlq))?;
    let listener = e.listener.clone();
    Ok(match &enabled_in(past.before, &e.listener)?.dlq {
        Some(dlq) => Inverse::SetDlq(SetDlq {
            listener,
            dlq: dlq.clone(),
        }),
        None => Inverse::ClearDlq(ClearDlq { listener }),
    })
}

pub(super) fn dlq_cleared(e: &DlqCleared, past: &Past<'_>) -> Result<Inverse, NoUndo> {
    unless_changed(enabled_in(past.now, &e.listener)?.dlq.is_none())?;
    let before = enabled_in(past.before, &e.listener)?.dlq.clone();
    Ok(Inverse::SetDlq(SetDlq {
        listener: e.listener.clone(),
        dlq: before.ok_or(NoUndo::ChangedSince)?,
    }))
}

/// The listener as it was or is, if it was or is enabled.
fn enabled_in<'a>(
    standing: &'a Standing,
    listener: &ListenerId,
) -> Result<&'a EnabledListener, NoUndo> {
    let listener = standing.topic.listeners.get(&listener.algorithm);
    listener.ok_or(NoUndo::ChangedSince)
}
