//! The log: why requests were rejected. Fixed texts and error sources only: no token, no claims.

#[cfg(feature = "tracing")]
use std::error::Error;
#[cfg(feature = "tracing")]
use std::time::Instant;

#[cfg(feature = "tracing")]
use super::throttle::Throttle;
#[cfg(feature = "tracing")]
use crate::causes::Causes;
use crate::rejection::Rejection;
#[cfg(feature = "tracing")]
use crate::rejection::RejectionKind;

/// Where an [`Authenticator`](super::Authenticator) and its clones log.
///
/// | what | level |
/// |---|---|
/// | the service is put together wrongly | ERROR |
/// | keys, store or introspection cannot be asked; what only a trusted issuer can cause | WARN once a minute and kind with the number held back, the others DEBUG |
/// | all else, which any stranger can cause | DEBUG |
/// | a CORS preflight was rejected | INFO once a minute |
pub(super) struct Log {
    #[cfg(feature = "tracing")]
    started: Instant,
    #[cfg(feature = "tracing")]
    throttle: Throttle<{ Slot::COUNT }>,
}

/// The lines that are written once a minute.
#[cfg(feature = "tracing")]
#[derive(Clone, Copy)]
enum Slot {
    KeysUnavailable,
    RevocationUnavailable,
    IntrospectionUnavailable,
    WrongAudience,
    WrongType,
    InvalidClaims,
    MissingIdentifier,
    BoundToken,
    ReplayUnavailable,
    AcceptedUnchecked,
    Preflight,
}

#[cfg(feature = "tracing")]
impl Slot {
    const COUNT: usize = Self::Preflight as usize + 1;

    fn of(kind: RejectionKind) -> Option<Self> {
        Some(match kind {
            RejectionKind::KeysUnavailable => Self::KeysUnavailable,
            RejectionKind::RevocationUnavailable => Self::RevocationUnavailable,
            RejectionKind::IntrospectionUnavailable => Self::IntrospectionUnavailable,
            RejectionKind::WrongAudience => Self::WrongAudience,
            RejectionKind::WrongType => Self::WrongType,
            RejectionKind::InvalidClaims => Self::InvalidClaims,
            RejectionKind::MissingIdentifier => Self::MissingIdentifier,
            RejectionKind::BoundToken => Self::BoundToken,
            RejectionKind::ReplayUnavailable => Self::ReplayUnavailable,
            _ => return None,
        })
    }

    /// What the operator should know beside the reason.
    fn hint(self) -> Option<&'static str> {
        match self {
            Self::WrongAudience
            | Self::WrongType
            | Self::InvalidClaims
            | Self::MissingIdentifier
            | Self::BoundToken => Some(
                "a trusted issuer signed this token: its settings and those of this service do \
                 not fit",
            ),
            _ => None,
        }
    }
}

#[cfg(feature = "tracing")]
impl Log {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), throttle: Throttle::new() }
    }

    /// A request was rejected; or its token was ignored and it goes on, as the mode asks.
    pub(super) fn rejected(&self, rejection: &Rejection, realm: Option<&str>, ignored: bool) {
        let (kind, reason, source) =
            (rejection.kind().as_str(), rejection.reason(), causes(rejection));
        if let Some(slot) = Slot::of(rejection.kind())
            && let Some(held_back) = self.admit(slot)
        {
            let hint = slot.hint();
            if ignored {
                tracing::warn!(%kind, reason, source, realm, hint, held_back, "token ignored");
            } else {
                tracing::warn!(%kind, reason, source, realm, hint, held_back, "request rejected");
            }
        } else if rejection.kind() == RejectionKind::Misconfigured {
            tracing::error!(%kind, reason, source, realm, "request rejected");
        } else if ignored {
            tracing::debug!(%kind, reason, source, realm, "token ignored");
        } else {
            tracing::debug!(%kind, reason, source, realm, "request rejected");
        }
    }

    /// A CORS preflight was rejected for want of a token, which browsers never send with one.
    pub(super) fn rejected_preflight(&self, realm: Option<&str>) {
        if let Some(held_back) = self.admit(Slot::Preflight) {
            tracing::info!(
                realm,
                held_back,
                "CORS preflight rejected: a CORS layer belongs outside of the AuthLayer"
            );
        }
    }

    /// A request passed which would be rejected for this, had the operator not chosen otherwise.
    pub(super) fn accepted_unchecked(&self, despite: &Rejection) {
        if let Some(held_back) = self.admit(Slot::AcceptedUnchecked) {
            let (kind, reason, source) =
                (despite.kind().as_str(), despite.reason(), causes(despite));
            tracing::warn!(
                %kind, reason, source, held_back,
                "request accepted without a revocation check"
            );
        }
    }

    fn admit(&self, slot: Slot) -> Option<u64> {
        self.throttle.admit(slot as usize, self.started.elapsed())
    }
}

