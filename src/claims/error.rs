//! [`ClaimsError`]: which claim did not fit, without saying what it held.

use std::error::Error;
use std::fmt;

use serde::de;

/// Why a payload could not be read: the claim's name and a fixed text, never a claim's value.
///
/// It is the [`source`](Error::source) of rejections of kind `InvalidClaims` and `MalformedToken`.
#[derive(Clone)]
pub struct ClaimsError(Box<Fault>);

/// Behind a pointer, since every value of a payload is handed on in a `Result`.
#[derive(Clone)]
struct Fault {
    claim: Option<Box<str>>,
    problem: &'static str,
}

/// A name longer than this is cut in messages.
const LONGEST_NAME: usize = 64;

impl ClaimsError {
    pub(super) const TWICE: &str = "appears twice";
    pub(super) const UNFIT: &str = "does not fit the application's claims type";

    #[cold]
    pub(crate) fn new(problem: &'static str) -> Self {
        Self(Box::new(Fault { claim: None, problem }))
    }

    #[cold]
    pub(crate) fn of(claim: &str, problem: &'static str) -> Self {
        let claim = claim.escape_default().take(LONGEST_NAME).collect::<String>();
        Self(Box::new(Fault { claim: Some(claim.into()), problem }))
    }

    /// Keeps where the parser failed, not what it read: its own message quotes values.
    pub(crate) fn from_json(error: &serde_json::Error) -> Self {
        Self::new(match error.classify() {
            serde_json::error::Category::Data => Self::UNFIT,
            _ => "is not valid JSON",
        })
    }

    /// The name of the claim that did not fit, where one is to blame.
    #[must_use]
    pub fn claim(&self) -> Option<&str> {
        self.0.claim.as_deref()
    }

    pub(crate) fn or_claim(self, claim: &str) -> Self {
        if self.0.claim.is_some() { self } else { Self::of(claim, self.0.problem) }
    }
}

impl fmt::Display for ClaimsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { claim, problem } = &*self.0;
        match claim {
            Some(claim) => write!(f, "claim `{claim}` {problem}"),
            None => write!(f, "the payload {problem}"),
        }
    }
}

impl fmt::Debug for ClaimsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { claim, problem } = &*self.0;
        f.debug_struct("ClaimsError").field("claim", claim).field("problem", problem).finish()
    }
}

impl Error for ClaimsError {}

/// What the application's `Deserialize` reports. Only names written in its source are kept.
impl de::Error for ClaimsError {
    fn custom<T: fmt::Display>(_may_quote_values: T) -> Self {
        Self::new(Self::UNFIT)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::of(field, "is missing and the application's claims type needs it")
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::of(field, Self::TWICE)
    }
}
