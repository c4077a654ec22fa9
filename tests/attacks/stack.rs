//! The stack that every attack meets, and what has to come of it.

use std::convert::Infallible;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use futures_util::FutureExt;
use http::header::WWW_AUTHENTICATE;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use jsonwebtoken::EncodingKey;
use tower::{Layer, ServiceExt, service_fn};
use tower_bearer::clock::UnixTime;
use tower_bearer::credentials::AuthorizationHeader;
use tower_bearer::key::Algorithm;
use tower_bearer::layer::ResponseBody;
use tower_bearer::revocation::{NoRevocation, RevocationCheck};
use tower_bearer::testing::{FakeClock, TestIssuer};
use tower_bearer::{AuthLayer, Rejection, RejectionKind, Secret, StandardClaims, Verifier};

pub(crate) type Stack<R = NoRevocation> = AuthLayer<Verifier<StandardClaims>, R>;

/// When the tests take place.
pub(crate) const NOW: u64 = 1_750_000_000;
const SECRET: &[u8] = b"known to the issuer and to this test, and to nobody else";

pub(crate) fn clock() -> FakeClock {
    FakeClock::at(UnixTime::from_secs(NOW))
}

/// Signs with HS256, with a secret that this test knows.
pub(crate) fn issuer() -> TestIssuer {
    TestIssuer::from_secret(Algorithm::HS256, &Secret::new(SECRET)).unwrap().clock(clock())
}

/// Signs with a key out of the folder of test keys: making an RSA key takes too long.
pub(crate) fn rs256_issuer() -> TestIssuer {
    let pem = include_str!("../../src/key/testdata/rsa2048.key.pem");
    TestIssuer::from_pem(Algorithm::RS256, pem).unwrap().clock(clock())
}

pub(crate) fn generated(algorithm: Algorithm) -> TestIssuer {
    TestIssuer::with_algorithm(algorithm).unwrap().clock(clock())
}

pub(crate) fn stack(issuer: &TestIssuer) -> Stack {
    AuthLayer::new(issuer.verifier().build().unwrap())
}

/// Takes header fields of many megabytes, so that the parser is reached.
pub(crate) fn roomy(stack: Stack) -> Stack {
    stack.source(AuthorizationHeader::new().max_len(64 << 20))
}

/// HS256 with whatever key, encoded.
pub(crate) fn hs256(key: &[u8], input: &str) -> String {
    let key = EncodingKey::from_secret(key);
    jsonwebtoken::crypto::sign(input.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap()
}

/// The token with the right signature over exactly this text.
pub(crate) fn sign_text(input: &str) -> String {
    format!("{input}.{}", hs256(SECRET, input))
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn decode(segment: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(segment).unwrap()
}

/// The three segments of a token.
pub(crate) fn segments(token: &str) -> [&str; 3] {
    token.split('.').collect::<Vec<_>>().try_into().unwrap()
}

/// The payload of a good token of this issuer.
pub(crate) fn payload(issuer: &TestIssuer) -> String {
    String::from_utf8(decode(segments(&issuer.token().sign())[1])).unwrap()
}

/// A token with a header and a payload as they are written here, rightly signed.
pub(crate) fn signed(header: &str, payload: &str) -> String {
    sign_text(&format!("{}.{}", encode(header), encode(payload)))
}

pub(crate) fn with_token(token: &str) -> Request<String> {
    Request::get("/")
        .header("authorization", format!("Bearer {token}"))
        .body(String::new())
        .unwrap()
}

pub(crate) fn call<R: RevocationCheck>(
    stack: &Stack<R>,
    request: Request<String>,
) -> (Response<()>, Bytes) {
    let inside = service_fn(|_: Request<String>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"inside"))))
    });
    let response = stack.layer(inside).oneshot(request).now_or_never();
    let response: Response<ResponseBody<Full<Bytes>>> =
        response.expect("nothing here has to wait").unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().now_or_never().unwrap().unwrap().to_bytes();
    (Response::from_parts(parts, ()), body)
}

/// The control: this very stack lets a good request through.
#[track_caller]
pub(crate) fn pass_request<R: RevocationCheck>(stack: &Stack<R>, request: Request<String>) {
    let (response, body) = call(stack, request);
    let rejection = response.extensions().get::<Rejection>();
    assert_eq!((response.status(), &body[..]), (StatusCode::OK, &b"inside"[..]), "{rejection:?}");
    assert!(rejection.is_none());
}

#[track_caller]
pub(crate) fn pass<R: RevocationCheck>(stack: &Stack<R>, token: &str) {
    pass_request(stack, with_token(token));
}

/// The request does not reach the service, and is answered as this kind of rejection is to be.
#[track_caller]
pub(crate) fn refuse_request<R: RevocationCheck>(
    stack: &Stack<R>,
    request: Request<String>,
    kind: RejectionKind,
) -> Rejection {
    use RejectionKind as Kind;
    let invalid_token = r#"Bearer realm="api", error="invalid_token", error_description="The access token is invalid""#;
    let (status, challenge) = match kind {
        Kind::MissingToken => (401, Some(r#"Bearer realm="api""#)),
        Kind::InvalidRequest => (
            400,
            Some(
                r#"Bearer realm="api", error="invalid_request", error_description="The request carries ill-formed or repeated credentials""#,
            ),
        ),
        Kind::Expired => (
            401,
            Some(
                r#"Bearer realm="api", error="invalid_token", error_description="The access token expired""#,
            ),
        ),
        Kind::MalformedToken
        | Kind::UnknownKey
        | Kind::WrongAlgorithm
        | Kind::InvalidSignature
        | Kind::WrongIssuer
        | Kind::WrongAudience
        | Kind::WrongType
        | Kind::NotYetValid
        | Kind::InvalidClaims
        | Kind::BoundToken
        | Kind::MissingIdentifier
        | Kind::Revoked => (401, Some(invalid_token)),
        Kind::CrossSite => (403, None),
        other => panic!("no attack leads to {other:?}"),
    };
    let (response, body) = call(stack, request);
    let rejection = response.extensions().get::<Rejection>().expect("a rejection").clone();
    assert_eq!(rejection.kind(), kind, "{rejection:?}");
    assert_eq!(response.status().as_u16(), status);
    let challenges: Vec<_> = response.headers().get_all(WWW_AUTHENTICATE).iter().collect();
    assert_eq!(challenges, Vec::from_iter(challenge));
    assert_eq!(response.headers().len(), challenges.len());
    assert!(body.is_empty());
    rejection
}

#[track_caller]
pub(crate) fn refuse<R: RevocationCheck>(
    stack: &Stack<R>,
    token: &str,
    kind: RejectionKind,
) -> Rejection {
    refuse_request(stack, with_token(token), kind)
}

pub(crate) fn seconds(secs: f64) -> Duration {
    Duration::from_secs_f64(secs)
}
