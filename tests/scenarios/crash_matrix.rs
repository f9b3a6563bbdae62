//! Ended at every point of the way of a message, the server goes on as if it had not been.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::Command;

use futures_util::{FutureExt, StreamExt, future, stream};
use http::Method;
use serde_json::json;
use tests::gateway::Gateway;
use tests::history::Called;
use tests::load::{self, Kind, PARTITIONS};
use tests::{Eventflows, Flow, Load, LogDatabase, eventually, is_long};
use workers::crash::Point;

/// Servers that run at once. Most of the time each waits until Kafka has missed its dead consumer.
const AT_ONCE: usize = 7;

/// Where a short test crashes with its journal in PostgreSQL, too: after each of the transactions
/// that the way of a message has, and where another worker takes what is left.
const SHORT_ON_POSTGRES: [Point; 4] = [
    Point::Claimed,
    Point::Decided,
    Point::Settled,
    Point::OutboxTaken,
];

/// Results and dead letters before the messages that the crash is among, and messages held.
const RESULTS: u32 = 4;
const DEAD_LETTERS: u32 = 4;
const HELD: u32 = 3;

#[tokio::test]
async fn a_crash_at_any_point_loses_nothing_and_decides_every_message_once() {
    let on_postgres = match is_long() {
        true => Point::ALL,
        false => &SHORT_ON_POSTGRES,
    };
    let in_files = Point::ALL.iter().map(|point| (point, false));
    let all = in_files.chain(on_postgres.iter().map(|point| (point, true)));
    let crashes = stream::iter(all).map(|(point, on_postgres)| async move {
        let journal = Journal::new(on_postgres);
        let survived = AssertUnwindSafe(crash_at(*point, &journal)).catch_unwind();
        assert!(
            survived.await.is_ok(),
            "the crash at {point:?}, on PostgreSQL: {on_postgres}"
        );
    });
    crashes.buffer_unordered(AT_ONCE).collect::<()>().await;
}

/// Where the journal of a server is: in a file among its data, or in a database.
struct Journal(Option<(LogDatabase, String)>);

impl Journal {
    fn new(on_postgres: bool) -> Self {
        let database = on_postgres.then(LogDatabase::postgres);
        Self(database.map(|database| {
            let url = database.url();
            (database, url)
        }))
    }

    fn variables(&self) -> Vec<(&str, &Path)> {
        let url = self.0.iter().map(|(_, url)| Path::new(url));
        url.map(|url| ("EVENTFLOWS_JOURNAL_URL", url)).collect()
    }

    async fn start_to_crash(&self, at: &str) -> Eventflows {
        Eventflows::start_to_crash(at, &self.variables()).await
    }
}

async fn crash_at(point: Point, journal: &Journal) {
    match point {
        Point::Received | Point::Claimed => in_delivery(journal, point, None).await,
        // Those that are refused beside others are called twice.
        Point::Calling => {
            in_delivery(journal, point, Some(HELD + RESULTS + 2 * DEAD_LETTERS)).await
        }
        Point::Answered | Point::Decided | Point::Settled => {
            in_delivery(journal, point, Some(RESULTS + DEAD_LETTERS)).await;
        }
        Point::Publishing | Point::Published => in_delivery(journal, point, Some(RESULTS)).await,
        Point::DeadLettering | Point::DeadLettered => {
            in_delivery(journal, point, Some(DEAD_LETTERS)).await;
        }
        Point::DirectDecided => in_a_direct_run(journal, None).await,
        Point::OutboxTaken | Point::OutboxPublished => in_a_direct_run(journal, Some(point)).await,
        Point::Pruned => in_retention(journal).await,
        Point::Stopping | Point::Stopped => in_a_stop(journal, point).await,
    }
}

/// Crashes among some tens of messages, after some have passed the point and are settled. If it is
/// passed for all that come together, others come one by one.
async fn in_delivery(journal: &Journal, point: Point, passed_before: Option<u32>) {
    let mut load = Load::start().await;
    let at = point.at_time(passed_before.unwrap_or(HELD + RESULTS + DEAD_LETTERS) + 2);
    let mut eventflows = journal.start_to_crash(&at).await;
    let mut flow = Flow::set_up(&eventflows, &load.kafka, load.options()).await;
    let group = load::group(&flow).await;
    load.hold_slow();
    first_messages(&mut load).await;
    load.until_settled(&group, 0, 2).await;
    more_messages(&mut load).await;
    if passed_before.is_none() {
        messages_until_crash(&mut load, &mut eventflows).await;
    } else {
        eventflows.crashed().await;
    }
    assert_eq!(load.settled_too_early(&group).await, [].into());

    let eventflows = eventflows.start_again().await;
    flow.api = eventflows.api();
    load.endpoint.release();
    let history = load.ended(&flow, 1).await;
    assert_eq!(history.violations(), [].into());
}

