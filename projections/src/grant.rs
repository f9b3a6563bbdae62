//! Grants: of a topic or of a pattern of topics, to an algorithm or to all of an organization.

use std::fmt;

use domain::grant::{Access, Grantee, Permission};
use domain::{
    AlgorithmId, ConnectionId, Event, OrganizationName, TopicId, TopicName, TopicPattern,
};
use jiff::Timestamp;
use sqlx::SqliteConnection;

use crate::page::{Page, Paging};
use crate::projector::Fact;
use crate::read::{ReadModel, ReadModelError, time_of};

/// A grant that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub key: GrantKey,
    pub granted_at: Timestamp,
    /// The event that a policy granted it for.
    pub cause: Option<String>,
}

/// What tells one grant from another. Pages are ordered by its text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GrantKey {
    pub connection: ConnectionId,
    pub scope: Scope,
    pub permission: Permission,
}

/// Which topics of its connection a grant is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    Topic(TopicName),
    /// All that the pattern covers, those that are discovered later among them.
    Pattern(TopicPattern),
}

/// Which grants are asked for; all where nothing is set.
#[derive(Clone, Debug, Default)]
pub struct GrantFilter {
    pub connection: Option<ConnectionId>,
    /// Those that permit anything on the topic, be it by a pattern.
    pub topic: Option<TopicId>,
    /// Those that permit the algorithm anything, be it as one of its organization's.
    pub algorithm: Option<AlgorithmId>,
    /// Those to the organization or to an algorithm of it.
    pub organization: Option<OrganizationName>,
    pub access: Option<Access>,
}

impl GrantKey {
    /// The grant of one topic.
    #[must_use]
    pub fn of_topic(topic: &TopicId, permission: &Permission) -> Self {
        Self {
            connection: topic.connection,
            scope: Scope::Topic(topic.topic.clone()),
            permission: permission.clone(),
        }
    }

    /// The grant of every topic that a pattern covers.
    #[must_use]
    pub fn of_pattern(
        connection: ConnectionId,
        pattern: &TopicPattern,
        permission: &Permission,
    ) -> Self {
        Self {
            connection,
            scope: Scope::Pattern(pattern.clone()),
            permission: permission.clone(),
        }
    }

    /// Reads the text of a key; `None` where it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (connection, rest) = text.split_once('/')?;
        let mut parts = rest.split('|');
        let (scope, grantee, access) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        Some(Self {
            connection: ConnectionId(connection.parse().ok()?),
            // A topic's name has no star, a pattern has one.
            scope: if scope.contains('*') {
                Scope::Pattern(scope.parse().ok()?)
            } else {
                Scope::Topic(scope.parse().ok()?)
            },
            permission: Permission {
                // An organization's name has no slash, an algorithm has one.
                grantee: if grantee.contains('/') {
                    Grantee::Algorithm(grantee.parse().ok()?)
                } else {
                    Grantee::Organization(grantee.parse().ok()?)
                },
                access: [Access::Subscribe, Access::Publish]
                    .into_iter()
                    .find(|known| known.as_str() == access)?,
            },
        })
    }

    fn organization(&self) -> &OrganizationName {
        match &self.permission.grantee {
            Grantee::Algorithm(algorithm) => &algorithm.organization,
            Grantee::Organization(organization) => organization,
        }
    }

    fn algorithm(&self) -> Option<&AlgorithmId> {
        match &self.permission.grantee {
            Grantee::Algorithm(algorithm) => Some(algorithm),
            Grantee::Organization(_) => None,
        }
    }
}

impl fmt::Display for GrantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}|", self.connection, self.scope)?;
        match &self.permission.grantee {
            Grantee::Algorithm(algorithm) => write!(f, "{algorithm}|")?,
            Grantee::Organization(organization) => write!(f, "{organization}|")?,
        }
        self.permission.access.fmt(f)
    }
}

