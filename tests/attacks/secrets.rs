//! Secrets are never shown: not by `Debug` or `Display`, not in logs, not to clients.
//!
//! A token's segments and its claims are looked for in everything that can be formatted, and
//! parser messages, type names and parts of tokens in everything that leaves for the client.
use std::convert::Infallible;
use std::error::Error;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use serde_json::json;
use tower::{Layer, ServiceExt, service_fn};
use tower_bearer::authenticate::{Authentication, Mode};
use tower_bearer::clock::UnixTime;
use tower_bearer::credentials::{
    AuthorizationHeader, BearerToken, Cookie, HeaderField, Sources, WebSocketProtocol, dangerous,
};
use tower_bearer::key::{Algorithm, JwksOptions, Key, KeyError, KeySet, SharedKeys};
use tower_bearer::respond::{Auto, EmptyBody, ProblemJson, Responder};
use tower_bearer::revocation::{MemoryStore, Revocation, TokenIdentity};
use tower_bearer::testing::TestIssuer;
use tower_bearer::{
    AuthLayer, Claims, Principal, Rejection, RejectionKind, RequireLayer, Secret, StandardClaims,
    Verifier,
};

/// Stands in everything that must not be seen.
const MARK: &str = "s3cr3t";
const SECRET: &str = "s3cr3t-of-the-issuer, 32 bytes or more";

fn issuer() -> TestIssuer {
    TestIssuer::from_secret(Algorithm::HS256, &Secret::new(SECRET)).unwrap()
}

/// Every claim that is text holds the mark.
fn token(issuer: &TestIssuer) -> String {
    let text = |name: &str| format!("{MARK}-{name}");
    issuer
        .token()
        .subject(text("sub"))
        .token_id(text("jti"))
        .session_id(text("sid"))
        .scope(text("scope"))
        .roles([&*text("role")])
        .claim("client_id", text("client"))
        .claim("acr", text("acr"))
        .claim("email", text("email"))
        .claim("name", text("name"))
        .claim("custom", text("custom"))
        .sign()
}

/// Neither the mark, in any encoding it could have, nor a segment of the token.
#[track_caller]
fn shows_nothing(text: &str, token: &str) {
    let hex: String = MARK.bytes().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    let bytes = format!("{:?}", MARK.as_bytes());
    let bytes = bytes.trim_matches(['[', ']']);
    for found in
        [MARK, &hex, bytes].into_iter().chain(token.split('.').filter(|part| part.len() > 3))
    {
        let shown = text.to_lowercase().contains(&found.to_lowercase());
        assert!(!shown, "{found} is shown in: {text}");
    }
}

fn formats(value: &impl Debug) -> String {
    format!("{value:?} {value:#?} {:?}", Some(value))
}

#[test]
fn the_search_finds_what_is_shown() {
    let token = token(&issuer());
    for shown in [
        format!("Bearer {token}"),
        token.split('.').nth(2).unwrap().to_owned(),
        format!("{:?}", SECRET.as_bytes()),
        SECRET.to_uppercase(),
    ] {
        let found = std::panic::catch_unwind(|| shows_nothing(&shown, &token));
        assert!(found.is_err(), "{shown}");
    }
}

#[test]
fn debug_of_everything_that_holds_a_key() {
    let issuer = issuer();
    let jwk =
        json!({"kty": "oct", "alg": "HS256", "kid": "1", "k": URL_SAFE_NO_PAD.encode(SECRET)});
    let set = json!({"keys": [jwk, {"kty": "oct", "alg": "HS256", "k": MARK}]}).to_string();
    let keys = || KeySet::from_jwks_with(&set, &JwksOptions::new().allow_symmetric()).unwrap();
    assert_eq!(keys().skipped().len(), 1);
    let key = Key::hs256(Secret::new(SECRET)).unwrap();
    let verifier = Verifier::<StandardClaims>::builder().keys(keys()).any_issuer().any_audience();
    let shared = SharedKeys::new(keys());
    let mut text = String::new();
    for shown in [
        formats(&Secret::new(SECRET)),
        formats(&Secret::from_base64(STANDARD.encode(SECRET)).unwrap()),
        formats(&key),
        formats(&Key::from_jwk(&jwk.to_string()).unwrap()),
        formats(&keys()),
        formats(&shared),
        formats(&shared.current()),
        formats(&keys().skipped().to_vec()),
        formats(&issuer),
        formats(&verifier),
        formats(&verifier.build().unwrap()),
        formats(&Verifier::<StandardClaims>::builder().keys(key)),
    ] {
        text.push_str(&shown);
    }
    shows_nothing(&text, &URL_SAFE_NO_PAD.encode(SECRET));
    shows_nothing(&text, &STANDARD.encode(SECRET));
}

