//! Taking back what happened to members.

use super::{Inverse, NoUndo, Past, unless_changed};
use crate::name::UserName;
use crate::organization::{
    AddMember, ChangeMemberRole, MemberAdded, MemberRemoved, MemberRoleChanged, RemoveMember, Role,
};

pub(super) fn member_added(e: &MemberAdded, past: &Past<'_>) -> Result<Inverse, NoUndo> {
    unless_changed(past.now.organization.members.get(&e.member) == Some(&e.role))?;
    Ok(Inverse::RemoveMember(RemoveMember {
        organization: e.organization.clone(),
        member: e.member.clone(),
    }))
}

pub(super) fn role_changed(e: &MemberRoleChanged, past: &Past<'_>) -> Result<Inverse, NoUndo> {
    unless_changed(past.now.organization.members.get(&e.member) == Some(&e.role))?;
    Ok(Inverse::ChangeMemberRole(ChangeMemberRole {
        organization: e.organization.clone(),
        member: e.member.clone(),
        role: role_before(&e.member, past)?,
    }))
}

pub(super) fn member_removed(e: &MemberRemoved, past: &Past<'_>) -> Result<Inverse, NoUndo> {
    unless_changed(!past.now.organization.members.contains_key(&e.member))?;
    Ok(Inverse::AddMember(AddMember {
        organization: e.organization.clone(),
        member: e.member.clone(),
        role: role_before(&e.member, past)?,
    }))
}

fn role_before(member: &UserName, past: &Past<'_>) -> Result<Role, NoUndo> {
    let role = past.before.organization.members.get(member);
    role.copied().ok_or(NoUndo::ChangedSince)
}
