//! What processes tell each other of appends.

use domain::Position;
use tokio::time::timeout;

use super::{PATIENCE, open};
use crate::contract::sample;
use crate::port::{EventStore, Expected};
use test_database::Database;

#[tokio::test]
async fn an_append_is_heard_of_in_another_process_and_a_false_hint_does_no_harm() {
    let database = Database::new().await;
    let (here, there) = (open(&database.url()).await, open(&database.url()).await);
    let mut heard = here.head.clone();
    for position in 1..=3 {
        let append = sample(&format!("a-{position}"), Expected::NoStream, 1);
        there.append(append).await.unwrap();
        let raised = heard.wait_for(|head| *head >= Position(position));
        assert_eq!(
            *timeout(PATIENCE, raised).await.unwrap().unwrap(),
            Position(position)
        );
        database
            .run("NOTIFY eventflows_log, '99'; NOTIFY eventflows_log, 'x'; NOTIFY eventflows_log")
            .await;
    }
}
