//! [`Verified<C>`]: a token that stood every check but revocation.

use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::claims::{
    ClaimNames, Confirmation, RegisteredClaims, TokenHandle, VerifiedToken, decode,
};
use crate::clock::UnixTime;
use crate::credentials::{BearerToken, TokenOrigin};
use crate::rejection::{Rejection, RejectionKind};

/// A token whose signature, or its issuer's word for it, and whose claims are right. Whether it was
/// revoked is not known yet, nor whether it is its sender's if it is bound to one (`cnf`), so there is
/// no way from here to the application's claims: the next steps, which an
/// [`Authenticator`](crate::authenticate::Authenticator) takes, have to ask first. Do not decide anything by
/// [`registered`](Self::registered) alone.
///
/// The verifiers of this crate make one after their checks. One of your own vouches for it by name:
/// [`Verified::dangerous_vouched`].
#[must_use = "a verified token is not yet known to be unrevoked"]
pub struct Verified<C> {
    token: TokenHandle<C>,
    at: UnixTime,
    /// Where this request had it; a cached token may first have come from elsewhere.
    origin: TokenOrigin,
    /// Whether it does not matter who sends it, though it is bound to somebody.
    waived: bool,
}

impl<C> Verified<C> {
    /// For verifiers, after all checks.
    pub(in crate::verify) fn new(
        token: impl Into<TokenHandle<C>>,
        at: UnixTime,
        origin: TokenOrigin,
    ) -> Self {
        Self { token: token.into(), at, origin, waived: false }
    }

    /// Whether it passes as a bearer token though it is bound to its sender.
    pub(in crate::verify) fn waiving_proof(self, waived: bool) -> Self {
        Self { waived, ..self }
    }

    /// By what its sender has to prove that it is theirs; `None` for bearer tokens.
    pub(crate) fn to_be_proven(&self) -> Option<Confirmation<'_>> {
        self.registered().confirmation().filter(|_| !self.waived)
    }

    /// Whether its binding is not to be looked at.
    pub(crate) fn is_waived(&self) -> bool {
        self.waived && self.registered().confirmation().is_some()
    }

    /// Where this request had it.
    pub(crate) fn origin(&self) -> TokenOrigin {
        self.origin
    }

    /// The token as it was sent.
    pub(crate) fn bearer(&self) -> &BearerToken {
        self.token.bearer()
    }

    /// The claims that every token may have.
    #[must_use]
    pub fn registered(&self) -> &RegisteredClaims {
        &self.token.registered
    }

    /// When the rules were applied, by the verifier's clock.
    #[must_use]
    pub fn verified_at(&self) -> UnixTime {
        self.at
    }

    /// The application's claims, for a step that needs none of the proofs that are still missing.
    #[cfg(feature = "issuer")]
    pub(crate) fn custom(&self) -> &C {
        &self.token.custom
    }

    /// The parts, for the step that has asked whether the token was revoked.
    pub(crate) fn into_parts(self) -> (TokenHandle<C>, UnixTime, TokenOrigin) {
        (self.token, self.at, self.origin)
    }
}

impl<C: DeserializeOwned> Verified<C> {
    /// A token that a [`TokenVerifier`](super::TokenVerifier) of your own has verified, with the claims
    /// that it found: a JSON object, as a JWT's payload is, in which the registered claims have their
    /// usual names and types, and roles are in `roles`. `at` is when it was verified.
    ///
    /// Nothing about the token is checked here: neither a signature nor issuer, audience and times.
    /// Whoever calls this says that it was, and the layer believes it. If the claims have a `cnf`, the
    /// layer asks for the proof as with any other token ([`bound`](crate::bound)).
    ///
    /// ```
    /// use std::future::Ready;
    /// use tower_bearer::claims::StandardClaims;
    /// use tower_bearer::clock::{Clock, SystemClock};
    /// use tower_bearer::credentials::BearerToken;
    /// use tower_bearer::head::RequestHead;
    /// use tower_bearer::rejection::{Rejection, RejectionKind};
    /// use tower_bearer::step::Step;
    /// use tower_bearer::verify::{TokenVerifier, Verified};
    ///
    /// type Answer = Result<Verified<StandardClaims>, Rejection>;
    ///
    /// /// Tokens of a format of our own.
    /// #[derive(Clone)]
    /// struct Sealed;
    ///
    /// # fn unseal(token: &str) -> Option<String> {
    /// #     (token == "sealed").then(|| r#"{"sub":"alice"}"#.to_owned())
    /// # }
    /// impl TokenVerifier for Sealed {
    ///     type Claims = StandardClaims;
    ///     type Future = Ready<Answer>;
    ///
    ///     fn verify(&self, token: BearerToken, _: &RequestHead<'_>) -> Step<Answer, Ready<Answer>> {
    ///         Step::Now(match unseal(token.expose_secret()) {
    ///             Some(claims) => Verified::dangerous_vouched(token, claims, SystemClock.now()),
    ///             None => Err(Rejection::new(RejectionKind::InvalidSignature, "the seal is broken")),
    ///         })
    ///     }
    /// }
    /// let layer = tower_bearer::AuthLayer::new(Sealed);
    /// # let head = http::Request::new(());
    /// # let sealed = |text| match Sealed.verify(BearerToken::parse(text).unwrap(), &(&head).into()) {
    /// #     Step::Now(verified) => verified,
    /// #     Step::Later(_) => unreachable!(),
    /// # };
    /// # assert_eq!(sealed("sealed").unwrap().registered().subject(), Some("alice"));
    /// # assert!(sealed("other").is_err());
    /// ```
    ///
    /// # Errors
    /// Of kind `InvalidClaims` if the claims are no JSON object, a registered claim in them is of
    /// another type or appears twice, or they do not fit `C`.
    pub fn dangerous_vouched(
        token: BearerToken,
        claims: impl Into<String>,
        at: UnixTime,
    ) -> Result<Self, Rejection> {
        let (registered, custom) =
            decode(claims.into(), &ClaimNames::default()).map_err(|error| {
                let reason = "the claims that were vouched for cannot be read";
                Rejection::new(RejectionKind::InvalidClaims, reason).with_source(error)
            })?;
        let origin = token.origin();
        let token = Arc::new(VerifiedToken::new(custom, registered, token));
        Ok(Self::new(token, at, origin))
    }
}

impl<C> fmt::Debug for Verified<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verified").field("registered", self.registered()).finish_non_exhaustive()
    }
}
