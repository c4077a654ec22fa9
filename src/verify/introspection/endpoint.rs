//! [`Endpoint`]: one question to the introspection endpoint, and its answer as JSON text.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use zeroize::Zeroizing;

use super::client_auth::ClientAuth;
use super::form;
use super::place::Place;
use super::response::unavailable;
use crate::clock::UnixTime;
use crate::credentials::BearerToken;
use crate::fetch::{Fetch, FetchLimits, send};
use crate::rejection::{Rejection, RejectionKind};

/// The longest response, in bytes, that is read.
const MAX_BODY: usize = 64 * 1024;
/// What `Retry-After` says where the endpoint does not.
const RETRY: Duration = Duration::from_secs(5);
/// The longest `Retry-After` that is believed.
const LONGEST_RETRY: Duration = Duration::from_secs(300);

pub(super) struct Endpoint {
    pub(super) place: Place,
    pub(super) client: ClientAuth,
    pub(super) fetch: Arc<dyn Fetch>,
    pub(super) timeout: Duration,
}

impl Endpoint {
    /// Asks about a token. Says nothing yet about what was answered, only that something was.
    ///
    /// # Errors
    /// A rejection that says nothing of the token, with a time to try again.
    pub(super) async fn ask(
        &self,
        token: &BearerToken,
        now: UnixTime,
    ) -> Result<String, Rejection> {
        let uri = self.place.find(&*self.fetch, self.timeout, now).await?;
        let request = self.request(uri, token, now)?;
        let limits = FetchLimits::new().max_body(MAX_BODY).timeout(self.timeout);
        let response = send(&*self.fetch, request, limits).await.map_err(|error| {
            retry(unavailable("the introspection endpoint gives no response that can be read"))
                .with_source(error)
        })?;
        read(response)
    }

    /// RFC 7662 §2.1.
    fn request(
        &self,
        uri: Uri,
        token: &BearerToken,
        now: UnixTime,
    ) -> Result<Request<Bytes>, Rejection> {
        let room = 64 + 3 * token.as_bytes().len() + self.client.form_len();
        let mut form = Zeroizing::new(String::with_capacity(room));
        form::append(&mut form, "token", token.as_bytes());
        form::append(&mut form, "token_type_hint", b"access_token");
        let mut headers = HeaderMap::with_capacity(3);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let content_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, content_type);
        self.client.apply(now, &mut headers, &mut form).map_err(|error| {
            unavailable("this service cannot sign its own assertion").with_source(error)
        })?;
        let mut request = Request::new(Bytes::copy_from_slice(form.as_bytes()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }
}

fn read(response: Response<Bytes>) -> Result<String, Rejection> {
    let reason = match response.status() {
        StatusCode::OK => match str::from_utf8(response.body()) {
            Ok(json) => return Ok(json.to_owned()),
            Err(_) => "the introspection response is not UTF-8",
        },
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "the introspection endpoint refuses this service's own credentials"
        }
        StatusCode::TOO_MANY_REQUESTS => "the introspection endpoint limits how often it is asked",
        status if status.is_redirection() => {
            "the introspection endpoint redirects, and redirects are not followed"
        }
        status if status.is_server_error() => {
            "the introspection endpoint reports an error of its own"
        }
        _ => "the introspection endpoint answers with a status other than 200",
    };
    Err(unavailable(reason).with_retry_after(retry_after(response.headers())))
}

/// Whole seconds (RFC 9110 §10.2.3); a date is not read.
fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    seconds.map_or(RETRY, |seconds| Duration::from_secs(seconds).min(LONGEST_RETRY))
}

/// Adds when to try again, to what says nothing of the token and not of that.
pub(super) fn retry(rejection: Rejection) -> Rejection {
    match rejection.kind() {
        RejectionKind::IntrospectionUnavailable if rejection.retry_after().is_none() => {
            rejection.with_retry_after(RETRY)
        }
        _ => rejection,
    }
}
