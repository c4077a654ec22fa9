//! A public key that a message brings along: good for telling whether its sender holds the private half,
//! and for nothing else.

use serde_json::Value;

use super::algorithm::{Algorithm, Family};
use super::crypto::{base64url, sha256_of};
use super::error::KeyError;
use super::jwk::Jwk;
use super::single::Key;

impl Jwk {
    /// The key, for this algorithm, and its thumbprint as base64url
    /// ([RFC 7638](https://www.rfc-editor.org/rfc/rfc7638)).
    ///
    /// # Errors
    /// If it is no public key, or not for this algorithm.
    pub(crate) fn embedded(&self, algorithm: Algorithm) -> Result<(Key, String), KeyError> {
        if self.repeated {
            return Err(KeyError::malformed("the JWK has a member twice"));
        }
        // A `k` is secret wherever it stands.
        if self.k.is_some() || self.is_symmetric() || algorithm.is_symmetric() {
            return Err(KeyError::symmetric());
        }
        if self.algorithm()?.is_some_and(|own| own != algorithm) {
            return Err(KeyError::mismatch("the JWK is a key for another algorithm"));
        }
        let key = Key::build(algorithm, self.material(algorithm)?, None)?;
        Ok((key, self.thumbprint(algorithm.family())?))
    }

    /// Of the members as they were written, which are known to be base64url and names.
    fn thumbprint(&self, family: Family) -> Result<String, KeyError> {
        let text = |member: &Option<Value>| match member {
            Some(Value::String(text)) => text.clone(),
            _ => String::new(),
        };
        let [crv, e, n, x, y] = [&self.crv, &self.e, &self.n, &self.x, &self.y].map(text);
        let input = match family {
            Family::Ec => format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#),
            Family::Ed => format!(r#"{{"crv":"{crv}","kty":"OKP","x":"{x}"}}"#),
            Family::Rsa => format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
            Family::Hmac => return Err(KeyError::symmetric()),
        };
        Ok(base64url(&sha256_of(input.as_bytes())?))
    }
}

#[cfg(all(test, any(feature = "aws-lc-rs", feature = "rust-crypto")))]
mod tests {
    use super::super::error::KeyErrorKind;
    use super::super::signing::SigningKey;
    use super::*;

    #[test]
    fn the_thumbprint_is_that_of_the_key_itself() {
        for algorithm in [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA, Algorithm::PS256] {
            let key = SigningKey::generate(algorithm).unwrap();
            let jwk = Jwk::parse(&key.public_jwk().unwrap().to_string()).unwrap();
            let (public, thumbprint) = jwk.embedded(algorithm).unwrap();
            assert_eq!((public.algorithm(), &*thumbprint), (algorithm, key.id()));
        }
    }

    #[test]
    fn rfc9449_s4_2_the_key_is_public_and_of_the_algorithm() {
        let key = SigningKey::generate(Algorithm::ES256).unwrap();
        let good = key.public_jwk().unwrap();
        let kind = |member: &str, value: &str, algorithm| {
            let mut jwk = good.clone();
            jwk[member] = value.into();
            let jwk = Jwk::parse(&jwk.to_string()).unwrap();
            jwk.embedded(algorithm).err().map(|error| error.kind())
        };
        assert_eq!(kind("kid", "any", Algorithm::ES256), None);
        assert_eq!(kind("d", "AAAA", Algorithm::ES256), Some(KeyErrorKind::PrivateKey));
        assert_eq!(kind("k", "AAAA", Algorithm::ES256), Some(KeyErrorKind::Symmetric));
        assert_eq!(kind("kty", "oct", Algorithm::HS256), Some(KeyErrorKind::Symmetric));
        assert!(kind("kid", "any", Algorithm::ES384).is_some());
        assert!(kind("kid", "any", Algorithm::HS256).is_some());
        assert!(kind("use", "enc", Algorithm::ES256).is_some());
    }
}
