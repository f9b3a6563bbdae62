//! HTTP and HTTPS to other machines.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use http::uri::Scheme;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens connections, encrypted ones for `https`.
pub type Connector = HttpsConnector<HttpConnector>;

/// An HTTP client that follows no redirects and asks no proxies. Cheap to clone.
pub type HttpsClient = legacy::Client<Connector, Full<Bytes>>;

/// An HTTP client for `url`.
///
/// # Errors
/// See `connector`.
pub fn https(url: &Uri) -> io::Result<HttpsClient> {
    Ok(client(connector(url)?))
}

pub(crate) fn client(connector: Connector) -> HttpsClient {
    legacy::Client::builder(TokioExecutor::new()).build(connector)
}

/// A connector for `url`. For `https` it trusts the authorities that the system trusts, or those
/// that `SSL_CERT_FILE` names.
///
/// # Errors
/// The URL needs a trusted authority, and the system has none.
pub(crate) fn connector(url: &Uri) -> io::Result<Connector> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let provider = ring::default_provider();
    let https = HttpsConnectorBuilder::new();
    let https = if url.scheme() == Some(&Scheme::HTTPS) {
        https.with_provider_and_native_roots(provider)?
    } else {
        https.with_tls_config(no_roots(provider)?)
    };
    Ok(https.https_or_http().enable_http1().wrap_connector(tcp))
}

/// For plain HTTP, which must work where the system trusts nobody.
fn no_roots(provider: CryptoProvider) -> io::Result<ClientConfig> {
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let config = config.with_root_certificates(RootCertStore::empty());
    Ok(config.with_no_client_auth())
}
