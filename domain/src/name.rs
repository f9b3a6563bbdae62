//! Names that people choose, checked once at the door.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not a name of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {problem}")]
pub struct NameError {
    kind: &'static str,
    problem: String,
}

impl NameError {
    pub(crate) fn new(kind: &'static str, problem: impl Into<String>) -> Self {
        Self {
            kind,
            problem: problem.into(),
        }
    }
}

/// What a kind of name allows; the longest is in bytes, and all allowed characters are ASCII.
pub(crate) struct Rule {
    pub(crate) kind: &'static str,
    pub(crate) longest: usize,
    pub(crate) first: fn(u8) -> bool,
    pub(crate) rest: fn(u8) -> bool,
    pub(crate) allowed: &'static str,
}

impl Rule {
    pub(crate) fn check(&self, text: &str) -> Result<(), NameError> {
        let refuse = |problem: String| Err(NameError::new(self.kind, problem));
        if text.is_empty() {
            return refuse("is empty".to_owned());
        }
        if text.len() > self.longest {
            return refuse(format!("is longer than {} characters", self.longest));
        }
        let bytes = text.as_bytes();
        if !(self.first)(bytes[0]) || !bytes[1..].iter().all(|byte| (self.rest)(*byte)) {
            return refuse(format!("may contain only {}", self.allowed));
        }
        Ok(())
    }
}

const fn letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic()
}

pub(crate) const fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

const fn dotted(byte: u8) -> bool {
    word(byte) || byte == b'.'
}

pub(crate) const fn path(byte: u8) -> bool {
    dotted(byte) || byte == b'/'
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $rule:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            const RULE: Rule = $rule;

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                Self::RULE.check(&text)?;
                Ok(Self(text))
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(
    /// The name of an organization, unique in the cluster.
    OrganizationName,
    Rule {
        kind: "an organization's name",
        longest: 30,
        first: letter,
        rest: word,
        allowed: "letters, digits, '_' and '-', and must start with a letter",
    }
);

name!(
    /// The name of an algorithm, unique in its organization.
    AlgorithmName,
    Rule {
        kind: "an algorithm's name",
        longest: 63,
        first: letter,
        rest: word,
        allowed: "letters, digits, '_' and '-', and must start with a letter",
    }
);

name!(
    /// The name of a broker, unique among the connected brokers.
    BrokerName,
    Rule {
        kind: "a broker's name",
        longest: 63,
        first: |byte| byte.is_ascii_alphanumeric(),
        rest: dotted,
        allowed: "letters, digits, '_', '-' and '.', and must start with a letter or digit",
    }
);

name!(
    /// The name that a person signs in with.
    UserName,
    Rule {
        kind: "a user's name",
        longest: 254,
        first: |byte| byte.is_ascii_alphanumeric(),
        rest: |byte| dotted(byte) || byte == b'@' || byte == b'+',
        allowed: "letters, digits, '_', '-', '.', '@' and '+', and must start with a letter or \
                  digit",
    }
);

name!(
    /// The name of a topic on its broker, as long as the longest that any kind of broker has: a
    /// subscription of Service Bus. What a kind allows is up to
    /// [`BrokerKind`](crate::broker::BrokerKind).
    TopicName,
    Rule {
        kind: "a topic's name",
        longest: 325,
        first: dotted,
        rest: path,
        allowed: "letters, digits, '_', '-', '.' and '/', and must not start with '/'",
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_text() {
        assert_eq!(OrganizationName::from_str("acme").unwrap().as_str(), "acme");
        assert_eq!(
            TopicName::from_str("orders.v1").unwrap().as_str(),
            "orders.v1"
        );
    }

    #[test]
    fn a_topic_of_325_characters_is_a_name_and_one_of_326_is_not() {
        assert!(TopicName::from_str(&"t".repeat(325)).is_ok());
        let error = TopicName::from_str(&"t".repeat(326)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a topic's name is longer than 325 characters"
        );
    }

    #[test]
    fn people_sign_in_with_a_word_or_an_address() {
        for text in ["ann", "ann.b+c@example.org", "7of9"] {
            assert!(UserName::from_str(text).is_ok(), "{text:?}");
        }
        for text in ["", "@ann", "ann b", "ann\n"] {
            assert!(UserName::from_str(text).is_err(), "{text:?}");
        }
        assert!(UserName::from_str(&"a".repeat(254)).is_ok());
        assert!(UserName::from_str(&"a".repeat(255)).is_err());
    }

    #[test]
    fn names_refuse_empty_text_and_foreign_characters() {
        for text in ["", "9lives", "a b", "a/b", "é", "a\n", "a\u{0}"] {
            assert!(OrganizationName::from_str(text).is_err(), "{text:?}");
        }
        assert!(TopicName::from_str("/queue").is_err());
    }

    #[test]
    fn a_stored_name_is_checked_when_it_is_read() {
        assert!(serde_json::from_str::<AlgorithmName>("\"a b\"").is_err());
    }
}
