//! What the claims put into a journal.

use std::sync::Arc;

use brokers::{Beginning, Cause, Fingerprint, Positions, PositionsError};
use bytes::Bytes;
use domain::settlement::{Decision, Reason};
use domain::testing::{listener_id, topic_id};
use domain::{Position, TopicId};
use uuid::Uuid;

use super::Opener;
use crate::journal::{
    Claim, Claimed, Draft, Journal, JournalError, ListenerKey, MessageId, Owner, Pending,
    Publication, Representation, Taken, Upstream, digest,
};

pub(in crate::journal) fn owner() -> Owner {
    Owner::Listener(group())
}

pub(super) fn group() -> Uuid {
    Uuid::from_u128(1)
}

/// An empty journal with a listener.
pub(super) async fn fresh(open: &Opener) -> (Journal, ListenerKey) {
    let journal = open().await;
    let listener = listener(&journal).await;
    (journal, listener)
}

/// The key of the one listener.
pub(in crate::journal) async fn listener(journal: &Journal) -> ListenerKey {
    let key = journal.listener(group(), &listener_id("orders")).await;
    key.unwrap()
}

pub(in crate::journal) fn claim(listener: ListenerKey, offset: i64) -> Claim {
    message(listener, offset, "a body")
}

/// The claim of a message with that body.
pub(super) fn message(listener: ListenerKey, offset: i64, body: &str) -> Claim {
    Claim {
        listener,
        taken: Taken::Message {
            group: group(),
            topic: "orders".into(),
            id: MessageId {
                partition: 0,
                offset,
            },
            fingerprint: fingerprint(body),
            upstream: Upstream::default(),
        },
        calls: true,
    }
}

pub(super) fn fingerprint(body: &str) -> Fingerprint {
    Fingerprint::new(Some(7), body.as_bytes())
}

pub(super) async fn take(journal: &Journal, claim: Claim) -> Result<Claimed, JournalError> {
    let claimed = take_if_any(journal, claim).await?;
    Ok(claimed.expect("a run"))
}

/// Takes a message that may have ended long ago.
pub(super) async fn take_if_any(
    journal: &Journal,
    claim: Claim,
) -> Result<Option<Claimed>, JournalError> {
    Ok(journal.claim(vec![claim]).await?.remove(0))
}

/// Takes a message, decides and publishes it.
pub(super) async fn finish(journal: &Journal, claim: Claim) -> Claimed {
    let claimed = take(journal, claim).await.unwrap();
    decide(journal, &claimed, succeeded("")).await;
    journal.published(claimed.run).await.unwrap();
    claimed
}

pub(super) async fn decide(journal: &Journal, claimed: &Claimed, draft: Draft) {
    let decided = journal.decide(claimed.run, Arc::new(draft)).await;
    decided.unwrap();
}

pub(super) fn outputs() -> Vec<TopicId> {
    vec![topic_id("scores"), topic_id("archive")]
}

/// A result that goes to two topics.
pub(in crate::journal) fn succeeded(result: &'static str) -> Draft {
    let publication = Publication {
        outputs: outputs(),
        key: Some(Bytes::from_static(b"key\0")),
        traceparent: Bytes::from_static(b"00-1-2-01"),
        representation: Representation {
            content_type: Some("text/plain".to_owned()),
            content_encoding: Some("gzip".to_owned()),
        },
        body: Bytes::from_static(result.as_bytes()),
    };
    Draft {
        decision: Decision::Succeeded,
        version: "1.0.0".parse().ok(),
        revision: Some(Position(7)),
        status: Some(200),
        reason: None,
        reason_text: None,
        failure: None,
        digest: Some(digest(result.as_bytes())),
        call: None,
        pending: Pending::Result(publication),
    }
}

/// A decision that publishes no result.
pub(super) fn without_result(decision: Decision) -> Draft {
    let mut draft = Draft {
        decision,
        digest: None,
        pending: Pending::Nothing,
        ..succeeded("")
    };
    if decision == Decision::DeadLettered {
        draft.fail(decision, Reason::Refused, "no\u{1f980}".to_owned());
        draft.pending = Pending::DeadLetter;
    }
    draft
}

/// Begins to read the one partition.
pub(super) async fn begin(
    journal: &Journal,
    listener: ListenerKey,
    offset: i64,
    cause: Cause,
) -> u32 {
    let begun = begin_since(journal, listener, None, offset, cause).await;
    begun.unwrap()
}

/// Begins to read the one partition as a worker that knows of that reset.
pub(super) async fn begin_since(
    journal: &Journal,
    listener: ListenerKey,
    reset: Option<Position>,
    offset: i64,
    cause: Cause,
) -> Result<u32, PositionsError> {
    let beginning = Beginning {
        partition: 0,
        offset,
        cause,
    };
    let positions = journal.positions(listener, reset);
    Ok(positions.begin(vec![beginning]).await?[0])
}

pub(super) async fn advance(journal: &Journal, listener: ListenerKey, next: i64) {
    let positions = journal.positions(listener, None);
    positions.advance(vec![(0, next)]).await.unwrap();
}
