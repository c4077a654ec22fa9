//! [`SigningKeys`]: the key in use, the one to come and those that go.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::HeaderValue;
use serde_json::json;

use crate::issuer::error::{IssueError, IssueErrorKind};
use crate::key::crypto::{base64url, sha256_of};
use crate::key::{Algorithm, KeySet, Secret, SharedKeys, SigningKey};

/// The keys of an issuer, replaced while tokens are signed and verified. A clone is a handle on the
/// same keys.
///
/// | key | signs | verifies, is published |
/// |---|---|---|
/// | next | | yes: announced early, so that every verifier has it when it begins to sign |
/// | current | yes | yes |
/// | retiring | | yes: its tokens are still about |
///
/// A rotation without a single 401, each step a call:
///
/// 1. [`announce`](Self::announce) the next key.
/// 2. Wait until verifiers have fetched it: their cache time, at least the `max-age` of
///    [`JwksService`](super::JwksService).
/// 3. [`rotate`](Self::rotate): the next key signs, the old one retires.
/// 4. Wait until the last of its tokens has expired: their lifetime and the verifiers' leeway.
/// 5. [`forget_retiring`](Self::forget_retiring).
///
/// If a key was stolen, do not wait: announce, rotate, forget.
#[derive(Clone)]
pub struct SigningKeys(Arc<Inner>);

struct Inner {
    state: ArcSwap<State>,
    shared: SharedKeys,
    changing: Mutex<()>,
}

#[derive(Clone)]
struct State {
    current: SigningKey,
    next: Option<SigningKey>,
    retiring: Vec<SigningKey>,
    jwks: Bytes,
    etag: HeaderValue,
}

impl State {
    fn all(&self) -> impl Iterator<Item = &SigningKey> {
        std::iter::once(&self.current).chain(&self.next).chain(&self.retiring)
    }

    /// Checks the keys and makes what is derived from them.
    fn prepared(mut self) -> Result<(Arc<Self>, KeySet), IssueError> {
        let mut keys = Vec::new();
        let mut published = Vec::new();
        for key in self.all() {
            if self.all().filter(|other| other.id() == key.id()).count() > 1 {
                let text = format!("two keys have the id {:?}; it must tell them apart", key.id());
                return Err(IssueError::new(IssueErrorKind::KeyState, text));
            }
            keys.push(key.verification_key()?);
            // Shared secrets are not published.
            if !key.algorithm().is_symmetric() {
                published.push(key.public_jwk()?);
            }
        }
        let jwks = json!({ "keys": published }).to_string();
        let tag = base64url(sha256_of(jwks.as_bytes())?.split_at(16).0);
        self.etag = HeaderValue::try_from(format!("\"{tag}\"")).map_err(|error| {
            IssueError::new(IssueErrorKind::KeyState, "no ETag can be made").with_source(error)
        })?;
        self.jwks = jwks.into();
        Ok((Arc::new(self), KeySet::new(keys)))
    }
}

impl SigningKeys {
    /// Signs with this key.
    ///
    /// # Errors
    /// If the crypto backend refuses it.
    pub fn new(current: SigningKey) -> Result<Self, IssueError> {
        Self::with(current, None, [])
    }

    /// Starts with a key that signs, perhaps one to come, and those that go: what a process has to
    /// load that starts in the middle of a rotation.
    ///
    /// # Errors
    /// If two keys have the same id, or the crypto backend refuses one.
    pub fn with(
        current: SigningKey,
        next: Option<SigningKey>,
        retiring: impl IntoIterator<Item = SigningKey>,
    ) -> Result<Self, IssueError> {
        let etag = HeaderValue::from_static("\"\"");
        let retiring = retiring.into_iter().collect();
        let (state, keys) =
            State { current, next, retiring, jwks: Bytes::new(), etag }.prepared()?;
        Ok(Self(Arc::new(Inner {
            state: ArcSwap::new(state),
            shared: SharedKeys::new(keys),
            changing: Mutex::new(()),
        })))
    }

