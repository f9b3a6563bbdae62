//! Histories in, rows out: again, in part, and page by page.

use std::time::Duration;

use domain::organization::OrganizationCreated;
use domain::{Event, Position};
use projections::{Paging, ProjectorError, ReadModel};

use crate::events::everything;
use crate::fixture::{Fixture, history};

#[tokio::test]
async fn a_history_replayed_again_ends_in_the_same_tables() {
    let whole = Fixture::after(&everything()).await;
    let one_by_one = Fixture::new().await;
    for envelope in history(&everything()) {
        one_by_one.apply(std::slice::from_ref(&envelope)).await;
    }
    let dump = whole.dump().await;
    assert!(dump.len() > 10, "{dump:?}");
    assert_eq!(dump, one_by_one.dump().await);
}

#[tokio::test]
async fn a_batch_that_fails_leaves_neither_rows_nor_checkpoint() {
    let fixture = Fixture::new().await;
    let mut history = history(&everything());
    let unknown = history.len() - 1;
    history[unknown].type_name = "FromTheFuture".to_owned();
    let before = fixture.dump().await;
    let failed = fixture.projector.apply(&history).await;
    assert!(
        matches!(failed, Err(ProjectorError::Decode { position, .. }) if position == history[unknown].position)
    );
    assert_eq!(fixture.dump().await, before);
    assert_eq!(fixture.model.position(), Position(0));
}

#[tokio::test]
async fn a_reopened_model_goes_on_from_its_checkpoint() {
    let fixture = Fixture::after(&everything()).await;
    let reopened = ReadModel::open(&fixture.directory.path().join("read.db"))
        .await
        .unwrap();
    assert_eq!(reopened.position(), fixture.model.position());
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
        .map(|number| {
            OrganizationCreated {
                name: format!("org-{number}").parse().unwrap(),
            }
            .into()
        })
        .collect();
    let fixture = Fixture::after(&events).await;
    let mut paging = Paging {
        after: String::new(),
        limit: 2,
    };
    let mut names = Vec::new();
    loop {
        let page = fixture.model.organizations(&paging).await.unwrap();
        assert!(page.rows.len() <= 2);
        names.extend(page.rows.iter().map(|row| row.name.to_string()));
        match names.last() {
            Some(last) if page.more => paging.after.clone_from(last),
            _ => break,
        }
    }
    assert_eq!(names, ["org-0", "org-1", "org-2", "org-3", "org-4"]);
}
