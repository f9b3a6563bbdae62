//! The doors of the server: GraphQL over POST and WebSocket, direct runs, GraphiQL, health.

mod authority;
mod body;
mod error;
mod frequency;
mod gateway;
mod graphiql;
mod graphql;
mod guard;
mod health;
pub mod listen;
mod principal;
mod public_url;
mod socket;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use api::Schema;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use domain::Actor;
use domain::run::DirectRunner;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub use health::Readiness;
pub use public_url::{PublicUrl, PublicUrlError};

use self::gateway::Room;

/// The most GraphQL requests that are executed at once; one more is refused at once.
const MOST_REQUESTS: usize = 256;

/// The most WebSockets at once.
const MOST_SOCKETS: u32 = 2_000;

/// How long their clients may take to answer the closing of their sockets when the server stops.
const SOCKETS_PATIENCE: Duration = Duration::from_secs(3);

/// What the doors need beside the schema.
#[derive(Clone)]
pub struct HttpSettings {
    /// On whose behalf requests are executed, until there is identity.
    pub actor: Actor,
    /// Where GraphiQL's files are; not served without.
    pub graphiql: Option<PathBuf>,
    /// The URL that people use, where that is not an address or `localhost`.
    pub public_url: Option<PublicUrl>,
    pub readiness: Readiness,
    /// Makes direct runs.
    pub runner: Arc<dyn DirectRunner>,
    /// Ends open WebSockets.
    pub shutdown: CancellationToken,
}

/// What handlers work with.
#[derive(Clone)]
struct Site {
    schema: Schema,
    settings: HttpSettings,
    places: Arc<Places>,
    room: Room,
}

/// How many more there may be at once.
struct Places {
    requests: Semaphore,
    sockets: Arc<Semaphore>,
}

/// Serves on `listener` until the settings' shutdown, then finishes what is under way, and tells the
/// clients of sockets that the server stops.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    schema: Schema,
    settings: HttpSettings,
) -> std::io::Result<()> {
    let shutdown = settings.shutdown.clone().cancelled_owned();
    let places = Arc::new(Places {
        requests: Semaphore::new(MOST_REQUESTS),
        sockets: Arc::new(Semaphore::new(MOST_SOCKETS as usize)),
    });
    let sockets = Arc::clone(&places.sockets);
    let app = router(schema, settings, places).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app)
        .with_graceful_shutdown(shutdown)
        .await?;
    // To axum, a connection ends when it becomes a socket. Every place is free once all have ended.
    let ended = timeout(SOCKETS_PATIENCE, sockets.acquire_many(MOST_SOCKETS)).await;
    if ended.is_err() {
        let open = MOST_SOCKETS as usize - sockets.available_permits();
        tracing::info!(
            open,
            "clients have not answered the closing of their sockets"
        );
    }
    Ok(())
}

fn router(schema: Schema, settings: HttpSettings, places: Arc<Places>) -> Router {
    let site = Site {
        schema,
        settings,
        places,
        room: Room::new(),
    };
    Router::new()
        .route("/graphql", post(graphql::execute))
        .route("/graphql/ws", get(socket::upgrade))
        .route("/graphiql", get(graphiql::redirect))
        .route("/graphiql/", get(graphiql::index))
        .route("/graphiql/{file}", get(graphiql::file))
        .nest("/v1", gateway::routes())
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        // In front of every route, and of what is none.
        .layer(from_fn_with_state(site.clone(), guard::guard))
        .with_state(site)
}
