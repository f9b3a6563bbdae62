//! Samples of runs, and which of them are kept.

use domain::sample::{Body, KeptSample, Sample, SampledBody, SampledCall, SampledHeader};
use domain::settlement::Decision;
use domain::testing::score;

use super::sample::{claim, fresh, group, succeeded, take, without_result};
use super::{Opener, claims};
use crate::journal::{Claimed, Draft, Journal, Retention};

claims![
    a_sample_is_read_as_it_was_kept,
    a_run_has_one_sample,
    samples_of_common_ends_make_room_for_those_of_rare_ones,
    what_is_kept_of_a_stratum_does_not_depend_on_the_order,
    samples_outlive_their_runs,
];

const PLENTY: i64 = 1_000_000;

fn body(text: &str) -> SampledBody {
    let body = Body {
        bytes: text.as_bytes(),
        content_type: Some("text/plain"),
        content_encoding: Some("gzip"),
    };
    SampledBody::of(body, &[], false, 1000)
}

fn sample(text: &str) -> Sample {
    Sample {
        decision: Decision::Succeeded,
        revision: Some(domain::Position(7)),
        key: Some(b"key\0".to_vec()),
        key_withheld: false,
        headers: vec![SampledHeader::of("a\u{1f980}", Some(b"1\0"), false)],
        message: Some(body(text)),
        call: Some(SampledCall {
            version: "1.0.0".parse().unwrap(),
            endpoint: "http://127.0.0.1:9/".to_owned(),
            request: None,
            status: Some(200),
            answer: Some(body("")),
            attempt: 2,
            duration_ms: 17,
        }),
    }
}

async fn keep(journal: &Journal, run: &Claimed, draft: &Draft, text: &str, most: i64) {
    let kept = journal.keep_within(run.run, run.run_id, draft, sample(text), most);
    kept.await.unwrap();
    // What is told is done before what is asked afterwards.
    journal.attempt(run.run).await.unwrap();
}

async fn kept(journal: &Journal, run: &Claimed) -> Option<KeptSample> {
    let samples = journal.samples(&[(group(), run.run.number())]).await;
    samples.unwrap().remove(0)
}

async fn a_sample_is_read_as_it_was_kept(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let run = take(&journal, claim(listener, 1)).await.unwrap();
    let other = take(&journal, claim(listener, 2)).await.unwrap();
    keep(&journal, &run, &succeeded(""), "\0{}", PLENTY).await;
    let wanted = [
        (group(), other.run.number()),
        (group(), run.run.number()),
        (uuid::Uuid::from_u128(9), run.run.number()),
    ];
    let read = journal.samples(&wanted).await.unwrap();
    assert_eq!((&read[0], &read[2]), (&None, &None));
    let read = read[1].as_ref().unwrap();
    assert_eq!(read.sample.message, sample("\0{}").message);
    assert_eq!(read.sample.call, sample("\0{}").call);
    assert_eq!(read.sample.key, sample("").key);
    assert_eq!(read.algorithm, score());
    assert!((read.probability - 1.0).abs() < f64::EPSILON);
}

async fn a_run_has_one_sample(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let run = take(&journal, claim(listener, 1)).await.unwrap();
    keep(&journal, &run, &succeeded(""), "one", PLENTY).await;
    keep(&journal, &run, &succeeded(""), "two", PLENTY).await;
    let read = kept(&journal, &run).await.unwrap();
    assert_eq!(read.sample.message.unwrap().kept, b"one");
}

async fn samples_of_common_ends_make_room_for_those_of_rare_ones(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    // Room for some ten.
    let most = 10_000;
    let rare = take(&journal, claim(listener, 0)).await.unwrap();
    let failed = without_result(Decision::DeadLettered);
    keep(&journal, &rare, &failed, "rare", most).await;
    let mut common = Vec::new();
    for offset in 1..60 {
        let run = take(&journal, claim(listener, offset)).await.unwrap();
        keep(&journal, &run, &succeeded(""), "common", most).await;
        common.push(run);
    }
    let mut left = Vec::new();
    for run in &common {
        left.extend(kept(&journal, run).await);
    }
    assert!((2..40).contains(&left.len()), "{}", left.len());
    // Each says how likely it was to be left, which is about as often as it was.
    let share = left.len() as f64 / common.len() as f64;
    let told = left[0].probability;
    assert!((share / 2.0..share * 2.0).contains(&told), "{share} {told}");
    let rare = kept(&journal, &rare).await.unwrap();
    assert!((rare.probability - 1.0).abs() < f64::EPSILON);
}

async fn what_is_kept_of_a_stratum_does_not_depend_on_the_order(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let mut runs = Vec::new();
    for offset in 0..30 {
        runs.push(take(&journal, claim(listener, offset)).await.unwrap());
    }
    for run in &runs {
        keep(&journal, run, &succeeded(""), "same", 5_000).await;
    }
    let mut first = Vec::new();
    for run in &runs {
        first.push(kept(&journal, run).await.is_some());
    }
    assert!(first.contains(&true) && first.contains(&false));
    // Those that were left out once are left out again.
    for run in runs.iter().rev() {
        keep(&journal, run, &succeeded(""), "same", 5_000).await;
    }
    let mut second = Vec::new();
    for run in &runs {
        second.push(kept(&journal, run).await.is_some());
    }
    assert_eq!(first, second);
}

async fn samples_outlive_their_runs(open: Opener) {
    let (journal, listener) = fresh(&open).await;
    let run = take(&journal, claim(listener, 1)).await.unwrap();
    keep(&journal, &run, &succeeded(""), "one", PLENTY).await;
    let nothing = Retention {
        keep: std::time::Duration::ZERO,
        runs: 0,
    };
    journal.prune(nothing).await.unwrap();
    assert!(kept(&journal, &run).await.is_some());
}