/// Killed while endpoints have calls and answer none.
#[tokio::test]
async fn calls_that_a_kill_cuts_short_are_made_again() {
    let mut load = Load::start().await;
    let eventflows = Eventflows::start().await;
    let mut flow = Flow::set_up(&eventflows, &load.kafka, load.options()).await;
    let group = load::group(&flow).await;
    load.hold_slow();
    first_messages(&mut load).await;
    more_messages(&mut load).await;
    load.until_settled(&group, 0, 2).await;
    let slow = slow_are_called(&load).await;
    let eventflows = eventflows.kill_and_restart().await;
    assert_eq!(load.settled_too_early(&group).await, [].into());
    flow.api = eventflows.api();
    load.endpoint.release();
    let history = load.ended(&flow, 1).await;
    assert_eq!(history.violations(), [].into());
    assert!(slow_calls(&load) >= 2 * slow, "each was called again");
}

/// Crashes while a listener is disabled that has calls under way.
async fn in_a_stop(journal: &Journal, point: Point) {
    let mut load = Load::start().await;
    let mut eventflows = journal.start_to_crash(&point.at_time(1)).await;
    let mut flow = Flow::set_up(&eventflows, &load.kafka, load.options()).await;
    let group = load::group(&flow).await;
    load.hold_slow();
    first_messages(&mut load).await;
    more_messages(&mut load).await;
    load.until_settled(&group, 0, 2).await;
    slow_are_called(&load).await;
    let disable = "mutation($id: ID!) { it: listenerDisable(id: $id, input: {}) \
                   { userErrors { code message } } }";
    let disabled = flow
        .api
        .answer_if_any(disable, json!({ "id": flow.listener }));
    let ((), _) = tokio::join!(
        async {
            if point == Point::Stopped {
                // It ends when what is under way has.
                load.endpoint.release();
            }
            eventflows.crashed().await;
        },
        disabled
    );
    assert_eq!(load.settled_too_early(&group).await, [].into());

    let eventflows = eventflows.start_again().await;
    flow.api = eventflows.api();
    load.endpoint.release();
    let dlq = Some(load.kafka.topic("orders-dlq"));
    flow.listener = flow.enable("1.0.0", load.options().settings, dlq).await;
    let history = load.ended(&flow, 1).await;
    assert_eq!(history.violations(), [].into());
}

/// Crashes while finished runs are deleted that are older than they are kept.
async fn in_retention(journal: &Journal) {
    let mut load = Load::start().await;
    let eventflows = Eventflows::start_where(&journal.variables()).await;
    let mut flow = Flow::set_up(&eventflows, &load.kafka, load.options()).await;
    first_messages(&mut load).await;
    more_messages(&mut load).await;
    let before = load.ended(&flow, 0).await;
    assert_eq!(before.violations(), [].into());

    let mut eventflows = eventflows;
    eventflows.terminate().await;
    match &journal.0 {
        None => finished_long_ago(eventflows.data()),
        Some((database, _)) => {
            let change = "UPDATE journal.decisions SET finished_at = 0";
            assert!(database.execute(change), "decisions can be changed");
        }
    }
    eventflows.crash_again(&Point::Pruned.at_time(1)).await;
    let eventflows = eventflows.start_again().await;
    flow.api = eventflows.api();
    let kept = load::runs(&flow).await.len();
    assert!(kept < before.runs.len(), "{kept} runs are kept");
    more_messages(&mut load).await;
    let mut history = load.ended(&flow, 1).await;
    let known: BTreeSet<_> = history.runs.iter().map(|run| run.id.clone()).collect();
    let pruned = before.runs.into_iter();
    history
        .runs
        .extend(pruned.filter(|run| !known.contains(&run.id)));
    assert_eq!(history.violations(), [].into());
}

