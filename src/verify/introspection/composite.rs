//! [`JwtOrOpaque`]: two kinds of token at one service.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::Either;
use pin_project_lite::pin_project;

use crate::credentials::BearerToken;
use crate::head::RequestHead;
use crate::rejection::Rejection;
use crate::step::Step;
use crate::verify::compact::decode_into;
use crate::verify::{TokenVerifier, Verified};

/// Verifies signed tokens (JWT) locally, and has everything else introspected: for services behind a
/// gateway, or with clients of both kinds.
///
/// The form of the token alone decides, and once: what has three segments, of which the first is
/// base64url and begins like a JSON object, is a JWT, whatever follows. A JWT that the first verifier
/// rejects is rejected. It is never introspected instead, or the weaker of two verdicts would count.
/// Encrypted tokens (JWE) have five segments and are introspected: only their issuer can read them.
///
/// ```no_run
/// # use tower_bearer::claims::StandardClaims;
/// # use tower_bearer::verify::{Verifier, introspection::{Introspection, JwtOrOpaque}};
/// # fn both(verifier: Verifier<StandardClaims>, introspection: Introspection<StandardClaims>) {
/// let layer = tower_bearer::AuthLayer::new(JwtOrOpaque::new(verifier, introspection));
/// # }
/// ```
#[derive(Clone)]
pub struct JwtOrOpaque<J, O> {
    jwt: J,
    opaque: O,
}

impl<J: TokenVerifier, O: TokenVerifier<Claims = J::Claims>> JwtOrOpaque<J, O> {
    /// `jwt` verifies signed tokens, usually a [`Verifier`](crate::verify::Verifier); `opaque` all
    /// others, usually an [`Introspection`](super::Introspection).
    pub fn new(jwt: J, opaque: O) -> Self {
        Self { jwt, opaque }
    }
}

impl<J: TokenVerifier, O: TokenVerifier<Claims = J::Claims>> TokenVerifier for JwtOrOpaque<J, O> {
    type Claims = J::Claims;
    type Future = JwtOrOpaqueFuture<J::Future, O::Future>;

    fn verify(
        &self,
        token: BearerToken,
        head: &RequestHead<'_>,
    ) -> Step<Result<Verified<J::Claims>, Rejection>, Self::Future> {
        if is_jwt(token.as_bytes()) {
            match self.jwt.verify(token, head) {
                Step::Now(verified) => Step::Now(verified),
                Step::Later(future) => {
                    Step::Later(JwtOrOpaqueFuture { either: Either::Left(future) })
                }
            }
        } else {
            match self.opaque.verify(token, head) {
                Step::Now(verified) => Step::Now(verified),
                Step::Later(future) => {
                    Step::Later(JwtOrOpaqueFuture { either: Either::Right(future) })
                }
            }
        }
    }
}

fn is_jwt(token: &[u8]) -> bool {
    let mut dots = memchr::memchr_iter(b'.', token);
    let (Some(end), Some(_), None) = (dots.next(), dots.next(), dots.next()) else {
        return false;
    };
    // Four characters make three bytes, and the first that is no space tells.
    let mut room = [0; 3];
    for block in token[..end].chunks(4) {
        let Some(bytes) = decode_into(block, &mut room) else {
            return false;
        };
        if let Some(first) = bytes.trim_ascii_start().first() {
            return *first == b'{';
        }
    }
    false
}

pin_project! {
    /// Waits for one of the two verifiers.
    #[must_use = "futures do nothing unless polled"]
    pub struct JwtOrOpaqueFuture<J, O> {
        #[pin]
        either: Either<J, O>,
    }
}

impl<J: Future, O: Future<Output = J::Output>> Future for JwtOrOpaqueFuture<J, O> {
    type Output = J::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<J::Output> {
        self.project().either.poll(cx)
    }
}

impl<J: fmt::Debug, O: fmt::Debug> fmt::Debug for JwtOrOpaque<J, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtOrOpaque").field("jwt", &self.jwt).field("opaque", &self.opaque).finish()
    }
}

impl<J, O> fmt::Debug for JwtOrOpaqueFuture<J, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtOrOpaqueFuture").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_the_token_decides() {
        // {"alg":"none"}, {"a":1 (cut), \n\n\n\n{}, and a header that names nothing
        for jwt in ["eyJhbGciOiJub25lIn0.e30.", "eyJhIjox.x.y", "CgoKCnt9.x.y", "e30..", "eyI.x.y"]
        {
            assert!(is_jwt(jwt.as_bytes()), "{jwt}");
        }
        // four segments, two, five, [1], not base64url, padded, empty
        for opaque in [
            "eyJhbGciOiJub25lIn0.e30.a.b",
            "eyJhbGciOiJub25lIn0.e30",
            "eyJhbGciOiJkaXIifQ..a.b.c",
            "WzFd.e30.a",
            "+/+/.e30.a",
            "a.b.c",
            "..",
            "Cgo.e30.a",
            "gho_16C7e42F292c6912E7710c838347Ae178B4a",
            "",
        ] {
            assert!(!is_jwt(opaque.as_bytes()), "{opaque}");
        }
    }
}
