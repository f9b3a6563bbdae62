//! Taking back what happened to grants.

use super::{Inverse, NoUndo, Past, unless_changed};
use crate::grant::{
    Edit, EditGrants, EditPatternGrants, PatternChange, Permission, TopicGranted,
    TopicPatternGranted, TopicPatternRevoked, TopicRevoked,
};
use crate::ids::BrokerId;
use crate::pattern::TopicPattern;

pub(super) fn granted(e: &TopicGranted, past: &Past<'_>) -> Result<Inverse, NoUndo> {
    unless_changed(past.now.topic.grants.contains(&e.permission))?;
    let edit = EditGrants::single(e.topic.clone(), Edit::Remove, e.permission.clone());
    Ok(Inverse::EditGrants(edit))
}

pub(super) fn revoked(e: &TopicRevoked, past: &Past<'_>) -> Result<Inverse, NoUndo> {
    unless_changed(!past.now.topic.grants.contains(&e.permission))?;
    let edit = EditGrants::single(e.topic.clone(), Edit::Add, e.permission.clone());
    Ok(Inverse::EditGrants(edit))
}

pub(super) fn pattern_granted(e: &TopicPatternGranted, past: &Past<'_>) -> Result<Inverse, NoUndo> {
    unless_changed(stands(&e.pattern, &e.permission, past))?;
    let edit = edit(e.broker, Edit::Remove, &e.pattern, &e.permission);
    Ok(Inverse::EditPatternGrants(edit))
}

pub(super) fn pattern_revoked(e: &TopicPatternRevoked, past: &Past<'_>) -> Result<Inverse, NoUndo> {
    unless_changed(!stands(&e.pattern, &e.permission, past))?;
    let edit = edit(e.broker, Edit::Add, &e.pattern, &e.permission);
    Ok(Inverse::EditPatternGrants(edit))
}

fn stands(pattern: &TopicPattern, permission: &Permission, past: &Past<'_>) -> bool {
    let key = (pattern.clone(), permission.clone());
    past.now.broker.patterns.contains(&key)
}

fn edit(
    broker: BrokerId,
    edit: Edit,
    pattern: &TopicPattern,
    permission: &Permission,
) -> EditPatternGrants {
    EditPatternGrants {
        broker,
        changes: vec![PatternChange {
            edit,
            pattern: pattern.clone(),
            permission: permission.clone(),
        }],
        cause: None,
    }
}
