//! [`FileKeys`]: keys of a file that is replaced while the service runs.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use zeroize::Zeroizing;

use super::algorithm::Algorithm;
use super::error::{KeyError, KeyErrorKind};
use super::jwks::JwksOptions;
use super::set::KeySet;
use super::shared::SharedKeys;
use super::single::Key;
use super::source::{BoxFuture, KeySnapshot, KeySource, KeysUnavailable, MissingKey};
use crate::clock::{Clock, SystemClock, UnixTime};

/// A file of keys is small; this is the wrong one.
const MAX_BYTES: u64 = 1024 * 1024;

/// Keys of a JWK Set or PEM file that is read again when it changes, such as a mounted secret.
///
/// 1. The file is read when this is made, and then every
///    [`check_every`](FileKeysBuilder::check_every) by a thread of its own, never on the path of a
///    request. Reading it, instead of comparing times, sees every way in which a file is replaced:
///    written over, renamed into place, or behind a link that is switched.
/// 2. A file that is gone or broken never replaces keys: the last ones serve on, and
///    [`status`](Self::status) says what is wrong.
/// 3. The same content leaves everything as it is. Other content is a new set, with a new
///    [epoch](KeySet::epoch).
/// 4. The thread ends when the last handle is dropped. Clones are handles to the same keys.
///
/// A file with a key that is not there yet is not waited for: write new keys before tokens are
/// signed with them, by `check_every` at least.
///
/// ```no_run
/// # #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))] {
/// use tower_bearer::claims::StandardClaims;
/// use tower_bearer::key::FileKeys;
/// use tower_bearer::verify::Verifier;
///
/// let keys = FileKeys::jwks("/etc/orders/jwks.json").open()?;
/// let verifier = Verifier::<StandardClaims>::builder()
///     .keys(keys.clone())
///     .issuer("https://id.example.com")
///     .audience("orders-api")
///     .build()?;
/// # let _ = verifier;
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct FileKeys {
    keys: SharedKeys,
    state: Arc<Mutex<State>>,
    /// Nothing is ever sent: the thread ends when the last sender is gone.
    _thread: Sender<()>,
}

struct State {
    path: PathBuf,
    loaded_at: UnixTime,
    error: Option<KeyError>,
}

/// The state of a [`FileKeys`] at one moment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct FileStatus {
    /// The file.
    pub path: PathBuf,
    /// When the keys that serve were read, by the clock of the builder.
    pub loaded_at: UnixTime,
    /// The ids of the keys. Keys without an id are left out.
    pub key_ids: Vec<String>,
    /// The [epoch](KeySet::epoch) of the keys: changes when they do.
    pub epoch: u64,
    /// What is wrong with the file as it is now; `None` if the keys that serve are those in it.
    pub last_error: Option<KeyError>,
}

impl FileKeys {
    /// Keys of a JWK Set (RFC 7517 §5).
    pub fn jwks(path: impl Into<PathBuf>) -> FileKeysBuilder {
        FileKeysBuilder::new(path.into(), Format::Jwks(JwksOptions::new()))
    }

    /// Keys of a JWK Set, read with these options.
    pub fn jwks_with(path: impl Into<PathBuf>, options: JwksOptions) -> FileKeysBuilder {
        FileKeysBuilder::new(path.into(), Format::Jwks(options))
    }

    /// One public key as PEM, as [`Key::from_pem`] takes it. It has no id, so it is tried for every
    /// token of its algorithm.
    pub fn pem(algorithm: Algorithm, path: impl Into<PathBuf>) -> FileKeysBuilder {
        FileKeysBuilder::new(path.into(), Format::Pem(algorithm))
    }

    /// The keys as they are now.
    #[must_use]
    pub fn current(&self) -> KeySnapshot {
        self.keys.current()
    }

    /// The state, for metrics and health endpoints.
    #[must_use]
    pub fn status(&self) -> FileStatus {
        let keys = self.keys.current();
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        FileStatus {
            path: state.path.clone(),
            loaded_at: state.loaded_at,
            key_ids: keys.iter().filter_map(|key| key.id().map(Into::into)).collect(),
            epoch: keys.epoch(),
            last_error: state.error.clone(),
        }
    }
}

impl KeySource for FileKeys {
    fn current(&self) -> Result<KeySnapshot, KeysUnavailable> {
        Ok(self.keys.current())
    }

    fn refresh(
        &self,
        _: &MissingKey<'_>,
    ) -> Option<BoxFuture<'static, Result<(), KeysUnavailable>>> {
        None
    }
}

impl fmt::Debug for FileKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileKeys").field(&self.status()).finish()
    }
}

#[derive(Debug, Clone)]
enum Format {
    Jwks(JwksOptions),
    Pem(Algorithm),
}

