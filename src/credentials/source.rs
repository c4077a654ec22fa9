//! The seam for places that tokens come from.

use std::sync::Arc;

use http::HeaderName;

use super::token::BearerToken;
use crate::head::RequestHead;
use crate::rejection::Rejection;

/// Finds the token of a request.
///
/// A closure is enough where the place is not a header field, or where nobody logs it:
///
/// ```
/// use tower_bearer::credentials::{BearerToken, TokenSource};
/// use tower_bearer::head::RequestHead;
///
/// #[derive(Clone)]
/// struct HandshakeToken(String);
///
/// fn takes_a_source(_: impl TokenSource) {}
/// takes_a_source(|head: &RequestHead<'_>| {
///     let found = head.extensions().get::<HandshakeToken>();
///     found.map(|token| BearerToken::parse(&token.0)).transpose()
/// });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no source of tokens",
    label = "expected a `TokenSource`",
    note = "a closure needs its argument's type: `|head: &RequestHead<'_>| -> Result<Option<BearerToken>, Rejection>`"
)]
pub trait TokenSource: Send + Sync + 'static {
    /// Looks for the token; `Ok(None)` if the request has none in this place.
    ///
    /// It runs on every request: it must neither block nor panic, whatever the request holds.
    ///
    /// # Errors
    /// A rejection if what is there is not exactly one well-formed token, as a rule of kind
    /// [`InvalidRequest`](crate::rejection::RejectionKind::InvalidRequest).
    fn find(&self, head: &RequestHead<'_>) -> Result<Option<BearerToken>, Rejection>;

    /// The request's header fields that may hold the token. The layer marks them as sensitive, so
    /// that what is further inside does not print them. It asks once, when it is built.
    ///
    /// A closure names none.
    fn header_names(&self) -> Vec<HeaderName>;
}

impl<F> TokenSource for F
where
    F: Fn(&RequestHead<'_>) -> Result<Option<BearerToken>, Rejection> + Send + Sync + 'static,
{
    fn find(&self, head: &RequestHead<'_>) -> Result<Option<BearerToken>, Rejection> {
        self(head)
    }

    fn header_names(&self) -> Vec<HeaderName> {
        Vec::new()
    }
}

impl<T: TokenSource + ?Sized> TokenSource for Arc<T> {
    fn find(&self, head: &RequestHead<'_>) -> Result<Option<BearerToken>, Rejection> {
        (**self).find(head)
    }

    fn header_names(&self) -> Vec<HeaderName> {
        (**self).header_names()
    }
}

impl TokenSource for Box<dyn TokenSource> {
    fn find(&self, head: &RequestHead<'_>) -> Result<Option<BearerToken>, Rejection> {
        (**self).find(head)
    }

    fn header_names(&self) -> Vec<HeaderName> {
        (**self).header_names()
    }
}
