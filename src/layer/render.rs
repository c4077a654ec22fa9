//! From a rejection to a response: the one place where that happens.
//!
//! Guards and extractors stand inside of the layer that knows realm, responder and hook. They answer
//! with a plain rendering and mark it; the layer finds the mark on the way out and renders anew.

use http::Response;
use http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderName, RETRY_AFTER, TRAILER,
    TRANSFER_ENCODING, WWW_AUTHENTICATE,
};

use super::body::ResponseBody;
use crate::rejection::Rejection;
use crate::respond::{Auto, Challenge, EmptyBody, RequestInfo, Responder};

pub(super) struct Renderer<'a> {
    pub(super) info: RequestInfo,
    pub(super) challenge: &'a Challenge,
    pub(super) responder: &'a dyn Responder,
}

/// Marks a response that no [`AuthLayer`](super::AuthLayer) has rendered yet.
#[derive(Clone)]
struct Undecorated;

/// What a rendering may have set, or says something of a body that is gone: a later one replaces it.
const RENDERED: [HeaderName; 12] = [
    WWW_AUTHENTICATE,
    CONTENT_TYPE,
    CONTENT_LENGTH,
    RETRY_AFTER,
    CONTENT_ENCODING,
    TRANSFER_ENCODING,
    TRAILER,
    ETAG,
    HeaderName::from_static("dpop-nonce"),
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-retry-pushback-ms"),
];

impl Renderer<'_> {
    pub(super) fn render<B>(&self, rejection: Rejection) -> Response<ResponseBody<B>> {
        let rejection = if self.info.is_in_dpop() { rejection.in_dpop() } else { rejection };
        let response = self.responder.respond(&rejection, &self.info, self.challenge);
        let mut response = response.map(ResponseBody::rejection);
        response.extensions_mut().insert(rejection);
        response
    }

    /// Renders anew what came from further inside. Headers that other layers have added since stay.
    pub(super) fn redo<B, B2>(
        &self,
        response: Response<B>,
        rejection: Rejection,
    ) -> Response<ResponseBody<B2>> {
        let (mut inner, _) = response.into_parts();
        let (outer, body) = self.render(rejection).into_parts();
        for name in &RENDERED {
            inner.headers.remove(name);
        }
        inner.headers.extend(outer.headers);
        inner.extensions.extend(outer.extensions);
        inner.status = outer.status;
        Response::from_parts(inner, body)
    }
}

/// A rejection as it looks where no layer has a say.
pub(crate) fn undecorated<B>(rejection: Rejection, info: RequestInfo) -> Response<ResponseBody<B>> {
    let (challenge, responder) = (Challenge::default(), Auto::<EmptyBody>::default());
    let renderer = Renderer { info, challenge: &challenge, responder: &responder };
    let mut response = renderer.render(rejection);
    response.extensions_mut().insert(Undecorated);
    response
}

/// The rejection of a response that is still to be rendered by a layer.
pub(super) fn pending<B>(response: &mut Response<B>) -> Option<Rejection> {
    let extensions = response.extensions_mut();
    if extensions.remove::<Undecorated>().is_some() {
        return extensions.remove::<Rejection>();
    }
    #[cfg(feature = "tonic")]
    {
        use std::error::Error;
        // tonic leaves the status that a handler or an interceptor returned.
        let rejection = extensions.get::<tonic::Status>()?.source()?.downcast_ref().cloned();
        // An outer layer is not to find it once more.
        if rejection.is_some() {
            extensions.remove::<tonic::Status>();
        }
        rejection
    }
    #[cfg(not(feature = "tonic"))]
    None
}
