//! The topics that take the results of one version, however it was run.

use domain::{AlgorithmId, Version, VersionSelector};

use crate::algorithm;
use crate::assignment::Output;
use crate::database::{FromRow, Row, Statement, text};
use crate::error::ReadModelError;
use crate::model::{ReadModel, rows};

/// The enabled publishers of an algorithm that are permitted, on connected brokers.
const PERMITTED: &str = "SELECT p.version, p.key, c.settings, p.topic FROM publishers p \
     JOIN brokers c ON c.id = p.broker AND c.replaced_at IS NULL \
     WHERE p.algorithm = ?1 AND p.enabled = 1 AND EXISTS (SELECT 1 FROM grants g \
     WHERE g.broker = p.broker AND g.access = 'PUBLISH' AND g.organization = ?2 \
     AND (g.algorithm IS NULL OR g.algorithm = ?1) \
     AND (g.topic = p.topic OR (g.topic IS NULL AND glob(g.pattern, p.topic)))) \
     ORDER BY p.key";

/// Those on a broker that was replaced: a policy is about to move them to the other one.
const MOVING: &str = "SELECT p.key FROM publishers p \
     JOIN brokers c ON c.id = p.broker AND c.replaced_at IS NOT NULL \
     WHERE p.algorithm = ?1 AND p.enabled = 1";

impl ReadModel {
    /// The topics that take results of a published version now; none can be named while any is
    /// about to move with its broker.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn outputs(
        &self,
        id: &AlgorithmId,
        version: &Version,
    ) -> Result<Option<Vec<Output>>, ReadModelError> {
        let versions = self.versions_of(std::slice::from_ref(id)).await?;
        let published = algorithm::state(false, &versions);
        let moving = Statement::new(MOVING).bind(text(id));
        let permitted = Statement::new(PERMITTED)
            .bind(text(id))
            .bind(id.organization.as_str());
        let mut answers = self.answers(vec![moving, permitted]).await?;
        let permitted = answers.pop().unwrap_or_default();
        if answers.pop().is_some_and(|moving| !moving.is_empty()) {
            return Ok(None);
        }
        let outputs: Vec<(VersionSelector, Output)> = rows(permitted)?;
        let takes = |selector: &VersionSelector| selector.takes(version, published.standing());
        let taking = outputs.into_iter().filter(|(selector, _)| takes(selector));
        Ok(Some(taking.map(|(_, output)| output).collect()))
    }
}

impl FromRow for (VersionSelector, Output) {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        let selector = row.parse()?;
        let output = Output {
            publisher: row.parse()?,
            broker: row.json()?,
            topic: row.parse()?,
        };
        Ok((selector, output))
    }
}