impl Scope {
    /// The topic's name or the pattern.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Topic(topic) => topic.as_str(),
            Self::Pattern(pattern) => pattern.as_str(),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

pub(crate) async fn apply(
    tx: &mut SqliteConnection,
    fact: &Fact<'_>,
) -> Result<(), ReadModelError> {
    match fact.event {
        Event::TopicGranted(e) => {
            let cause = e.cause.map(|cause| cause.to_string());
            put(
                tx,
                fact,
                &GrantKey::of_topic(&e.topic, &e.permission),
                cause,
            )
            .await
        }
        Event::TopicPatternGranted(e) => {
            let key = GrantKey::of_pattern(e.connection, &e.pattern, &e.permission);
            put(tx, fact, &key, e.cause.map(|cause| cause.to_string())).await
        }
        Event::TopicRevoked(e) => remove(tx, &GrantKey::of_topic(&e.topic, &e.permission)).await,
        Event::TopicPatternRevoked(e) => {
            let key = GrantKey::of_pattern(e.connection, &e.pattern, &e.permission);
            remove(tx, &key).await
        }
        _ => Ok(()),
    }
}

async fn put(
    tx: &mut SqliteConnection,
    fact: &Fact<'_>,
    key: &GrantKey,
    cause: Option<String>,
) -> Result<(), ReadModelError> {
    let (topic, pattern) = match &key.scope {
        Scope::Topic(topic) => (Some(topic.as_str()), None),
        Scope::Pattern(pattern) => (None, Some(pattern.as_str())),
    };
    sqlx::query(
        "INSERT OR REPLACE INTO grants (key, connection, topic, pattern, organization, \
         algorithm, access, granted_at, cause) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )
    .bind(key.to_string())
    .bind(key.connection.to_string())
    .bind(topic)
    .bind(pattern)
    .bind(key.organization().as_str())
    .bind(key.algorithm().map(ToString::to_string))
    .bind(key.permission.access.as_str())
    .bind(fact.at)
    .bind(cause)
    .execute(tx)
    .await?;
    Ok(())
}

async fn remove(tx: &mut SqliteConnection, key: &GrantKey) -> Result<(), ReadModelError> {
    sqlx::query("DELETE FROM grants WHERE key = ?1")
        .bind(key.to_string())
        .execute(tx)
        .await?;
    Ok(())
}

impl ReadModel {
    /// Grants by connection, topic or pattern, and grantee.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn grants(
        &self,
        filter: &GrantFilter,
        paging: &Paging,
    ) -> Result<Page<Grant>, ReadModelError> {
        let topic = filter.topic.as_ref();
        let connection = topic.map(|topic| topic.connection).or(filter.connection);
        let algorithm = filter.algorithm.as_ref();
        let organization = algorithm
            .map(|algorithm| &algorithm.organization)
            .or(filter.organization.as_ref());
        let page = paging.take(async |limit| {
            // GLOB's star is the pattern's star; the other signs it knows are in no pattern.
            let rows: Vec<Row> = sqlx::query_as(
                "SELECT key, granted_at, cause FROM grants \
                 WHERE key > ?1 AND (?2 IS NULL OR connection = ?2) \
                 AND (?3 IS NULL OR topic = ?3 OR ?3 GLOB pattern) \
                 AND (?4 IS NULL OR organization = ?4) \
                 AND (?5 IS NULL OR algorithm IS NULL OR algorithm = ?5) \
                 AND (?6 IS NULL OR access = ?6) ORDER BY key LIMIT ?7",
            )
            .bind(&paging.after)
            .bind(connection.map(|id| id.to_string()))
            .bind(topic.map(|topic| topic.topic.as_str()))
            .bind(organization.map(OrganizationName::as_str))
            .bind(algorithm.map(ToString::to_string))
            .bind(filter.access.map(Access::as_str))
            .bind(limit)
            .fetch_all(&self.readers)
            .await?;
            rows.into_iter().map(Grant::try_from).collect()
        });
        page.await
    }

    /// The grant of that key, if it stands.
    ///
    /// # Errors
    /// The database cannot answer.
    pub async fn grant(&self, key: &GrantKey) -> Result<Option<Grant>, ReadModelError> {
        let row: Option<Row> =
            sqlx::query_as("SELECT key, granted_at, cause FROM grants WHERE key = ?1")
                .bind(key.to_string())
                .fetch_optional(&self.readers)
                .await?;
        row.map(Grant::try_from).transpose()
    }
}

/// Whether any grant permits the algorithm that access, inside a transaction.
pub(crate) async fn stands(
    tx: &mut SqliteConnection,
    topic: &TopicId,
    algorithm: &AlgorithmId,
    access: Access,
) -> Result<bool, ReadModelError> {
    let stands = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM grants WHERE connection = ?1 AND topic = ?2 \
         AND access = ?3 AND organization = ?4 AND (algorithm IS NULL OR algorithm = ?5)) \
         OR EXISTS (SELECT 1 FROM grants WHERE connection = ?1 AND topic IS NULL \
         AND ?2 GLOB pattern \
         AND access = ?3 AND organization = ?4 AND (algorithm IS NULL OR algorithm = ?5))",
    )
    .bind(topic.connection.to_string())
    .bind(topic.topic.as_str())
    .bind(access.as_str())
    .bind(algorithm.organization.as_str())
    .bind(algorithm.to_string())
    .fetch_one(tx)
    .await?;
    Ok(stands)
}

type Row = (String, i64, Option<String>);

impl TryFrom<Row> for Grant {
    type Error = ReadModelError;

    fn try_from((key, granted_at, cause): Row) -> Result<Self, ReadModelError> {
        let unread = || ReadModelError::Row(format!("{key:?} is not the key of a grant").into());
        Ok(Self {
            key: GrantKey::parse(&key).ok_or_else(unread)?,
            granted_at: time_of(granted_at)?,
            cause,
        })
    }
}
