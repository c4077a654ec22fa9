//! One request to the provider, and what is said of it when it fails.

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, IF_NONE_MATCH};
use http::{HeaderValue, Request, Response, StatusCode, Uri};

use super::config::Config;
use super::error::{RemoteKeysError, RemoteKeysErrorKind};
use crate::causes::Causes;
use crate::fetch::{FetchErrorKind, send};

/// How much a cache on the way may answer for the provider.
#[derive(Clone, Copy)]
pub(super) enum Freshness<'a> {
    /// As it sees fit (RFC 9111 §4).
    Any,
    /// Only whether the document with this validator is still the one (RFC 9110 §13.1.2).
    Changed(&'a HeaderValue),
    /// Not without asking the provider itself (RFC 9111 §5.2.1.4).
    Origin,
}

/// Asks for a JSON document.
pub(super) async fn get(
    config: &Config,
    url: &Uri,
    freshness: Freshness<'_>,
) -> Result<Response<Bytes>, RemoteKeysError> {
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = url.clone();
    let headers = request.headers_mut();
    let accept = HeaderValue::from_static("application/json, application/jwk-set+json");
    headers.insert(ACCEPT, accept);
    match freshness {
        Freshness::Any => {}
        Freshness::Changed(etag) => {
            headers.insert(IF_NONE_MATCH, etag.clone());
        }
        Freshness::Origin => {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        }
    }
    send(&*config.fetch, request, config.limits).await.map_err(|error| {
        let kind = match error.kind() {
            FetchErrorKind::NoRuntime => RemoteKeysErrorKind::NoRuntime,
            _ => RemoteKeysErrorKind::Unreachable,
        };
        let text = format!("{} cannot be fetched: {}", without_query(url), Causes(&error));
        RemoteKeysError::new(kind, text).with_source(error)
    })
}

pub(super) fn wrong_status(url: &Uri, status: StatusCode) -> RemoteKeysError {
    let text = format!("{} answered with status {status}", without_query(url));
    RemoteKeysError::new(RemoteKeysErrorKind::Status, text)
}

/// For texts: a query may hold a key to the provider's door.
pub(super) fn without_query(url: &Uri) -> String {
    let text = url.to_string();
    match text.split_once('?') {
        Some((place, _)) => place.to_owned(),
        None => text,
    }
}
