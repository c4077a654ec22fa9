//! `Authorization: DPoP …`, [RFC 9449 §7.1](https://www.rfc-editor.org/rfc/rfc9449#section-7.1).

use http::HeaderName;
use http::header::AUTHORIZATION;

use super::header::HeaderField;
use super::source::TokenSource;
use super::token::{BearerToken, DEFAULT_MAX_LEN, TokenOrigin, invalid};
use crate::head::RequestHead;
use crate::rejection::Rejection;

const SCHEME: &str = "DPoP";

/// Where a token of the scheme `DPoP` is.
#[derive(Debug, Clone)]
pub(crate) struct DpopAuthorization(HeaderField);

impl DpopAuthorization {
    pub(crate) fn new() -> Self {
        Self(HeaderField::named(AUTHORIZATION).with_scheme(SCHEME).max_len(DEFAULT_MAX_LEN))
    }

    /// Fields of up to this many bytes, scheme included.
    pub(crate) fn max_len(self, bytes: usize) -> Self {
        Self(self.0.max_len(bytes))
    }

    /// The token of this scheme, or of another place that is looked at; not both.
    pub(crate) fn find_or(
        &self,
        other: &dyn TokenSource,
        head: &RequestHead<'_>,
    ) -> Result<Option<BearerToken>, Rejection> {
        if !is_dpop(head) {
            return other.find(head);
        }
        let Some(token) = self.0.find(head).map_err(Rejection::in_dpop)? else {
            return other.find(head);
        };
        if other.find(head)?.is_some() {
            return Err(invalid("tokens were sent in more than one place"));
        }
        Ok(Some(token.with_origin(TokenOrigin::Dpop)))
    }

    pub(crate) fn header_name() -> HeaderName {
        AUTHORIZATION
    }
}

/// Whether the request has credentials of the scheme `DPoP`.
pub(crate) fn is_dpop(head: &RequestHead<'_>) -> bool {
    let speaks = |field: &[u8]| {
        let (word, rest) = field.split_at(field.len().min(SCHEME.len()));
        word.eq_ignore_ascii_case(SCHEME.as_bytes()) && matches!(rest.first(), None | Some(b' '))
    };
    head.headers().get_all(AUTHORIZATION).iter().any(|field| speaks(field.as_bytes()))
}
