//! Requests by themselves, without a schema.

use domain::testing::{CountingIds, discovered, kafka};
use futures_util::{FutureExt, pin_mut};

use super::*;

fn requests() -> WorkerRequests {
    WorkerRequests::new(Arc::new(CountingIds::default()))
}

fn worker(number: u128) -> WorkerId {
    WorkerId(Uuid::from_u128(number))
}

fn topics_of_it() -> Asked {
    Asked::Topics(kafka())
}

fn part(worker: WorkerId, request: &Request, names: &[&str], more: bool) -> Answer {
    Answer {
        worker,
        request: request.id,
        secret: request.secret,
        part: Part::Topics {
            topics: discovered(names),
            more,
        },
    }
}

#[tokio::test]
async fn an_answer_may_come_in_parts() {
    let requests = requests();
    let mut asked = requests.attend(worker(1));
    let settings = kafka();
    let answering = async {
        let request = asked.recv().await.unwrap();
        assert!(requests.answer(part(worker(1), &request, &["a", "b"], true)));
        assert!(requests.answer(part(worker(1), &request, &["c"], false)));
    };
    let (answer, ()) = tokio::join!(requests.list_topics(&settings), answering);
    assert_eq!(answer, Ok(Ok(discovered(&["a", "b", "c"]))));
}

#[tokio::test]
async fn only_the_worker_that_was_asked_answers() {
    let requests = requests();
    let mut asked = requests.attend(worker(1));
    let settings = kafka();
    let answering = async {
        let request = asked.recv().await.unwrap();
        assert!(!requests.answer(part(worker(2), &request, &["forged"], false)));
        let mut guessed = part(worker(1), &request, &["forged"], false);
        guessed.secret = request.id;
        assert!(!requests.answer(guessed));
        assert!(requests.answer(part(worker(1), &request, &["a"], false)));
        assert!(!requests.answer(part(worker(1), &request, &["late"], false)));
    };
    let (answer, ()) = tokio::join!(requests.list_topics(&settings), answering);
    assert_eq!(answer, Ok(Ok(discovered(&["a"]))));
}

#[tokio::test]
async fn the_worker_with_the_fewest_requests_is_asked() {
    let requests = requests();
    let (mut one, mut two) = (requests.attend(worker(1)), requests.attend(worker(2)));
    let first = requests.ask(topics_of_it()).ok();
    let second = requests.ask(topics_of_it()).ok();
    let request = one.try_recv().unwrap();
    assert!(two.try_recv().is_ok());
    assert!(requests.answer(part(worker(1), &request, &[], false)));
    let third = requests.ask(topics_of_it()).ok();
    assert!(one.try_recv().is_ok() && two.try_recv().is_err());
    drop((first, second, third));
    // Both are idle, and the second was sent less.
    let _fourth = requests.ask(topics_of_it());
    assert!(one.try_recv().is_err() && two.try_recv().is_ok());
}

#[tokio::test]
async fn a_worker_that_takes_nothing_keeps_nobody_waiting_while_another_does() {
    let requests = requests();
    let (_silent, mut other) = (requests.attend(worker(1)), requests.attend(worker(2)));
    let waiting: Vec<_> = (0..4).map(|_| requests.ask(topics_of_it()).ok()).collect();
    let sent = std::iter::from_fn(|| other.try_recv().ok());
    assert_eq!(sent.count(), 2);
    drop(waiting);
}

#[tokio::test]
async fn a_request_is_forgotten_with_its_caller() {
    let requests = requests();
    let _asked = requests.attend(worker(1));
    let settings = kafka();
    {
        let asking = requests.list_topics(&settings);
        pin_mut!(asking);
        assert!(asking.as_mut().now_or_never().is_none());
        assert_eq!(requests.state().waiting.len(), 1);
    }
    assert_eq!(requests.state().waiting.len(), 0);
}

#[tokio::test]
async fn an_answer_without_end_is_refused() {
    let requests = requests();
    let mut asked = requests.attend(worker(1));
    let settings = kafka();
    let answering = async {
        let request = asked.recv().await.unwrap();
        let names = vec!["a"; MOST_TOPICS];
        assert!(requests.answer(part(worker(1), &request, &names, true)));
        assert!(requests.answer(part(worker(1), &request, &["b"], true)));
    };
    let (answer, ()) = tokio::join!(requests.list_topics(&settings), answering);
    assert!(answer.unwrap().is_err());
}

fn backlog_of_it() -> BacklogOf {
    BacklogOf {
        settings: kafka(),
        topic: "orders".parse().unwrap(),
        group: Uuid::from_u128(9),
        start: ResetTarget::Latest,
        reset: 0,
    }
}

#[tokio::test]
async fn what_waits_is_answered_and_nothing_else_is_an_answer() {
    let requests = requests();
    let mut asked = requests.attend(worker(1));
    let found = Backlog {
        has_position: true,
        waiting: 7,
    };
    let answering = async {
        let request = asked.recv().await.unwrap();
        let whole = part(worker(1), &request, &[], false);
        assert!(requests.answer(Answer {
            part: Part::Backlog(found),
            ..whole
        }));
        let request = asked.recv().await.unwrap();
        assert!(requests.answer(part(worker(1), &request, &["a"], false)));
    };
    let asking = async {
        assert_eq!(requests.backlog(backlog_of_it()).await, Ok(Ok(found)));
        assert!(requests.backlog(backlog_of_it()).await.unwrap().is_err());
    };
    tokio::join!(asking, answering);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_long_for_what_is_good_to_know() {
    let requests = requests();
    let nobody = requests.backlog(backlog_of_it()).await;
    assert_eq!(nobody, Err(AskError::NoWorker));
    let _silent = requests.attend(worker(1));
    let since = tokio::time::Instant::now();
    let late = requests.backlog(backlog_of_it()).await;
    assert_eq!(late, Err(AskError::TimedOut));
    assert_eq!(since.elapsed(), SHORT_PATIENCE);
}
