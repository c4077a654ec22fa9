//! One refresh: metadata if need be, then the key set.

use std::sync::Arc;
use std::time::Duration;

use http::header::ETAG;
use http::{HeaderValue, StatusCode, Uri};

use super::config::{Config, Endpoint};
use super::document::{Document, max_age};
use super::error::{RemoteKeysError, RemoteKeysErrorKind};
use crate::causes::Causes;
use crate::clock::{Clock, UnixTime};
use crate::fetch::{Asking, DocumentError, Freshness, discover, without_query};
use crate::key::KeySet;

/// How long the metadata are taken to hold.
const METADATA_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// What one refresh leaves for the next.
#[derive(Clone, Default)]
pub(super) struct Memory {
    /// Where the keys are, and when that was learned.
    pub(super) url: Option<(Uri, UnixTime)>,
    /// The last refresh failed at the key set: it may have moved.
    look_again: bool,
    etag: Option<HeaderValue>,
    /// `None` before there is a good one.
    pub(super) document: Option<Arc<Document>>,
}

/// A good answer.
pub(super) struct Update {
    /// `None` if the keys are the same as before.
    pub(super) keys: Option<KeySet>,
    /// Whether they came, rather than word that they are the same.
    pub(super) sent: bool,
    pub(super) max_age: Option<Duration>,
}

/// Asks for the keys. What it learned stands in `memory` even if it failed.
pub(super) async fn refresh(
    config: &Config,
    memory: &mut Memory,
    unconditional: bool,
) -> Result<Update, RemoteKeysError> {
    let url = locate(config, memory, unconditional).await?;
    let update = load(config, memory, &url, unconditional).await;
    memory.look_again = update.is_err();
    update
}

async fn locate(
    config: &Config,
    memory: &mut Memory,
    unconditional: bool,
) -> Result<Uri, RemoteKeysError> {
    let issuer = match &config.endpoint {
        Endpoint::Jwks(url) => return Ok(url.clone()),
        Endpoint::Issuer(issuer) => issuer,
    };
    let now = config.clock.now();
    let holds = |learned: UnixTime| {
        learned <= now && now.saturating_since(learned) < METADATA_FOR && !memory.look_again
    };
    let known = match &memory.url {
        Some((url, learned)) if holds(*learned) => return Ok(url.clone()),
        Some((url, _)) => Some(url.clone()),
        None => None,
    };
    let freshness = if unconditional { Freshness::Origin } else { Freshness::Any };
    let found = discover(asking(config, freshness), issuer, config.allow_http).await;
    match (found.and_then(|found| found.jwks_uri()).map_err(RemoteKeysError::from), known) {
        (Ok(url), known) => {
            if known.as_ref() != Some(&url) {
                memory.etag = None;
            }
            memory.url = Some((url.clone(), now));
            Ok(url)
        }
        (Err(error), _) if error.kind() == RemoteKeysErrorKind::WrongIssuer => Err(error),
        // The keys may still be where they were.
        (Err(_), Some(known)) => Ok(known),
        (Err(error), None) => Err(error),
    }
}

fn asking<'a>(config: &'a Config, freshness: Freshness<'a>) -> Asking<'a> {
    Asking { fetch: &*config.fetch, limits: config.limits, freshness }
}

async fn load(
    config: &Config,
    memory: &mut Memory,
    url: &Uri,
    unconditional: bool,
) -> Result<Update, RemoteKeysError> {
    let freshness = match &memory.etag {
        _ if unconditional => Freshness::Origin,
        Some(etag) => Freshness::Changed(etag),
        None => Freshness::Any,
    };
    let validated = matches!(freshness, Freshness::Changed(_));
    let (answer, body) = asking(config, freshness).get(url).await?.into_parts();
    let document = Document::new(body, config.jwks.takes_symmetric());
    let max_age = max_age(&answer.headers);
    match answer.status {
        StatusCode::OK => {}
        StatusCode::NOT_MODIFIED if validated => {
            return Ok(Update { keys: None, sent: false, max_age });
        }
        status => return Err(DocumentError::status(url, status).into()),
    }
    let broken = |what: String| {
        let text = format!("the key set at {} {what}", without_query(url));
        RemoteKeysError::new(RemoteKeysErrorKind::Keys, text)
    };
    let before = memory.document.as_deref();
    let keys = if before.is_some_and(|before| before.is(&document)) {
        None
    } else {
        let text = document.text().ok_or_else(|| broken("is not UTF-8".to_owned()))?;
        let keys = KeySet::from_jwks_with(text, &config.jwks).map_err(|error| {
            broken(format!("cannot be used: {}", Causes(&error))).with_source(error)
        })?;
        // Only what could be read as a key set is compared closely.
        (!before.is_some_and(|before| before.has_keys_of(&document))).then_some(keys)
    };
    memory.etag = answer.headers.get(ETAG).cloned();
    memory.document = Some(Arc::new(document));
    Ok(Update { keys, sent: true, max_age })
}
