//! The documents of a desired state: `apiVersion`, `kind`, `metadata`, `spec`.

use std::collections::BTreeSet;
use std::fmt;

use domain::{AlgorithmId, BrokerName, OrganizationName, VersionSelector};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::state::algorithm::AlgorithmSpec;
use crate::state::broker::BrokerSpec;
use crate::state::edge::Edge;
use crate::state::grant::{GrantsSpec, TopicScope};
use crate::state::listener::ListenerSpec;
use crate::state::{Members, State};

/// The only version of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ApiVersion {
    #[serde(rename = "eventflows/v1")]
    V1,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    Organization,
    Algorithm,
    Broker,
    TopicGrants,
    Listener,
    Publisher,
}

/// One thing with its settings.
#[expect(
    clippy::large_enum_variant,
    reason = "most documents are listeners, which are the largest"
)]
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Document {
    Organization(Named<OrganizationName>, OrganizationSpec),
    Algorithm(Named<AlgorithmId>, AlgorithmSpec),
    Broker(Named<BrokerName>, BrokerSpec),
    TopicGrants(TopicScope, GrantsSpec),
    Listener(Edge, ListenerSpec),
    Publisher(Edge, PublisherSpec),
}

/// What has a name of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Named<T> {
    pub(crate) name: T,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrganizationSpec {
    #[serde(default)]
    pub(crate) members: Members,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PublisherSpec {
    pub(crate) version: VersionSelector,
}

impl Document {
    /// Its kind and name, as people write them.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Organization(Named { name }, _) => format!("Organization {name}"),
            Self::Algorithm(Named { name }, _) => format!("Algorithm {name}"),
            Self::Broker(Named { name }, _) => format!("Broker {name}"),
            Self::TopicGrants(scope, _) => format!("TopicGrants {scope}"),
            Self::Listener(edge, _) => format!("Listener {edge}"),
            Self::Publisher(edge, _) => format!("Publisher {edge}"),
        }
    }

    /// Adds what it says to `state`, which has nothing of this title.
    pub(crate) fn add_to(self, state: &mut State) {
        match self {
            Self::Organization(Named { name }, spec) => {
                state.organizations.insert(name, spec.members);
            }
            Self::Algorithm(Named { name }, spec) => {
                state.algorithms.insert(name, spec);
            }
            Self::Broker(Named { name }, spec) => {
                state.brokers.insert(name, spec);
            }
            Self::TopicGrants(scope, spec) => {
                let permissions = BTreeSet::from(spec);
                if !permissions.is_empty() {
                    state.grants.insert(scope, permissions);
                }
            }
            Self::Listener(edge, spec) => {
                state.listeners.insert(edge, spec);
            }
            Self::Publisher(edge, spec) => {
                state.publishers.insert(edge, spec.version);
            }
        }
    }
}

/// The documents of a state, in an order that depends on the names alone.
pub(crate) fn documents(state: &State) -> Vec<Document> {
    let organizations = state.organizations.iter().map(|(name, members)| {
        let members = members.clone();
        Document::Organization(Named { name: name.clone() }, OrganizationSpec { members })
    });
    let algorithms = state.algorithms.iter();
    let algorithms = algorithms
        .map(|(name, spec)| Document::Algorithm(Named { name: name.clone() }, spec.clone()));
    let brokers = state.brokers.iter();
    let brokers =
        brokers.map(|(name, spec)| Document::Broker(Named { name: name.clone() }, spec.clone()));
    let grants = state.grants.iter();
    let grants = grants.map(|(scope, set)| Document::TopicGrants(scope.clone(), set.into()));
    let listeners = state.listeners.iter();
    let listeners = listeners.map(|(edge, spec)| Document::Listener(edge.clone(), spec.clone()));
    let publishers = state.publishers.iter().map(|(edge, version)| {
        let version = version.clone();
        Document::Publisher(edge.clone(), PublisherSpec { version })
    });
    organizations
        .chain(algorithms)
        .chain(brokers)
        .chain(grants)
        .chain(listeners)
        .chain(publishers)
        .collect()
}

