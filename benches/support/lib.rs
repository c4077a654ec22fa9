//! What the benches share: requests, a service to protect, tokens.

pub mod resident;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::pin::pin;
use std::sync::Barrier;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::Empty;
use serde::Deserialize;
use tower::{Layer, Service};
use tower_bearer::testing::TokenBuilder;
use tower_bearer::{AuthLayer, Claims, Verifier};

#[derive(Deserialize)]
pub struct User {
    #[allow(dead_code, reason = "read from the token, as a service would")]
    pub sub: String,
    #[allow(dead_code, reason = "read from the token, as a service would")]
    pub tenant: String,
}

/// The innermost service: looks at its claims, as a handler would.
#[derive(Clone)]
pub struct Inner;

impl Service<Request<String>> for Inner {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<String>) -> Self::Future {
        let claims = Claims::<User>::from_extensions(request.extensions());
        black_box(claims.map(|claims| claims.sub.len()));
        ready(Ok(Response::new(Empty::new())))
    }
}

/// The request of a client with this `Authorization` header, which is part of a shared buffer as a
/// server's are.
pub fn request(authorization: Option<&Bytes>) -> Request<String> {
    let mut request = Request::get("/orders");
    if let Some(authorization) = authorization {
        let value = HeaderValue::from_maybe_shared(authorization.clone()).unwrap();
        request = request.header(header::AUTHORIZATION, value);
    }
    request.body(String::new()).unwrap()
}

pub fn shared(authorization: String) -> Bytes {
    let bytes = Bytes::from(authorization);
    std::mem::forget(bytes.clone()); // from now on clones only count
    bytes
}

/// The whole of `Service::call`, to the response.
pub fn call<S>(service: &mut S, request: Request<String>) -> Response<impl Sized + use<S>>
where
    S: Service<Request<String>, Error = Infallible>,
    S: Service<Request<String>, Response = Response<<S as Answer>::Body>> + Answer,
{
    let mut future = pin!(service.call(request));
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(response)) => response,
        _ => unreachable!("static keys and a local store answer at once"),
    }
}

pub trait Answer {
    type Body;
}
impl Answer for Inner {
    type Body = Empty<Bytes>;
}
impl<S: Answer, V, R> Answer for tower_bearer::layer::AuthService<S, V, R> {
    type Body = tower_bearer::layer::ResponseBody<S::Body>;
}

/// Claims as in the comparison of peers: ten of them, some 600 to 900 bytes of token.
pub fn filled(token: TokenBuilder<'_>) -> TokenBuilder<'_> {
    token
        .subject("auth0|5f7c8ec7c33c6c004bbafe82")
        .claim("nbf", 1_700_000_000)
        .token_id("0194d2d0-7b57-7c3c-a7a1-6b7f9d2d6c1e")
        .scope("openid profile email orders:read orders:write")
        .roles(["clerk", "manager"])
        .claim("tenant", "acme-corporation-emea")
}

/// The time it takes threads to make `times` requests each, all with the same token: one thread for
/// each layer.
pub fn on_threads(
    layers: &[&AuthLayer<Verifier<User>>],
    times: u64,
    authorization: &Bytes,
) -> Duration {
    let start = &Barrier::new(layers.len());
    let slowest = std::thread::scope(|scope| {
        let spawn = |layer: &&AuthLayer<Verifier<User>>| {
            let mut service = layer.layer(Inner);
            scope.spawn(move || {
                // Built once, so that what is measured is the layer and not the building; and of
                // each thread its own, as connections have buffers of their own.
                let authorization = shared(String::from_utf8(authorization.to_vec()).unwrap());
                let head = request(Some(&authorization)).into_parts().0;
                start.wait();
                let begin = Instant::now();
                for _ in 0..times {
                    drop(call(&mut service, Request::from_parts(head.clone(), String::new())));
                }
                begin.elapsed()
            })
        };
        let running: Vec<_> = layers.iter().map(spawn).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).max()
    });
    slowest.unwrap()
}
