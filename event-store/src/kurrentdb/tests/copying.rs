//! Another log copied into KurrentDB: the same events, commands and roots.

use std::sync::Arc;

use domain::{Position, Revision};

use super::{open, start, with_log};
use crate::contract::sample;
use crate::copy::copy;
use crate::import::{Import, ImportError, StoredBatch};
use crate::kurrentdb::KurrentDbImport;
use crate::port::{EventStore, Expected};

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_copied_into_kurrentdb_and_goes_on_there() {
    let server = start().await;
    let source = Arc::new(open(&with_log(&server.url(), "source")));
    let mut appends = vec![sample("a-long", Expected::NoStream, 700)];
    for number in 0..300 {
        appends.push(sample(
            &format!("a-{number}"),
            Expected::NoStream,
            1 + number % 3,
        ));
    }
    let mut odd = sample("a-\"odd", Expected::NoStream, 2);
    odd.events[0].payload = vec![];
    odd.events[1].payload = vec![0xff, 0, b'\''];
    appends.push(odd);
    for append in &appends {
        source.append(append.clone()).await.unwrap();
    }
    let url = with_log(&server.url(), "copy");
    let import = KurrentDbImport::open(&url).unwrap();
    let done = copy(source.clone(), &import, |_| ()).await.unwrap();
    assert_eq!(done.before, 0);
    let copied = open(&url);
    let here = source.read_stored(Position(0), usize::MAX).await.unwrap();
    let there = copied.read_stored(Position(0), usize::MAX).await.unwrap();
    assert!(here == there && here.len() as u64 == done.events);
    let commands: Vec<_> = appends.iter().map(|append| append.command).collect();
    let answers = source.appended_each(&commands).await.unwrap();
    assert!(answers.iter().all(Option::is_some));
    assert_eq!(copied.appended_each(&commands).await.unwrap(), answers);
    let again = copied.append(appends[1].clone()).await.unwrap();
    assert_eq!(Some(again), answers[1].map(|(answer, _)| answer));
    let next = sample("a-long", Expected::Exact(Revision(699)), 1);
    assert_eq!(copied.append(next).await.unwrap().revision, Revision(700));
}

/// A copy that was stopped in the middle of a command's events goes on behind them.
#[tokio::test]
async fn a_copy_goes_on_in_the_middle_of_a_command() {
    let server = start().await;
    let source = Arc::new(open(&with_log(&server.url(), "source")));
    let append = sample("a-1", Expected::NoStream, 5);
    let answer = source.append(append.clone()).await.unwrap();
    let events = source.read_stored(Position(0), 3).await.unwrap();
    let command = crate::import::StoredCommand {
        id: append.command,
        fingerprint: append.fingerprint,
        appended: answer,
    };
    let begun = StoredBatch {
        events,
        commands: vec![command],
    };
    let url = with_log(&server.url(), "copy");
    let import = KurrentDbImport::open(&url).unwrap();
    import.import(&begun).await.unwrap();
    let again = import.import(&begun).await;
    assert!(
        matches!(
            again,
            Err(ImportError::Moved {
                expected: Position(0),
                head: Position(3)
            })
        ),
        "{again:?}"
    );
    let import = KurrentDbImport::open(&url).unwrap();
    let done = copy(source.clone(), &import, |_| ()).await.unwrap();
    assert_eq!((done.before, done.events), (3, 5));
    let copied = open(&url);
    assert_eq!(
        copied.read_stored(Position(0), 10).await.unwrap(),
        source.read_stored(Position(0), 10).await.unwrap()
    );
    assert_eq!(copied.append(append).await.unwrap(), answer);
}
