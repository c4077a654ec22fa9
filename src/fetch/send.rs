//! Every request of this crate goes through [`send`], which trusts no [`Fetch`] to keep the limits.

use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::{Request, Response};
use tokio::runtime::Handle;

use super::deadline::within;
use super::error::{FetchError, FetchErrorKind};
use super::limits::FetchLimits;
use super::traits::Fetch;

/// Sends a request within the limits.
///
/// # Errors
/// As [`Fetch::fetch`] says, and the limits' own where it does not keep them; `NoRuntime` outside
/// of a tokio runtime.
pub(crate) async fn send(
    fetch: &dyn Fetch,
    request: Request<Bytes>,
    limits: FetchLimits,
) -> Result<Response<Bytes>, FetchError> {
    Handle::try_current().map_err(|_| FetchErrorKind::NoRuntime)?;
    let response = within(limits.timeout, fetch.fetch(request, limits)).await;
    let response = response.ok_or(FetchErrorKind::Timeout)??;
    if response.body().len() > limits.max_body {
        return Err(FetchErrorKind::TooLarge.into());
    }
    let encoding = response.headers().get(CONTENT_ENCODING);
    if encoding.is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(FetchError::new(FetchErrorKind::Transport)
            .with_source("the response is compressed, which was not asked for"));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use super::*;
    use crate::step::BoxFuture;

    type Answer = Result<Response<Bytes>, FetchError>;

    struct Sloppy<F>(F);

    impl<F: Fn() -> BoxFuture<'static, Answer> + Send + Sync + 'static> Fetch for Sloppy<F> {
        fn fetch(&self, _: Request<Bytes>, _: FetchLimits) -> BoxFuture<'static, Answer> {
            (self.0)()
        }
    }

    async fn kind(
        answer: impl Fn() -> BoxFuture<'static, Answer> + Send + Sync + 'static,
    ) -> FetchErrorKind {
        let limits = FetchLimits::new().max_body(10).timeout(Duration::from_millis(20));
        send(&Sloppy(answer), Request::default(), limits).await.unwrap_err().kind()
    }

    #[tokio::test]
    async fn a_sloppy_fetch_is_held_to_the_limits() {
        assert_eq!(kind(|| Box::pin(pending())).await, FetchErrorKind::Timeout);
        let long = || Response::new(Bytes::from_static(b"eleven bytes"));
        assert_eq!(
            kind(move || Box::pin(async move { Ok(long()) })).await,
            FetchErrorKind::TooLarge
        );
        let packed = || Response::builder().header(CONTENT_ENCODING, "gzip").body(Bytes::new());
        let packed = kind(move || Box::pin(async move { Ok(packed().unwrap()) }));
        assert_eq!(packed.await, FetchErrorKind::Transport);
    }

    #[test]
    fn no_runtime_is_an_error_and_no_panic() {
        let fetch = Sloppy(|| -> BoxFuture<'static, Answer> { Box::pin(pending()) });
        let mut answer = Box::pin(send(&fetch, Request::default(), FetchLimits::new()));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let std::task::Poll::Ready(Err(error)) = answer.as_mut().poll(&mut context) else {
            panic!("not ready with an error");
        };
        assert_eq!(error.kind(), FetchErrorKind::NoRuntime);
    }
}
