//! Histories in, rows out: again, in part, and page by page.

use std::time::Duration;

use domain::testing::organization_created;
use domain::{Event, Position};
use event_store::FollowError;
use projections::list::Listed;
use projections::organization::OrganizationFilter;
use projections::{Paging, ProjectorError};

use crate::events::everything;
use crate::fixture::{Fixture, history};

#[tokio::test]
async fn a_history_replayed_again_ends_in_the_same_tables() {
    let whole = Fixture::after(&everything()).await.dump().await;
    assert!(whole.len() > 10, "{whole:?}");
    for one_by_one in Fixture::each().await {
        for envelope in history(&everything()) {
            one_by_one.apply(std::slice::from_ref(&envelope)).await;
        }
        let shape = |line: &String| !line.starts_with("checkpoint");
        let mut rows = (whole.clone(), one_by_one.dump().await);
        rows.0.retain(shape);
        rows.1.retain(shape);
        assert_eq!(rows.0, rows.1);
    }
}

#[tokio::test]
async fn a_batch_that_fails_leaves_neither_rows_nor_checkpoint() {
    for fixture in Fixture::each().await {
        let mut history = history(&everything());
        let unknown = history.len() - 1;
        history[unknown].type_name = "FromTheFuture".to_owned();
        let before = fixture.dump().await;
        let failed = fixture.projector.apply(&history).await;
        assert!(
            matches!(failed, Err(ProjectorError::Follow(FollowError::Decode { position, .. })) if position == history[unknown].position)
        );
        assert_eq!(fixture.dump().await, before);
        assert_eq!(fixture.model.position(), Position(0));
    }
}

#[tokio::test]
async fn events_that_were_applied_are_left_out_and_a_gap_is_refused() {
    for fixture in Fixture::each().await {
        let history = history(&everything());
        fixture.apply(&history[..5]).await;
        fixture.apply(&history[2..8]).await;
        let gap = fixture.projector.apply(&history[9..]).await;
        assert!(
            matches!(gap, Err(ProjectorError::Gap { checkpoint }) if checkpoint == Position(8)),
            "{gap:?}"
        );
        fixture.apply(&history).await;
        let once = Fixture::after(&everything()).await;
        assert_eq!(fixture.assigned().await, once.assigned().await);
    }
}

#[tokio::test]
async fn a_reopened_model_goes_on_from_its_checkpoint() {
    for fixture in Fixture::each().await {
        fixture.apply(&history(&everything())).await;
        let reopened = fixture.reopened().await;
        assert_eq!(reopened.position(), fixture.model.position());
        assert_eq!(reopened.generation(), 1);
    }
}

#[tokio::test]
async fn waiting_for_a_position_ends_when_it_is_reached_or_time_is_up() {
    let fixture = Fixture::after(&everything()).await;
    let reached = fixture.model.position();
    let patience = Duration::from_millis(20);
    fixture.model.wait_for(reached, patience).await.unwrap();
    let ahead = Position(reached.0 + 1);
    assert!(fixture.model.wait_for(ahead, patience).await.is_err());
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let events: Vec<Event> = (0..5)
        .map(|number| organization_created(&format!("org-{number}")))
        .collect();
    let fixture = Fixture::after(&events).await;
    let mut paging = Paging::first(2);
    let mut names = Vec::new();
    loop {
        let page = fixture
            .model
            .page(&OrganizationFilter::default(), &paging)
            .await
            .unwrap();
        assert!(page.rows.len() <= 2);
        names.extend(page.rows.iter().map(|row| row.name.to_string()));
        paging.after = page.rows.last().map(|row| row.place(paging.order));
        if !page.more {
            break;
        }
    }
    assert_eq!(names, ["org-0", "org-1", "org-2", "org-3", "org-4"]);
}
