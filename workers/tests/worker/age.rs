//! For how long a message is called again.

use serde_json::json;

use crate::world::{World, body, eventually, header};

#[tokio::test]
async fn a_message_that_fails_for_too_long_becomes_a_dead_letter_that_says_so() {
    let world = World::new(|_, body| {
        let status = if body == "bad" { 500 } else { 200 };
        (status, body.clone())
    })
    .await;
    world.broker.write("orders", &[], b"bad");
    world.assign(|assignment| {
        let retry = &mut assignment["settings"]["retry"];
        retry["max_attempts"] = json!(100);
        retry["max_age_ms"] = json!(60);
    });
    let worker = world.worker().await;
    // Those that are answered meanwhile show that it is its own fault.
    eventually("the dead letter", || {
        world.broker.write("orders", &[], b"good");
        !world.broker.messages("dead").is_empty()
    })
    .await;
    let dead = &world.broker.messages("dead")[0];
    assert_eq!(body(dead), "bad");
    assert_eq!(header(dead, "eventflows-reason"), "too_old");
    let text = header(dead, "eventflows-reason-text");
    assert!(text.starts_with("it failed for 60 ms, in "), "{text}");
    assert!(text.ends_with("the endpoint answered 500: bad"), "{text}");
    assert!(world.calls_of("bad") < 100);
    worker.stop().await;
}
