//! Who is measured: one file each.

mod aliri;
mod axum_gate;
mod axum_jwt_auth;
mod bare;
mod decode_alone;
mod huskarl;
mod jwt_authorizer;
mod ours;
mod tower_jwt;
mod tower_oauth2;

use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ::axum::body::Body;
use http::{Request, Response, StatusCode};
use serde_json::{Map, Value};
use tower::Service;

use crate::provider::Provider;
use crate::setup::Setup;

pub(crate) use bare::CHECK;

/// A row of the table.
#[derive(Clone, Copy)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    /// The package whose version is told.
    pub(crate) package: &'static str,
    pub(crate) provider: Provider,
    /// The middleware for these keys, or why it has none.
    pub(crate) build: fn(&Setup) -> Result<Box<dyn Subject>, &'static str>,
    /// Claims it wants besides the usual ones.
    pub(crate) claims: fn() -> Map<String, Value>,
    /// What is different about it, for footnotes.
    pub(crate) notes: &'static [&'static str],
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Does a part of what a request needs, to compare with.
    Yardstick,
    Ours,
    Peer,
}

impl Contender {
    const DEFAULT: Self = Self {
        name: "",
        package: "",
        provider: Provider::AwsLc,
        build: |_| Err("nothing was built"),
        claims: Map::new,
        notes: &[],
        kind: Kind::Peer,
    };
}

/// Of peers whose users bring the rules of `jsonwebtoken`.
const REQUIRED: &str = "accepts tokens without `iss` or `aud` by default; here its user called \
                        `Validation::set_required_spec_claims`";

/// The rows in the order of the table.
pub(crate) fn all() -> Vec<Contender> {
    let all: [&[Contender]; 10] = [
        &[bare::CHECK],
        &[decode_alone::DECODE],
        &ours::OURS,
        &[jwt_authorizer::JWT_AUTHORIZER],
        &axum_jwt_auth::AXUM_JWT_AUTH,
        &tower_oauth2::TOWER_OAUTH2,
        &axum_gate::AXUM_GATE,
        &[tower_jwt::TOWER_JWT],
        &[aliri::ALIRI],
        &[huskarl::HUSKARL],
    ];
    all.concat()
}

/// A middleware around the innermost service.
pub(crate) trait Subject: Send {
    /// The whole of `Service::call`, to the response and its drop.
    fn call(&mut self, request: Request<Body>) -> StatusCode;

    /// Another handle on the same middleware, as every connection of a server has one.
    fn share(&self) -> Box<dyn Subject>;
}

/// A tower service as it comes.
pub(crate) struct Layered<S>(S);

impl<S, B> Subject for Layered<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
    S: Clone + Send + 'static,
{
    fn call(&mut self, request: Request<Body>) -> StatusCode {
        now(self.0.call(request)).map_or_else(|never| match never {}, |answer| answer.status())
    }

    fn share(&self) -> Box<dyn Subject> {
        Box::new(Self(self.0.clone()))
    }
}

fn layered<S>(service: S) -> Result<Box<dyn Subject>, &'static str>
where
    Layered<S>: Subject + 'static,
{
    Ok(Box::new(Layered(service)))
}

/// The innermost service alone, of which the time is subtracted.
pub(crate) fn floor() -> Box<dyn Subject> {
    let inner: crate::inner::Inner = crate::inner::Inner::new(|_| Some(crate::setup::SUBJECT));
    Box::new(Layered(inner))
}

/// What a future answers at once: keys are there, and nothing else is waited for.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a contender waits for something; it cannot be measured so"),
    }
}
