//! Lists of events: filtered, in both directions, by position.

use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, ID, InputObject, Result};
use domain::{CorrelationId, Position as At, Thing};
use projections::event::{EventFilter, EventPaging};

use super::actor::ActorFilterInput;
use super::event_type::EventType;
use super::loaders::{PositionsOf, all_at};
use super::types::Event;
use crate::control::control;
use crate::error::{invalid, log_failure};
use crate::filter::Members;
use crate::id::{self, GlobalId};
use crate::list::OrderDirection;
use crate::paging::limit;
use crate::scalar::{DateTime, Position};
use crate::view::View;

/// The most lists that are read for one: so many choices of an organization, an actor and a type.
const BROADEST: usize = 100;

/// A list of events. A cursor is the position of its event.
pub(crate) type EventList = Connection<String, Event>;

/// Which events to list; all of them by default. Each field given must match; a list matches if
/// any of its values does, and an empty list matches nothing. The numbers of organizations, actors
/// and types given, multiplied, must not exceed 100.
#[derive(InputObject, Default)]
pub(crate) struct EventFilterInput {
    /// Only the history of this thing, as `history` lists it.
    pub of: Option<ID>,
    /// Only events about one of these organizations, or about something that belongs to it.
    pub organization_ids: Option<Vec<ID>>,
    /// Only events of one of these types.
    pub types: Option<Vec<EventType>>,
    /// Only events caused by one of these.
    pub actors: Option<Vec<ActorFilterInput>>,
    /// Only what belongs to this request: the `correlationId` of an event.
    pub correlation_id: Option<String>,
    /// Only events recorded at this time or later.
    pub since: Option<DateTime>,
    /// Only events recorded by this time.
    pub until: Option<DateTime>,
}

/// Which part of the log is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    /// The position before the first event.
    pub(crate) after: At,
    /// The position of the last event.
    pub(crate) until: At,
}

/// Which page is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EventPage {
    pub(crate) first: Option<i32>,
    pub(crate) after: Option<Position>,
    pub(crate) last: Option<i32>,
    pub(crate) before: Option<Position>,
    pub(crate) order: OrderDirection,
}

impl Span {
    pub(crate) const WHOLE: Self = Self {
        after: At(0),
        until: At(u64::MAX),
    };
}

impl EventFilterInput {
    /// The filter, and the part of `span` that its times leave.
    pub(super) async fn read(
        self,
        ctx: &Context<'_>,
        mut span: Span,
    ) -> Result<(EventFilter, Span)> {
        let past = &control(ctx).past;
        let position_at = async |time| {
            let position = past.position_at(time).await;
            position.map_err(|cause| crate::as_of::past_failure(&cause))
        };
        if let Some(DateTime(since)) = self.since {
            // The last event before that moment, which is of whole microseconds.
            let before = since.checked_sub(jiff::SignedDuration::from_micros(1));
            let before = before.map_err(|_| invalid("filter.since is out of bounds"))?;
            span.after = span.after.max(position_at(before).await?);
        }
        if let Some(DateTime(until)) = self.until {
            span.until = span.until.min(position_at(until).await?);
        }
        let members = Members::of_filter();
        let actors = members.few("actors", self.actors)?.map(|actors| {
            let actors = actors.into_iter().enumerate();
            let actors =
                actors.map(|(number, actor)| actor.read(&format!("filter.actors.{number}")));
            actors.collect::<Result<_>>()
        });
        let types = members.few("types", self.types)?;
        let types = types.map(|types| types.into_iter().map(EventType::name).collect());
        let correlation = self.correlation_id.map(|id| id.parse().map(CorrelationId));
        let filter = EventFilter {
            of: self.of.as_ref().map(thing).transpose()?,
            correlation: correlation.transpose().map_err(|_| {
                invalid("filter.correlationId must be the correlationId of an event")
            })?,
            organizations: members.ids(
                "organizationIds",
                self.organization_ids,
                id::organization,
            )?,
            actors: actors.transpose()?,
            types,
        };
        let breadth = filter.breadth();
        if breadth > BROADEST {
            return Err(invalid(format!(
                "filter has {breadth} choices of an organization, an actor and a type; \
                 at most {BROADEST} are looked up"
            )));
        }
        Ok((filter, span))
    }
}

