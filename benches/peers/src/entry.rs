//! A contender, ready to be called, and what it is called with.

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};

use crate::contenders::{Contender, Subject, floor};
use crate::provider;
use crate::setup::{Setup, Token};

/// A contender with its middleware built.
pub(crate) struct Entry {
    pub(crate) contender: Contender,
    pub(crate) subject: Box<dyn Subject>,
    /// The good token's header.
    pub(crate) authorization: Bytes,
}

impl Entry {
    pub(crate) fn call(&mut self, request: Request<Body>) -> StatusCode {
        provider::choose(self.contender.provider);
        self.subject.call(request)
    }

    /// The header with this token in the form that this contender wants.
    pub(crate) fn header(&self, setup: &Setup, token: Token) -> Bytes {
        shared(&format!("Bearer {}", setup.token(token, &(self.contender.claims)())))
    }

    /// The innermost service alone, called with this good token.
    pub(crate) fn floor(authorization: Bytes) -> Self {
        let contender = Contender { name: "no layer", ..crate::contenders::CHECK };
        Self { contender, subject: floor(), authorization }
    }
}

/// The request of a client with this `Authorization` header.
pub(crate) fn request(authorization: Option<&Bytes>) -> Request<Body> {
    let mut request = Request::get("/orders");
    if let Some(authorization) = authorization {
        let value = HeaderValue::from_maybe_shared(authorization.clone()).expect("a header value");
        request = request.header(header::AUTHORIZATION, value);
    }
    request.body(Body::empty()).expect("a request")
}

/// A header that is part of a shared buffer, as a server's are.
pub(crate) fn shared(authorization: &str) -> Bytes {
    let bytes = Bytes::from(authorization.to_owned());
    std::mem::forget(bytes.clone()); // from now on clones only count
    bytes
}
