//! The change feed names every row that a batch changed, for as long as it is kept.

use std::collections::BTreeSet;

use domain::testing::organization_created;
use domain::{Event, Position};
use projections::change::{ChangesError, POSITIONS_KEPT};
use proptest::prelude::*;

use crate::events::everything;
use crate::fixture::{Fixture, Place, history};
use crate::fold::a_history;

/// The things that rows show, as a kind and a key.
type Things = BTreeSet<String>;

/// The things whose rows are in one of the two dumps alone.
fn differing(before: &[String], after: &[String]) -> Things {
    let (before, after): (BTreeSet<_>, BTreeSet<_>) =
        (before.iter().collect(), after.iter().collect());
    let lines = before.symmetric_difference(&after);
    lines.filter_map(|line| thing(line)).collect()
}

/// What a row belongs to, of those tables that lists are made of.
fn thing(line: &str) -> Option<String> {
    let (table, cells) = line.split_once(": ").unwrap();
    let cell = |name: &str| {
        let mut cells = cells.split(" | ").filter_map(|cell| cell.split_once(": "));
        cells.find(|(known, _)| *known == name).unwrap().1
    };
    Some(match table {
        "organizations" => format!("organization {}", cell("name")),
        "members" => format!("organization {}", cell("organization")),
        "algorithms" => format!("algorithm {}", cell("id")),
        "versions" => format!("version {}@{}", cell("algorithm"), cell("version")),
        "brokers" => format!("broker {}", cell("id")),
        "topics" if cell("listed") == "1" => {
            format!("topic {}/{}", cell("broker"), cell("name"))
        }
        "grants" => format!("grant {}", cell("key")),
        "listeners" => format!("listener {}", cell("key")),
        "publishers" => format!("publisher {}", cell("key")),
        "consumers" => format!("listener {}", cell("listener")),
        _ => return None,
    })
}

/// The things that the feed names after a position.
async fn named(fixture: &Fixture, after: Position) -> Things {
    let changes = fixture.model.changes(after).await.unwrap();
    assert_eq!(changes.reached, fixture.model.position());
    let things = changes.changes.iter().flat_map(|changed| &changed.things);
    things
        .map(|thing| format!("{} {thing}", thing.kind()))
        .collect()
}

/// Applies a history in batches, and compares the feed with what each did to the rows.
async fn the_feed_names_what_changes(fixture: &Fixture, events: &[Event], batch: usize) {
    let mut rows = fixture.dump().await;
    for envelopes in history(events).chunks(batch) {
        let before = fixture.model.position();
        fixture.apply(envelopes).await;
        let next = fixture.dump().await;
        let unnamed = &differing(&rows, &next) - &named(fixture, before).await;
        assert!(unnamed.is_empty(), "changed and not named: {unnamed:?}");
        rows = next;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn every_row_that_a_batch_changes_is_named(events in a_history(), batch in 1_usize..32) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            the_feed_names_what_changes(&Fixture::new().await, &events, batch).await;
        });
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn every_row_that_a_batch_changes_in_postgresql_is_named(
        events in a_history(),
        batch in 8_usize..64,
    ) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let fixture = Fixture::at(Place::postgres().await).await;
            the_feed_names_what_changes(&fixture, &events, batch).await;
        });
    }
}

#[tokio::test]
async fn who_resumes_is_told_the_same_as_who_was_there() {
    for fixture in Fixture::each().await {
        let begin = Position(0);
        // From here on, changes are held in memory.
        assert!(named(&fixture, begin).await.is_empty());
        fixture.apply(&history(&everything())).await;
        let held = fixture.model.changes(begin).await.unwrap();
        let reopened = fixture.reopened().await;
        let stored = reopened.changes(begin).await.unwrap();
        assert!(!held.changes.is_empty());
        assert_eq!(held.changes, stored.changes);
        assert_eq!(held.reached, stored.reached);
        let last = reopened.changes(held.reached).await.unwrap();
        assert!(last.changes.is_empty());
    }
}

#[tokio::test]
async fn changes_are_kept_for_so_many_positions() {
    let events: Vec<Event> = (0..POSITIONS_KEPT + 50)
        .map(|number| organization_created(&format!("org-{number}")))
        .collect();
    let fixture = Fixture::new().await;
    for batch in history(&events).chunks(3000) {
        fixture.apply(batch).await;
    }
    let too_old = fixture.model.changes(Position(49)).await;
    assert!(matches!(
        too_old,
        Err(ChangesError::TooOld { behind: 10_001, .. })
    ));
    let mut position = Position(50);
    let mut told = 0;
    while position < fixture.model.position() {
        let changes = fixture.model.changes(position).await.unwrap();
        told += changes.changes.len();
        position = changes.reached;
    }
    assert_eq!(told, 10_000);
    let dump = fixture.dump().await;
    let kept = dump.iter().filter(|line| line.starts_with("changes: "));
    assert_eq!(kept.count(), 10_000);
}
