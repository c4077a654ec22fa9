//! [`BytesBody`]: a response body of known bytes; JSON that nobody may store.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
#[cfg(feature = "issuer")]
use http::header::{CACHE_CONTROL, CONTENT_TYPE, PRAGMA};
#[cfg(feature = "issuer")]
use http::{HeaderValue, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};

/// The body of the responses that are made here. `Debug` shows the length only.
#[derive(Clone, Default)]
pub struct BytesBody(Option<Bytes>);

#[cfg_attr(not(feature = "issuer"), allow(dead_code, reason = "endpoints make them"))]
impl BytesBody {
    pub(crate) fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self((!bytes.is_empty()).then_some(bytes))
    }

    fn len(&self) -> usize {
        self.0.as_ref().map_or(0, Bytes::len)
    }
}

impl Body for BytesBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.len() as u64)
    }
}

/// An answer in JSON that no cache may store (RFC 6749 §5.1).
#[cfg(feature = "issuer")]
pub(crate) fn json_response(status: StatusCode, body: impl Into<Bytes>) -> Response<BytesBody> {
    let mut response = Response::new(BytesBody::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

impl fmt::Debug for BytesBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BytesBody").field("len", &self.len()).finish()
    }
}
