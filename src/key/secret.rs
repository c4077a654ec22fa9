//! [`Secret`]: bytes that are wiped when dropped and never shown.

use std::env;
use std::fmt;
use std::fs;
use std::path::Path;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::{Zeroize, Zeroizing};

use super::crypto::random;
use super::error::{KeyError, KeyErrorKind};

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// A shared secret. `Debug` prints `[redacted]`; the bytes are wiped when it is dropped.
///
/// Whether it makes a good key is checked where it becomes one ([`Key::hs256`](super::Key::hs256)).
/// A good secret is random, not a word: `openssl rand -base64 48` makes one for
/// [`Secret::from_base64`].
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// A secret of exactly these bytes; of a string, its UTF-8 bytes.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// A secret of 32 random bytes, for what lives no longer than this process: tests, and services
    /// that verify what they themselves have signed.
    ///
    /// # Errors
    /// [`KeyErrorKind::NoBackend`] without a crypto backend, and
    /// [`KeyErrorKind::Unreadable`] if the system has no randomness to give.
    pub fn random() -> Result<Self, KeyError> {
        Ok(Self(Zeroizing::new(random::<32>()?.to_vec())))
    }

    /// Decodes base64 in the standard or the URL-safe alphabet
    /// ([RFC 4648 §4, §5](https://www.rfc-editor.org/rfc/rfc4648#section-4)), padded or not.
    ///
    /// # Errors
    /// [`KeyErrorKind::Malformed`] if it is not base64, mixes the alphabets, or holds whitespace.
    pub fn from_base64(text: impl AsRef<[u8]>) -> Result<Self, KeyError> {
        decode_base64(text.as_ref()).map(Self).ok_or_else(|| {
            KeyError::malformed(
                "the secret is not base64 (standard or URL-safe alphabet, no whitespace); \
                 make one with: openssl rand -base64 48",
            )
        })
    }

    /// The UTF-8 bytes of an environment variable, unchanged.
    ///
    /// The environment keeps its own copy of the value.
    ///
    /// # Errors
    /// [`KeyErrorKind::Unreadable`] if the variable is not set or not UTF-8.
    pub fn from_env(name: &str) -> Result<Self, KeyError> {
        match env::var(name) {
            Ok(value) => Ok(Self::new(value)),
            Err(env::VarError::NotPresent) => Err(KeyError::new(
                KeyErrorKind::Unreadable,
                format!(
                    "the environment variable {name} is not set; \
                     make a secret for it with: openssl rand -base64 48"
                ),
            )),
            // the error's own text would show the value
            Err(env::VarError::NotUnicode(value)) => {
                value.into_encoded_bytes().zeroize();
                Err(KeyError::new(
                    KeyErrorKind::Unreadable,
                    format!("the environment variable {name} is not UTF-8; store it as base64"),
                ))
            }
        }
    }

    /// Decodes an environment variable as [`Secret::from_base64`] does; ASCII whitespace at its
    /// ends is ignored.
    ///
    /// # Errors
    /// [`KeyErrorKind::Unreadable`] if the variable is not set or not UTF-8,
    /// [`KeyErrorKind::Malformed`] if its value is not base64.
    pub fn from_env_base64(name: &str) -> Result<Self, KeyError> {
        let text = Self::from_env(name)?;
        Self::from_base64(text.expose().trim_ascii()).map_err(|error| {
            KeyError::new(error.kind(), format!("environment variable {name}: {error}"))
        })
    }

    /// The bytes of a file, less exactly one newline (LF or CRLF) at the end, as secrets mounted
    /// by an orchestrator or written by an editor have it.
    ///
    /// # Errors
    /// [`KeyErrorKind::Unreadable`] if the file cannot be read.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new(read_file(path.as_ref())?);
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        Ok(Self(bytes))
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Standard or URL-safe alphabet, padded or not, no whitespace.
pub(super) fn decode_base64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let engine =
        if text.iter().any(|byte| matches!(byte, b'-' | b'_')) { &URL_SAFE } else { &STANDARD };
    // the room is made beforehand, so that no half-filled buffer is left behind in memory
    let mut bytes = Zeroizing::new(Vec::with_capacity(base64::decoded_len_estimate(text.len())));
    engine.decode_vec(text, &mut bytes).ok()?;
    Some(bytes)
}

pub(super) fn read_file(path: &Path) -> Result<Vec<u8>, KeyError> {
    fs::read(path).map_err(|error| {
        KeyError::new(
            KeyErrorKind::Unreadable,
            format!("the key file {} cannot be read", path.display()),
        )
        .with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_is_redacted() {
        let secret = Secret::new("correct horse battery staple");
        assert_eq!(
            format!("{secret:?} {:#?}", Some(&secret)),
            "[redacted] Some(\n    [redacted],\n)"
        );
    }

    #[cfg(any(feature = "aws-lc-rs", feature = "rust-crypto"))]
    #[test]
    fn random_secrets_are_good_and_differ() {
        let (one, two) = (Secret::random().unwrap(), Secret::random().unwrap());
        assert_eq!(one.expose().len(), 32);
        assert_ne!(one.expose(), two.expose());
        crate::key::Key::hs256(one).unwrap();
    }

    #[test]
    fn base64_of_either_alphabet_padded_or_not() {
        for text in ["+/8=", "+/8", "-_8=", "-_8"] {
            assert_eq!(Secret::from_base64(text).unwrap().expose(), [0xfb, 0xff], "{text}");
        }
        for text in
            ["+_8=", "+/8=\n", " +/8=", "+/9=", "+/8==", "a", "ä", "+/8=+/8=", "\u{feff}+/8="]
        {
            let error = Secret::from_base64(text).unwrap_err();
            assert_eq!(error.kind(), KeyErrorKind::Malformed, "{text}");
            assert!(!error.to_string().contains(text) || text == "a");
        }
    }

    #[test]
    fn environment() {
        // whatever the machine, this variable is set by cargo
        let version = Secret::from_env("CARGO_PKG_VERSION").unwrap();
        assert_eq!(version.expose(), env!("CARGO_PKG_VERSION").as_bytes());
        let error = Secret::from_env("NO_SUCH_VARIABLE_HERE").unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::Unreadable);
        assert!(error.to_string().contains("NO_SUCH_VARIABLE_HERE"));
        let error = Secret::from_env_base64("CARGO_PKG_VERSION").unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::Malformed);
        assert!(!error.to_string().contains(env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn file_loses_exactly_one_newline() {
        let path = env::temp_dir().join(format!("tower-bearer-secret-{}", std::process::id()));
        for (written, read) in [
            (&b"abc"[..], &b"abc"[..]),
            (b"abc\n", b"abc"),
            (b"abc\r\n", b"abc"),
            (b"abc\n\n", b"abc\n"),
            (b"abc\r", b"abc\r"),
            (b" abc ", b" abc "),
            (b"\n", b""),
        ] {
            fs::write(&path, written).unwrap();
            assert_eq!(Secret::from_file(&path).unwrap().expose(), read);
        }
        fs::remove_file(&path).unwrap();
        let error = Secret::from_file(&path).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::Unreadable);
        assert!(std::error::Error::source(&error).is_some());
    }
}
