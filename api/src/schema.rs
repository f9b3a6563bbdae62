//! The schema: every noun's queries, mutations and subscriptions in one place.

use std::sync::Arc;

use async_graphql::{MergedObject, MergedSubscription, SDLExportOptions};
use futures_util::StreamExt;

use crate::algorithm::mutation::AlgorithmMutation;
use crate::algorithm::query::AlgorithmQuery;
use crate::broker::mutation::BrokerMutation;
use crate::broker::query::BrokerQuery;
use crate::broker::replacement::{ReplacementMutation, ReplacementQuery};
use crate::control::{Control, Principal};
use crate::error::Code;
use crate::event::history::HistoryQuery;
use crate::event::query::EventQuery;
use crate::event::subscription::EventSubscription;
use crate::event::undo::UndoMutation;
use crate::event::words;
use crate::grant::edit::GrantsMutation;
use crate::grant::mutation::GrantMutation;
use crate::grant::query::GrantQuery;
use crate::listener::mutation::ListenerMutation;
use crate::listener::query::ListenerQuery;
use crate::loaders;
use crate::node::NodeQuery;
use crate::organization::mutation::OrganizationMutation;
use crate::organization::query::OrganizationQuery;
use crate::publisher::mutation::PublisherMutation;
use crate::publisher::query::PublisherQuery;
use crate::worker::mutation::WorkerMutation;
use crate::worker::query::WorkerQuery;
use crate::worker::subscription::WorkerSubscription;

/// The deepest nesting of a request. An introspection by GraphiQL is 15 deep.
const DEEPEST: usize = 16;

/// The most fields of a request.
const MOST_COMPLEX: usize = 1000;

/// The most directives of a request.
const MOST_DIRECTIVES: usize = 5;

#[derive(MergedObject, Default)]
pub struct Query(
    NodeQuery,
    OrganizationQuery,
    AlgorithmQuery,
    BrokerQuery,
    ReplacementQuery,
    GrantQuery,
    ListenerQuery,
    PublisherQuery,
    EventQuery,
    HistoryQuery,
    WorkerQuery,
);

#[derive(MergedObject, Default)]
pub struct Mutation(
    OrganizationMutation,
    AlgorithmMutation,
    BrokerMutation,
    ReplacementMutation,
    GrantMutation,
    GrantsMutation,
    ListenerMutation,
    PublisherMutation,
    UndoMutation,
    WorkerMutation,
);

#[derive(MergedSubscription, Default)]
pub struct Subscription(EventSubscription, WorkerSubscription);

type Executable = async_graphql::Schema<Query, Mutation, Subscription>;

/// The executable schema over the parts behind it. Cheap to clone.
#[derive(Clone)]
pub struct Schema {
    executable: Executable,
    control: Arc<Control>,
}

impl Schema {
    /// The schema over `control`.
    #[must_use]
    pub fn new(control: Arc<Control>) -> Self {
        let executable = builder().data(Arc::clone(&control)).finish();
        Self {
            executable,
            control,
        }
    }

    /// The parts behind the schema.
    #[must_use]
    pub fn control(&self) -> &Arc<Control> {
        &self.control
    }

    /// Executes a query or a mutation on behalf of `principal`.
    pub async fn execute(
        &self,
        request: async_graphql::Request,
        principal: Principal,
    ) -> async_graphql::Response {
        let request = self.prepare(request, principal);
        coded(self.executable.execute(request).await)
    }

    /// Executes a subscription on behalf of `principal`.
    pub fn subscribe(
        &self,
        request: async_graphql::Request,
        principal: Principal,
    ) -> impl futures_util::Stream<Item = async_graphql::Response> + Send + use<> {
        let request = self.prepare(request, principal);
        self.executable.execute_stream(request).map(coded)
    }

    fn prepare(
        &self,
        request: async_graphql::Request,
        principal: Principal,
    ) -> async_graphql::Request {
        request
            .data(principal)
            .data(loaders::loader(self.control.model.clone()))
            .data(words::loader(Arc::clone(&self.control.engine)))
    }
}

/// Our own errors have a code; those without one say that the request is not a valid one.
fn coded(mut response: async_graphql::Response) -> async_graphql::Response {
    for error in &mut response.errors {
        let extensions = error.extensions.get_or_insert_default();
        if extensions.get("code").is_none() {
            extensions.set("code", Code::InvalidArgument.as_str());
        }
    }
    response
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

fn builder() -> async_graphql::SchemaBuilder<Query, Mutation, Subscription> {
    async_graphql::Schema::build(
        Query::default(),
        Mutation::default(),
        Subscription::default(),
    )
    .limit_depth(DEEPEST)
    .limit_complexity(MOST_COMPLEX)
    .limit_directives(MOST_DIRECTIVES)
    .disable_suggestions()
}
