//! [`Notes`]: what is taken down of the registered claims while the application's type reads the payload.

use super::error::ClaimsError;
use super::names::ClaimNames;
use super::registered::RegisteredClaims;
use super::registry::{DateClaim, ListClaim, Registered, TextClaim};
use super::scalar::Number;
use super::text::{ListShape, Text};

/// What is noted of a payload, and what is wrong with it.
pub(super) struct Notes<'n, 'de> {
    pub(super) json: &'de str,
    pub(super) names: &'n ClaimNames,
    pub(super) claims: &'n mut RegisteredClaims,
    /// Strings that had escapes, one after the other. They will stand behind the payload.
    pub(super) unescaped: String,
    /// One bit for each registered claim, one for the token version, one for each place of roles.
    seen: u32,
    /// What became of the value that is to be noted.
    pub(super) value: Looked,
    /// Set where a registered claim is wrong: that is final, even if the application's type swallows its
    /// own error and reads on. Also where serde's error type has no room for ours.
    pub(super) error: Option<ClaimsError>,
}

/// Whether a value was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Looked {
    /// The application's type has not asked for it.
    Unasked,
    /// It has, and there was none of the right type.
    Asked,
    Noted,
}

/// What a claim is to the notes, and so what the parser is asked for, whatever the application asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    Registered(Registered),
    TokenVersion,
    /// One bit for each place of roles that begins with this name.
    Roles(u8),
    Other,
}

/// A single value that is noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Single {
    Text(TextClaim),
    Date(DateClaim),
    TokenVersion,
    List(ListClaim),
    Roles,
    JwkThumbprint,
    CertificateThumbprint,
}

impl Single {
    /// What is wrong with a value of another type.
    pub(super) fn problem(self) -> &'static str {
        match self {
            Self::Text(_) | Self::JwkThumbprint | Self::CertificateThumbprint => "is not a string",
            Self::Date(_) | Self::TokenVersion => "is not a number in range",
            Self::List(_) | Self::Roles => "is neither a string nor strings",
        }
    }
}

impl<'n, 'de> Notes<'n, 'de> {
    pub(super) fn new(
        json: &'de str,
        names: &'n ClaimNames,
        claims: &'n mut RegisteredClaims,
    ) -> Self {
        Self {
            json,
            names,
            claims,
            unescaped: String::new(),
            seen: 0,
            value: Looked::Noted,
            error: None,
        }
    }

    /// Which claim this name is, or why it may not be there.
    pub(super) fn begin(&mut self, name: &str) -> Result<Claim, ClaimsError> {
        let (claim, bits) = match Registered::named(name.as_bytes()) {
            Some(claim) => (Claim::Registered(claim), claim.bit()),
            None if *self.names.token_version == *name => {
                (Claim::TokenVersion, 1 << Registered::COUNT)
            }
            None => match self.names.roles_begin_with(name) {
                0 => return Ok(Claim::Other),
                places => (Claim::Roles(places), u32::from(places) << (Registered::COUNT + 1)),
            },
        };
        if self.seen & bits != 0 {
            return Err(ClaimsError::of(name, ClaimsError::TWICE));
        }
        self.seen |= bits;
        Ok(claim)
    }

    /// Whether the value was noted and nothing is wrong yet.
    #[inline]
    pub(super) fn all_well(&self) -> bool {
        self.value == Looked::Noted && self.error.is_none()
    }

    /// Refuses a claim whose value was not noted: it is of another type, or the application's type let it
    /// pass unread.
    pub(super) fn expect_noted(&mut self, name: &str, problem: &'static str) {
        const UNREAD: &str = "was not read by the application's claims type";
        match self.value {
            Looked::Noted => {}
            Looked::Unasked => self.refuse(ClaimsError::of(name, UNREAD)),
            Looked::Asked => self.refuse(ClaimsError::of(name, problem)),
        }
    }

    /// Makes an error final; the first one counts.
    pub(super) fn refuse(&mut self, error: ClaimsError) {
        self.error.get_or_insert(error);
    }

    /// Says which claim an error is about that does not say so itself.
    pub(super) fn blame(&mut self, name: &str) {
        self.error = self.error.take().map(|error| error.or_claim(name));
    }

