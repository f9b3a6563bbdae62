//! How the SQS queues of an account are reached, as it is asked for and as it is shown.

use async_graphql::{Enum, InputObject, OneofObject, SimpleObject};
use domain::broker::{BrokerSettings, SqsAuth as DomainSqsAuth};

use super::input::CredentialInput;
use crate::user_error::UserError;

/// How to reach the SQS queues of an AWS account in a region.
#[derive(InputObject)]
pub struct SqsInput {
    /// The AWS region, for example `eu-central-1`.
    pub region: String,
    /// Where the API is, if not at its usual address: an `http` or `https` URL.
    pub endpoint: Option<String>,
    /// How a worker authenticates; by default, with the credentials of its machine.
    pub auth: Option<SqsAuthInput>,
}

/// How a worker authenticates to SQS.
#[derive(OneofObject)]
pub enum SqsAuthInput {
    /// With an access key.
    StaticKeys(SqsStaticKeysInput),
    /// With a role.
    AssumeRole(SqsAssumeRoleInput),
}

/// Authentication by an access key.
#[derive(InputObject)]
pub struct SqsStaticKeysInput {
    /// The access key id with its secret.
    pub credential: CredentialInput,
}

/// Authentication by a role, assumed with the credentials of the worker's machine.
#[derive(InputObject)]
pub struct SqsAssumeRoleInput {
    /// The ARN of the role to assume.
    pub role_arn: String,
    /// The external id that the role's owner asks for.
    pub external_id: Option<String>,
}

/// How the queues of an AWS account are reached.
#[derive(SimpleObject)]
pub struct SqsSettings {
    /// The AWS region.
    pub region: String,
    /// Where the API is, if not at the region's usual address.
    pub endpoint: Option<String>,
    /// How a worker authenticates.
    #[graphql(name = "sqsAuth")]
    pub auth: SqsAuth,
    /// The role to assume; null unless `sqsAuth` is `ASSUME_ROLE`.
    pub role_arn: Option<String>,
    /// The external id that the role's owner asks for.
    pub external_id: Option<String>,
}

/// How a worker authenticates to SQS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum SqsAuth {
    /// With the credentials of the worker's machine: the default chain of the AWS SDK.
    DefaultChain,
    /// With an access key.
    StaticKeys,
    /// With a role, assumed with the credentials of the worker's machine.
    AssumeRole,
}

impl SqsInput {
    pub(super) fn settings(&self) -> Result<BrokerSettings, UserError> {
        let path = &[
            "input",
            "settings",
            "sqs",
            "auth",
            "staticKeys",
            "credential",
        ];
        let auth = match &self.auth {
            None => DomainSqsAuth::DefaultChain,
            Some(SqsAuthInput::StaticKeys(keys)) => DomainSqsAuth::StaticKeys {
                credential: keys.credential.reference(path)?,
            },
            Some(SqsAuthInput::AssumeRole(role)) => DomainSqsAuth::AssumeRole {
                role_arn: role.role_arn.clone(),
                external_id: role.external_id.clone(),
            },
        };
        Ok(BrokerSettings::Sqs {
            region: self.region.clone(),
            endpoint: self.endpoint.clone(),
            auth,
        })
    }
}

impl SqsSettings {
    pub(super) fn new(region: String, endpoint: Option<String>, auth: DomainSqsAuth) -> Self {
        Self {
            region,
            endpoint,
            auth: (&auth).into(),
            external_id: match &auth {
                DomainSqsAuth::AssumeRole { external_id, .. } => external_id.clone(),
                _ => None,
            },
            role_arn: match auth {
                DomainSqsAuth::AssumeRole { role_arn, .. } => Some(role_arn),
                _ => None,
            },
        }
    }
}

impl From<&DomainSqsAuth> for SqsAuth {
    fn from(auth: &DomainSqsAuth) -> Self {
        match auth {
            DomainSqsAuth::DefaultChain => Self::DefaultChain,
            DomainSqsAuth::StaticKeys { .. } => Self::StaticKeys,
            DomainSqsAuth::AssumeRole { .. } => Self::AssumeRole,
        }
    }
}
