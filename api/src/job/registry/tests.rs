//! Jobs whose work ends when the test says so.

use domain::testing::FixedClock;
use tokio::sync::oneshot;

use super::*;

const KIND: JobWork = JobWork::BrokerConnect;

/// Work that comes to what it is sent.
type Ending = oneshot::Sender<Result<Reached, NotDone>>;

fn jobs() -> Jobs {
    Jobs::new(Arc::new(FixedClock::default()))
}

/// Begins a job that ends by hand.
fn begin(
    jobs: &Jobs,
    command: u128,
    fingerprint: u8,
) -> (Result<watch::Receiver<JobState>, NotDone>, Ending) {
    let (ending, end) = oneshot::channel();
    let command = CommandId(Uuid::from_u128(command));
    let work = async move |progress: Progress| {
        progress.step(JobStepKind::ListTopics, None);
        end.await.unwrap()
    };
    (jobs.begin(command, [fingerprint; 32], KIND, work), ending)
}

fn reached() -> Reached {
    Reached {
        broker: BrokerId(Uuid::nil()),
        position: Position(7),
    }
}

async fn ended(mut job: watch::Receiver<JobState>) -> JobState {
    job.wait_for(|state| state.end.is_some())
        .await
        .unwrap()
        .clone()
}

#[tokio::test]
async fn a_job_is_followed_to_its_end_and_remembered() {
    let jobs = jobs();
    let (job, ending) = begin(&jobs, 1, 0);
    let mut job = job.unwrap();
    let begun = job
        .wait_for(|state| !state.steps.is_empty())
        .await
        .unwrap()
        .clone();
    assert!(begun.end.is_none() && begun.steps[0].ended_at.is_none());
    let waited = result_within(job.clone(), Duration::ZERO).await;
    assert!(matches!(waited, Err(NotDone::UnderWay)));
    ending.send(Ok(reached())).ok().unwrap();
    let id = ended(job).await.id;
    let remembered = jobs.follow(id).unwrap();
    assert!(remembered.borrow().steps[0].ended_at.is_some());
    let result = result_within(remembered, Duration::MAX).await;
    assert_eq!(result.unwrap(), Position(7));
}

#[tokio::test]
async fn the_same_command_is_the_same_job_while_it_goes_on() {
    let jobs = jobs();
    let (first, ending) = begin(&jobs, 1, 0);
    let (second, unused) = begin(&jobs, 1, 0);
    assert!(unused.is_closed(), "its work was not begun");
    let (other, _) = begin(&jobs, 1, 1);
    let Err(NotDone::Refused(error)) = other else {
        panic!("another input under the same key")
    };
    assert_eq!(
        error.code,
        crate::user_error::UserErrorCode::IdempotencyKeyReused
    );
    ending.send(Ok(reached())).ok().unwrap();
    assert!(ended(first.unwrap()).await.has_ended());
    assert!(ended(second.unwrap()).await.has_ended());
}

#[tokio::test]
async fn what_was_refused_is_tried_again_as_the_same_job() {
    let jobs = jobs();
    let (first, ending) = begin(&jobs, 1, 0);
    let refused = UserError::key_reused();
    ending.send(Err(refused.clone().into())).ok().unwrap();
    let first = ended(first.unwrap()).await;
    let Some(Err(NotDone::Refused(error))) = first.result() else {
        panic!("it was refused")
    };
    assert_eq!(error, refused);
    let (again, ending) = begin(&jobs, 1, 0);
    ending.send(Ok(reached())).ok().unwrap();
    let again = ended(again.unwrap()).await;
    assert_eq!(again.id, first.id);
    assert_eq!(jobs.kept().len(), 1);
    assert!(again.result().unwrap().is_ok());
}

#[tokio::test]
async fn a_job_whose_task_panics_has_failed_and_can_be_tried_again() {
    let jobs = jobs();
    let (job, ending) = begin(&jobs, 1, 0);
    drop(ending);
    let failed = ended(job.unwrap()).await;
    assert!(matches!(failed.result(), Some(Err(NotDone::Failed(_)))));
    let (again, ending) = begin(&jobs, 1, 0);
    ending.send(Ok(reached())).ok().unwrap();
    assert!(ended(again.unwrap()).await.result().unwrap().is_ok());
}

#[tokio::test]
async fn jobs_under_way_are_bounded_and_the_oldest_that_ended_are_forgotten() {
    let jobs = jobs();
    let under_way = MOST_UNDER_WAY as u128;
    let endings: Vec<Ending> = (0..under_way).map(|n| begin(&jobs, n, 0).1).collect();
    let (one_more, _) = begin(&jobs, under_way, 0);
    assert!(matches!(one_more, Err(NotDone::Failed(_))));
    for (n, ending) in (0..).zip(endings) {
        ending.send(Ok(reached())).ok().unwrap();
        let job = jobs.follow(JobId(Uuid::from_u128(n))).unwrap();
        ended(job).await;
    }
    let last = under_way + MOST_KEPT as u128;
    for n in under_way..last {
        let (job, ending) = begin(&jobs, n, 0);
        ending.send(Ok(reached())).ok().unwrap();
        ended(job.unwrap()).await;
    }
    assert_eq!(jobs.kept().len(), MOST_KEPT);
    let known = |n: u128| jobs.follow(JobId(Uuid::from_u128(n))).is_some();
    assert!(!known(under_way - 1) && known(under_way) && known(last - 1));
}