impl Format {
    fn read(&self, content: &[u8]) -> Result<KeySet, KeyError> {
        match self {
            Self::Jwks(options) => {
                let text = std::str::from_utf8(content);
                let text = text.map_err(|_| KeyError::malformed("not UTF-8, so not a JWK Set"))?;
                KeySet::from_jwks_with(text, options)
            }
            Self::Pem(algorithm) => Key::from_pem(*algorithm, content).map(KeySet::from),
        }
    }
}

/// Builds [`FileKeys`].
#[must_use = "no file is read until `open`"]
pub struct FileKeysBuilder {
    path: PathBuf,
    format: Format,
    every: Duration,
    clock: Arc<dyn Clock>,
}

impl FileKeysBuilder {
    fn new(path: PathBuf, format: Format) -> Self {
        Self { path, format, every: Duration::from_secs(10), clock: Arc::new(SystemClock) }
    }

    /// How often the file is looked at. Default: 10 seconds; a millisecond at least.
    pub fn check_every(mut self, interval: Duration) -> Self {
        self.every = interval.max(Duration::from_millis(1));
        self
    }

    /// The clock for [`FileStatus::loaded_at`]. Default: the system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Reads the file, and starts the thread that reads it again.
    ///
    /// # Errors
    /// [`Unreadable`](KeyErrorKind::Unreadable) if the file cannot be read or is longer than 1 MiB,
    /// the errors of [`KeySet::from_jwks`] or [`Key::from_pem`] for what is in it, and
    /// [`Failed`](KeyErrorKind::Failed) if there can be no thread.
    pub fn open(self) -> Result<FileKeys, KeyError> {
        let content = read(&self.path)?;
        let keys = self.format.read(&content).map_err(|error| at(&self.path, &error))?;
        let keys = SharedKeys::new(keys);
        let loaded_at = self.clock.now();
        let state = State { path: self.path.clone(), loaded_at, error: None };
        let state = Arc::new(Mutex::new(state));
        let (sender, stop) = channel();
        let watched = (keys.clone(), Arc::clone(&state));
        thread::Builder::new()
            .name("tower-bearer-keys".to_owned())
            .spawn(move || self.watch(&stop, content, &watched.0, &watched.1))
            .map_err(|error| {
                let text = "there can be no thread to watch the key file";
                KeyError::new(KeyErrorKind::Failed, text).with_source(error)
            })?;
        Ok(FileKeys { keys, state, _thread: sender })
    }

    fn watch(
        self,
        stop: &Receiver<()>,
        mut content: Zeroizing<Vec<u8>>,
        keys: &SharedKeys,
        state: &Mutex<State>,
    ) {
        while stop.recv_timeout(self.every) == Err(RecvTimeoutError::Timeout) {
            let next = read(&self.path).and_then(|next| {
                if next != content {
                    let set = self.format.read(&next).map_err(|error| at(&self.path, &error))?;
                    log_replaced(&self.path, &set);
                    keys.replace(set);
                    content = next;
                    return Ok(true);
                }
                Ok(false)
            });
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            match next {
                Ok(replaced) => {
                    state.error = None;
                    if replaced {
                        state.loaded_at = self.clock.now();
                    }
                }
                Err(error) => {
                    // said once, not every few seconds
                    let news =
                        state.error.as_ref().is_none_or(|before| before.kind() != error.kind());
                    state.error = Some(error.clone());
                    drop(state);
                    if news {
                        log_failed(&error);
                    }
                }
            }
        }
    }
}

impl fmt::Debug for FileKeysBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileKeysBuilder").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A set with `allow_symmetric` holds secrets, so what was read is wiped.
fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let unreadable = |text: &str| {
        KeyError::new(KeyErrorKind::Unreadable, format!("the key file {} {text}", path.display()))
    };
    let mut content = Zeroizing::new(Vec::new());
    let file = File::open(path).map_err(|error| unreadable("cannot be read").with_source(error))?;
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut content)
        .map_err(|error| unreadable("cannot be read").with_source(error))?;
    if content.len() as u64 > MAX_BYTES {
        return Err(unreadable("is longer than 1 MiB"));
    }
    Ok(content)
}

fn at(path: &Path, error: &KeyError) -> KeyError {
    KeyError::new(error.kind(), format!("key file {}: {error}", path.display()))
}

#[cfg(feature = "tracing")]
fn log_replaced(path: &Path, keys: &KeySet) {
    let skipped = keys.skipped().len();
    tracing::info!(path = %path.display(), keys = keys.len(), skipped, "new keys");
}

#[cfg(feature = "tracing")]
fn log_failed(error: &KeyError) {
    tracing::warn!(%error, "the key file cannot be used; the last keys still serve");
}

#[cfg(not(feature = "tracing"))]
fn log_replaced(_: &Path, _: &KeySet) {}

#[cfg(not(feature = "tracing"))]
fn log_failed(_: &KeyError) {}