/// The thing that an id is of, if it has a history.
pub(crate) fn thing(id: &ID) -> Result<Thing> {
    let thing = GlobalId::decode(id).and_then(GlobalId::thing);
    thing.ok_or_else(|| invalid("this is not the id of anything that has a history"))
}

/// The whole log up to that moment.
pub(super) async fn span(ctx: &Context<'_>, until: Option<At>) -> Result<Span> {
    let until = match until {
        Some(until) => until,
        None => {
            let head = control(ctx).engine.store().head().await;
            head.map_err(|cause| log_failure(&cause))?
        }
    };
    Ok(Span {
        after: At(0),
        until,
    })
}

/// The page of the events of `filter` within `span`.
pub(crate) async fn list(
    ctx: &Context<'_>,
    filter: EventFilter,
    span: Span,
    page: EventPage,
) -> Result<EventList> {
    let asked = page.within(span)?;
    let mut positions = if filter.is_empty() {
        asked.positions()
    } else {
        let found = View::live(ctx).load(PositionsOf(filter, asked)).await?;
        found.unwrap_or_default()
    };
    let more = positions.len() > asked.limit as usize;
    positions.truncate(asked.limit as usize);
    let backward = page.last.is_some();
    if backward {
        positions.reverse();
    }
    let (previous, next) = if backward {
        (more || page.after.is_some(), page.before.is_some())
    } else {
        (page.after.is_some(), more || page.before.is_some())
    };
    let mut connection = Connection::new(previous, next);
    connection.edges = all_at(ctx, &positions)
        .await?
        .into_iter()
        .map(|event| Edge::new(event.position.to_string(), Event(event)))
        .collect();
    Ok(connection)
}

impl EventPage {
    /// What of the log is to be read for it.
    fn within(self, Span { after, until }: Span) -> Result<EventPaging> {
        let newest_first = self.order == OrderDirection::Descending;
        let (lower, upper) = if newest_first {
            (self.before, self.after)
        } else {
            (self.after, self.before)
        };
        let lower = lower.map_or(after, |Position(lower)| lower.max(after));
        let upper = upper.map_or(until, |Position(upper)| {
            At(upper.0.saturating_sub(1)).min(until)
        });
        Ok(EventPaging {
            after: lower,
            until: upper,
            descending: newest_first != self.last.is_some(),
            limit: limit(self.first, self.last)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Span = Span {
        after: At(0),
        until: At(9),
    };

    fn read(page: EventPage) -> Vec<u64> {
        let paging = page.within(SPAN).unwrap();
        paging.positions().into_iter().map(|at| at.0).collect()
    }

    fn page(newest_first: bool) -> EventPage {
        EventPage {
            order: if newest_first {
                OrderDirection::Descending
            } else {
                OrderDirection::Ascending
            },
            ..EventPage::default()
        }
    }

    #[test]
    fn a_page_begins_at_either_end_and_goes_either_way() {
        let at = |position| Some(Position(At(position)));
        let first = Some(2);
        // One more than wanted, to know whether more follow.
        let oldest = EventPage {
            first,
            ..page(false)
        };
        assert_eq!(read(oldest), [1, 2, 3]);
        assert_eq!(
            read(EventPage {
                after: at(7),
                ..oldest
            }),
            [8, 9]
        );
        let newest = EventPage {
            first,
            ..page(true)
        };
        assert_eq!(read(newest), [9, 8, 7]);
        assert_eq!(
            read(EventPage {
                after: at(3),
                ..newest
            }),
            [2, 1]
        );
        let last = EventPage {
            last: first,
            ..page(true)
        };
        assert_eq!(read(last), [1, 2, 3]);
        assert_eq!(
            read(EventPage {
                before: at(5),
                ..last
            }),
            [6, 7, 8]
        );
        let back = EventPage {
            last: first,
            before: at(5),
            ..page(false)
        };
        assert_eq!(read(back), [4, 3, 2]);
        let both = EventPage {
            last: first,
            ..newest
        };
        assert!(both.within(SPAN).is_err());
    }
}