/// What a document has beside its kind, which must come before all else but the version: then the
/// rest is read for what it is, and an error has its place.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Body<M, S> {
    api_version: Option<ApiVersion>,
    metadata: M,
    spec: S,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    ApiVersion,
    Kind,
    Metadata,
    Spec,
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DocumentVisitor)
    }
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a document with apiVersion, kind, metadata and spec")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
        let mut version = None;
        while let Some(field) = map.next_key::<Field>()? {
            match field {
                Field::ApiVersion if version.is_some() => {
                    return Err(Error::duplicate_field("apiVersion"));
                }
                Field::ApiVersion => version = Some(map.next_value()?),
                Field::Kind => {
                    let kind = map.next_value()?;
                    return of_kind(kind, map, version);
                }
                Field::Metadata | Field::Spec => {
                    return Err(Error::custom(
                        "apiVersion and kind must come before metadata and spec",
                    ));
                }
            }
        }
        Err(Error::missing_field("kind"))
    }
}

fn of_kind<'de, A: MapAccess<'de>>(
    kind: Kind,
    map: A,
    version: Option<ApiVersion>,
) -> Result<Document, A::Error> {
    Ok(match kind {
        Kind::Organization => {
            let (metadata, spec) = body(map, version)?;
            Document::Organization(metadata, spec)
        }
        Kind::Algorithm => {
            let (metadata, spec) = body(map, version)?;
            Document::Algorithm(metadata, spec)
        }
        Kind::Broker => {
            let (metadata, spec) = body(map, version)?;
            Document::Broker(metadata, spec)
        }
        Kind::TopicGrants => {
            let (metadata, spec) = body(map, version)?;
            Document::TopicGrants(metadata, spec)
        }
        Kind::Listener => {
            let (metadata, spec) = body(map, version)?;
            Document::Listener(metadata, spec)
        }
        Kind::Publisher => {
            let (metadata, spec) = body(map, version)?;
            Document::Publisher(metadata, spec)
        }
    })
}

fn body<'de, A, M, S>(map: A, version: Option<ApiVersion>) -> Result<(M, S), A::Error>
where
    A: MapAccess<'de>,
    M: Deserialize<'de>,
    S: Deserialize<'de>,
{
    let body = Body::<M, S>::deserialize(MapAccessDeserializer::new(map))?;
    match (version, body.api_version) {
        (None, None) => Err(Error::missing_field("apiVersion")),
        (Some(_), Some(_)) => Err(Error::duplicate_field("apiVersion")),
        _ => Ok((body.metadata, body.spec)),
    }
}

/// A document as written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a, M, S> {
    api_version: ApiVersion,
    kind: Kind,
    metadata: &'a M,
    spec: &'a S,
}

impl Serialize for Document {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Organization(metadata, spec) => {
                Written::of(Kind::Organization, metadata, spec).serialize(serializer)
            }
            Self::Algorithm(metadata, spec) => {
                Written::of(Kind::Algorithm, metadata, spec).serialize(serializer)
            }
            Self::Broker(metadata, spec) => {
                Written::of(Kind::Broker, metadata, spec).serialize(serializer)
            }
            Self::TopicGrants(metadata, spec) => {
                Written::of(Kind::TopicGrants, metadata, spec).serialize(serializer)
            }
            Self::Listener(metadata, spec) => {
                Written::of(Kind::Listener, metadata, spec).serialize(serializer)
            }
            Self::Publisher(metadata, spec) => {
                Written::of(Kind::Publisher, metadata, spec).serialize(serializer)
            }
        }
    }
}

impl<'a, M, S> Written<'a, M, S> {
    fn of(kind: Kind, metadata: &'a M, spec: &'a S) -> Self {
        Self {
            api_version: ApiVersion::V1,
            kind,
            metadata,
            spec,
        }
    }
}
