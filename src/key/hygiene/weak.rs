//! HMAC secrets that are long enough and that everybody knows, or soon guesses.

use crate::key::error::{KeyError, KeyErrorKind};

/// Long enough to pass, printed in documentation, and found as the secret of real services:
/// jwt.io's samples, and our own.
const SAMPLES: [&[u8]; 4] = [
    b"a-string-secret-at-least-256-bits-long",
    b"a-valid-string-secret-that-is-at-least-384-bits-long",
    b"a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
    b"SdDLRnZ1ZgFhmCjrDxFsXaJGN9v5ibAmfVOJQWbm/VbE4xwo4t7UGSFWuXQDchZM",
];

/// The longest word, in bytes, that makes no secret by being repeated. Longer ones repeat a few times
/// at most in secrets of usual length, and then say little about how they were chosen.
const LONGEST_WORD: usize = 12;

/// # Errors
/// [`KeyErrorKind::Weak`] for samples, and for a byte or a short word that is repeated.
pub(in crate::key) fn refuse(secret: &[u8]) -> Result<(), KeyError> {
    let what = if SAMPLES.contains(&secret.trim_ascii()) {
        "the secret is a sample from documentation, which everybody knows"
    } else if secret.iter().all(|byte| *byte == 0) {
        "the secret is all zero bytes"
    } else if repeats_a_word(secret) {
        "the secret is one byte or one short word, repeated; it is as weak as that"
    } else {
        return Ok(());
    };
    let how =
        "make one with: openssl rand -base64 48 and load it in the same way wherever it is used";
    Err(KeyError::new(KeyErrorKind::Weak, format!("{what}; {how}")))
}

/// Whether it begins anew after every few bytes; the last time it may be cut off.
fn repeats_a_word(secret: &[u8]) -> bool {
    let longest = LONGEST_WORD.min(secret.len() / 2);
    (1..=longest).any(|length| {
        let (_, rest) = secret.split_at(length);
        rest.iter().zip(secret).all(|(byte, before)| byte == before)
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn samples_and_repeated_words_are_refused() {
        let words = ["a", "changeme", "secret", "password", "0123456789ab"];
        let repeated = words.map(|word| word.repeat(8).into_bytes());
        let cut = "changeme".repeat(5).as_bytes()[..37].to_vec();
        let samples = SAMPLES.map(<[u8]>::to_vec);
        let newline = b"a-string-secret-at-least-256-bits-long\n".to_vec();
        let all = repeated.into_iter().chain(samples);
        for secret in all.chain([cut, newline, vec![7; 32], vec![0; 32], vec![]]) {
            let error = refuse(&secret).unwrap_err();
            assert_eq!(error.kind(), KeyErrorKind::Weak);
            assert!(error.to_string().contains("openssl rand -base64 48"), "{error}");
        }
    }

    #[test]
    fn random_secrets_pass() {
        // as base64 of sixteen bytes given twice, which repeats no short word
        for secret in [
            b"0123456789abcdef0123456789abcdef".to_vec(),
            (0..32).collect(),
            STANDARD.decode("mV2uY2sVYb0Kj0ZQvZ0t1pJt2m1o0l8G3m1i2Q5v9rE=").unwrap(),
            b"correct horse battery staple, and a little more".to_vec(),
            [vec![0; 20], vec![1, 9, 4, 7, 1, 3, 3, 8, 2, 6, 5, 11]].concat(),
        ] {
            refuse(&secret).unwrap();
        }
    }
}