    /// A string of the payload that is all of a claim's value.
    ///
    /// # Errors
    /// If the claim has to be a list.
    pub(super) fn lone(&mut self, single: Single, value: &'de str) -> Result<(), ClaimsError> {
        self.borrowed(single, value);
        self.shaped(single, ListShape::Lone)
    }

    /// A string of the payload.
    #[inline]
    pub(super) fn borrowed(&mut self, single: Single, value: &'de str) {
        // Addresses are only compared; a value from elsewhere is copied.
        let start = (value.as_ptr() as usize).checked_sub(self.json.as_ptr() as usize);
        let inside = start.filter(|start| {
            start.checked_add(value.len()).is_some_and(|end| end <= self.json.len())
        });
        match inside.and_then(|start| Text::at(start, value.len())) {
            Some(text) => self.text(single, text),
            None => self.unescaped(single, value),
        }
    }

    /// A string that had escapes.
    pub(super) fn unescaped(&mut self, single: Single, value: &str) {
        let start = self.json.len() + self.unescaped.len();
        match Text::at(start, value.len()) {
            Some(text) => {
                self.unescaped.push_str(value);
                self.text(single, text);
            }
            // Not reached: the payload's length is bounded. A claim that could not be noted would be
            // one that is not there.
            None => self.refuse(ClaimsError::new("is too long")),
        }
    }

    #[inline]
    fn text(&mut self, single: Single, text: Text) {
        self.value = Looked::Noted;
        let claims = &mut *self.claims;
        match single {
            Single::Text(claim) => claims.texts[claim.index()] = Some(text),
            Single::JwkThumbprint => claims.methods().jwk_thumbprint = Some(text),
            Single::CertificateThumbprint => claims.methods().certificate_thumbprint = Some(text),
            Single::List(claim) => claims.lists[claim.index()].push(text),
            Single::Roles => claims.roles.push(text),
            // Not reached: strings are refused before.
            Single::Date(_) | Single::TokenVersion => {}
        }
    }

    /// # Errors
    /// If the value is a number that the claim cannot have.
    pub(super) fn number(&mut self, single: Single, value: Number) -> Result<(), ClaimsError> {
        self.value = Looked::Noted;
        match single {
            Single::Date(claim) => {
                let date =
                    value.as_numeric_date().ok_or_else(|| ClaimsError::new("is not a time"))?;
                self.claims.dates[claim.index()] = Some(date);
            }
            Single::TokenVersion => {
                let version = value.as_u64();
                let version = version.ok_or_else(|| ClaimsError::new("is not a whole number"))?;
                self.claims.token_version = Some(version);
            }
            _ => return Err(ClaimsError::new(single.problem())),
        }
        Ok(())
    }

    /// The value of a list claim was of this shape; its strings are noted.
    ///
    /// # Errors
    /// If the claim cannot have that shape.
    #[inline]
    pub(super) fn shaped(&mut self, single: Single, shape: ListShape) -> Result<(), ClaimsError> {
        self.value = Looked::Noted;
        match single {
            Single::List(claim) => {
                let list = &mut self.claims.lists[claim.index()];
                list.shape = Some(shape);
                if claim == ListClaim::Audience && list.len() == 0 {
                    return Err(ClaimsError::new("is an empty array"));
                }
            }
            Single::Roles if shape == ListShape::Lone && !self.names.lone_role => {
                return Err(ClaimsError::new("is not an array of strings"));
            }
            _ => {}
        }
        Ok(())
    }

    /// How many strings of a list are noted.
    pub(super) fn noted(&self, single: Single) -> usize {
        match single {
            Single::List(claim) => self.claims.lists[claim.index()].len(),
            _ => self.claims.roles.len(),
        }
    }

    /// One of the strings of a list that are noted.
    pub(super) fn noted_at(&self, single: Single, index: usize) -> Option<Noted<'_, 'de>> {
        let text = match single {
            Single::List(claim) => self.claims.lists[claim.index()].get(index),
            _ => self.claims.roles.get(index),
        }?;
        Some(match text.within(self.json.len()) {
            None => Noted::Borrowed(text.get(self.json)),
            Some(range) => Noted::Unescaped(self.unescaped.get(range).unwrap_or_default()),
        })
    }
}

/// A string for a second reader: part of the payload, or not.
#[derive(Debug, Clone, Copy)]
pub(super) enum Noted<'a, 'de> {
    Borrowed(&'de str),
    Unescaped(&'a str),
}
