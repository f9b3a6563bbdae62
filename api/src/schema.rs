//! The schema: every noun's queries, mutations and subscriptions in one place.

use std::sync::Arc;

use async_graphql::connection::Connection;
use async_graphql::parser::types::OperationType;
use async_graphql::{MergedObject, MergedSubscription, Request, Response, SDLExportOptions, Value};
use engine::EventFeed;
use futures_util::future::{BoxFuture, Either};
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, Stream, StreamExt, future, stream};

use crate::absent;
use crate::algorithm::mutation::AlgorithmMutation;
use crate::algorithm::query::AlgorithmQuery;
use crate::algorithm::topic::AlgorithmTopic;
use crate::algorithm::{Algorithm, Version};
use crate::broker::Broker;
use crate::broker::mutation::BrokerMutation;
use crate::broker::query::BrokerQuery;
use crate::broker::replacement::ReplacementQuery;
use crate::change::subscription::ChangeSubscription;
use crate::control::{Control, Principal};
use crate::diff::DiffQuery;
use crate::event::Event;
use crate::event::loaders::Log;
use crate::event::query::EventQuery;
use crate::event::subscription::EventSubscription;
use crate::event::undo::UndoMutation;
use crate::flow::FlowQuery;
use crate::gathering::Gathering;
use crate::grant::Grant;
use crate::grant::mutation::GrantMutation;
use crate::grant::query::GrantQuery;
use crate::job::query::JobQuery;
use crate::job::subscription::JobSubscription;
use crate::limits::{Admitted, Limits, bounded, in_time, only_subscriptions};
use crate::list::List;
use crate::listener::Listener;
use crate::listener::consumer::Consumer;
use crate::listener::mutation::ListenerMutation;
use crate::listener::query::ListenerQuery;
use crate::listener::reset_preview::ResetPreviewQuery;
use crate::listener::subscription::ListenerSubscription;
use crate::loaders;
use crate::mutation::AnyPayload;
use crate::node::NodeQuery;
use crate::organization::mutation::OrganizationMutation;
use crate::organization::query::OrganizationQuery;
use crate::organization::{Organization, types::OrganizationMember};
use crate::publisher::Publisher;
use crate::publisher::mutation::PublisherMutation;
use crate::publisher::query::PublisherQuery;
use crate::read_models::ReadModelsQuery;
use crate::read_models::rebuild::ReadModelsMutation;
use crate::run::query::{Journal, RunQuery};
use crate::search::SearchQuery;
use crate::server_info::ServerInfoQuery;
use crate::topic::Topic;
use crate::view::View;
use crate::worker::Worker;
use crate::worker::mutation::WorkerMutation;
use crate::worker::query::WorkerQuery;
use crate::worker::subscription::WorkerSubscription;

/// What can be read. Queries about what the log holds take `asOf`.
#[derive(MergedObject, Default)]
pub struct Query(
    NodeQuery,
    OrganizationQuery,
    AlgorithmQuery,
    BrokerQuery,
    ReplacementQuery,
    GrantQuery,
    ListenerQuery,
    ResetPreviewQuery,
    PublisherQuery,
    EventQuery,
    DiffQuery,
    ReadModelsQuery,
    SearchQuery,
    FlowQuery,
    ServerInfoQuery,
    WorkerQuery,
    JobQuery,
    RunQuery,
);

/// What can be changed. Every mutation takes one `input`, and also an `id` if it changes something
/// that exists.
#[derive(MergedObject, Default)]
pub struct Mutation(
    OrganizationMutation,
    AlgorithmMutation,
    BrokerMutation,
    GrantMutation,
    ListenerMutation,
    PublisherMutation,
    UndoMutation,
    WorkerMutation,
    ReadModelsMutation,
);

/// What can be followed.
#[derive(MergedSubscription, Default)]
pub struct Subscription(
    EventSubscription,
    ChangeSubscription,
    WorkerSubscription,
    JobSubscription,
    ListenerSubscription,
);

/// What a subscription brings.
pub enum Item {
    Next(Response),
    /// There is no subscription: the request is not a valid one, asks for too much, or cannot be
    /// served. Nothing else comes.
    Refused(Response),
}

type Executable = async_graphql::Schema<Query, Mutation, Subscription>;

/// The executable schema over the parts behind it. Cheap to clone.
#[derive(Clone)]
pub struct Schema {
    executable: Executable,
    limits: Arc<Limits>,
    control: Arc<Control>,
}

impl Schema {
    /// The schema over `control`.
    #[must_use]
    pub fn new(control: Arc<Control>) -> Self {
        let executable = builder()
            .data(EventFeed::new(Arc::clone(control.engine.store())))
            .data(Arc::clone(&control))
            .finish();
        Self {
            limits: Arc::new(Limits::new(&executable.sdl())),
            executable,
            control,
        }
    }