/// Crashes after a direct run is decided, and again at `second` while the outbox sends its result.
async fn in_a_direct_run(journal: &Journal, second: Option<Point>) {
    let load = Load::start().await;
    let mut eventflows = journal
        .start_to_crash(&Point::DirectDecided.at_time(3))
        .await;
    let _flow = Flow::set_up(&eventflows, &load.kafka, load.options()).await;
    let gateway = Gateway::new(eventflows.authority());
    let calls = (0..24).map(|number| {
        let (gateway, body) = (gateway.clone(), format!("{number} Direct"));
        let text = [("content-type", "text/plain")];
        async move {
            let path = "acme/score";
            gateway.send_if_any(Method::POST, path, &text, body).await
        }
    });
    let (answers, ()) = tokio::join!(future::join_all(calls), eventflows.crashed());
    if let Some(second) = second {
        eventflows.crash_again(&second.at_time(1)).await;
    }
    let _eventflows = eventflows.start_again().await;

    let answered = answers.into_iter().flatten().map(|answer| answer.json());
    let answered: BTreeMap<_, _> = answered
        .map(|answer| {
            let request = answer["request_id"].as_str().unwrap();
            let run = request.strip_prefix("req-").unwrap().to_owned();
            (run, answer["result"].as_str().unwrap().to_owned())
        })
        .collect();
    // The one that crashed was decided and not answered.
    let results = eventually("the results of what was decided", async || {
        let mut results = BTreeMap::<_, BTreeSet<_>>::new();
        for record in load.kafka.records("scores").await {
            let run = record.header("eventflows-run-id");
            results.entry(run).or_default().insert(record.text());
        }
        let all = answered.keys().all(|run| results.contains_key(run));
        (all && results.len() > answered.len()).then_some(results)
    })
    .await;
    let calls = load.calls();
    for (run, results) in results {
        let [result] = &Vec::from_iter(results)[..] else {
            panic!("two results of {run}");
        };
        assert!(answered.get(&run).is_none_or(|answer| answer == result));
        let gave =
            |call: &Called| call.run == run && call.result.as_deref() == Some(result.as_bytes());
        assert!(calls.iter().any(gave), "{run} was not answered {result}");
    }
}

/// The first of each partition but one is slow, so that only that one's position moves.
async fn first_messages(load: &mut Load) {
    for partition in 0..PARTITIONS {
        if partition > 0 {
            load.produce(partition, &[Kind::Slow]).await;
        }
        load.produce(partition, &[Kind::Good, Kind::Faulty]).await;
    }
}

/// Each comes by itself: the one before was called.
async fn messages_until_crash(load: &mut Load, eventflows: &mut Eventflows) {
    loop {
        let before = load.calls().len();
        load.produce(0, &[Kind::Good]).await;
        let called = eventually("the message is called", async || {
            (load.calls().len() > before).then_some(())
        });
        tokio::select! {
            () = eventflows.crashed() => return,
            () = called => {}
        }
    }
}

async fn more_messages(load: &mut Load) {
    use Kind::{Faulty, Flaky, Good, Slow};
    for partition in 0..PARTITIONS {
        load.produce(partition, &[Good, Flaky, Faulty, Slow, Good, Good])
            .await;
    }
}

/// Waits until every slow message was called; answers how many there are.
async fn slow_are_called(load: &Load) -> usize {
    let slow = load.produced.values();
    let slow = slow.filter(|body| body.ends_with(b"Slow")).count();
    eventually("the slow messages are called", async || {
        (slow_calls(load) >= slow).then_some(slow)
    })
    .await
}

fn slow_calls(load: &Load) -> usize {
    let calls = load.calls().into_iter();
    calls.filter(|call| call.body.ends_with(b"Slow")).count()
}

/// Has the journal in `data` believe that everything in it was finished long ago.
pub(crate) fn finished_long_ago(data: &Path) {
    let script = "import sqlite3, sys; \
                  journal = sqlite3.connect(sys.argv[1]); \
                  journal.execute('UPDATE decisions SET finished_at = 0'); \
                  journal.commit()";
    let journal = data.join("journal.db");
    let changed = Command::new("python3")
        .args(["-c", script])
        .arg(journal)
        .status();
    assert!(changed.expect("python3 is there").success());
}
