//! [`SeedKeys`]: keys that a process hands to the next one.

use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::config::Endpoint;
use super::document::Document;
use super::error::{RemoteKeysError, RemoteKeysErrorKind};
use crate::clock::UnixTime;
use crate::fetch::without_query;
use crate::key::{JwksOptions, KeySet};

/// The public keys of a provider, and when it last confirmed them: what
/// [`RemoteKeys::export`](super::RemoteKeys::export) yields and
/// [`RemoteKeysBuilder::seed`](super::RemoteKeysBuilder::seed) takes, so that a service that is
/// restarted while its provider is away serves at once.
///
/// As JSON it is a JWK Set with two members more, `confirmed_at` and `source`. Nothing in it is
/// secret, but whoever can write the file can add keys of their own and sign whatever they like: keep
/// it as safe as the program itself.
#[derive(Clone)]
pub struct SeedKeys {
    jwks: String,
    confirmed_at: UnixTime,
    /// The issuer or URL that the keys are of, where that is known.
    source: Option<String>,
}

#[derive(Deserialize)]
struct Members {
    confirmed_at: u64,
    source: Option<String>,
}

impl SeedKeys {
    /// A JWK Set ([RFC 7517 §5](https://www.rfc-editor.org/rfc/rfc7517#section-5)), and when the
    /// provider was known to publish it.
    #[must_use]
    pub fn new(jwks: impl Into<String>, confirmed_at: UnixTime) -> Self {
        Self { jwks: jwks.into(), confirmed_at, source: None }
    }

    /// Reads what [`to_json`](Self::to_json) has written.
    ///
    /// # Errors
    /// [`Keys`](RemoteKeysErrorKind::Keys) if it is something else.
    pub fn from_json(json: &str) -> Result<Self, RemoteKeysError> {
        let members: Members = serde_json::from_str(json).map_err(|_| {
            let text = "not keys that were exported: a JSON object with `keys`, and `confirmed_at` \
                        in whole seconds";
            RemoteKeysError::new(RemoteKeysErrorKind::Keys, text)
        })?;
        Ok(Self {
            jwks: json.to_owned(),
            confirmed_at: UnixTime::from_secs(members.confirmed_at),
            source: members.source,
        })
    }

    /// As a JSON object, which is a JWK Set, too.
    #[must_use]
    pub fn to_json(&self) -> String {
        let set: Value = serde_json::from_str(&self.jwks).unwrap_or_default();
        json!({
            "keys": set.get("keys"),
            "confirmed_at": self.confirmed_at.as_secs(),
            "source": self.source,
        })
        .to_string()
    }

    /// When the provider last confirmed the keys.
    #[must_use]
    pub fn confirmed_at(&self) -> UnixTime {
        self.confirmed_at
    }

    pub(super) fn exported(
        document: &Document,
        confirmed_at: UnixTime,
        endpoint: &Endpoint,
    ) -> Option<Self> {
        let jwks = document.public()?.to_string();
        Some(Self { jwks, confirmed_at, source: Some(source(endpoint)) })
    }
}

/// A seed that fits.
pub(super) struct Seed {
    pub(super) keys: KeySet,
    pub(super) document: Document,
    pub(super) confirmed_at: UnixTime,
}

impl Seed {
    pub(super) fn new(
        seed: SeedKeys,
        endpoint: &Endpoint,
        options: &JwksOptions,
    ) -> Result<Self, RemoteKeysError> {
        let expected = source(endpoint);
        if let Some(other) = seed.source.filter(|source| *source != expected) {
            return Err(RemoteKeysError::configuration(format!(
                "the seed has the keys of {other:?}, and not of {expected:?}"
            )));
        }
        let keys = KeySet::from_jwks_with(&seed.jwks, options).map_err(|error| {
            let text = format!("the seed cannot be used: {error}");
            RemoteKeysError::new(RemoteKeysErrorKind::Keys, text).with_source(error)
        })?;
        let document = Document::new(Bytes::from(seed.jwks), options.takes_symmetric());
        Ok(Self { keys, document, confirmed_at: seed.confirmed_at })
    }
}

fn source(endpoint: &Endpoint) -> String {
    match endpoint {
        Endpoint::Issuer(issuer) => issuer.to_string(),
        Endpoint::Jwks(url) => without_query(url),
    }
}

impl fmt::Debug for SeedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeedKeys")
            .field("confirmed_at", &self.confirmed_at)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}
