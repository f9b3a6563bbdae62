//! Patterns of topic names, for grants that cover topics discovered later.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::name::{NameError, Rule, TopicName, path};

const RULE: Rule = Rule {
    kind: "a topic pattern",
    longest: 325,
    first: starred,
    rest: starred,
    allowed: "letters, digits, '_', '-', '.', '/' and '*'",
};

const fn starred(byte: u8) -> bool {
    path(byte) || byte == b'*'
}

/// A topic's name with at least one `*`, which stands for any characters or none.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TopicPattern(String);

impl TopicPattern {
    /// The pattern as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the pattern covers `topic`, the whole name of it.
    #[must_use]
    pub fn covers(&self, topic: &TopicName) -> bool {
        let (pattern, name) = (self.0.as_bytes(), topic.as_str().as_bytes());
        let (mut at, mut read) = (0, 0);
        // The last star, and how much of the name was read when it was met.
        let mut star = None;
        while read < name.len() {
            match pattern.get(at) {
                Some(b'*') => {
                    star = Some((at, read));
                    at += 1;
                }
                Some(byte) if *byte == name[read] => {
                    at += 1;
                    read += 1;
                }
                // What followed the star does not fit here: let the star take one byte more.
                _ => match &mut star {
                    Some((place, taken)) => {
                        *taken += 1;
                        read = *taken;
                        at = *place + 1;
                    }
                    None => return false,
                },
            }
        }
        pattern[at..].iter().all(|byte| *byte == b'*')
    }
}

impl TryFrom<String> for TopicPattern {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        RULE.check(&text)?;
        if !text.contains('*') {
            return Err(NameError::new(
                RULE.kind,
                "must contain a '*'; for a single topic, name the topic",
            ));
        }
        Ok(Self(text))
    }
}

impl FromStr for TopicPattern {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::try_from(text.to_owned())
    }
}

impl From<TopicPattern> for String {
    fn from(pattern: TopicPattern) -> Self {
        pattern.0
    }
}

impl fmt::Display for TopicPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn covers(pattern: &str, topic: &str) -> bool {
        let pattern: TopicPattern = pattern.parse().unwrap();
        pattern.covers(&topic.parse().unwrap())
    }

    #[test]
    fn a_star_stands_for_anything_or_nothing() {
        assert!(covers("orders.*", "orders.eu"));
        assert!(covers("orders.*", "orders."));
        assert!(covers("*", "orders"));
        assert!(covers("*.dlq", "orders.eu.dlq"));
        assert!(covers("a*b*c", "aXbYbZc"));
        assert!(covers("a**c", "ac"));
    }

    #[test]
    fn the_whole_name_must_fit() {
        assert!(!covers("orders.*", "orders"));
        assert!(!covers("orders.*", "my-orders.eu"));
        assert!(!covers("*.dlq", "orders.dlq.old"));
        assert!(!covers("a*b*c", "abcd"));
        // A dot is a dot and not any character.
        assert!(!covers("orders.*", "orders-eu"));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "orders", "orders.?", "a b*", "[a]*", "é*"] {
            assert!(text.parse::<TopicPattern>().is_err(), "{text:?}");
        }
        assert!("*".repeat(326).parse::<TopicPattern>().is_err());
    }

    /// The meaning of a pattern, told by recursion.
    fn means(pattern: &[u8], name: &[u8]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), None) => means(rest, name),
            (Some((b'*', rest)), Some((_, later))) => means(rest, name) || means(pattern, later),
            (Some((p, rest)), Some((n, later))) => p == n && means(rest, later),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn a_pattern_covers_what_it_means(pattern in "[ab*]{0,5}\\*[ab*]{0,5}", name in "[ab]{1,10}") {
            prop_assert_eq!(covers(&pattern, &name), means(pattern.as_bytes(), name.as_bytes()));
        }
    }
}
