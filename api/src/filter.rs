//! Filters of lists as clients write them: members that take several values, and `not`.

use async_graphql::{ID, Result};

use crate::error::invalid;
use crate::id::IdError;

/// The most values of one member.
const MOST: usize = 100;

/// A filter as clients write it.
pub(crate) trait FilterInput: Sized {
    /// What the list is within: of which broker the topics are.
    type Scope;
    /// A filter of rows.
    type Filter;

    /// What chooses the rows that are left out.
    fn not(&mut self) -> &mut Option<Box<Self>>;

    /// Reads the other members.
    fn read(
        self,
        members: Members,
        scope: &Self::Scope,
        not: Option<Box<Self::Filter>>,
    ) -> Result<Self::Filter>;

    /// The filter of a list of the whole system.
    fn filter(self, scope: &Self::Scope) -> Result<Self::Filter> {
        self.filter_within(scope, None)
    }

    /// The filter of the list of one thing.
    fn filter_of(self, parent: Parent, scope: &Self::Scope) -> Result<Self::Filter> {
        self.filter_within(scope, Some(parent))
    }

    /// The filter, whose member for the parent is left out.
    fn filter_within(
        mut self,
        scope: &Self::Scope,
        parent: Option<Parent>,
    ) -> Result<Self::Filter> {
        let not = match self.not().take() {
            None => None,
            Some(mut not) => {
                if not.not().is_some() {
                    return Err(invalid(
                        "filter.not must not contain another not: leave out filter.not.not",
                    ));
                }
                let members = Members {
                    path: "filter.not",
                    parent,
                };
                Some(Box::new(not.read(members, scope, None)?))
            }
        };
        let members = Members {
            path: "filter",
            parent,
        };
        self.read(members, scope, not)
    }
}

/// The kind of thing that a list is of. Its filter does not name another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    Algorithm,
    Broker,
    Organization,
    Topic,
}

impl Parent {
    /// The member of a filter that names such things.
    fn member(self) -> &'static str {
        match self {
            Self::Algorithm => "algorithmIds",
            Self::Broker => "brokerIds",
            Self::Organization => "organizationIds",
            Self::Topic => "topicIds",
        }
    }

    fn one(self) -> &'static str {
        match self {
            Self::Algorithm => "one algorithm",
            Self::Broker => "one broker",
            Self::Organization => "one organization",
            Self::Topic => "one topic",
        }
    }
}

/// Where the members of a filter stand in the arguments, for errors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Members {
    path: &'static str,
    parent: Option<Parent>,
}

impl Members {
    /// Those of a filter of a list of the whole system.
    pub(crate) fn of_filter() -> Self {
        Self {
            path: "filter",
            parent: None,
        }
    }

    /// The keys in the ids of a member.
    pub(crate) fn ids<K>(
        self,
        member: &'static str,
        ids: Option<Vec<ID>>,
        decode: fn(&ID) -> Result<K, IdError>,
    ) -> Result<Option<Vec<K>>> {
        let path = self.path;
        let parent = self.parent.filter(|parent| parent.member() == member);
        if let (Some(parent), Some(_)) = (parent, &ids) {
            let one = parent.one();
            let text = format!("the list is already limited to {one}: leave out {path}.{member}");
            return Err(invalid(text));
        }
        let Some(ids) = self.few(member, ids)? else {
            return Ok(None);
        };
        let keys = ids.iter().enumerate().map(|(number, id)| {
            decode(id).map_err(|IdError(kind)| {
                invalid(format!("{path}.{member}.{number} is not the id of {kind}"))
            })
        });
        keys.collect::<Result<_>>().map(Some)
    }

    /// The words of a member.
    pub(crate) fn words<E, W: From<E>>(
        self,
        member: &'static str,
        words: Option<Vec<E>>,
    ) -> Result<Option<Vec<W>>> {
        let words = self.few(member, words)?;
        Ok(words.map(|words| words.into_iter().map(Into::into).collect()))
    }

    /// The values of a member, if there are not too many.
    pub(crate) fn few<V>(
        self,
        member: &'static str,
        values: Option<Vec<V>>,
    ) -> Result<Option<Vec<V>>> {
        let path = self.path;
        match values.as_ref().map_or(0, Vec::len) {
            0..=MOST => Ok(values),
            length => Err(invalid(format!(
                "{path}.{member} takes at most {MOST} values, but has {length}"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::BrokerId;
    use projections::listener::ListenerFilter;
    use uuid::Uuid;

    use super::*;
    use crate::id::GlobalId;
    use crate::listener::query::ListenerFilterInput;

    fn brokers(count: usize) -> ListenerFilterInput {
        let broker = GlobalId::Broker(BrokerId(Uuid::from_u128(1))).encode();
        ListenerFilterInput {
            broker_ids: Some(vec![broker; count]),
            ..ListenerFilterInput::default()
        }
    }

    fn not(filter: ListenerFilterInput) -> ListenerFilterInput {
        ListenerFilterInput {
            not: Some(Box::new(filter)),
            ..ListenerFilterInput::default()
        }
    }

    fn refusal(filter: Result<ListenerFilter>) -> String {
        filter.unwrap_err().message
    }

    #[test]
    fn a_member_takes_up_to_100_values_and_an_empty_list_is_one() {
        for count in [0, 1, 100] {
            let read = brokers(count).filter(&()).unwrap();
            assert_eq!(read.brokers.unwrap().len(), count);
            let read = not(brokers(count)).filter(&()).unwrap();
            assert_eq!(read.not.unwrap().brokers.unwrap().len(), count);
        }
        assert_eq!(
            refusal(brokers(101).filter(&())),
            "filter.brokerIds takes at most 100 values, but has 101"
        );
        assert_eq!(
            refusal(not(brokers(101)).filter(&())),
            "filter.not.brokerIds takes at most 100 values, but has 101"
        );
    }

    #[test]
    fn an_id_of_another_kind_is_named_by_its_place() {
        let mut filter = brokers(1);
        filter.topic_ids = filter.broker_ids.clone();
        let expected = "filter.topicIds.0 is not the id of a topic";
        assert_eq!(refusal(filter.filter(&())), expected);
    }

    #[test]
    fn what_the_parent_fixes_is_refused_and_so_is_not_within_not() {
        let of_broker = |filter: ListenerFilterInput| filter.filter_of(Parent::Broker, &());
        assert_eq!(
            refusal(of_broker(brokers(1))),
            "the list is already limited to one broker: leave out filter.brokerIds"
        );
        assert_eq!(
            refusal(of_broker(not(brokers(1)))),
            "the list is already limited to one broker: leave out filter.not.brokerIds"
        );
        let other = brokers(1).filter_of(Parent::Topic, &());
        assert!(other.unwrap().brokers.is_some());
        assert_eq!(
            refusal(not(not(brokers(1))).filter(&())),
            "filter.not must not contain another not: leave out filter.not.not"
        );
    }
}
