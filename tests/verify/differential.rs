//! The same tokens through this crate and through jsonwebtoken's `decode`.
//!
//! A token is a good one with some quirks. Each quirk says what either verifier makes of a token
//! with that quirk alone, and why where they differ; a token with several is accepted by whoever
//! accepts each of them. Every verdict is compared with that table, so a disagreement that is not
//! explained here fails, and so does one that has gone.
//!
//! jsonwebtoken is set up as strictly as it can be: `exp`, `iss` and `aud` required, `nbf` judged,
//! one algorithm, the same leeway.
use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{DecodingKey, Validation, decode, get_current_timestamp};
use serde_json::Value;
use tower_bearer::authenticate::Authenticator;
use tower_bearer::clock::UnixTime;
use tower_bearer::key::{Algorithm, Secret};
use tower_bearer::testing::{FakeClock, TestIssuer};
use tower_bearer::verify::Verifier;

const LEEWAY: u64 = 60;
const ALGORITHMS: [Algorithm; 12] = [
    Algorithm::HS256,
    Algorithm::HS384,
    Algorithm::HS512,
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

// ---- what both make of it ----

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    BothAccept,
    BothReject,
    /// jsonwebtoken accepts what this crate rejects, because of this.
    OnlyTheyAccept(Why),
    /// This crate accepts what jsonwebtoken rejects, because of this.
    OnlyWeAccept(Why),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    // jsonwebtoken accepts
    /// It accepts until `now > exp + leeway`. RFC 7519 §4.1.4: on or after `exp` is too late.
    TheLastMoment,
    /// It rounds fractions of `exp` and `nbf` to whole seconds; here they count as they are.
    FractionsAreRounded,
    /// It does not judge `iat`. Here a token of the future is not valid yet, and an `iat` that is no
    /// time is no `iat`.
    IssuedAtIsNotJudged,
    /// It takes `iss` as a list. RFC 7519 §4.1.1: a string.
    IssuerLists,
    /// It does not look at the types of registered claims that it does not validate. Here they are
    /// never read as absent.
    TypesOfOtherClaims,
    /// It does not look at `cnf`. RFC 9449 §7.2, RFC 8705 §3: such a token is for who can prove that they
    /// hold the key, so it is no bearer token here.
    BoundTokens,
    /// It lets the last (or first) of two registered claims count. RFC 7519 §4 allows that, RFC 8725
    /// warns of parsers that disagree: here such a token is rejected.
    DuplicateClaims,
    /// As for claims; it tells duplicates of the header members that it knows.
    DuplicateHeaderMembers,
    /// It does not look at `crit`. RFC 7515 §4.1.11: what is not understood must be rejected.
    Critical,
    /// It does not look at `b64`. RFC 7797 §6: `crit` has to name it, and that is rejected.
    UnencodedPayload,
    /// It leaves `typ` to the application. RFC 8725 §3.11: kinds of token are told apart.
    TokenTypes,
    /// It leaves choosing a key by `kid` to the application, which has one key here.
    KeyIds,
    /// `null` is absence to it. RFC 7515 §4.1: these members are strings.
    NullInTheHeader,
    /// It does not bound the header.
    ManyHeaderMembers,

    // this crate accepts
    /// RFC 9864's name for the same algorithm.
    Ed25519,
    /// It reads members that are not looked at here (RFC 7515 §4: ignored where not understood), and
    /// rejects those of other types than it has for them.
    TypesOfUnusedHeaderMembers,
}

use Verdict::{BothAccept, BothReject, OnlyTheyAccept, OnlyWeAccept};

impl Verdict {
    fn ours(self) -> bool {
        matches!(self, BothAccept | OnlyWeAccept(_))
    }

    fn theirs(self) -> bool {
        matches!(self, BothAccept | OnlyTheyAccept(_))
    }
}

// ---- tokens to be ----

