//! Verifier, layer and clock that every property uses.

use std::convert::Infallible;
use std::future::ready;
use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::FutureExt;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Empty;
use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::{ServiceExt, service_fn};
use tower_bearer::authenticate::Authenticator;
use tower_bearer::claims::Claims;
use tower_bearer::clock::{Clock, UnixTime};
use tower_bearer::layer::AuthLayer;
use tower_bearer::rejection::RejectionKind;
use tower_bearer::testing::TestIssuer;
use tower_bearer::verify::Verifier;

/// When all of this happens, in seconds.
pub(crate) const NOW: u64 = 1_700_000_000;
pub(crate) const LEEWAY: u64 = 60;
pub(crate) const NANOS: u128 = 1_000_000_000;

#[derive(Clone, Copy)]
pub(crate) struct At(pub(crate) UnixTime);

impl Clock for At {
    fn now(&self) -> UnixTime {
        self.0
    }
}

pub(crate) const CLOCK: At = At(UnixTime::from_secs(NOW));

pub(crate) static ISSUER: LazyLock<TestIssuer> = LazyLock::new(|| TestIssuer::new().clock(CLOCK));
pub(crate) static STRICT: LazyLock<Verifier<Value>> =
    LazyLock::new(|| ISSUER.verifier::<Value>().build().unwrap());

/// All that stands between a token and its claims: what the layer does, without a request.
pub(crate) fn verify<C>(verifier: &Verifier<C>, token: &str) -> Result<Claims<C>, RejectionKind>
where
    C: DeserializeOwned + Send + Sync + 'static,
{
    let claims = Authenticator::new(verifier.clone()).claims(token).now_or_never();
    claims.expect("the keys are at hand").map_err(|rejection| rejection.kind())
}

/// A request with this header field through the whole layer: the status, and the claims that the
/// service saw.
pub(crate) fn through<C>(
    layer: &AuthLayer<Verifier<C>>,
    field: HeaderValue,
) -> (StatusCode, Option<Claims<C>>)
where
    C: DeserializeOwned + Send + Sync + 'static,
{
    let handler = service_fn(|request: Request<String>| {
        let mut response = Response::new(Empty::<Bytes>::new());
        response.extensions_mut().insert(Claims::<C>::from_extensions(request.extensions()));
        ready(Ok::<_, Infallible>(response))
    });
    let mut request = Request::new(String::new());
    request.headers_mut().insert(AUTHORIZATION, field);
    let service = tower::Layer::layer(layer, handler);
    let future = pin!(service.oneshot(request));
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(mut response)) => {
            let seen = response.extensions_mut().remove::<Option<Claims<C>>>().flatten();
            (response.status(), seen)
        }
        Poll::Ready(Err(never)) => match never {},
        Poll::Pending => panic!("nothing is waited for"),
    }
}

pub(crate) fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}