#[cfg(not(feature = "tracing"))]
impl Log {
    pub(super) fn new() -> Self {
        Self {}
    }

    pub(super) fn rejected(&self, _: &Rejection, _: Option<&str>, _: bool) {}

    pub(super) fn rejected_preflight(&self, _: Option<&str>) {}

    pub(super) fn accepted_unchecked(&self, _: &Rejection) {}
}

/// Logs a rejection where there is no authenticator.
#[cfg(feature = "tracing")]
pub(crate) fn log(rejection: &Rejection) {
    let (kind, reason, source) = (rejection.kind().as_str(), rejection.reason(), causes(rejection));
    match rejection.kind() {
        RejectionKind::Misconfigured => tracing::error!(%kind, reason, source, "request rejected"),
        RejectionKind::KeysUnavailable
        | RejectionKind::RevocationUnavailable
        | RejectionKind::IntrospectionUnavailable => {
            tracing::warn!(%kind, reason, source, "request rejected");
        }
        _ => tracing::debug!(%kind, reason, source, "request rejected"),
    }
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn log(_: &Rejection) {}

/// The errors behind an error, outermost first: a store's own text is fixed, and what happened
/// stands below it.
#[cfg(feature = "tracing")]
pub(crate) fn causes(error: &dyn Error) -> Option<tracing::field::DisplayValue<Causes<'_>>> {
    error.source().map(|source| tracing::field::display(Causes(source)))
}

#[cfg(all(test, feature = "tracing"))]
pub(crate) fn logged(run: impl FnOnce()) -> String {
    use std::io;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let log = Written::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, run);
    String::from_utf8(log.0.lock().unwrap().clone()).unwrap()
}

#[cfg(all(test, feature = "tracing"))]
mod tests {
    use super::*;
    use std::fmt;

    fn reject(log: &Log, kind: RejectionKind, times: usize) {
        for _ in 0..times {
            log.rejected(&kind.into(), Some("orders"), false);
        }
    }

    #[test]
    fn an_outage_and_a_setting_that_does_not_fit_are_one_line_each() {
        for kind in [
            RejectionKind::KeysUnavailable,
            RejectionKind::RevocationUnavailable,
            RejectionKind::IntrospectionUnavailable,
            RejectionKind::WrongAudience,
            RejectionKind::WrongType,
            RejectionKind::InvalidClaims,
            RejectionKind::MissingIdentifier,
            RejectionKind::BoundToken,
        ] {
            let text = logged(|| reject(&Log::new(), kind, 1_000));
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(text.contains("WARN") && text.contains(kind.as_str()), "{text}");
            assert!(text.contains(r#"realm="orders""#), "{text}");
            let settings = kind.status().as_u16() == 401;
            assert_eq!(text.contains("a trusted issuer signed this token"), settings, "{text}");
        }
    }

    #[test]
    fn what_strangers_cause_is_no_line_above_debug() {
        for kind in [
            RejectionKind::MissingToken,
            RejectionKind::InvalidRequest,
            RejectionKind::MalformedToken,
            RejectionKind::UnknownKey,
            RejectionKind::InvalidSignature,
            RejectionKind::WrongIssuer,
            RejectionKind::Expired,
            RejectionKind::Revoked,
        ] {
            assert_eq!(logged(|| reject(&Log::new(), kind, 10)), "", "{kind:?}");
        }
    }

    #[test]
    fn rejected_preflights_say_where_a_cors_layer_belongs_once() {
        let text = logged(|| {
            let log = Log::new();
            (0..50).for_each(|_| log.rejected_preflight(None));
        });
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("a CORS layer belongs outside of the AuthLayer"), "{text}");
    }

    #[test]
    fn a_cause_that_was_said_is_not_said_again() {
        #[derive(Debug)]
        struct Wraps(&'static str, Option<Box<Wraps>>);
        impl fmt::Display for Wraps {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0)
            }
        }
        impl Error for Wraps {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                let source = self.1.as_deref()?;
                Some(source)
            }
        }
        let error = Wraps("refused (os error 111)", Some(Box::new(Wraps("os error 111)", None))));
        let error = Wraps("cannot connect: refused (os error 111)", Some(Box::new(error)));
        let rejection = Rejection::from(RejectionKind::KeysUnavailable).with_source(error);
        let text = causes(&rejection).unwrap().to_string();
        assert_eq!(text, "cannot connect: refused (os error 111)");
    }
}
