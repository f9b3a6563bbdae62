//! The documents of a desired state: `apiVersion`, `kind`, `metadata`, `spec`.

use std::fmt;

use domain::{AlgorithmId, BrokerName, OrganizationName};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::broker::BrokerSpec;
use super::state::{AlgorithmSpec, Flow, GrantsSpec, ListenerSpec, Members, Scope};
use domain::VersionSelector;

/// The only version of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ApiVersion {
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
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Document {
    Organization(Named<OrganizationName>, OrganizationSpec),
    Algorithm(Named<AlgorithmId>, AlgorithmSpec),
    Broker(Named<BrokerName>, BrokerSpec),
    TopicGrants(Scope, GrantsSpec),
    Listener(Flow, ListenerSpec),
    Publisher(Flow, PublisherSpec),
}

/// What has a name of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named<T> {
    pub(super) name: T,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrganizationSpec {
    #[serde(default)]
    pub(super) members: Members,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PublisherSpec {
    pub(super) version: VersionSelector,
}

impl Document {
    /// Its kind and its name, as people write them.
    pub(super) fn title(&self) -> String {
        match self {
            Self::Organization(Named { name }, _) => format!("Organization {name}"),
            Self::Algorithm(Named { name }, _) => format!("Algorithm {name}"),
            Self::Broker(Named { name }, _) => format!("Broker {name}"),
            Self::TopicGrants(scope, _) => format!("TopicGrants {scope}"),
            Self::Listener(flow, _) => format!("Listener {flow}"),
            Self::Publisher(flow, _) => format!("Publisher {flow}"),
        }
    }
}

/// What a document has beside its kind, before which nothing but the version may stand: what is
/// read is known then, and an error is found where it is.
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
                    return Err(Error::custom("apiVersion and kind stand before the rest"));
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

/// A document as it is written.
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
