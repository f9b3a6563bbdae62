//! Where the events are that have something in common.

use domain::testing::{algorithm_retired, listener_id, score, user};
use domain::{CorrelationId, EventId, OrganizationName, Position, Thing};
use projections::event::{EventFilter, EventPaging};

use crate::events::flowing;
use crate::fixture::{Fixture, history};

const ALL: EventPaging = EventPaging {
    after: Position(0),
    until: Position(u64::MAX),
    descending: false,
    limit: 100,
};

async fn found(fixture: &Fixture, filter: EventFilter, paging: EventPaging) -> Vec<u64> {
    let lists = fixture.model.event_positions(&[(filter, paging)]).await;
    let positions = lists.unwrap().remove(0).into_iter();
    positions.map(|position| position.0).collect()
}

#[tokio::test]
async fn events_are_found_by_what_they_have_in_common_in_both_databases() {
    let mut events = flowing("1.0.0");
    events.push(algorithm_retired("acme/score"));
    let history = history(&events);
    let at = |wanted: fn(&str) -> bool| {
        let found = history.iter().filter(|event| wanted(&event.type_name));
        found.map(|event| event.position.0).collect::<Vec<_>>()
    };
    for fixture in Fixture::each().await {
        fixture.apply(&history).await;
        let of = |thing| EventFilter {
            of: Some(thing),
            ..EventFilter::default()
        };
        let types = |types: &[&'static str]| EventFilter {
            types: Some(types.to_vec()),
            ..EventFilter::default()
        };
        let listened = at(|name| name == "ListenerEnabled" || name.starts_with("Dlq"));
        let of_listener = of(Thing::Listener(listener_id("orders")));
        assert_eq!(found(&fixture, of_listener, ALL).await, listened);
        // A version that its algorithm takes along.
        let version = of(Thing::Version(score(), "1.0.0".parse().unwrap()));
        let told = at(|name| name == "VersionPublished" || name == "AlgorithmRetired");
        assert_eq!(found(&fixture, version.clone(), ALL).await, told);
        let two = types(&["VersionPublished", "AlgorithmRetired", "VersionPublished"]);
        assert_eq!(found(&fixture, two.clone(), ALL).await, told);
        let newest = EventPaging {
            descending: true,
            limit: 1,
            ..ALL
        };
        let reversed: Vec<u64> = told.iter().rev().copied().collect();
        // One more than the limit: there are more.
        assert_eq!(found(&fixture, two, newest).await, reversed);
        let before = EventPaging {
            until: Position(told[1] - 1),
            ..newest
        };
        assert_eq!(found(&fixture, version, before).await, told[..1]);
        let (nobody, somebody) = (user("nobody"), history[0].meta.actor.clone());
        let by_nobody = EventFilter {
            actors: Some(vec![nobody.clone()]),
            ..EventFilter::default()
        };
        assert_eq!(found(&fixture, by_nobody, ALL).await, [0; 0]);
        let mut all_of = of(Thing::Algorithm(score()));
        let others: OrganizationName = "others".parse().unwrap();
        all_of.organizations = Some(vec![others, score().organization]);
        all_of.actors = Some(vec![somebody, nobody]);
        all_of.types = Some(vec!["AlgorithmRetired", "OrganizationCreated"]);
        assert_eq!(all_of.breadth(), 8);
        let retired = at(|name| name == "AlgorithmRetired");
        assert_eq!(found(&fixture, all_of.clone(), ALL).await, retired);
        let none_of = EventFilter {
            types: Some(Vec::new()),
            ..all_of.clone()
        };
        assert_eq!(found(&fixture, none_of, ALL).await, [0; 0]);
        all_of.correlation = Some(CorrelationId(uuid::Uuid::nil()));
        assert_eq!(found(&fixture, all_of, ALL).await, [0; 0]);
        let ids = [history[2].id, EventId(uuid::Uuid::nil())];
        let positions = fixture.model.positions_of(&ids).await.unwrap();
        assert_eq!(positions, [history[2].position]);
    }
}
