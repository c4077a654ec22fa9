//! One refresh: metadata if need be, then the key set.

use std::str;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ACCEPT, ETAG, IF_NONE_MATCH};
use http::{HeaderValue, Request, Response, StatusCode, Uri};

use super::config::{Config, Endpoint};
use super::discovery::discover;
use super::document::{max_age, same_keys};
use super::error::{RemoteKeysError, RemoteKeysErrorKind};
use crate::fetch::{FetchErrorKind, send};
use crate::key::KeySet;

/// How long the metadata are taken to hold.
const METADATA_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// What one refresh leaves for the next.
#[derive(Clone, Default)]
pub(super) struct Memory {
    /// Where the keys are, and when that was learned.
    pub(super) url: Option<(Uri, Instant)>,
    /// The last refresh failed at the key set: it may have moved.
    look_again: bool,
    etag: Option<HeaderValue>,
    /// `None` before there is a good one.
    document: Option<Bytes>,
}

/// A good answer.
pub(super) struct Update {
    /// `None` if the keys are the same as before.
    pub(super) keys: Option<KeySet>,
    pub(super) max_age: Option<Duration>,
}

/// Asks for the keys. What it learned stands in `memory` even if it failed.
pub(super) async fn refresh(
    config: &Config,
    memory: &mut Memory,
) -> Result<Update, RemoteKeysError> {
    let url = locate(config, memory).await?;
    let update = load(config, memory, &url).await;
    memory.look_again = update.is_err();
    update
}

async fn locate(config: &Config, memory: &mut Memory) -> Result<Uri, RemoteKeysError> {
    let issuer = match &config.endpoint {
        Endpoint::Jwks(url) => return Ok(url.clone()),
        Endpoint::Issuer(issuer) => issuer,
    };
    let known = match &memory.url {
        Some((url, learned)) if !memory.look_again && learned.elapsed() < METADATA_FOR => {
            return Ok(url.clone());
        }
        Some((url, _)) => Some(url.clone()),
        None => None,
    };
    match (discover(config, issuer).await, known) {
        (Ok(url), known) => {
            if known.as_ref() != Some(&url) {
                memory.etag = None;
            }
            memory.url = Some((url.clone(), Instant::now()));
            Ok(url)
        }
        (Err(error), _) if error.kind() == RemoteKeysErrorKind::WrongIssuer => Err(error),
        // the keys may still be where they were
        (Err(_), Some(known)) => Ok(known),
        (Err(error), None) => Err(error),
    }
}

async fn load(config: &Config, memory: &mut Memory, url: &Uri) -> Result<Update, RemoteKeysError> {
    let (answer, body) = get(config, url, memory.etag.as_ref()).await?.into_parts();
    let max_age = max_age(&answer.headers);
    match answer.status {
        StatusCode::OK => {}
        StatusCode::NOT_MODIFIED if memory.etag.is_some() => {
            return Ok(Update { keys: None, max_age });
        }
        status => return Err(wrong_status(url, status)),
    }
    let broken = |what: String| {
        RemoteKeysError::new(
            RemoteKeysErrorKind::Keys,
            format!("the key set at {} {what}", without_query(url)),
        )
    };
    let keys = if memory.document.as_deref().is_some_and(|before| same_keys(before, &body)) {
        None
    } else {
        let text = str::from_utf8(&body).map_err(|_| broken("is not UTF-8".to_owned()))?;
        let keys = KeySet::from_jwks_with(text, &config.jwks);
        Some(keys.map_err(|error| broken("cannot be used".to_owned()).with_source(error))?)
    };
    memory.etag = answer.headers.get(ETAG).cloned();
    memory.document = Some(body);
    Ok(Update { keys, max_age })
}

/// Asks for a JSON document.
pub(super) async fn get(
    config: &Config,
    url: &Uri,
    etag: Option<&HeaderValue>,
) -> Result<Response<Bytes>, RemoteKeysError> {
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = url.clone();
    let accept = HeaderValue::from_static("application/json, application/jwk-set+json");
    request.headers_mut().insert(ACCEPT, accept);
    if let Some(etag) = etag {
        request.headers_mut().insert(IF_NONE_MATCH, etag.clone());
    }
    send(&*config.fetch, request, config.limits).await.map_err(|error| {
        let kind = match error.kind() {
            FetchErrorKind::NoRuntime => RemoteKeysErrorKind::NoRuntime,
            _ => RemoteKeysErrorKind::Unreachable,
        };
        let text = format!("{} cannot be fetched: {error}", without_query(url));
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
