//! The topics that take the results of one version, for listeners and direct runs alike.

use domain::algorithm::Algorithm;
use domain::{AlgorithmId, Outputs, PublisherId, TopicId, Version, VersionSelector};

use crate::algorithm;
use crate::database::{FromRow, Row, Statement, Tx, text};
use crate::error::ReadModelError;
use crate::model::{self, ReadModel};

/// The enabled publishers of an algorithm that are permitted, and those whose broker was replaced.
const PUBLISHERS: &str = "SELECT p.version, c.replaced_by, p.key \
     FROM publishers p JOIN brokers c ON c.id = p.broker \
     WHERE p.algorithm = ?1 AND p.enabled = 1 AND (c.replaced_by IS NOT NULL \
     OR c.ended_at IS NULL AND EXISTS (SELECT 1 FROM permitted g \
     WHERE g.broker = p.broker AND g.topic = p.topic \
     AND g.algorithm = p.algorithm AND g.access = 'PUBLISH')) \
     ORDER BY p.key";

/// A publisher that may take the results of a version.
struct Candidate {
    selector: VersionSelector,
    /// The broker that took over from its own, if one did.
    moves_to: Option<String>,
    topic: TopicId,
}

/// Where the results of a version go, inside a transaction.
pub(crate) fn of_version(
    tx: &mut dyn Tx,
    id: &AlgorithmId,
    published: &Algorithm,
    version: &Version,
) -> Result<Outputs, ReadModelError> {
    let rows = tx.query(PUBLISHERS, &[text(id)])?;
    Ok(choose(model::rows(rows)?, published, version))
}

impl ReadModel {
    /// Where the results of a published version go.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn outputs(
        &self,
        id: &AlgorithmId,
        version: &Version,
    ) -> Result<Outputs, ReadModelError> {
        let versions = self.versions_of(std::slice::from_ref(id)).await?;
        let published = algorithm::state(false, &versions);
        let publishers = Statement::new(PUBLISHERS).bind(text(id));
        Ok(choose(self.rows(publishers).await?, &published, version))
    }
}

fn choose(candidates: Vec<Candidate>, published: &Algorithm, version: &Version) -> Outputs {
    let takes = |candidate: &Candidate| candidate.selector.takes(version, published.standing());
    let taking: Vec<_> = candidates.into_iter().filter(takes).collect();
    let is_moving = taking.iter().any(|candidate| candidate.moves_to.is_some());
    // One that has arrived is not named twice while it is still to leave.
    let has_arrived = |candidate: &Candidate| {
        let arrived = |other: &Candidate| {
            let to = Some(other.topic.broker.to_string());
            candidate.moves_to == to && candidate.topic.topic == other.topic.topic
        };
        taking.iter().any(arrived)
    };
    let topics = taking.iter().filter(|candidate| !has_arrived(candidate));
    let topics = topics.map(|candidate| candidate.topic.clone()).collect();
    if is_moving {
        Outputs::Moving(topics)
    } else {
        Outputs::Known(topics)
    }
}

impl FromRow for Candidate {
    fn from_row(row: &mut Row) -> Result<Self, ReadModelError> {
        Ok(Self {
            selector: row.parse()?,
            moves_to: row.take()?,
            topic: row.parse::<PublisherId>()?.topic,
        })
    }
}