    /// The parts behind the schema.
    #[must_use]
    pub fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// Executes a query or a mutation on behalf of `principal`. Boxed here: the crates that call it
    /// would compile all futures of the schema once more.
    pub fn execute(&self, request: Request, principal: Principal) -> BoxFuture<'_, Response> {
        self.answer(request, principal).boxed()
    }

    async fn answer(&self, request: Request, principal: Principal) -> Response {
        let Admitted {
            request,
            kind,
            order,
        } = match self.limits.admit(request) {
            Ok(admitted) => admitted,
            Err(refusal) => return *refusal,
        };
        let gathering = Gathering::default();
        let request = self.prepare(request, principal, &gathering);
        let answer = gathering.run(self.executable.execute(request));
        let response = in_time(kind, answer).await;
        bounded(order.restore(response))
    }

    /// Executes a subscription on behalf of `principal`.
    pub fn subscribe(
        &self,
        request: Request,
        principal: Principal,
    ) -> impl Stream<Item = Item> + Send + use<> {
        let admitted = match self.limits.admit(request) {
            Ok(admitted) if admitted.kind == OperationType::Subscription => admitted,
            Ok(_) => return refused(only_subscriptions()),
            Err(refusal) => return refused(*refusal),
        };
        let Admitted { request, order, .. } = admitted;
        let gathering = Gathering::default();
        let request = self.prepare(request, principal, &gathering);
        let responses = gathering.run_stream(self.executable.execute_stream(request).boxed());
        let responses = responses.map(move |response| bounded(order.restore(response)));
        Either::Right(items(responses.boxed()))
    }

    fn prepare(&self, request: Request, principal: Principal, gathering: &Gathering) -> Request {
        let log = Log {
            engine: Arc::clone(&self.control.engine),
            model: self.control.model.clone(),
        };
        let journal = Journal(Arc::clone(&self.control.runs));
        absent::left_out(request)
            .data(self.clone())
            .data(principal)
            .data(View::of(self.control.model.clone(), gathering))
            .data(loaders::loader(log, gathering))
            .data(loaders::loader(journal, gathering))
            .data(gathering.clone())
    }
}

type Items = Either<stream::Once<future::Ready<Item>>, BoxStream<'static, Item>>;

fn refused(response: Response) -> Items {
    Either::Left(stream::once(future::ready(Item::Refused(response))))
}

/// The library answers a request that it refuses with one response that holds errors alone, and
/// then nothing.
fn items(mut responses: BoxStream<'static, Response>) -> BoxStream<'static, Item> {
    let items = async move {
        let Some(first) = responses.next().await else {
            return stream::empty().boxed();
        };
        if first.is_ok() || first.data != Value::Null {
            return stream::once(future::ready(first))
                .chain(responses)
                .map(Item::Next)
                .boxed();
        }
        match responses.next().now_or_never() {
            Some(None) => stream::once(future::ready(Item::Refused(first))).boxed(),
            second => {
                let known = [Some(first), second.flatten()].into_iter().flatten();
                stream::iter(known).chain(responses).map(Item::Next).boxed()
            }
        }
    };
    items.flatten_stream().boxed()
}

/// The schema in GraphQL's own language, sorted, as committed in `schema.graphql`.
#[must_use]
pub fn sdl() -> String {
    let options = SDLExportOptions::new()
        .sorted_fields()
        .sorted_enum_items()
        .sorted_arguments()
        .include_specified_by();
    builder().finish().sdl_with_options(options)
}

/// The answer to a question about the schema alone.
#[cfg(test)]
pub(crate) async fn introspect(document: &str) -> serde_json::Value {
    let answer = builder().finish().execute(document).await;
    answer.into_result().unwrap().data.into_json().unwrap()
}

type Builder = async_graphql::SchemaBuilder<Query, Mutation, Subscription>;

fn builder() -> Builder {
    let builder = async_graphql::Schema::build(
        Query::default(),
        Mutation::default(),
        Subscription::default(),
    );
    described(builder)
        // No field answers it: it is there for fragments.
        .register_output_type::<AnyPayload>()
        .disable_suggestions()
}

/// Describes the types that the library makes, which have no comment to take it from.
fn described(builder: Builder) -> Builder {
    builder
        .override_output_type_description::<List<Algorithm>>("Part of a list of algorithms.")
        .override_output_type_description::<List<AlgorithmTopic>>(
            "Part of a list of the topics that an algorithm may use.",
        )
        .override_output_type_description::<List<Broker>>("Part of a list of brokers.")
        .override_output_type_description::<List<Consumer>>("Part of a list of consumers.")
        .override_output_type_description::<List<Grant>>("Part of a list of grants.")
        .override_output_type_description::<List<Listener>>("Part of a list of listeners.")
        .override_output_type_description::<List<OrganizationMember>>("Part of a list of members.")
        .override_output_type_description::<List<Organization>>("Part of a list of organizations.")
        .override_output_type_description::<List<Publisher>>("Part of a list of publishers.")
        .override_output_type_description::<List<Topic>>("Part of a list of topics.")
        .override_output_type_description::<List<Version>>("Part of a list of versions.")
        .override_output_type_description::<List<Worker>>("Part of a list of workers.")
        .override_output_type_description::<Connection<String, Event>>("Part of a list of events.")
}
