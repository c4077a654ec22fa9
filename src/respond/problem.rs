//! `application/problem+json`.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use serde::Serialize;

use crate::rejection::{Rejection, RejectionKind};
use crate::respond::{Challenge, EmptyBody, RequestInfo, Responder};

/// As [`EmptyBody`], with a body of problem details
/// ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)).
///
/// ```json
/// {"type":"about:blank","title":"Unauthorized","status":401,
///  "detail":"The access token expired","error":"invalid_token"}
/// ```
///
/// `error` is the code of the challenge, and absent where that has none. Nothing else is sent.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct ProblemJson {
    type_base: Option<Box<str>>,
}

#[derive(Serialize)]
struct Problem<'a> {
    r#type: Cow<'a, str>,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

impl ProblemJson {
    /// Problems of the type `about:blank`.
    pub const fn new() -> Self {
        Self { type_base: None }
    }

    /// Makes types of this URI and a name, where one's documentation is:
    /// `https://example.com/problems/` becomes `https://example.com/problems/invalid_token`.
    ///
    /// The names are the challenge's `error` codes, and `missing_token`, `access_denied`,
    /// `temporarily_unavailable` and `server_error` where it has none.
    pub fn type_base(mut self, base: impl Into<Box<str>>) -> Self {
        self.type_base = Some(base.into());
        self
    }

    fn body(&self, kind: RejectionKind) -> Bytes {
        let problem = Problem {
            r#type: match &self.type_base {
                None => "about:blank".into(),
                Some(base) => format!("{base}{}", type_name(kind)).into(),
            },
            title: kind.status().canonical_reason().unwrap_or_default(),
            status: kind.status().as_u16(),
            detail: kind.description(),
            error: kind.error_code(),
        };
        // Writing text and numbers to memory cannot fail, so the default is never taken.
        serde_json::to_vec(&problem).unwrap_or_default().into()
    }
}

fn type_name(kind: RejectionKind) -> &'static str {
    match kind.error_code() {
        Some(code) => code,
        None => match kind {
            RejectionKind::MissingToken => "missing_token",
            RejectionKind::Forbidden => "access_denied",
            RejectionKind::CrossSite => "cross_site",
            RejectionKind::KeysUnavailable
            | RejectionKind::RevocationUnavailable
            | RejectionKind::IntrospectionUnavailable => "temporarily_unavailable",
            _ => "server_error",
        },
    }
}

impl Responder for ProblemJson {
    fn respond(
        &self,
        rejection: &Rejection,
        request: &RequestInfo,
        challenge: &Challenge,
    ) -> Response<Bytes> {
        let mut response = EmptyBody.respond(rejection, request, challenge);
        let content_type = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(CONTENT_TYPE, content_type);
        *response.body_mut() = self.body(rejection.kind());
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9457_type_is_about_blank_or_under_the_base() {
        let read = |problem: ProblemJson, kind| {
            let body: serde_json::Value = serde_json::from_slice(&problem.body(kind)).unwrap();
            body["type"].as_str().unwrap().to_owned()
        };
        assert_eq!(read(ProblemJson::new(), RejectionKind::Expired), "about:blank");
        let based = ProblemJson::new().type_base("https://e.com/\"p\"/");
        for (kind, name) in [
            (RejectionKind::Expired, "invalid_token"),
            (RejectionKind::MissingToken, "missing_token"),
            (RejectionKind::Forbidden, "access_denied"),
            (RejectionKind::CrossSite, "cross_site"),
            (RejectionKind::RevocationUnavailable, "temporarily_unavailable"),
            (RejectionKind::IntrospectionUnavailable, "temporarily_unavailable"),
            (RejectionKind::Misconfigured, "server_error"),
        ] {
            let expected = format!("https://e.com/\"p\"/{name}");
            assert_eq!(read(based.clone(), kind), expected);
        }
    }
}