/// What is wrong with a key is said without showing it.
#[test]
fn errors_about_keys_do_not_show_them() {
    let k = |secret: &str| json!({"kty": "oct", "alg": "HS256", "k": secret}).to_string();
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(SECRET)
    );
    let private = json!({
        "kty": "EC", "crv": "P-256", "x": MARK, "y": MARK, "d": MARK, "alg": "ES256"
    });
    let errors: Vec<KeyError> = vec![
        Key::hs256(Secret::new(MARK)).unwrap_err(),
        Key::hs512(Secret::new(SECRET)).unwrap_err(),
        Key::hs256(Secret::new(pem.clone())).unwrap_err(),
        Key::hs256(Secret::new(k(SECRET))).unwrap_err(),
        Key::from_jwk(&k(MARK)).unwrap_err(),
        Key::from_jwk(&k(SECRET)).unwrap_err(),
        Key::from_jwk(SECRET).unwrap_err(),
        Key::from_jwk(&private.to_string()).unwrap_err(),
        Key::from_jwk(&format!(r#"{{"kty":"{SECRET}"}}"#)).unwrap_err(),
        Key::from_jwk(&format!(r#"{{"kty":"oct","alg":"{SECRET}","k":"{SECRET}"}}"#)).unwrap_err(),
        Key::from_jwk(&format!(r#"{{"kty":"oct","k":["{SECRET}"]}}"#)).unwrap_err(),
        Key::from_pem(Algorithm::RS256, SECRET).unwrap_err(),
        Key::from_pem(Algorithm::RS256, &pem).unwrap_err(),
        Key::from_pem(Algorithm::RS256, pem.replace("PUBLIC", "PRIVATE")).unwrap_err(),
        Key::from_pem(Algorithm::RS256, pem.replace("PUBLIC KEY", MARK)).unwrap_err(),
        Key::from_der(Algorithm::ES256, SECRET).unwrap_err(),
        Secret::from_base64(SECRET).unwrap_err(),
        Secret::from_base64(format!("{MARK}!")).unwrap_err(),
        KeySet::from_jwks(SECRET).unwrap_err(),
        KeySet::from_jwks(&format!(r#"{{"keys":[{}]}}"#, k(SECRET))).unwrap_err(),
        KeySet::from_jwks(&format!(r#"{{"keys":"{SECRET}"}}"#)).unwrap_err(),
        TestIssuer::from_pem(Algorithm::ES256, &pem).unwrap_err(),
        TestIssuer::from_secret(Algorithm::HS256, &Secret::new(MARK)).unwrap_err(),
    ];
    for error in errors {
        let text = format!("{} {error} {}", formats(&error), chain(&error));
        shows_nothing(&text, &STANDARD.encode(SECRET));
        shows_nothing(&text, &URL_SAFE_NO_PAD.encode(SECRET));
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        write!(text, "{error} {error:?} {error:#?} ").unwrap();
        next = error.source();
    }
    text
}

/// Everything that a handler, or a layer around it, can print.
#[test]
fn debug_of_everything_on_the_path_of_a_request() {
    let issuer = issuer();
    let token = token(&issuer);
    let store = MemoryStore::new();
    store.revoke_now(&Revocation::token(MARK, UnixTime::MAX)).unwrap();
    let sources = Sources::new()
        .and(AuthorizationHeader::new())
        .and(Cookie::named("t"))
        .and(HeaderField::named("x-token".parse().unwrap()))
        .and(WebSocketProtocol::marker("bearer"));
    let layer = AuthLayer::new(issuer.verifier::<StandardClaims>().build().unwrap())
        .revocation(store.clone())
        .source(sources);
    for (name, value) in [
        ("authorization", format!("Bearer {token}")),
        ("cookie", format!("a=b; t={token}")),
        ("x-token", token.clone()),
        ("sec-websocket-protocol", format!("bearer, {token}, chat")),
    ] {
        let seen = Arc::new(Mutex::new(String::new()));
        let inside = service_fn(|request: Request<String>| {
            let seen = Arc::clone(&seen);
            async move {
                let extensions = request.extensions();
                let claims = Claims::<StandardClaims>::from_extensions(extensions).unwrap();
                let principal = Principal::from_extensions(extensions).unwrap();
                // They do hold what is not to be shown.
                assert!(claims.registered().payload().contains(MARK));
                assert!(claims.sub.as_deref().unwrap().contains(MARK));
                assert!(principal.token().expose_secret().contains('.'));
                let mut response = Response::new(Full::new(Bytes::new()));
                response.extensions_mut().insert(claims.clone());
                let mut forwarded = Request::new(String::new());
                let authorization = claims.token().authorization_value();
                forwarded.headers_mut().insert("authorization", authorization);
                *seen.lock().unwrap() = [
                    formats(&request),
                    formats(request.headers()),
                    formats(request.extensions()),
                    formats(&claims),
                    formats(claims.registered()),
                    formats(&claims.token()),
                    formats(principal),
                    formats(Authentication::of(extensions).unwrap()),
                    formats(&TokenIdentity::new().with_token_id(MARK).with_subject(MARK)),
                    formats(&Revocation::token(MARK, UnixTime::MAX)),
                    formats(&Revocation::subject(MARK, UnixTime::MAX, UnixTime::MAX).issuer(MARK)),
                    formats(&Revocation::subject(MARK, UnixTime::MAX, UnixTime::MAX).target()),
                    formats(&response),
                    formats(&forwarded),
                ]
                .join(" ");
                Ok::<_, Infallible>(response)
            }
        });
        let request = Request::get("/").header(name, value).body(String::new()).unwrap();
        let response = layer.layer(inside).oneshot(request).now_or_never().unwrap().unwrap();
        assert_eq!(response.status(), 200, "{name}");
        let seen = seen.lock().unwrap();
        assert!(seen.contains("Claims"), "{name}: {seen}");
        shows_nothing(&seen, &token);
        shows_nothing(&formats(&response), &token);
    }
    let bearer = BearerToken::parse(&token).unwrap();
    shows_nothing(&format!("{} {} {}", formats(&layer), formats(&bearer), formats(&store)), &token);
    let with = AuthLayer::new(issuer.verifier::<StandardClaims>().build().unwrap()).realm("x");
    shows_nothing(&formats(&with.dangerous()), &token);
}

/// Tokens that are bad in every way in which something could be quoted, and what the answer is.
fn bad_tokens(issuer: &TestIssuer) -> Vec<String> {
    let good = token(issuer);
    let [header, payload, mac] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let other = TestIssuer::new();
    let text = || issuer.token().subject(format!("{MARK}-sub"));
    let mut tokens = vec![
        format!("{header}.{payload}"),
        format!("{header}.{payload}.{mac}.{mac}"),
        format!("{header}.{payload}.{}", &mac[..40]),
        format!("{payload}.{header}.{mac}"),
        format!("{MARK}.{MARK}.{MARK}"),
        format!("{MARK} {MARK}"),
        format!("{good}\u{e4}"),
        other.token().subject(MARK).sign(),
        // The id of a key that is not there is told, up to a bound: operators need to see it.
        text().header("kid", "none of ours").sign(),
        text().header("alg", MARK).sign(),
        // So is the `typ` of a token that was verified.
        text().header("typ", "lost+jwt").sign(),
        text().header("alg", json!([MARK])).sign(),
        text().header("kid", json!({MARK: 1})).sign(),
        text().header("crit", json!([MARK])).sign(),
        text().expired().sign(),
        text().without("exp").sign(),
        text().claim("iss", MARK).sign(),
        text().claim("aud", MARK).sign(),
        text().claim("nbf", u64::MAX).sign(),
        text().claim("name", json!({MARK: MARK})).sign(),
        text().claim("email_verified", MARK).sign(),
        text().claim("email", json!([MARK])).sign(),
        issuer.token().sign_payload(format!("\"{MARK}\"").as_bytes()),
        issuer.token().sign_payload(format!("{{\"{MARK}").as_bytes()),
        issuer
            .token()
            .sign_payload(format!("{{\"sub\":\"{MARK}\",\"sub\":\"{MARK}\"}}").as_bytes()),
        issuer
            .token()
            .sign_payload(format!("{{\"name\":\"{MARK}\",\"name\":\"{MARK}\"}}").as_bytes()),
        issuer.token().sign_payload(MARK.as_bytes()),
        issuer.token().sign_raw(MARK.as_bytes(), b"{}"),
    ];
    for claim in ["iss", "aud", "sub", "exp", "nbf", "iat", "jti", "sid", "scope", "roles", "acr"] {
        tokens.push(text().claim(claim, json!({"x": MARK})).sign());
        tokens.push(text().claim(claim, json!([[MARK]])).sign());
    }
    tokens.push(text().claim("exp", MARK).sign());
    tokens
}

#[test]
fn rejections_and_their_sources_quote_nothing() {
    let issuer = issuer();
    let layer = AuthLayer::new(issuer.verifier::<StandardClaims>().build().unwrap());
    let mut kinds = Vec::new();
    for token in bad_tokens(&issuer) {
        let (response, _) = send(&layer, &token, None);
        let Some(rejection) = response.extensions().get::<Rejection>() else {
            // Roles may have any shape: what is no role is none.
            assert_eq!(response.status(), 200);
            continue;
        };
        shows_nothing(&format!("{} {}", formats(rejection), chain(rejection)), &token);
        assert!(!rejection.reason().is_empty());
        kinds.push(rejection.kind());
    }
    for kind in [
        RejectionKind::InvalidRequest,
        RejectionKind::MalformedToken,
        RejectionKind::UnknownKey,
        RejectionKind::WrongAlgorithm,
        RejectionKind::InvalidSignature,
        RejectionKind::WrongIssuer,
        RejectionKind::WrongAudience,
        RejectionKind::WrongType,
        RejectionKind::NotYetValid,
        RejectionKind::Expired,
        RejectionKind::InvalidClaims,
    ] {
        assert!(kinds.contains(&kind), "{kind:?} was not tried");
    }
    assert!(kinds.len() > 40, "{}", kinds.len());
}

fn send<R: tower_bearer::revocation::RevocationCheck>(
    layer: &AuthLayer<Verifier<StandardClaims>, R>,
    token: &str,
    content_type: Option<&str>,
) -> (Response<()>, Bytes) {
    let value = http::HeaderValue::from_bytes(format!("Bearer {token}").as_bytes()).unwrap();
    let mut request = Request::get("/").header("authorization", value);
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    let inside = service_fn(|_: Request<String>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::new())))
    });
    let denied = tower_bearer::guard::claims(|user: &StandardClaims| user.sub.is_none());
    let inside = RequireLayer::new(tower_bearer::guard::not(denied)).layer(inside);
    let service = layer.layer(inside);
    let response =
        service.oneshot(request.body(String::new()).unwrap()).now_or_never().unwrap().unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().now_or_never().unwrap().unwrap().to_bytes();
    (Response::from_parts(parts, ()), body)
}

/// Words of parsers, of Rust and of this crate's inside.
const INSIDE: [&str; 24] = [
    "tower_bearer",
    "tower-bearer",
    "serde",
    "::",
    "StandardClaims",
    "line 1",
    "column",
    "invalid type",
    "expected",
    "missing field",
    "unknown field",
    "duplicate",
    "base64",
    "utf-8",
    "json",
    "panick",
    "signature",
    "kid",
    "alg",
    "claim",
    "issuer",
    "audience",
    "revo",
    "redis",
];

fn responses<H: Responder>(responder: impl Fn() -> H) {
    let issuer = issuer();
    let layer = || {
        let verifier = issuer.verifier::<StandardClaims>().build().unwrap();
        AuthLayer::new(verifier).responder(responder())
    };
    let down = tower_bearer::revocation::check_async_fn(|_| async {
        let source = format!("redis://user:{MARK}@10.0.0.8 timed out");
        Err(tower_bearer::revocation::StoreError::unavailable(source))
    });
    let mut tokens = bad_tokens(&issuer);
    tokens.push(String::new());
    let content_types = [
        None,
        Some("application/grpc"),
        Some("application/grpc-web"),
        Some("application/grpc-web-text"),
    ];
    for content_type in content_types {
        let text_of = |(response, body): (Response<()>, Bytes)| {
            let mut text = String::new();
            for (name, value) in response.headers() {
                if name != "content-type" {
                    writeln!(text, "{name}: {}", value.to_str().unwrap()).unwrap();
                }
            }
            let body = match content_type {
                // A responder for HTTP alone answers as it always does.
                Some("application/grpc-web-text") if !body.starts_with(b"{") => {
                    STANDARD.decode(&body).unwrap()
                }
                _ => body.to_vec(),
            };
            text.push_str(&String::from_utf8_lossy(&body));
            text
        };
        for token in &tokens {
            let text = text_of(send(&layer(), token, content_type));
            shows_nothing(&text, token);
            for word in INSIDE {
                assert!(!text.to_lowercase().contains(&word.to_lowercase()), "{word}: {text}");
            }
        }
        let good = token(&issuer);
        let answer = send(&layer().revocation(down), &good, content_type);
        assert_eq!(
            answer.0.extensions().get::<Rejection>().unwrap().kind(),
            RejectionKind::RevocationUnavailable
        );
        let text = text_of(answer);
        shows_nothing(&text, &good);
        for word in INSIDE {
            assert!(!text.to_lowercase().contains(&word.to_lowercase()), "{word}: {text}");
        }
    }
}

#[test]
fn responses_with_empty_bodies_say_nothing_of_the_inside() {
    responses(Auto::<EmptyBody>::default);
    responses(|| EmptyBody);
}

#[test]
fn responses_with_problem_details_say_nothing_of_the_inside() {
    responses(|| Auto::new(ProblemJson::new()));
    responses(ProblemJson::new);
}

/// A rejection that a handler made out of its own error.
#[test]
fn sources_stay_inside() {
    let issuer = issuer();
    let layer = AuthLayer::new(issuer.verifier::<StandardClaims>().build().unwrap())
        .mode(Mode::Inspect)
        .responder(Auto::new(ProblemJson::new()));
    struct Failing;
    impl tower_bearer::guard::Guard for Failing {
        fn check(&self, _: &Principal) -> Result<(), Rejection> {
            let kind = RejectionKind::Forbidden;
            Err(Rejection::new(kind, "tenant database").with_source(format!("{MARK}: no such row")))
        }
    }
    let inside = service_fn(|_: Request<String>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"inside"))))
    });
    let token = token(&issuer);
    let request = Request::get("/").header("authorization", format!("Bearer {token}"));
    let service = layer.layer(RequireLayer::new(Failing).layer(inside));
    let response =
        service.oneshot(request.body(String::new()).unwrap()).now_or_never().unwrap().unwrap();
    assert_eq!(response.status(), 403);
    let (parts, body) = response.into_parts();
    let body = body.collect().now_or_never().unwrap().unwrap().to_bytes();
    let text = format!("{:?} {}", parts.headers, String::from_utf8_lossy(&body));
    assert!(text.contains("Access is denied"), "{text}");
    shows_nothing(&text, &token);
    assert!(!text.contains("tenant"), "{text}");
    // The operator has it.
    let rejection = parts.extensions.get::<Rejection>().unwrap();
    assert!(rejection.source().unwrap().to_string().contains(MARK));
}

