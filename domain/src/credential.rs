//! References to credentials. The secret itself is never in an event.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::{NameError, Rule, path, word};
use crate::refusal::Refusal;

const PROVIDER: Rule = Rule {
    kind: "a credential's provider",
    longest: 63,
    first: word,
    rest: word,
    allowed: "letters, digits, '_' and '-'",
};

const NAME: Rule = Rule {
    kind: "a credential's name",
    longest: 254,
    first: word,
    rest: path,
    allowed: "letters, digits, '_', '-', '.' and '/', and must start with a letter, digit, '_' \
              or '-'",
};

/// Which credential: where it is kept, and its name there, written `provider/name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CredentialName {
    provider: String,
    name: String,
}

/// One version of a credential. What it holds is written once and never changes; to rotate is
/// to refer to another version.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CredentialRef {
    pub name: CredentialName,
    /// From 1.
    pub version: u32,
}

impl CredentialName {
    /// Who keeps it.
    #[must_use]
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// What the provider calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl CredentialRef {
    pub(crate) fn check(&self, field: &'static str) -> Result<(), Refusal> {
        if self.version > 0 {
            return Ok(());
        }
        Err(Refusal::OutOfRange {
            field,
            rule: "a version of at least 1",
        })
    }
}

impl fmt::Display for CredentialName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.name)
    }
}

impl fmt::Display for CredentialRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} version {}", self.name, self.version)
    }
}

impl FromStr for CredentialName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (provider, name) = text
            .split_once('/')
            .ok_or_else(|| NameError::new("a credential", "must have the form provider/name"))?;
        PROVIDER.check(provider)?;
        NAME.check(name)?;
        // A provider may keep credentials as files: no step leads elsewhere.
        if name
            .split('/')
            .any(|step| step.is_empty() || step.starts_with('.'))
        {
            return Err(NameError::new(
                NAME.kind,
                "may contain no empty segment and none that begins with '.'",
            ));
        }
        Ok(Self {
            provider: provider.to_owned(),
            name: name.to_owned(),
        })
    }
}

impl TryFrom<String> for CredentialName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<CredentialName> for String {
    fn from(name: CredentialName) -> Self {
        name.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_reads_back_as_it_was_written() {
        let name: CredentialName = "vault/kafka/main".parse().unwrap();
        assert_eq!((name.provider(), name.name()), ("vault", "kafka/main"));
        assert_eq!(name.to_string(), "vault/kafka/main");
    }

    #[test]
    fn what_names_no_credential_is_refused() {
        for text in [
            "",
            "main",
            "/main",
            "local/",
            "local/../etc",
            "local/a/../b",
            "a b/c",
            "local/a//x",
        ] {
            assert!(text.parse::<CredentialName>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_version_counts_from_one() {
        let reference = CredentialRef {
            name: "local/main".parse().unwrap(),
            version: 0,
        };
        assert!(reference.check("credential").is_err());
    }
}
