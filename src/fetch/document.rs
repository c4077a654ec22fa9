//! One JSON document from a provider, and what is said of it when it does not come.

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, IF_NONE_MATCH};
use http::{HeaderValue, Request, Response, StatusCode, Uri};

use super::error::{FetchError, FetchErrorKind};
use super::limits::FetchLimits;
use super::send::send;
use super::traits::Fetch;
use crate::causes::Causes;

/// How much a cache on the way may answer for the provider.
#[derive(Clone, Copy)]
pub(crate) enum Freshness<'a> {
    /// As it sees fit (RFC 9111 §4).
    Any,
    /// Only whether the document with this validator is still the one (RFC 9110 §13.1.2).
    Changed(&'a HeaderValue),
    /// Not without asking the provider itself (RFC 9111 §5.2.1.4).
    Origin,
}

/// How a document is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) fetch: &'a dyn Fetch,
    pub(crate) limits: FetchLimits,
    pub(crate) freshness: Freshness<'a>,
}

/// In which way a document is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    NoRuntime,
    Unreachable,
    Status,
    Malformed,
    WrongIssuer,
}

/// Why a document is not there, with all that is known of the cause; URLs without their query.
#[derive(Debug)]
pub(crate) struct DocumentError {
    pub(crate) problem: Problem,
    pub(crate) text: String,
    pub(crate) source: Option<FetchError>,
}

impl DocumentError {
    pub(super) fn new(problem: Problem, text: String) -> Self {
        Self { problem, text, source: None }
    }

    pub(crate) fn status(url: &Uri, status: StatusCode) -> Self {
        let text = format!("{} answered with status {status}", without_query(url));
        Self::new(Problem::Status, text)
    }
}

impl Asking<'_> {
    /// Asks for a document. Whatever its status, that is an answer.
    pub(crate) async fn get(&self, url: &Uri) -> Result<Response<Bytes>, DocumentError> {
        let mut request = Request::new(Bytes::new());
        *request.uri_mut() = url.clone();
        let headers = request.headers_mut();
        let accept = HeaderValue::from_static("application/json, application/jwk-set+json");
        headers.insert(ACCEPT, accept);
        match self.freshness {
            Freshness::Any => {}
            Freshness::Changed(etag) => {
                headers.insert(IF_NONE_MATCH, etag.clone());
            }
            Freshness::Origin => {
                headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            }
        }
        send(self.fetch, request, self.limits).await.map_err(|error| {
            let problem = match error.kind() {
                FetchErrorKind::NoRuntime => Problem::NoRuntime,
                _ => Problem::Unreachable,
            };
            let text = format!("{} cannot be fetched: {}", without_query(url), Causes(&error));
            DocumentError { problem, text, source: Some(error) }
        })
    }
}

/// For texts: a query may hold a key to the provider's door.
pub(crate) fn without_query(url: &Uri) -> String {
    let text = url.to_string();
    match text.split_once('?') {
        Some((place, _)) => place.to_owned(),
        None => text,
    }
}
