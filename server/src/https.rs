//! The HTTP client of the binary's own requests, by http and https.

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

/// Follows no redirects and asks no proxies. Cheap to clone.
pub(crate) type HttpsClient = legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// A client of `url`. By https it trusts the authorities that the system trusts, or those that
/// `SSL_CERT_FILE` names.
///
/// # Errors
/// The system trusts no authority, and the URL needs one.
pub(crate) fn client(url: &Uri) -> io::Result<HttpsClient> {
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
    let connector = https.https_or_http().enable_http1().wrap_connector(tcp);
    Ok(legacy::Client::builder(TokioExecutor::new()).build(connector))
}

/// For plain HTTP, which must work where the system trusts nobody.
fn no_roots(provider: CryptoProvider) -> io::Result<ClientConfig> {
    let config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let config = config.with_root_certificates(RootCertStore::empty());
    Ok(config.with_no_client_auth())
}
