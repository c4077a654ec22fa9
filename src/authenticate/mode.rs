//! [`Mode`]: what happens to requests without good credentials.

/// What becomes of a request that carries no token, or a bad one.
///
/// | | no token | bad token |
/// |---|---|---|
/// | `Required` | rejected | rejected |
/// | `Optional` | anonymous | rejected |
/// | `Inspect` | anonymous | the handler is told |
///
/// Where handlers authenticated by an extractor of their own until now, and public routes never
/// looked at the header, [`Inspect`](Self::Inspect) is the mode that changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Mode {
    /// Both are rejected.
    #[default]
    Required,
    /// A request without a token passes as anonymous; a bad token is still rejected, so that a
    /// client learns to refresh instead of silently losing its rights.
    #[doc(alias("anonymous", "guest", "allow_missing"))]
    Optional,
    /// Both pass, and each handler decides, as with an extractor that authenticates: one that takes
    /// `Claims<C>` answers 401 with the right challenge, one that takes
    /// `Result<Claims<C>, Rejection>` sees what is wrong, and one that takes neither serves
    /// everybody. Outside of axum, [`Authentication`](super::Authentication) is in the extensions.
    /// Guards still reject.
    #[doc(alias = "PerHandler")]
    #[doc(alias = "PerRoute")]
    Inspect,
}
