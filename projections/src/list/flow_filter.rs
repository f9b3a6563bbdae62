//! What lists of listeners and lists of publishers are filtered by alike.

use std::fmt::Display;

use domain::{AlgorithmId, OrganizationName};

use super::Places;
use crate::database::{Statement, texts};
use crate::error::ReadModelError;

/// What listeners and publishers are chosen by alike. Of several values any is enough.
pub(crate) struct FlowFilter<'f, Id> {
    pub(crate) ids: Option<&'f [Id]>,
    pub(crate) places: Places<'f>,
    pub(crate) algorithms: Option<&'f [AlgorithmId]>,
    pub(crate) organizations: Option<&'f [OrganizationName]>,
    /// Part of the name of the topic or of the algorithm.
    pub(crate) search: Option<&'f str>,
}

impl<Id: Display> FlowFilter<'_, Id> {
    /// Adds the conditions to a statement that reads flows.
    pub(crate) fn choose(&self, rows: Statement) -> Result<Statement, ReadModelError> {
        let rows = self.places.choose(rows)?.add_any("key", self.ids)?;
        let rows = rows.add_any("algorithm", self.algorithms)?;
        let rows = match self.organizations {
            // Between the slash and the sign after it.
            Some([organization]) => rows.add(
                " AND algorithm > ? || '/' AND algorithm < ? || '0'",
                organization.as_str(),
            ),
            Some(organizations) => rows.add(
                " AND substr(algorithm, 1, instr(algorithm, '/') - 1) \
                 IN (SELECT value FROM json_each(?))",
                texts(organizations)?,
            ),
            None => rows,
        };
        Ok(rows.add_if(
            " AND (instr(topic, ?) > 0 OR instr(algorithm, ?) > 0)",
            self.search,
        ))
    }
}
