//! The table of the module's documentation, every cell of it, in every protocol.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, Request, Response};

use crate::head::RequestHead;
use crate::rejection::{Rejection, RejectionKind};
use crate::respond::{Auto, Challenge, EmptyBody, ProblemJson, RequestInfo, Responder};

/// Kind, HTTP status and phrase, `error`, description, gRPC status.
type Row = (RejectionKind, (u16, &'static str), Option<&'static str>, &'static str, u8);

const UNAUTHORIZED: (u16, &str) = (401, "Unauthorized");
const FORBIDDEN: (u16, &str) = (403, "Forbidden");
const UNAVAILABLE: (u16, &str) = (503, "Service Unavailable");
const INVALID: Option<&str> = Some("invalid_token");
const INVALID_TEXT: &str = "The access token is invalid";

#[rustfmt::skip]
const TABLE: [Row; 28] = [
    (RejectionKind::MissingToken, UNAUTHORIZED, None, "Authentication is required", 16),
    (RejectionKind::InvalidRequest, (400, "Bad Request"), Some("invalid_request"),
        "The request carries ill-formed or repeated credentials", 16),
    (RejectionKind::MalformedToken, UNAUTHORIZED, INVALID, INVALID_TEXT, 16),
    (RejectionKind::UnknownKey, UNAUTHORIZED, INVALID, INVALID_TEXT, 16),
    (RejectionKind::WrongAlgorithm, UNAUTHORIZED, INVALID, INVALID_TEXT, 16),
    (RejectionKind::InvalidSignature, UNAUTHORIZED, INVALID, INVALID_TEXT, 16),
    (RejectionKind::WrongIssuer, UNAUTHORIZED, INVALID, INVALID_TEXT, 16),
    (RejectionKind::WrongAudience, UNAUTHORIZED, INVALID, INVALID_TEXT, 16),
    (RejectionKind::WrongType, UNAUTHORIZED, INVALID, INVALID_TEXT, 16),
    (RejectionKind::NotYetValid, UNAUTHORIZED, INVALID, INVALID_TEXT, 16),
    (RejectionKind::Expired, UNAUTHORIZED, INVALID, "The access token expired", 16),
    (RejectionKind::InvalidClaims, UNAUTHORIZED, INVALID, INVALID_TEXT, 16),
    (RejectionKind::Revoked, UNAUTHORIZED, INVALID, INVALID_TEXT, 16),
    (RejectionKind::BoundToken, UNAUTHORIZED, INVALID, INVALID_TEXT, 16),
    (RejectionKind::Inactive, UNAUTHORIZED, INVALID, INVALID_TEXT, 16),
    (RejectionKind::InsufficientScope, FORBIDDEN, Some("insufficient_scope"),
        "The access token lacks a required scope", 7),
    (RejectionKind::Forbidden, FORBIDDEN, None, "Access is denied", 7),
    (RejectionKind::CrossSite, FORBIDDEN, None, "The request came from another site", 7),
    (RejectionKind::InsufficientAuthentication, UNAUTHORIZED,
        Some("insufficient_user_authentication"),
        "A more recent or stronger authentication is required", 16),
    (RejectionKind::KeysUnavailable, UNAVAILABLE, None,
        "Authentication is temporarily unavailable", 14),
    (RejectionKind::RevocationUnavailable, UNAVAILABLE, None,
        "Authentication is temporarily unavailable", 14),
    (RejectionKind::IntrospectionUnavailable, UNAVAILABLE, None,
        "Authentication is temporarily unavailable", 14),
    (RejectionKind::Misconfigured, (500, "Internal Server Error"), None,
        "Internal server error", 13),
    (RejectionKind::MissingIdentifier, UNAUTHORIZED, INVALID, INVALID_TEXT, 16),
    (RejectionKind::UnboundToken, UNAUTHORIZED, INVALID, INVALID_TEXT, 16),
    (RejectionKind::InvalidDpopProof, UNAUTHORIZED, Some("invalid_dpop_proof"),
        "The DPoP proof is missing or invalid", 16),
    (RejectionKind::UseDpopNonce, UNAUTHORIZED, Some("use_dpop_nonce"),
        "The DPoP proof needs the nonce of this answer", 16),
    (RejectionKind::ReplayUnavailable, UNAVAILABLE, None,
        "Authentication is temporarily unavailable", 14),
];

/// The place of a kind in the table. A new kind does not compile until it has one.
fn index(kind: RejectionKind) -> usize {
    match kind {
        RejectionKind::MissingToken => 0,
        RejectionKind::InvalidRequest => 1,
        RejectionKind::MalformedToken => 2,
        RejectionKind::UnknownKey => 3,
        RejectionKind::WrongAlgorithm => 4,
        RejectionKind::InvalidSignature => 5,
        RejectionKind::WrongIssuer => 6,
        RejectionKind::WrongAudience => 7,
        RejectionKind::WrongType => 8,
        RejectionKind::NotYetValid => 9,
        RejectionKind::Expired => 10,
        RejectionKind::InvalidClaims => 11,
        RejectionKind::Revoked => 12,
        RejectionKind::BoundToken => 13,
        RejectionKind::Inactive => 14,
        RejectionKind::InsufficientScope => 15,
        RejectionKind::Forbidden => 16,
        RejectionKind::CrossSite => 17,
        RejectionKind::InsufficientAuthentication => 18,
        RejectionKind::KeysUnavailable => 19,
        RejectionKind::RevocationUnavailable => 20,
        RejectionKind::IntrospectionUnavailable => 21,
        RejectionKind::Misconfigured => 22,
        RejectionKind::MissingIdentifier => 23,
        RejectionKind::UnboundToken => 24,
        RejectionKind::InvalidDpopProof => 25,
        RejectionKind::UseDpopNonce => 26,
        RejectionKind::ReplayUnavailable => 27,
    }
}

#[test]
fn names_are_those_of_the_variants_in_snake_case() {
    for (kind, ..) in TABLE {
        let mut name = String::new();
        for char in format!("{kind:?}").chars() {
            if char.is_ascii_uppercase() && !name.is_empty() {
                name.push('_');
            }
            name.push(char.to_ascii_lowercase());
        }
        assert_eq!(kind.as_str(), name);
    }
}

fn info(content_type: Option<&str>) -> RequestInfo {
    let mut request = Request::post("/");
    if let Some(content_type) = content_type {
        request = request.header(CONTENT_TYPE, content_type);
    }
    let request = request.body(()).unwrap();
    RequestInfo::from(&RequestHead::from(&request))
}

/// A rejection with all that a rejection can carry, and an operator's side that must not show.
fn full(kind: RejectionKind) -> Rejection {
    Rejection::new(kind, "the operator's reason")
        .with_source("the operator's source")
        .with_scope("orders:read orders:write")
        .with_acr_values("gold")
        .with_max_age(Duration::from_secs(300))
        .with_retry_after(Duration::from_millis(1_500))
}

fn challenge_of(kind: RejectionKind, error: Option<&str>, text: &str) -> Option<String> {
    let scope = r#", scope="orders:read orders:write""#;
    let error = match (kind, error) {
        (RejectionKind::MissingToken, None) => String::new(),
        (_, None) => return None,
        (_, Some(error)) => format!(r#", error="{error}", error_description="{text}""#),
    };
    let own = match kind {
        RejectionKind::MissingToken | RejectionKind::InsufficientScope => scope.to_owned(),
        RejectionKind::InsufficientAuthentication => {
            format!(r#"{scope}, acr_values="gold", max_age="300""#)
        }
        _ => String::new(),
    };
    Some(format!(r#"Bearer realm="api"{error}{own}"#))
}

fn assert_headers(response: &Response<Bytes>, expected: &[(&str, Option<&str>)]) {
    let mut headers: Vec<_> = response
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    let mut expected: Vec<_> =
        expected.iter().filter_map(|(name, value)| value.map(|value| (*name, value))).collect();
    headers.sort_unstable();
    expected.sort_unstable();
    assert_eq!(headers, expected);
}

#[test]
fn the_table_has_every_kind_once() {
    for (at, row) in TABLE.iter().enumerate() {
        assert_eq!(index(row.0), at);
    }
}

#[test]
fn every_kind_in_every_protocol() {
    let challenge = Challenge::new();
    let problem = Auto::new(ProblemJson::new());
    for (kind, (status, phrase), error, text, grpc) in TABLE {
        let rejection = full(kind);
        let www = challenge_of(kind, error, text);
        let www = (WWW_AUTHENTICATE.as_str(), www.as_deref());
        let retry = (RETRY_AFTER.as_str(), (status == 503).then_some("2"));
        let pushback = (grpc == 14).then_some("1500");
        let grpc = grpc.to_string();

        for content_type in [None, Some("application/json")] {
            let request = info(content_type);
            let response = Auto::<EmptyBody>::default().respond(&rejection, &request, &challenge);
            assert_eq!(response.status(), status, "{kind:?}");
            assert_headers(&response, &[www, retry]);
            assert!(response.body().is_empty());

            let response = problem.respond(&rejection, &request, &challenge);
            assert_eq!(response.status(), status, "{kind:?}");
            let content = (CONTENT_TYPE.as_str(), Some("application/problem+json"));
            assert_headers(&response, &[www, retry, content]);
            let error = error.map_or(String::new(), |code| format!(r#","error":"{code}""#));
            let body = format!(
                r#"{{"type":"about:blank","title":"{phrase}","status":{status},"detail":"{text}"{error}}}"#
            );
            assert_eq!(response.body(), &body);
        }

        for content_type in ["application/grpc", "application/grpc+proto"] {
            let response = problem.respond(&rejection, &info(Some(content_type)), &challenge);
            assert_eq!(response.status(), 200);
            let status = ("grpc-status", Some(grpc.as_str()));
            let message = ("grpc-message", Some(text));
            let pushback = ("grpc-retry-pushback-ms", pushback);
            let content = (CONTENT_TYPE.as_str(), Some(content_type));
            assert_headers(&response, &[www, status, message, pushback, content]);
            assert!(response.body().is_empty());
        }

        let pushback =
            pushback.map_or(String::new(), |ms| format!("grpc-retry-pushback-ms:{ms}\r\n"));
        let lines = format!("grpc-status:{grpc}\r\ngrpc-message:{text}\r\n{pushback}");
        let length = u8::try_from(lines.len()).unwrap();
        let frame = [&[0x80, 0, 0, 0, length], lines.as_bytes()].concat();
        for (content_type, body) in [
            ("application/grpc-web", frame.clone()),
            ("application/grpc-web+proto", frame.clone()),
            ("application/grpc-web-text", STANDARD.encode(&frame).into_bytes()),
            ("application/grpc-web-text+proto", STANDARD.encode(&frame).into_bytes()),
        ] {
            let response = problem.respond(&rejection, &info(Some(content_type)), &challenge);
            assert_eq!(response.status(), 200);
            assert_headers(&response, &[www, (CONTENT_TYPE.as_str(), Some(content_type))]);
            assert_eq!(response.body(), &body, "{kind:?} {content_type}");
        }
    }
}

#[test]
fn a_bare_rejection_renders_as_its_kind() {
    let challenge = Challenge::new();
    for (kind, (status, _), error, text, _) in TABLE {
        let response = EmptyBody.respond(&kind.into(), &info(None), &challenge);
        assert_eq!(response.status(), status);
        let expected = match (kind, error) {
            (RejectionKind::MissingToken, _) => Some(r#"Bearer realm="api""#.to_owned()),
            (_, Some(error)) => {
                Some(format!(r#"Bearer realm="api", error="{error}", error_description="{text}""#))
            }
            _ => None,
        };
        assert_headers(&response, &[(WWW_AUTHENTICATE.as_str(), expected.as_deref())]);
    }
}

#[test]
fn rfc9110_s15_5_2_every_401_has_a_challenge() {
    for (kind, (status, _), ..) in TABLE {
        if status == 401 {
            assert!(kind.has_challenge(), "{kind:?}");
        }
    }
}

#[test]
fn descriptions_need_no_escaping_anywhere() {
    for (kind, ..) in TABLE {
        let plain = |byte| matches!(byte, b' '..=b'~') && !b"\"\\%".contains(&byte);
        assert!(kind.description().bytes().all(plain), "{kind:?}");
    }
}

#[test]
fn the_operators_side_never_shows() {
    let responder = Auto::new(ProblemJson::new());
    for (kind, ..) in TABLE {
        for content_type in [None, Some("application/grpc"), Some("application/grpc-web")] {
            let response = responder.respond(&full(kind), &info(content_type), &Challenge::new());
            let body = String::from_utf8_lossy(response.body());
            assert!(!format!("{:?} {body}", response.headers()).contains("operator"));
        }
    }
}

#[test]
fn closures_and_shared_responders_answer() {
    let teapot = |_: &Rejection, _: &RequestInfo, _: &Challenge| {
        let mut response = Response::new(Bytes::from_static(b"short and stout"));
        *response.status_mut() = http::StatusCode::IM_A_TEAPOT;
        response
    };
    let shared: Arc<dyn Responder> = Arc::new(Auto::new(teapot));
    let boxed: Box<dyn Responder> = Box::new(shared);
    let rejection = RejectionKind::Expired.into();
    let response = boxed.respond(&rejection, &info(None), &Challenge::new());
    assert_eq!(response.status(), 418);
    assert_eq!(*response.headers(), HeaderMap::new());
    let response = boxed.respond(&rejection, &info(Some("application/grpc")), &Challenge::new());
    assert_eq!(response.headers()["grpc-status"], "16");
}
