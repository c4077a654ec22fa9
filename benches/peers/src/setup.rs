//! What every contender gets: three keys of one algorithm, and tokens good and bad.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use tower_bearer::Algorithm;
use tower_bearer::key::Secret;
use tower_bearer::testing::{TestIssuer, TokenBuilder};

use crate::jwks_server;

pub(crate) const ISSUER: &str = TestIssuer::ISSUER;
pub(crate) const AUDIENCE: &str = TestIssuer::AUDIENCE;
pub(crate) const SUBJECT: &str = "auth0|5f7c8ec7c33c6c004bbafe82";

/// The claims a service wants, for every contender that lets its user choose.
#[derive(Debug, Clone, Deserialize)]
#[allow(dead_code, reason = "read from the token, as a service would")]
pub(crate) struct User {
    pub(crate) sub: String,
    pub(crate) scope: String,
    pub(crate) roles: Vec<String>,
    pub(crate) tenant: String,
}

/// A token, and what should become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    Good,
    /// One byte of the signature is another.
    Altered,
    /// Signed by somebody else's key that goes by the same `kid`.
    Impostor,
    Unsigned,
    Expired,
    NotYetValid,
    WrongIssuer,
    WithoutIssuer,
    WrongAudience,
    WithoutAudience,
}

impl Token {
    /// No peer is measured that accepts one of these.
    pub(crate) const FORGED: [Self; 3] = [Self::Altered, Self::Impostor, Self::Unsigned];
    /// A peer that accepts one of these is measured, and it is said.
    pub(crate) const WRONG: [Self; 6] = [
        Self::Expired,
        Self::NotYetValid,
        Self::WrongIssuer,
        Self::WithoutIssuer,
        Self::WrongAudience,
        Self::WithoutAudience,
    ];

    pub(crate) fn described(self) -> &'static str {
        match self {
            Self::Good => "the good token",
            Self::Altered => "a token with an altered signature",
            Self::Impostor => "a token that somebody else signed",
            Self::Unsigned => "a token without a signature, `alg` none",
            Self::Expired => "an expired token",
            Self::NotYetValid => "a token that is not yet valid",
            Self::WrongIssuer => "a token of another issuer",
            Self::WithoutIssuer => "a token without `iss`, though an issuer is configured",
            Self::WrongAudience => "a token for another audience",
            Self::WithoutAudience => "a token without `aud`, though an audience is configured",
        }
    }
}

/// The keys of one algorithm.
pub(crate) struct Setup {
    pub(crate) algorithm: Algorithm,
    /// The `kid` of the third of these is the one that tokens name.
    pub(crate) issuers: [TestIssuer; 3],
    impostor: TestIssuer,
    /// The secret of the third key, where keys are secrets.
    pub(crate) secret: Option<[u8; 32]>,
    /// All three keys.
    pub(crate) jwks: Value,
    pub(crate) jwks_url: String,
    pub(crate) runtime: Runtime,
}

impl Setup {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let (issuers, jwks): (Vec<_>, Vec<_>) = ["2024-a", "2025-a", "2025-b"]
            .map(|kid| Self::issuer(algorithm, kid))
            .into_iter()
            .unzip();
        let jwks = json!({ "keys": jwks });
        let issuers: [TestIssuer; 3] = issuers.try_into().expect("three were made");
        let (impostor, _) = Self::issuer(algorithm, "2025-b");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let jwks_url = jwks_server::start(&runtime, &jwks);
        let secret = algorithm.is_symmetric().then(|| {
            let key = jwks["keys"][2]["k"].as_str().and_then(|k| URL_SAFE_NO_PAD.decode(k).ok());
            key.and_then(|key| key.try_into().ok()).expect("a secret of 32 bytes")
        });
        Self { algorithm, issuers, impostor, secret, jwks, jwks_url, runtime }
    }

    /// An issuer and the JWK of its key, which for a secret is not public.
    fn issuer(algorithm: Algorithm, kid: &str) -> (TestIssuer, Value) {
        if !algorithm.is_symmetric() {
            let issuer = TestIssuer::with_algorithm(algorithm).expect("a key").key_id(kid);
            let jwk = issuer.jwks()["keys"][0].clone();
            return (issuer, jwk);
        }
        let secret: [u8; 32] = std::array::from_fn(|_| fastrand::u8(..));
        let issuer = TestIssuer::from_secret(algorithm, &Secret::new(secret)).expect("a key");
        let jwk = json!({
            "kty": "oct",
            "k": URL_SAFE_NO_PAD.encode(secret),
            "alg": algorithm.as_str(),
            "use": "sig",
            "kid": kid,
        });
        (issuer.key_id(kid), jwk)
    }

    /// The JWK of the key that signs.
    pub(crate) fn jwk(&self) -> &Value {
        &self.jwks["keys"][2]
    }

    /// The signing key's id.
    pub(crate) fn kid(&self) -> &str {
        self.jwk()["kid"].as_str().expect("every key has an id")
    }

    /// The JWK Set as text.
    pub(crate) fn jwks_text(&self) -> String {
        self.jwks.to_string()
    }

    /// The algorithm by its name, as some peer's type.
    pub(crate) fn algorithm<A: std::str::FromStr>(&self) -> A {
        self.algorithm.as_str().parse().ok().expect("an algorithm by its name")
    }

    /// The signing key as some peer's type for a JWK.
    pub(crate) fn jwk_as<K: serde::de::DeserializeOwned>(&self) -> K {
        serde_json::from_value(self.jwk().clone()).expect("the key as JWK")
    }

    /// A token with the usual claims and these besides.
    pub(crate) fn token(&self, which: Token, more: &Map<String, Value>) -> String {
        let filled = |issuer: &TestIssuer| {
            let token = filled(issuer.token()).claims(more);
            match which {
                Token::Expired => token.expired(),
                Token::NotYetValid => token.claim("nbf", 4_000_000_000_u64),
                Token::WrongIssuer => token.claim("iss", "https://other.test"),
                Token::WithoutIssuer => token.without("iss"),
                Token::WrongAudience => token.claim("aud", ["other-audience"]),
                Token::WithoutAudience => token.without("aud"),
                Token::Unsigned => token.header("alg", "none"),
                Token::Good | Token::Altered | Token::Impostor => token,
            }
            .sign()
        };
        match which {
            Token::Impostor => filled(&self.impostor),
            Token::Altered => altered(&filled(&self.issuers[2])),
            Token::Unsigned => {
                let token = filled(&self.issuers[2]);
                token[..=token.rfind('.').expect("three parts")].to_owned()
            }
            _ => filled(&self.issuers[2]),
        }
    }
}

/// Ten claims, some 600 to 900 bytes of token.
fn filled(token: TokenBuilder<'_>) -> TokenBuilder<'_> {
    token
        .subject(SUBJECT)
        .claim("aud", [AUDIENCE])
        .claim("nbf", 1_700_000_000)
        .token_id("0194d2d0-7b57-7c3c-a7a1-6b7f9d2d6c1e")
        .scope("openid profile email orders:read orders:write")
        .roles(["clerk", "manager"])
        .claim("tenant", "acme-corporation-emea")
        // Valid for longer than the measurement takes.
        .expires_in(std::time::Duration::from_secs(24 * 3600))
}

/// The token with another byte in the middle of its signature.
fn altered(token: &str) -> String {
    let (message, signature) = token.rsplit_once('.').expect("three parts");
    let mut signature = URL_SAFE_NO_PAD.decode(signature).expect("base64url");
    let middle = signature.len() / 2;
    signature[middle] ^= 1;
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}