/// A token in the query is in the target, which only the layer's own events leave out.
#[test]
fn a_token_in_the_query_is_redacted_where_this_crate_prints() {
    let issuer = issuer();
    let token = token(&issuer);
    let layer = AuthLayer::new(issuer.verifier::<StandardClaims>().build().unwrap())
        .source(dangerous::QueryParameter::named("access_token"));
    let inside = service_fn(|request: Request<String>| async move {
        let claims = Claims::<StandardClaims>::from_extensions(request.extensions()).unwrap();
        let text = format!("{} {}", formats(&claims), formats(&claims.token()));
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(text))))
    });
    let request = Request::get(format!("/?access_token={token}")).body(String::new()).unwrap();
    let response = layer.layer(inside).oneshot(request).now_or_never().unwrap().unwrap();
    let body = response.into_body().collect().now_or_never().unwrap().unwrap().to_bytes();
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(text.contains("redacted"), "{text}");
    shows_nothing(&text, &token);
}

/// The log says what was wrong, and quotes nothing.
#[cfg(feature = "tracing")]
#[test]
fn logs_quote_nothing() {
    use std::io;
    use tracing_subscriber::fmt::MakeWriter;

    /// What is logged by the thread of this test: the others run at the same time.
    #[derive(Clone)]
    struct Log(Arc<Mutex<Vec<u8>>>, std::thread::ThreadId);
    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if std::thread::current().id() == self.1 {
                self.0.lock().unwrap().extend_from_slice(bytes);
            }
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl<'a> MakeWriter<'a> for Log {
        type Writer = Self;
        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    let log = Log(Arc::default(), std::thread::current().id());
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    let issuer = issuer();
    let layer = AuthLayer::new(issuer.verifier::<StandardClaims>().build().unwrap());
    let tokens = [bad_tokens(&issuer), vec![token(&issuer)]].concat();
    // For the whole process: where an event was first met by a thread without a subscriber, one of
    // this thread alone might not be asked.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    tracing::callsite::rebuild_interest_cache();
    for token in &tokens {
        drop(send(&layer, token, None));
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.matches("request rejected").count() > 40, "{log}");
    // The operator learns which claim did not fit.
    assert!(log.contains("`email_verified`"), "{log}");
    for token in &tokens {
        shows_nothing(&log, token);
    }
}
