//! What a store answers: [`RevocationStatus`]; and [`OnOutage`].

/// Whether a token still counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use = "a status that nobody looks at revokes nothing"]
pub enum RevocationStatus {
    /// Nothing that was revoked covers the token.
    Active,
    /// The token, its session or its subject's tokens were revoked.
    Revoked,
}

impl RevocationStatus {
    /// [`Revoked`](Self::Revoked) if `revoked` is true, else [`Active`](Self::Active).
    pub const fn revoked_if(revoked: bool) -> Self {
        if revoked { Self::Revoked } else { Self::Active }
    }

    /// Whether this is [`Revoked`](Self::Revoked).
    #[must_use]
    pub const fn is_revoked(self) -> bool {
        matches!(self, Self::Revoked)
    }
}

/// What the layer does while the revocation store cannot be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum OnOutage {
    /// Answers 503: no token passes that might be revoked.
    #[default]
    Reject,
    /// Lets tokens pass **unchecked**. Dangerous: whoever holds a stolen token, and can keep the
    /// store busy or cut off, makes every revocation void for as long as that lasts.
    AcceptUnchecked,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outage_fails_closed_unless_told_otherwise() {
        assert_eq!(OnOutage::default(), OnOutage::Reject);
    }
}