/// A token before it is signed, as JSON text.
struct Draft {
    now: u64,
    header: Vec<(&'static str, String)>,
    claims: Vec<(&'static str, String)>,
    /// Around the whole payload.
    payload: [&'static str; 2],
    spoil: Option<fn(&str) -> String>,
}

fn set(members: &mut Vec<(&'static str, String)>, name: &'static str, value: impl Into<String>) {
    members.retain(|(other, _)| *other != name);
    members.push((name, value.into()));
}

fn object(members: &[(&'static str, String)]) -> String {
    let members: Vec<_> =
        members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

impl Draft {
    fn good(algorithm: Algorithm, now: u64) -> Self {
        let header = vec![
            ("alg", format!("\"{algorithm}\"")),
            ("typ", "\"JWT\"".to_owned()),
            ("kid", "\"test\"".to_owned()),
        ];
        let claims = vec![
            ("iss", format!("\"{}\"", TestIssuer::ISSUER)),
            ("aud", format!("\"{}\"", TestIssuer::AUDIENCE)),
            ("exp", (now + 300).to_string()),
            ("sub", "\"alice\"".to_owned()),
        ];
        Self { now, header, claims, payload: ["", ""], spoil: None }
    }

    fn sign(&self, issuer: &TestIssuer) -> String {
        let payload = [self.payload[0], &object(&self.claims), self.payload[1]].concat();
        let token = issuer.token().sign_raw(object(&self.header).as_bytes(), payload.as_bytes());
        self.spoil.map_or(token.clone(), |spoil| spoil(&token))
    }
}

/// A departure from a good token.
struct Quirk {
    /// Two quirks of the same part would undo each other.
    part: &'static str,
    value: String,
    verdict: Verdict,
    apply: Box<dyn Fn(&mut Draft)>,
}

fn quirk(
    part: &'static str,
    value: impl Into<String>,
    verdict: Verdict,
    apply: impl Fn(&mut Draft) + 'static,
) -> Quirk {
    Quirk { part, value: value.into(), verdict, apply: Box::new(apply) }
}

fn claim(name: &'static str, value: &str, verdict: Verdict) -> Quirk {
    let json = value.to_owned();
    quirk(name, value, verdict, move |draft| set(&mut draft.claims, name, json.clone()))
}

/// A claim that is a time near now: whole seconds from now, and a fraction.
fn time(name: &'static str, from_now: i64, fraction: &'static str, verdict: Verdict) -> Quirk {
    quirk(name, format!("now{from_now:+}{fraction}"), verdict, move |draft| {
        let secs = draft.now.saturating_add_signed(from_now);
        set(&mut draft.claims, name, format!("{secs}{fraction}"));
    })
}

fn header(name: &'static str, value: &str, verdict: Verdict) -> Quirk {
    let json = value.to_owned();
    // not the part of the claim of the same name
    let part = match name {
        "alg" | "kid" | "typ" | "crit" | "b64" => name,
        _ => "header",
    };
    quirk(part, format!("{name}={value}"), verdict, move |draft| {
        set(&mut draft.header, name, json.clone());
    })
}

fn spoil(what: &'static str, spoil: fn(&str) -> String) -> Quirk {
    quirk("spoil", what, BothReject, move |draft| draft.spoil = Some(spoil))
}

fn time_quirks() -> Vec<Quirk> {
    use Why::{FractionsAreRounded, IssuedAtIsNotJudged, TheLastMoment};
    let mut quirks = vec![
        time("exp", 1, "", BothAccept),
        time("exp", 0, "", BothAccept),
        time("exp", -59, "", BothAccept),
        time("exp", -60, "", OnlyTheyAccept(TheLastMoment)),
        time("exp", -61, "", BothReject),
        time("exp", -7200, "", BothReject),
        time("exp", 5, ".25", BothAccept),
        time("exp", -60, ".25", BothAccept),
        time("exp", -61, ".75", OnlyTheyAccept(FractionsAreRounded)),
        time("exp", -61, ".25", BothReject),
        claim("exp", "18446744073709551615", BothAccept),
        claim("exp", "1e19", BothAccept),
        time("nbf", 0, "", BothAccept),
        time("nbf", 60, "", BothAccept),
        time("nbf", 60, ".25", OnlyTheyAccept(FractionsAreRounded)),
        time("nbf", 60, ".75", BothReject),
        time("nbf", 61, "", BothReject),
        time("nbf", 86400, "", BothReject),
        claim("nbf", "0", BothAccept),
        claim("nbf", "18446744073709551615", BothReject),
        time("iat", 0, "", BothAccept),
        time("iat", -86400, ".5", BothAccept),
        time("iat", 60, "", BothAccept),
        time("iat", 61, "", OnlyTheyAccept(IssuedAtIsNotJudged)),
        time("iat", 86400, "", OnlyTheyAccept(IssuedAtIsNotJudged)),
    ];
    quirks.push(quirk("exp", "absent", BothReject, |draft| {
        draft.claims.retain(|(name, _)| *name != "exp");
    }));
    let odd = ["\"1700000000\"", "null", "true", "-1", "-0.5", "1e20", "1e400", "[]", "{}", "[9]"];
    for value in odd {
        quirks.push(claim("exp", value, BothReject));
        quirks.push(claim("nbf", value, BothReject));
        let verdict = match value {
            // not JSON that either can read
            "1e400" => BothReject,
            _ => OnlyTheyAccept(IssuedAtIsNotJudged),
        };
        quirks.push(claim("iat", value, verdict));
    }
    quirks
}

fn party_quirks() -> Vec<Quirk> {
    use Why::{IssuerLists, TypesOfOtherClaims};
    let (iss, aud) = (TestIssuer::ISSUER, TestIssuer::AUDIENCE);
    let mut quirks = vec![
        claim("iss", "\"https:\\/\\/issuer\\u002etest\"", BothAccept),
        claim("iss", &format!("\"{iss}/\""), BothReject),
        claim("iss", "\"https://evil.example\"", BothReject),
        claim("iss", "\"\"", BothReject),
        claim("iss", &format!("[\"{iss}\"]"), OnlyTheyAccept(IssuerLists)),
        claim("iss", &format!("[\"https://evil.example\",\"{iss}\"]"), OnlyTheyAccept(IssuerLists)),
        claim("iss", "[\"https://evil.example\"]", BothReject),
        claim("aud", "\"test\\u002daudience\"", BothAccept),
        claim("aud", &format!("[\"{aud}\"]"), BothAccept),
        claim("aud", &format!("[\"other\",\"{aud}\",\"{aud}\"]"), BothAccept),
        claim("aud", "\"other\"", BothReject),
        claim("aud", "\"Test-Audience\"", BothReject),
        claim("aud", "[\"other\"]", BothReject),
        claim("aud", "[]", BothReject),
        claim("aud", &format!("[\"{aud}\",1]"), BothReject),
        claim("aud", &format!("[[\"{aud}\"]]"), BothReject),
        claim("sub", "\"\"", BothAccept),
        claim("sub", "\"\\ud83d\\ude00\"", BothAccept),
        claim("sub", "5", OnlyTheyAccept(TypesOfOtherClaims)),
        claim("sub", "null", OnlyTheyAccept(TypesOfOtherClaims)),
        claim("sub", "true", OnlyTheyAccept(TypesOfOtherClaims)),
        // what jsonwebtoken's parser stops at
        claim("sub", "[]", BothReject),
        claim("sub", "{}", BothReject),
    ];
    for name in ["iss", "aud"] {
        for value in ["1", "null", "true", "{}"] {
            quirks.push(claim(name, value, BothReject));
        }
        quirks.push(quirk(name, "absent", BothReject, move |draft| {
            draft.claims.retain(|(other, _)| *other != name);
        }));
    }
    quirks.push(quirk("sub", "absent", BothAccept, |draft| {
        draft.claims.retain(|(name, _)| *name != "sub");
    }));
    quirks
}

fn other_claim_quirks() -> Vec<Quirk> {
    use Why::{BoundTokens, DuplicateClaims, TypesOfOtherClaims};
    let mut quirks = Vec::new();
    for name in ["jti", "sid", "client_id", "azp", "acr"] {
        quirks.push(claim(name, "\"x\"", BothAccept));
        for value in ["1", "null", "[\"x\"]", "{}"] {
            quirks.push(claim(name, value, OnlyTheyAccept(TypesOfOtherClaims)));
        }
    }
    for name in ["scope", "scp"] {
        quirks.push(claim(name, "\"a b\"", BothAccept));
        quirks.push(claim(name, "[\"a\",\"b\"]", BothAccept));
        for value in ["1", "null", "[1]", "{}"] {
            quirks.push(claim(name, value, OnlyTheyAccept(TypesOfOtherClaims)));
        }
    }
    quirks.extend([
        claim("auth_time", "0", BothAccept),
        claim("auth_time", "\"0\"", OnlyTheyAccept(TypesOfOtherClaims)),
        claim("auth_time", "-1", OnlyTheyAccept(TypesOfOtherClaims)),
        claim("token_version", "7", BothAccept),
        claim("token_version", "1.5", OnlyTheyAccept(TypesOfOtherClaims)),
        claim("token_version", "-1", OnlyTheyAccept(TypesOfOtherClaims)),
        claim("roles", "[\"a\"]", BothAccept),
        claim("roles", "\"a b\"", BothAccept),
        claim("roles", "[]", BothAccept),
        claim("roles", "7", OnlyTheyAccept(TypesOfOtherClaims)),
        claim("roles", "null", OnlyTheyAccept(TypesOfOtherClaims)),
        claim("roles", "[\"a\",7]", OnlyTheyAccept(TypesOfOtherClaims)),
        claim("roles", "{\"a\":true}", OnlyTheyAccept(TypesOfOtherClaims)),
        claim("cnf", "{\"jkt\":\"x\"}", OnlyTheyAccept(BoundTokens)),
        claim("cnf", "{}", OnlyTheyAccept(BoundTokens)),
        claim("cnf", "\"x\"", OnlyTheyAccept(TypesOfOtherClaims)),
        claim("name", "null", BothAccept),
        claim("deep", "[[[[{\"x\":[1,2,{}]}]]]]", BothAccept),
    ]);
    let twice = |name: &'static str, value: &'static str, verdict| {
        quirk("twice", name, verdict, move |draft| {
            let first = draft.claims.iter().any(|(other, _)| *other == name);
            for _ in 0..2 - usize::from(first) {
                draft.claims.push((name, value.to_owned()));
            }
        })
    };
    for name in ["jti", "sid", "client_id", "scope"] {
        quirks.push(twice(name, "\"x\"", OnlyTheyAccept(DuplicateClaims)));
    }
    quirks.push(twice("roles", "[\"admin\"]", OnlyTheyAccept(DuplicateClaims)));
    quirks.push(twice("iat", "0", OnlyTheyAccept(DuplicateClaims)));
    // those that jsonwebtoken validates, it tells; others are the application's
    quirks.push(twice("exp", "18446744073709551615", BothReject));
    quirks.push(twice("nbf", "0", BothReject));
    quirks.push(twice("sub", "\"mallory\"", BothReject));
    quirks.push(twice("aud", "\"test-audience\"", BothReject));
    quirks.push(twice("iss", "\"https://issuer.test\"", BothReject));
    quirks.push(twice("name", "\"x\"", BothAccept));
    let payload = |before, after, verdict| {
        quirk("payload", format!("{before:?} {after:?}"), verdict, move |draft: &mut Draft| {
            draft.payload = [before, after];
        })
    };
    quirks.extend([
        payload(" \n", "\t ", BothAccept),
        payload("\u{feff}", "", BothReject),
        payload("[", "]", BothReject),
        payload("", "{}", BothReject),
        payload("", "x", BothReject),
        payload("{", "", BothReject),
    ]);
    quirks
}

fn header_quirks(algorithm: Algorithm) -> Vec<Quirk> {
    use Why::{
        Critical, DuplicateHeaderMembers, Ed25519, KeyIds, ManyHeaderMembers, NullInTheHeader,
        TokenTypes, TypesOfUnusedHeaderMembers, UnencodedPayload,
    };
    let mut quirks = vec![
        header("typ", "\"jwt\"", BothAccept),
        header("typ", "\"at+jwt\"", BothAccept),
        header("typ", "\"application/at+JWT\"", BothAccept),
        header("typ", "\"logout+jwt\"", OnlyTheyAccept(TokenTypes)),
        header("typ", "\"dpop+jwt\"", OnlyTheyAccept(TokenTypes)),
        header("typ", "\"ID\"", OnlyTheyAccept(TokenTypes)),
        header("typ", "\"\"", OnlyTheyAccept(TokenTypes)),
        header("typ", "null", OnlyTheyAccept(NullInTheHeader)),
        header("typ", "5", BothReject),
        header("kid", "\"t\\u0065st\"", BothAccept),
        header("kid", "\"other\"", OnlyTheyAccept(KeyIds)),
        header("kid", "\"../../dev/null\"", OnlyTheyAccept(KeyIds)),
        header("kid", "\"' OR 1=1 --\"", OnlyTheyAccept(KeyIds)),
        header("kid", "\"\"", OnlyTheyAccept(KeyIds)),
        header("kid", "null", OnlyTheyAccept(NullInTheHeader)),
        header("kid", "5", BothReject),
        header("kid", "[\"test\"]", BothReject),
        header("crit", "[\"b64\"]", OnlyTheyAccept(Critical)),
        header("crit", "[\"exp\"]", OnlyTheyAccept(Critical)),
        header("crit", "[]", OnlyTheyAccept(Critical)),
        header("crit", "null", OnlyTheyAccept(Critical)),
        header("crit", "\"exp\"", BothReject),
        header("crit", "[1]", BothReject),
        header("b64", "true", OnlyTheyAccept(UnencodedPayload)),
        header("b64", "false", OnlyTheyAccept(UnencodedPayload)),
        header("jku", "\"https://evil.example/jwks\"", BothAccept),
        header("x5u", "\"https://evil.example/x5u\"", BothAccept),
        header("x5c", "[\"MIIB\"]", BothAccept),
        header("cty", "\"JWT\"", BothAccept),
        header("x", "{\"y\":[1,null]}", BothAccept),
        header("jku", "5", OnlyWeAccept(TypesOfUnusedHeaderMembers)),
        header("x5u", "{}", OnlyWeAccept(TypesOfUnusedHeaderMembers)),
        header("x5c", "\"MIIB\"", OnlyWeAccept(TypesOfUnusedHeaderMembers)),
        header("jwk", "\"\"", OnlyWeAccept(TypesOfUnusedHeaderMembers)),
        header("cty", "[]", OnlyWeAccept(TypesOfUnusedHeaderMembers)),
        header("enc", "1", OnlyWeAccept(TypesOfUnusedHeaderMembers)),
        header("nonce", "1", OnlyWeAccept(TypesOfUnusedHeaderMembers)),
    ];
    for value in ["\"none\"", "\"None\"", "\"\"", "null", "5", "[]", "\"HS1\"", "\"ES256K\""] {
        quirks.push(header("alg", value, BothReject));
    }
    let lower = format!("\"{}\"", algorithm.as_str().to_ascii_lowercase());
    quirks.push(header("alg", &lower, BothReject));
    for other in ALGORITHMS.into_iter().filter(|other| *other != algorithm) {
        quirks.push(header("alg", &format!("\"{other}\""), BothReject));
    }
    let ed25519 = if algorithm == Algorithm::EdDSA { OnlyWeAccept(Ed25519) } else { BothReject };
    quirks.push(header("alg", "\"Ed25519\"", ed25519));
    for name in ["typ", "kid", "alg"] {
        let verdict = if name == "alg" { BothReject } else { BothAccept };
        quirks.push(quirk(name, format!("{name} absent"), verdict, move |draft| {
            draft.header.retain(|(other, _)| *other != name);
        }));
        quirks.push(quirk("header", format!("{name} twice"), BothReject, move |draft| {
            let json = if name == "alg" { draft.header[0].1.clone() } else { "\"JWT\"".to_owned() };
            // there may be none any more
            draft.header.extend([(name, json.clone()), (name, json)]);
        }));
    }
    let twice = OnlyTheyAccept(DuplicateHeaderMembers);
    quirks.push(quirk("header", "x twice", twice, |draft| {
        draft.header.extend([("x", "1".to_owned()), ("x", "1".to_owned())]);
    }));
    quirks.push(quirk("header", "33 more", OnlyTheyAccept(ManyHeaderMembers), |draft| {
        let names = [
            "m00", "m01", "m02", "m03", "m04", "m05", "m06", "m07", "m08", "m09", "m10", "m11",
            "m12", "m13", "m14", "m15", "m16", "m17", "m18", "m19", "m20", "m21", "m22", "m23",
            "m24", "m25", "m26", "m27", "m28", "m29", "m30", "m31", "m32",
        ];
        draft.header.extend(names.map(|name| (name, "0".to_owned())));
    }));
    quirks
}

fn segments(token: &str) -> [&str; 3] {
    let mut parts = token.split('.');
    [(); 3].map(|()| parts.next().unwrap())
}

fn flip(token: &str, bit: impl Fn(usize) -> usize) -> String {
    let [header, payload, signature] = segments(token);
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let bit = bit(bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode(bytes))
}

fn with_signature(token: &str, of: impl Fn(Vec<u8>) -> Vec<u8>) -> String {
    let [header, payload, signature] = segments(token);
    let signature = of(URL_SAFE_NO_PAD.decode(signature).unwrap());
    format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn spoiling_quirks() -> Vec<Quirk> {
    vec![
        spoil("first bit", |token| flip(token, |_| 0)),
        spoil("middle bit", |token| flip(token, |bits| bits / 2)),
        spoil("last bit", |token| flip(token, |bits| bits - 1)),
        spoil("no signature", |token| with_signature(token, |_| Vec::new())),
        spoil("zero signature", |token| with_signature(token, |bytes| vec![0; bytes.len()])),
        spoil("full signature", |token| with_signature(token, |bytes| vec![0xff; bytes.len()])),
        spoil("short signature", |token| with_signature(token, |bytes| bytes[1..].to_vec())),
        spoil("long signature", |token| with_signature(token, |bytes| [&bytes[..], &[0]].concat())),
        spoil("padded", |token| format!("{token}=")),
        spoil("padded twice", |token| format!("{token}==")),
        spoil("newline", |token| format!("{token}\n")),
        spoil("space", |token| format!(" {token}")),
        spoil("four segments", |token| format!("{token}.x")),
        spoil("two segments", |token| token.rsplit_once('.').unwrap().0.to_owned()),
        spoil("dot at the end", |token| format!("{token}.")),
        spoil("swapped", |token| {
            let [header, payload, signature] = segments(token);
            format!("{payload}.{header}.{signature}")
        }),
        spoil("another payload", |token| {
            let [header, payload, signature] = segments(token);
            let mut claims = URL_SAFE_NO_PAD.decode(payload).unwrap();
            claims.push(b' ');
            format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims))
        }),
        spoil("another header", |token| {
            let [header, payload, signature] = segments(token);
            let mut json = URL_SAFE_NO_PAD.decode(header).unwrap();
            json.insert(0, b' ');
            format!("{}.{payload}.{signature}", URL_SAFE_NO_PAD.encode(json))
        }),
        spoil("padded header", |token| {
            let [header, payload, signature] = segments(token);
            format!("{header}=.{payload}.{signature}")
        }),
    ]
}

// ---- both verifiers ----

struct Subject {
    algorithm: Algorithm,
    issuer: TestIssuer,
    ours: Verifier<Value>,
    clock: FakeClock,
    key: DecodingKey,
    validation: Validation,
}

impl Subject {
    fn new(algorithm: Algorithm) -> Self {
        let secret: [u8; 64] = std::array::from_fn(|place| place as u8);
        let name = algorithm.as_str();
        let issuer = match name.as_bytes()[0] {
            b'H' => TestIssuer::from_secret(algorithm, &Secret::new(secret)).unwrap(),
            b'R' | b'P' => {
                let pem = include_str!("../../src/key/testdata/rsa2048.key.pem");
                TestIssuer::from_pem(algorithm, pem).unwrap()
            }
            _ => TestIssuer::with_algorithm(algorithm).unwrap(),
        };
        let clock = FakeClock::at(UnixTime::EPOCH);
        let issuer = issuer.clock(clock.clone());
        let key = match issuer.jwks()["keys"].get(0) {
            None => DecodingKey::from_secret(&secret),
            Some(jwk) => {
                let jwk: Jwk = serde_json::from_value(jwk.clone()).unwrap();
                DecodingKey::from_jwk(&jwk).unwrap()
            }
        };
        let mut validation = Validation::new(name.parse().unwrap());
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_issuer(&[TestIssuer::ISSUER]);
        validation.set_audience(&[TestIssuer::AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        let ours = issuer.verifier().build().unwrap();
        Self { algorithm, issuer, ours, clock, key, validation }
    }

    fn accepted_by_us(&self, token: &str) -> bool {
        let claims = Authenticator::new(self.ours.clone()).claims(token).now_or_never();
        claims.expect("the keys are at hand").is_ok()
    }

    /// Both verdicts, ours first, at one and the same second.
    fn ask(&self, quirks: &[&Quirk]) -> (bool, bool) {
        loop {
            // jsonwebtoken has no other clock than the system's
            let now = get_current_timestamp();
            let mut draft = Draft::good(self.algorithm, now);
            quirks.iter().for_each(|quirk| (quirk.apply)(&mut draft));
            let token = draft.sign(&self.issuer);
            self.clock.set(UnixTime::from_secs(now));
            let ours = self.accepted_by_us(&token);
            let theirs = decode::<Value>(&token, &self.key, &self.validation).is_ok();
            if get_current_timestamp() == now {
                return (ours, theirs);
            }
        }
    }
}

/// SplitMix64: the same tokens in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

#[test]
fn every_disagreement_with_jsonwebtoken_is_known() {
    const COMBINED: usize = 150;
    let mut random = Random(7);
    let mut asked = 0;
    let mut accepted = [0; 2];
    let mut disagreements: BTreeMap<Why, usize> = BTreeMap::new();
    let mut surprises = Vec::new();
    for subject in ALGORITHMS.map(Subject::new) {
        let quirks = [
            time_quirks(),
            party_quirks(),
            other_claim_quirks(),
            header_quirks(subject.algorithm),
            spoiling_quirks(),
        ];
        let quirks: Vec<_> = quirks.into_iter().flatten().collect();
        let mut cases: Vec<Vec<&Quirk>> = vec![Vec::new()];
        cases.extend(quirks.iter().map(|quirk| vec![quirk]));
        let harmless: Vec<_> = quirks.iter().filter(|q| q.verdict != BothReject).collect();
        for _ in 0..COMBINED {
            let mut case: Vec<&Quirk> = Vec::new();
            for _ in 0..2 + random.below(3) {
                // most quirks reject, and then nothing is learned of the others
                let quirk = match random.below(8) {
                    0 => &quirks[random.below(quirks.len())],
                    _ => harmless[random.below(harmless.len())],
                };
                let independent = |other: &&Quirk| {
                    other.part != quirk.part && other.part != "twice" && quirk.part != "twice"
                };
                if case.iter().all(independent) {
                    case.push(quirk);
                }
            }
            cases.push(case);
        }
        for case in cases {
            let expected = (
                case.iter().all(|quirk| quirk.verdict.ours()),
                case.iter().all(|quirk| quirk.verdict.theirs()),
            );
            let found = subject.ask(&case);
            asked += 1;
            accepted[0] += usize::from(found.0);
            accepted[1] += usize::from(found.1);
            if found != expected {
                let case: Vec<_> = case.iter().map(|q| format!("{} {}", q.part, q.value)).collect();
                surprises.push(format!(
                    "{}: {case:?}: accepted by (us, them): {found:?}, expected {expected:?}",
                    subject.algorithm
                ));
            } else if found.0 != found.1 {
                for quirk in &case {
                    if let OnlyTheyAccept(why) | OnlyWeAccept(why) = quirk.verdict {
                        *disagreements.entry(why).or_default() += 1;
                    }
                }
            }
        }
    }
    println!("{asked} tokens, accepted by us and them: {accepted:?}; {disagreements:#?}");
    assert!(surprises.is_empty(), "{} surprises:\n{}", surprises.len(), surprises.join("\n"));
    assert!(asked >= 3000, "only {asked} tokens");
    assert!(accepted.iter().all(|accepted| *accepted > 500), "{accepted:?}");
    assert_eq!(disagreements.len(), 16, "each kind of disagreement was seen: {disagreements:?}");
}
