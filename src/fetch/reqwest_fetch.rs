//! [`ReqwestFetch`]: the ready [`Fetch`].

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Url};
use rustls::crypto::CryptoProvider;

use super::error::{FetchError, FetchErrorKind};
use super::limits::FetchLimits;
use super::traits::Fetch;
use crate::step::BoxFuture;

/// How long connecting may take, within [`FetchLimits::timeout`].
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const USER_AGENT: &str = concat!("tower-bearer/", env!("CARGO_PKG_VERSION"));

/// Sends requests with [`reqwest`] and rustls, trusting the certificates that the platform trusts.
/// Proxies are taken from the environment, as reqwest does.
///
/// TLS is encrypted by the [provider](https://docs.rs/rustls/latest/rustls/crypto/struct.CryptoProvider.html) that the process has installed
/// as rustls' default; else, with feature `reqwest`, by AWS-LC. With `reqwest-no-provider` there has to
/// be one: for builds without a C compiler.
///
/// Cloning it shares the connections.
#[derive(Clone)]
pub struct ReqwestFetch(Client);

impl ReqwestFetch {
    /// With a client of its own. It speaks TLS by rustls, whatever features of reqwest other crates
    /// switch on.
    ///
    /// # Errors
    /// If TLS cannot be set up, such as where the platform has no trusted certificates, or there is no
    /// provider for rustls.
    pub fn new() -> Result<Self, FetchError> {
        Self::with_builder(Client::builder().tls_backend_rustls())
    }

    /// With a client from this builder: for a proxy, a private CA, client certificates. Say
    /// `tls_backend_rustls()` on it, or the TLS library may change once another crate switches on
    /// reqwest's feature `native-tls`.
    ///
    /// Redirects, decompression and the `Referer` are switched off, and the user agent
    /// (`tower-bearer/` and the version) and the time for connecting (3 seconds) are set, whatever
    /// the builder says.
    ///
    /// # Errors
    /// If the client cannot be set up.
    pub fn with_builder(builder: ClientBuilder) -> Result<Self, FetchError> {
        // Without this, reqwest panics.
        if cfg!(not(feature = "reqwest")) && CryptoProvider::get_default().is_none() {
            return Err(FetchError::from(FetchErrorKind::Client).with_source(
                "rustls has no crypto provider: install one with \
                 `CryptoProvider::install_default`, or enable the feature `reqwest`",
            ));
        }
        let builder = builder.redirect(Policy::none()).referer(false);
        let builder = builder.no_gzip().no_brotli().no_deflate().no_zstd();
        let builder = builder.user_agent(USER_AGENT).connect_timeout(CONNECT_TIMEOUT);
        let client = builder.build();
        client
            .map(Self)
            .map_err(|error| FetchError::from(FetchErrorKind::Client).with_source(error))
    }

    /// With this very client, which must have redirects and decompression off.
    ///
    /// An answer that came by way of a redirect is refused, but by then the other place was asked;
    /// prefer [`with_builder`](Self::with_builder).
    #[must_use]
    pub fn with_client(client: Client) -> Self {
        Self(client)
    }
}

impl Fetch for ReqwestFetch {
    fn fetch(
        &self,
        request: Request<Bytes>,
        limits: FetchLimits,
    ) -> BoxFuture<'static, Result<Response<Bytes>, FetchError>> {
        let client = self.0.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let url = Url::parse(&parts.uri.to_string());
            let url = url.map_err(|error| transport().with_source(error))?;
            let request = client.request(parts.method, url.clone()).headers(parts.headers);
            let request = request.body(body).timeout(limits.timeout);
            let mut response = request.send().await.map_err(failed)?;
            if *response.url() != url {
                return Err(FetchErrorKind::Redirected.into());
            }
            let announced = response.content_length().unwrap_or(0);
            if usize::try_from(announced).map_or(true, |announced| announced > limits.max_body) {
                return Err(FetchErrorKind::TooLarge.into());
            }
            let mut body = BytesMut::new();
            while let Some(chunk) = response.chunk().await.map_err(failed)? {
                if chunk.len() > limits.max_body - body.len() {
                    return Err(FetchErrorKind::TooLarge.into());
                }
                body.extend_from_slice(&chunk);
            }
            let mut collected = Response::new(body.freeze());
            *collected.status_mut() = response.status();
            *collected.headers_mut() = std::mem::take(response.headers_mut());
            Ok(collected)
        })
    }
}

impl fmt::Debug for ReqwestFetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReqwestFetch")
    }
}

fn transport() -> FetchError {
    FetchErrorKind::Transport.into()
}

fn failed(error: reqwest::Error) -> FetchError {
    let kind = if error.is_timeout() { FetchErrorKind::Timeout } else { FetchErrorKind::Transport };
    FetchError::new(kind).with_source(error.without_url())
}
