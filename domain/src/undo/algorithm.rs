//! Taking back what happened to algorithms.

use super::{Inverse, NoUndo, Past, unless_changed};
use crate::algorithm::{VersionPublished, WithdrawVersion};

pub(super) fn published(e: &VersionPublished, past: &Past<'_>) -> Result<Inverse, NoUndo> {
    let now = &past.now.algorithm;
    unless_changed(!now.retired && !now.withdrawn.contains_key(&e.version))?;
    Ok(Inverse::WithdrawVersion(WithdrawVersion {
        algorithm: e.algorithm.clone(),
        version: e.version.clone(),
        reason: None,
    }))
}
