//! [`Mode`]: what happens to requests without good credentials.

/// What the layer does with a request that carries no token, or a bad one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Mode {
    /// Both are rejected.
    #[default]
    Required,
    /// A request without a token passes as anonymous; a bad token is still rejected, so that a
    /// client learns to refresh instead of silently losing its rights.
    Optional,
    /// Both pass, and the handler finds the outcome: as `Result<Claims<C>, Rejection>` in axum, as
    /// [`Authentication`](super::Authentication) in the extensions elsewhere. Guards still reject.
    Inspect,
}
