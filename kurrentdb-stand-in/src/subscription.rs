//! Subscriptions: a confirmation, the events there are, word that these were all, and the events
//! to come.

use std::sync::Arc;

use futures_util::stream::{self, Stream, StreamExt};
use tokio::sync::watch;
use tonic::Status;
use uuid::Uuid;

use crate::database::{Database, Record};
use crate::faults::{Faults, Subscription};
use crate::filter::Filter;
use crate::protocol::event_store::client::streams::ReadResp;
use crate::protocol::event_store::client::streams::read_req::Options;
use crate::protocol::event_store::client::streams::read_req::options::StreamOption;
use crate::protocol::event_store::client::streams::read_req::options::all_options::AllOption;
use crate::protocol::event_store::client::streams::read_req::options::stream_options::RevisionOption;
use crate::protocol::event_store::client::streams::read_resp::{
    CaughtUp, Content, SubscriptionConfirmation,
};
use crate::read::{event, is_structured, part};

/// Records taken from the database at once.
const PAGE: usize = 256;

/// What a subscriber follows.
enum Followed {
    /// The next revision that is due.
    Stream { name: Vec<u8>, next: u64 },
    /// The next record that is looked at.
    All { next: usize, filter: Filter },
}

struct Subscriber {
    database: Arc<Database>,
    lengths: watch::Receiver<usize>,
    place: Subscription,
    followed: Followed,
    structured: bool,
    caught_up: bool,
}

/// The answer to a subscription, which does not end.
pub(crate) fn subscription(
    database: Arc<Database>,
    faults: &Faults,
    options: &Options,
) -> Result<impl Stream<Item = Result<ReadResp, Status>> + Send + 'static, Status> {
    let followed = match &options.stream_option {
        Some(StreamOption::Stream(stream)) => {
            let name = stream.stream_identifier.clone().unwrap_or_default();
            let name = name.stream_name;
            let next = match stream.revision_option {
                // The one that a client has is not sent again.
                Some(RevisionOption::Revision(revision)) => revision.saturating_add(1),
                Some(RevisionOption::End(_)) => {
                    let length = database.stream(&name, 0, 0);
                    length.map_or(0, |(_, length)| length)
                }
                Some(RevisionOption::Start(_)) | None => 0,
            };
            Followed::Stream { name, next }
        }
        Some(StreamOption::All(all)) => Followed::All {
            next: match &all.all_option {
                Some(AllOption::Position(position)) => {
                    database.before(position.commit_position.saturating_add(1))
                }
                Some(AllOption::End(_)) => database.length(),
                Some(AllOption::Start(_)) | None => 0,
            },
            filter: Filter::of(options.filter_option.as_ref())?,
        },
        None => return Err(Status::invalid_argument("what to follow is absent")),
    };
    let confirmation = part(Content::Confirmation(SubscriptionConfirmation {
        subscription_id: Uuid::from_u128(u128::from(u64::MAX)).to_string(),
    }));
    let subscriber = Subscriber {
        lengths: database.lengths(),
        place: faults.subscription(),
        database,
        followed,
        structured: is_structured(options),
        caught_up: false,
    };
    let events = stream::unfold(subscriber, |mut subscriber| async {
        let parts = subscriber.next().await?;
        Some((stream::iter(parts.into_iter().map(Ok)), subscriber))
    });
    Ok(stream::iter([Ok(confirmation)]).chain(events.flatten()))
}

impl Subscriber {
    /// The next parts of the answer; waits for them.
    async fn next(&mut self) -> Option<Vec<ReadResp>> {
        loop {
            self.place.released().await?;
            self.lengths.mark_unchanged();
            let (records, moved) = self.take();
            if !records.is_empty() {
                self.place.feeds();
                let parts = records.iter().map(|record| event(record, self.structured));
                return Some(parts.collect());
            }
            if moved {
                continue;
            }
            if !self.caught_up {
                self.caught_up = true;
                return Some(vec![part(Content::CaughtUp(CaughtUp::default()))]);
            }
            self.lengths.changed().await.ok()?;
        }
    }

    /// The next records that are wanted, and whether any were looked at.
    fn take(&mut self) -> (Vec<Arc<Record>>, bool) {
        match &mut self.followed {
            Followed::Stream { name, next } => {
                let found = self.database.stream(name, *next, PAGE as u64);
                let records = found.map(|(records, _)| records).unwrap_or_default();
                *next += records.len() as u64;
                let moved = !records.is_empty();
                (records, moved)
            }
            Followed::All { next, filter } => {
                let mut records = self.database.all(*next, PAGE);
                *next += records.len();
                let moved = !records.is_empty();
                records.retain(|record| filter.takes(record));
                (records, moved)
            }
        }
    }
}
