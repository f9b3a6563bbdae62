//! The streams that clients append to and read from, as the protocol has them.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::stream::{self, Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use crate::append::{self, Batches};
use crate::database::Database;
use crate::faults::Faults;
use crate::protocol::event_store::client::streams::read_req::options::CountOption;
use crate::protocol::event_store::client::streams::streams_server::Streams;
use crate::protocol::event_store::client::streams::{
    AppendReq, AppendResp, BatchAppendReq, BatchAppendResp, DeleteReq, DeleteResp, ReadReq,
    ReadResp, TombstoneReq, TombstoneResp,
};
use crate::{read, subscription};

/// An answer that comes in parts.
pub(crate) type Answer<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

pub(crate) struct StreamAnswers {
    database: Arc<Database>,
    faults: Arc<Faults>,
}

impl StreamAnswers {
    pub(crate) fn new(database: Arc<Database>, faults: Arc<Faults>) -> Self {
        Self { database, faults }
    }

    /// `answer`, until the streams are to end.
    fn until_ended<T: 'static>(
        &self,
        answer: impl Stream<Item = Result<T, Status>> + Send + 'static,
    ) -> Response<Answer<T>> {
        until(answer, self.faults.streams_end())
    }
}

fn until<T: 'static>(
    answer: impl Stream<Item = Result<T, Status>> + Send + 'static,
    end: impl Future<Output = ()> + Send + 'static,
) -> Response<Answer<T>> {
    Response::new(Box::pin(answer.take_until(end)))
}

#[tonic::async_trait]
impl Streams for StreamAnswers {
    type ReadStream = Answer<ReadResp>;
    type BatchAppendStream = Answer<BatchAppendResp>;

    async fn read(&self, request: Request<ReadReq>) -> Result<Response<Answer<ReadResp>>, Status> {
        self.faults.request().await;
        let options = request.into_inner().options.unwrap_or_default();
        match options.count_option {
            Some(CountOption::Count(count)) => {
                let mut answers = read::counted(&self.database, &options, count)?;
                if self.faults.cuts_read() {
                    answers.truncate(answers.len() / 2);
                }
                let answers = answers.into_iter().map(Ok);
                Ok(self.until_ended(stream::iter(answers)))
            }
            Some(CountOption::Subscription(_)) => {
                // Before it counts as begun: a test that has seen it begin can end it.
                let end = self.faults.streams_end();
                let database = Arc::clone(&self.database);
                let subscription = subscription::subscription(database, &self.faults, &options)?;
                Ok(until(subscription, end))
            }
            None => Err(Status::invalid_argument("how much to read is absent")),
        }
    }

    async fn append(
        &self,
        request: Request<Streaming<AppendReq>>,
    ) -> Result<Response<AppendResp>, Status> {
        self.faults.request().await;
        let answer = append::append(&self.database, request.into_inner()).await?;
        if self.faults.loses_answer() {
            self.faults.break_connections();
        }
        Ok(Response::new(answer))
    }

    async fn batch_append(
        &self,
        request: Request<Streaming<BatchAppendReq>>,
    ) -> Result<Response<Answer<BatchAppendResp>>, Status> {
        let batches = Batches::new(Arc::clone(&self.database), Arc::clone(&self.faults));
        Ok(self.until_ended(batches.answers(request.into_inner())))
    }

    async fn delete(&self, _: Request<DeleteReq>) -> Result<Response<DeleteResp>, Status> {
        Err(Status::unimplemented("this stand-in deletes nothing"))
    }

    async fn tombstone(&self, _: Request<TombstoneReq>) -> Result<Response<TombstoneResp>, Status> {
        Err(Status::unimplemented("this stand-in deletes nothing"))
    }
}
