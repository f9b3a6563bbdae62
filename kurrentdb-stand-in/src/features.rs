//! What the server says it can do.

use tonic::{Request, Response, Status};

use crate::protocol::event_store::client::Empty;
use crate::protocol::event_store::client::server_features::server_features_server::ServerFeatures;
use crate::protocol::event_store::client::server_features::{SupportedMethod, SupportedMethods};

const SERVICE: &str = "event_store.client.streams.streams";
const METHODS: [&str; 3] = ["append", "batchappend", "read"];

/// The release whose behaviour is copied.
const VERSION: &str = "26.1.0";

pub(crate) struct Features;

#[tonic::async_trait]
impl ServerFeatures for Features {
    async fn get_supported_methods(
        &self,
        _: Request<Empty>,
    ) -> Result<Response<SupportedMethods>, Status> {
        let method = |name: &str| SupportedMethod {
            method_name: name.to_owned(),
            service_name: SERVICE.to_owned(),
            features: Vec::new(),
        };
        Ok(Response::new(SupportedMethods {
            methods: METHODS.into_iter().map(method).collect(),
            event_store_server_version: VERSION.to_owned(),
        }))
    }
}
