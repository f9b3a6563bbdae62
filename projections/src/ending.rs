//! What a change would end: listeners and publishers, with the grants that it ends too.

use domain::grant::{Access, GrantKey};
use domain::{AlgorithmId, BrokerId, ListenerId, PublisherId};

use crate::database::{Row, Statement, text};
use crate::error::ReadModelError;
use crate::list::{MOST_LISTS, list_of};
use crate::model::ReadModel;

/// The most listeners, and publishers, that a preview names.
pub const MOST_NAMED: u32 = 100;

/// A change that ends what depends on something.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    BrokerDisconnected(BrokerId),
    GrantRevoked(GrantKey),
    AlgorithmRetired(AlgorithmId),
}

/// What a change would end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Grants of topics and of patterns.
    pub grants: u64,
    /// Enabled ones, paused ones included.
    pub listeners: u64,
    pub publishers: u64,
    /// The first of the listeners by key, at most [`MOST_NAMED`].
    pub first_listeners: Vec<ListenerId>,
    /// The first of the publishers by key, at most [`MOST_NAMED`].
    pub first_publishers: Vec<PublisherId>,
}

impl ReadModel {
    /// What each of those changes would end now, in their order.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn endings(&self, endings: &[Ending]) -> Result<Vec<Ended>, ReadModelError> {
        let mut ended = Vec::with_capacity(endings.len());
        for endings in endings.chunks(MOST_LISTS) {
            ended.extend(self.some_endings(endings).await?);
        }
        Ok(ended)
    }

    async fn some_endings(&self, endings: &[Ending]) -> Result<Vec<Ended>, ReadModelError> {
        let each = |select: fn(&Ending) -> Statement| endings.iter().map(select);
        let count = |select| {
            let counts = each(select);
            let counts = counts.map(|one| one.inside("SELECT count(*) FROM (", ") AS counted"));
            Statement::union(counts.collect())
        };
        let first = |select| {
            let first = each(select).map(|one| {
                let sorted = one.then(" ORDER BY key");
                sorted.add(" LIMIT ?", i64::from(MOST_NAMED))
            });
            Statement::union(first.collect())
        };
        // At the same moment, so that counts and names belong together.
        let statements = vec![
            count(Ending::grants),
            count(Ending::listeners),
            count(Ending::publishers),
            first(Ending::listeners),
            first(Ending::publishers),
        ];
        let mut answers = self.answers(statements).await?.into_iter();
        let mut ended = vec![Ended::default(); endings.len()];
        let mut read = |take: fn(&mut Ended, &mut Row) -> Result<(), ReadModelError>| {
            for mut row in answers.next().unwrap_or_default() {
                take(list_of(&mut row, &mut ended)?, &mut row)?;
            }
            Ok::<_, ReadModelError>(())
        };
        read(|ended, row| row.take().map(|count| ended.grants = count))?;
        read(|ended, row| row.take().map(|count| ended.listeners = count))?;
        read(|ended, row| row.take().map(|count| ended.publishers = count))?;
        read(|ended, row| row.parse().map(|id| ended.first_listeners.push(id)))?;
        read(|ended, row| row.parse().map(|id| ended.first_publishers.push(id)))?;
        for ended in &mut ended {
            // The parts of a statement come in no order that a database promises.
            ended
                .first_listeners
                .sort_by_cached_key(ToString::to_string);
            ended
                .first_publishers
                .sort_by_cached_key(ToString::to_string);
        }
        Ok(ended)
    }
}

impl Ending {
    fn grants(&self) -> Statement {
        match self {
            Self::BrokerDisconnected(id) => {
                Statement::new("SELECT key FROM grants WHERE broker = ?1").bind(text(id))
            }
            Self::GrantRevoked(key) => {
                Statement::new("SELECT key FROM grants WHERE key = ?1").bind(text(key))
            }
            Self::AlgorithmRetired(id) => {
                let select = "SELECT key FROM grants WHERE organization = ?1 AND algorithm = ?2";
                let select = Statement::new(select).bind(id.organization.as_str());
                select.bind(text(id))
            }
        }
    }

    fn listeners(&self) -> Statement {
        let enabled = "SELECT key FROM listeners AS f WHERE enabled = 1";
        self.of(Statement::new(enabled), Access::Subscribe)
    }

    fn publishers(&self) -> Statement {
        let enabled = "SELECT key FROM publishers AS f WHERE enabled = 1";
        self.of(Statement::new(enabled), Access::Publish)
    }

    /// Of the listeners or publishers, which need that access, those that would end.
    fn of(&self, enabled: Statement, access: Access) -> Statement {
        match self {
            Self::BrokerDisconnected(id) => enabled.add(" AND broker = ?", text(id)),
            Self::AlgorithmRetired(id) => enabled.add(" AND algorithm = ?", text(id)),
            Self::GrantRevoked(key) => {
                let permitted = |grant| {
                    format!(
                        "EXISTS (SELECT 1 FROM permitted AS p WHERE p.by_grant {grant} ? \
                         AND p.broker = f.broker AND p.topic = f.topic \
                         AND p.algorithm = f.algorithm AND p.access = '{}')",
                        access.as_str()
                    )
                };
                let (by_it, by_another) = (permitted("="), permitted("<>"));
                enabled
                    .add(" AND broker = ?", text(key.broker))
                    .add(&format!(" AND {by_it} AND NOT {by_another}"), text(key))
            }
        }
    }
}
