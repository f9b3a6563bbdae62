//! What lists of listeners and lists of publishers are filtered by alike.

use domain::{AlgorithmId, OrganizationName};

use crate::database::Statement;

/// What listeners and publishers are chosen by alike.
pub(crate) struct FlowFilter<'f> {
    pub(crate) algorithm: Option<&'f AlgorithmId>,
    pub(crate) organization: Option<&'f OrganizationName>,
    /// Part of the name of the topic or of the algorithm.
    pub(crate) search: Option<&'f str>,
}

impl FlowFilter<'_> {
    /// Adds the conditions to a statement that reads flows.
    pub(crate) fn choose(&self, select: Statement) -> Statement {
        select
            .add_if(
                " AND algorithm = ?",
                self.algorithm.map(ToString::to_string),
            )
            // Between the slash and the sign after it.
            .add_if(
                " AND algorithm > ? || '/' AND algorithm < ? || '0'",
                self.organization.map(OrganizationName::as_str),
            )
            .add_if(
                " AND (instr(topic, ?) > 0 OR instr(algorithm, ?) > 0)",
                self.search,
            )
    }
}
