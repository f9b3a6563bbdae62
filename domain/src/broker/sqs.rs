//! Amazon SQS: how an account's queues are reached, and what they are called.

use serde::{Deserialize, Serialize};

use super::check::{LONGEST_URL, is_url, is_word, unless};
use crate::credential::CredentialRef;
use crate::refusal::Refusal;

/// What a queue is called.
pub(super) const TOPIC_RULE: &str = "an SQS queue: at most 80 letters, digits, '_' and '-', with '.fifo' at the end of a FIFO queue";

/// How a worker proves itself to SQS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SqsAuth {
    /// By what the worker's machine was given: environment, profile, web identity, instance.
    DefaultChain,
    /// By an access key.
    StaticKeys {
        /// The access key's id with its secret.
        credential: CredentialRef,
    },
    /// By what the worker's machine was given, exchanged for a role.
    AssumeRole {
        role_arn: String,
        /// What the role's owner asks for, so that nobody else makes us use the role.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external_id: Option<String>,
    },
}

impl SqsAuth {
    pub(super) fn credential(&self) -> Option<&CredentialRef> {
        match self {
            Self::DefaultChain | Self::AssumeRole { .. } => None,
            Self::StaticKeys { credential } => Some(credential),
        }
    }

    pub(super) fn credential_mut(&mut self) -> Option<&mut CredentialRef> {
        match self {
            Self::DefaultChain | Self::AssumeRole { .. } => None,
            Self::StaticKeys { credential } => Some(credential),
        }
    }
}

/// Whether an account could have a queue of that name.
pub(super) fn allows(name: &str) -> bool {
    let stem = name.strip_suffix(".fifo").unwrap_or(name);
    name.len() <= 80 && !stem.is_empty() && !stem.contains(['/', '.'])
}

pub(super) fn check(region: &str, endpoint: Option<&str>, auth: &SqsAuth) -> Result<(), Refusal> {
    unless(
        is_word(region, 32, "-") && region.contains('-'),
        "settings.sqs.region",
        "a region like eu-central-1",
    )?;
    unless(
        endpoint.is_none_or(|url| is_url(url, &["http://", "https://"])),
        "settings.sqs.endpoint",
        "an http or https URL without user name, query or fragment",
    )?;
    match auth {
        SqsAuth::DefaultChain => Ok(()),
        SqsAuth::StaticKeys { credential } => {
            credential.check("settings.sqs.auth.staticKeys.credential")
        }
        SqsAuth::AssumeRole {
            role_arn,
            external_id,
        } => {
            unless(
                is_role(role_arn),
                "settings.sqs.auth.assumeRole.roleArn",
                "a role's ARN like arn:aws:iam::123456789012:role/name",
            )?;
            unless(
                external_id
                    .as_deref()
                    .is_none_or(|id| id.len() >= 2 && is_word(id, 1224, "+=,.@:/_-")),
                "settings.sqs.auth.assumeRole.externalId",
                "2 to 1224 letters, digits and +=,.@:/_-",
            )
        }
    }
}

fn is_role(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [prefix, partition, service, region, account, role] = parts[..] else {
        return false;
    };
    arn.len() <= LONGEST_URL
        && prefix == "arn"
        && is_word(partition, 32, "-")
        && (service, region) == ("iam", "")
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && role
            .strip_prefix("role/")
            .is_some_and(|name| is_word(name, 512, "+=,.@_-/"))
}