    /// Signs with a new random key, see [`SigningKey::generate`].
    ///
    /// # Errors
    /// If the crypto backend is missing or fails.
    pub fn generate(algorithm: Algorithm) -> Result<Self, IssueError> {
        Self::new(SigningKey::generate(algorithm)?)
    }

    /// Signs with this key, see [`SigningKey::from_pem`].
    ///
    /// # Errors
    /// As for [`SigningKey::from_pem`].
    pub fn from_pem(algorithm: Algorithm, pem: impl AsRef<[u8]>) -> Result<Self, IssueError> {
        Self::new(SigningKey::from_pem(algorithm, pem)?)
    }

    /// Signs with a shared secret and HS256: for a single service that verifies its own tokens.
    ///
    /// # Errors
    /// As for [`Key::hmac`](crate::key::Key::hmac).
    pub fn hs256(secret: &Secret) -> Result<Self, IssueError> {
        Self::new(SigningKey::hmac(Algorithm::HS256, secret)?)
    }

    /// Makes this the next key: it is published and verifies, and does not sign yet. It replaces
    /// one that was announced before.
    ///
    /// # Errors
    /// If a key has this id already, or the crypto backend refuses it. Nothing changes then.
    pub fn announce(&self, next: SigningKey) -> Result<(), IssueError> {
        self.change(|state| {
            state.next = Some(next);
            Ok(())
        })
    }

    /// The next key signs from now on; the one that signed until now retires.
    ///
    /// # Errors
    /// [`IssueErrorKind::KeyState`] if no key was announced.
    pub fn rotate(&self) -> Result<(), IssueError> {
        self.change(|state| {
            let next = state.next.take().ok_or_else(|| {
                let text = "there is no next key; announce one, and let verifiers fetch it";
                IssueError::new(IssueErrorKind::KeyState, text)
            })?;
            state.retiring.push(std::mem::replace(&mut state.current, next));
            Ok(())
        })
    }

    /// Forgets the retiring keys: what they signed is rejected from now on.
    ///
    /// # Errors
    /// If the crypto backend fails.
    pub fn forget_retiring(&self) -> Result<(), IssueError> {
        self.change(|state| {
            state.retiring.clear();
            Ok(())
        })
    }

    /// The key that signs.
    #[must_use]
    pub fn current(&self) -> SigningKey {
        self.0.state.load().current.clone()
    }

    /// The ids of all keys: the current one first, then the next, then the retiring ones.
    #[must_use]
    pub fn ids(&self) -> Vec<String> {
        self.0.state.load().all().map(|key| key.id().to_owned()).collect()
    }

    /// The public keys as a JWK Set
    /// ([RFC 7517 §5](https://www.rfc-editor.org/rfc/rfc7517#section-5)). Shared secrets are never
    /// in it.
    #[must_use]
    pub fn jwks(&self) -> Bytes {
        self.0.state.load().jwks.clone()
    }

    /// A handle on the keys that verify, for a verifier in the same process: it follows every
    /// change at once.
    #[must_use]
    pub fn verification_keys(&self) -> SharedKeys {
        self.0.shared.clone()
    }

    pub(super) fn published(&self) -> (Bytes, HeaderValue) {
        let state = self.0.state.load();
        (state.jwks.clone(), state.etag.clone())
    }

    fn change(
        &self,
        change: impl FnOnce(&mut State) -> Result<(), IssueError>,
    ) -> Result<(), IssueError> {
        let _guard = self.0.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = State::clone(&self.0.state.load());
        change(&mut state)?;
        let (state, keys) = state.prepared()?;
        // verifiers first: nothing is signed with a key that they do not have
        self.0.shared.replace(keys);
        self.0.state.store(state);
        Ok(())
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.state.load();
        f.debug_struct("SigningKeys")
            .field("current", &state.current)
            .field("next", &state.next)
            .field("retiring", &state.retiring)
            .finish()
    }
}
