//! Random input against models of the rules that are written anew here.
#![cfg(all(feature = "testing", any(feature = "aws-lc-rs", feature = "rust-crypto")))]

use std::collections::{BTreeMap, HashMap, HashSet};
use std::convert::Infallible;
use std::fmt::Debug;
use std::future::ready;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header::AUTHORIZATION};
use http_body_util::Empty;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde_json::{Value, json};
use tower::{ServiceExt, service_fn};
use tower_bearer::claims::{Claims, Principal, StandardClaims};
use tower_bearer::clock::{Clock, UnixTime};
use tower_bearer::credentials::BearerToken;
use tower_bearer::guard::{self, Guard, claims, not, role, scope};
use tower_bearer::head::RequestHead;
use tower_bearer::key::Algorithm;
use tower_bearer::layer::AuthLayer;
use tower_bearer::rejection::RejectionKind;
use tower_bearer::step::Step;
use tower_bearer::testing::{TestIssuer, inject_with};
use tower_bearer::verify::{TokenVerifier, Verified, Verifier};

/// When all of this happens, in seconds.
const NOW: u64 = 1_700_000_000;
const LEEWAY: u64 = 60;
const NANOS: u128 = 1_000_000_000;

#[derive(Clone, Copy)]
struct At(UnixTime);

impl Clock for At {
    fn now(&self) -> UnixTime {
        self.0
    }
}

const CLOCK: At = At(UnixTime::from_secs(NOW));

static ISSUER: LazyLock<TestIssuer> = LazyLock::new(|| TestIssuer::new().clock(CLOCK));
static STRICT: LazyLock<Verifier<Value>> =
    LazyLock::new(|| ISSUER.verifier::<Value>().build().unwrap());

fn verify<C>(verifier: &Verifier<C>, token: &str) -> Result<Verified<C>, RejectionKind>
where
    C: DeserializeOwned + Send + Sync + 'static,
{
    let request = Request::new(String::new());
    let token = BearerToken::parse(token).map_err(|rejection| rejection.kind())?;
    match verifier.verify(token, &RequestHead::from(&request)) {
        Step::Now(verified) => verified.map_err(|rejection| rejection.kind()),
        Step::Later(_) => panic!("the keys are at hand"),
    }
}

/// A request with this header field through the whole layer: the status, and the claims that the
/// service saw.
fn through<C>(layer: &AuthLayer<Verifier<C>>, field: HeaderValue) -> (StatusCode, Option<Claims<C>>)
where
    C: DeserializeOwned + Send + Sync + 'static,
{
    let handler = service_fn(|request: Request<String>| {
        let mut response = Response::new(Empty::<Bytes>::new());
        response
            .extensions_mut()
            .insert(Claims::<C>::from_extensions(request.extensions()).cloned());
        ready(Ok::<_, Infallible>(response))
    });
    let mut request = Request::new(String::new());
    request.headers_mut().insert(AUTHORIZATION, field);
    let service = tower::Layer::layer(layer, handler);
    let future = pin!(service.oneshot(request));
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(mut response)) => {
            let seen = response.extensions_mut().remove::<Option<Claims<C>>>().flatten();
            (response.status(), seen)
        }
        Poll::Ready(Err(never)) => match never {},
        Poll::Pending => panic!("nothing is waited for"),
    }
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

// ---- random bytes ----

fn field() -> impl Strategy<Value = Vec<u8>> {
    let good = ISSUER.token().sign();
    let scheme = select(vec!["", "Bearer ", "bearer  ", "Bearer", "BEARER\t", "Basic ", "DPoP "]);
    let rest = prop_oneof![
        vec(any::<u8>(), 0..80),
        "[A-Za-z0-9._~+/=-]{0,80}".prop_map(String::into_bytes),
        "[A-Za-z0-9_-]{0,20}(\\.[A-Za-z0-9_-]{0,20}){0,5}".prop_map(String::into_bytes),
        (any::<Index>(), vec(any::<u8>(), 1..4)).prop_map(move |(at, bytes)| {
            let mut token = good.clone().into_bytes();
            let at = at.index(token.len());
            token.splice(at..at, bytes);
            token
        }),
    ];
    (scheme, rest).prop_map(|(scheme, rest)| [scheme.as_bytes(), &rest].concat())
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn rfc6750_random_bytes_are_never_let_through(field in field()) {
        if let Ok(value) = HeaderValue::from_bytes(&field) {
            let layer = AuthLayer::new(ISSUER.verifier::<StandardClaims>().build().unwrap());
            let (status, seen) = through(&layer, value);
            prop_assert!(seen.is_none());
            let expected = [StatusCode::BAD_REQUEST, StatusCode::UNAUTHORIZED];
            prop_assert!(expected.contains(&status), "{status}");
        }
    }
}

// ---- mutations of good tokens ----

struct Signed {
    verifier: Verifier<Value>,
    good: [String; 2],
}

static SIGNED: LazyLock<Vec<Signed>> = LazyLock::new(|| {
    let algorithms = [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
    let of = |algorithm| {
        let issuer = match algorithm {
            Algorithm::RS256 => {
                let pem = include_str!("../src/key/testdata/rsa2048.key.pem");
                TestIssuer::from_pem(algorithm, pem).unwrap()
            }
            _ => TestIssuer::with_algorithm(algorithm).unwrap(),
        };
        let issuer = issuer.clock(CLOCK);
        let good = ["alice", "bob"].map(|name| issuer.token().subject(name).scope("a b").sign());
        let verifier = issuer.verifier().build().unwrap();
        assert!(good.iter().all(|token| verify(&verifier, token).is_ok()));
        Signed { verifier, good }
    };
    algorithms.into_iter().map(of).collect()
});

#[derive(Debug, Clone)]
enum Mutation {
    FlipBit(Index, u8),
    Insert(Index, u8),
    Delete(Index),
    Replace(Index, u8),
    SwapSegments(usize, usize),
    SegmentOfTheOther(usize),
    Splice(Index, Index),
    Case(Index),
    Append(&'static str),
    Prepend(&'static str),
    /// A bit of the decoded segment, encoded again.
    FlipDecoded(usize, Index, u8),
    /// The last character, which may have bits that are not used.
    LastCharacter(usize, u8),
    Truncate(Index),
    DoubleSegment(usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    use Mutation::*;
    let edges = vec!["=", "==", ".", "..", ".e30", " ", "\n", "A", "%00", "\0"];
    prop_oneof![
        (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| FlipBit(at, bit)),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Insert(at, byte)),
        any::<Index>().prop_map(Delete),
        (any::<Index>(), 0x20..0x7f_u8).prop_map(|(at, byte)| Replace(at, byte)),
        (0..3_usize, 0..3_usize).prop_map(|(one, two)| SwapSegments(one, two)),
        (0..3_usize).prop_map(SegmentOfTheOther),
        (any::<Index>(), any::<Index>()).prop_map(|(one, two)| Splice(one, two)),
        any::<Index>().prop_map(Case),
        select(edges.clone()).prop_map(Append),
        select(edges).prop_map(Prepend),
        (0..3_usize, any::<Index>(), 0..8_u8).prop_map(|(s, at, bit)| FlipDecoded(s, at, bit)),
        (0..3_usize, any::<u8>()).prop_map(|(segment, bits)| LastCharacter(segment, bits)),
        any::<Index>().prop_map(Truncate),
        (0..3_usize).prop_map(DoubleSegment),
    ]
}

fn mutate(token: Vec<u8>, other: &[u8], mutation: &Mutation) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut token = token;
    let segments = |token: &[u8]| -> Vec<Vec<u8>> {
        token.split(|byte| *byte == b'.').map(<[u8]>::to_vec).collect()
    };
    let mut parts = segments(&token);
    match mutation {
        _ if token.is_empty() => {}
        Mutation::FlipBit(at, bit) => {
            let at = at.index(token.len());
            token[at] ^= 1 << bit;
        }
        Mutation::Insert(at, byte) => token.insert(at.index(token.len()), *byte),
        Mutation::Delete(at) => drop(token.remove(at.index(token.len()))),
        Mutation::Replace(at, byte) => {
            let at = at.index(token.len());
            token[at] = *byte;
        }
        Mutation::SwapSegments(one, two) => {
            if *one < parts.len() && *two < parts.len() {
                parts.swap(*one, *two);
            }
            token = parts.join(&b'.');
        }
        Mutation::SegmentOfTheOther(which) => {
            if let (Some(part), Some(theirs)) = (parts.get_mut(*which), segments(other).get(*which))
            {
                part.clone_from(theirs);
            }
            token = parts.join(&b'.');
        }
        Mutation::Splice(one, two) => {
            token = [&token[..one.index(token.len())], &other[two.index(other.len())..]].concat();
        }
        Mutation::Case(at) => {
            let at = at.index(token.len());
            token[at] ^= if token[at].is_ascii_alphabetic() { 0x20 } else { 0 };
        }
        Mutation::Append(text) => token.extend(text.as_bytes()),
        Mutation::Prepend(text) => drop(token.splice(0..0, text.bytes())),
        Mutation::FlipDecoded(which, at, bit) => {
            if let Some(part) = parts.get_mut(*which)
                && let Ok(mut bytes) = URL_SAFE_NO_PAD.decode(&*part)
                && !bytes.is_empty()
            {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
                *part = URL_SAFE_NO_PAD.encode(bytes).into_bytes();
            }
            token = parts.join(&b'.');
        }
        Mutation::LastCharacter(which, bits) => {
            if let Some(last) = parts.get_mut(*which).and_then(|part| part.last_mut())
                && let Some(value) = ALPHABET.iter().position(|letter| letter == last)
            {
                *last = ALPHABET[value ^ usize::from(bits & 0x3f)];
            }
            token = parts.join(&b'.');
        }
        Mutation::Truncate(at) => token.truncate(at.index(token.len())),
        Mutation::DoubleSegment(which) => {
            if let Some(part) = parts.get(*which).cloned() {
                parts.insert(*which, part);
            }
            token = parts.join(&b'.');
        }
    }
    token
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn rfc7515_a_mutated_token_is_accepted_only_where_it_is_a_good_one(
        which in any::<Index>(),
        swap in any::<bool>(),
        mutations in vec(mutation(), 1..4),
    ) {
        let Signed { verifier, good } = &SIGNED[which.index(SIGNED.len())];
        let (token, other) = if swap { (&good[1], &good[0]) } else { (&good[0], &good[1]) };
        let mut mutated = token.clone().into_bytes();
        for mutation in &mutations {
            mutated = mutate(mutated, other.as_bytes(), mutation);
        }
        let is_good = good.iter().any(|good| good.as_bytes() == mutated);
        let accepted = str::from_utf8(&mutated).is_ok_and(|token| verify(verifier, token).is_ok());
        prop_assert_eq!(accepted, is_good);
        if let Ok(value) = HeaderValue::from_bytes(&[b"Bearer ", mutated.as_slice()].concat()) {
            let (status, seen) = through(&AuthLayer::new(verifier.clone()), value);
            // RFC 6750 §2.1: one space or more stand before the token
            let spaces = mutated.iter().take_while(|byte| **byte == b' ').count();
            let is_good = good.iter().any(|good| good.as_bytes() == &mutated[spaces..]);
            prop_assert_eq!(status == StatusCode::OK, is_good);
            prop_assert_eq!(seen.is_some(), is_good);
        }
    }
}

// ---- random claims ----

const TEXTS: [&str; 7] = ["iss", "sub", "jti", "sid", "client_id", "azp", "acr"];
const LISTS: [&str; 3] = ["aud", "scope", "scp"];
const DATES: [&str; 4] = ["exp", "nbf", "iat", "auth_time"];
const OTHERS: [&str; 9] = ["name", "email", "x", "kind", "nested", "n", "", "type", "realm_access"];

/// A member of the payload: its name, how that is written, and its value as JSON text.
#[derive(Debug, Clone)]
struct Member {
    name: String,
    style: u8,
    value: String,
}

fn member(name: &str, style: u8, value: impl Into<String>) -> Member {
    Member { name: name.to_owned(), style, value: value.into() }
}

/// A JSON string, with more or fewer escapes.
fn write(text: &str, style: u8) -> String {
    let escape = |text: &str| -> String {
        text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect()
    };
    match style {
        0 => format!("\"{}\"", escape(text)),
        1 => {
            let split = text.chars().next().map_or(0, char::len_utf8);
            let rest = serde_json::to_string(&text[split..]).unwrap();
            format!("\"{}{}", escape(&text[..split]), &rest[1..])
        }
        _ => serde_json::to_string(text).unwrap(),
    }
}

fn payload(members: &[Member]) -> String {
    let members: Vec<_> = members
        .iter()
        .map(|Member { name, style, value }| format!("{}: {value}", write(name, *style)))
        .collect();
    format!(" {{{}}}\n", members.join(","))
}

fn string() -> impl Strategy<Value = String> {
    let words = ["", "a", "human", "robot", "user", "a b", " ", "\u{0}", "😀", "é", "1"];
    let text = prop_oneof![select(words.to_vec()).prop_map(str::to_owned), any::<String>()];
    (text, 0..4_u8).prop_map(|(text, style)| write(&text, style))
}

fn number() -> impl Strategy<Value = String> {
    let odd = [
        "0",
        "-0",
        "-0.0",
        "1",
        "-1",
        "7",
        "255",
        "256",
        "1.0",
        "1.5",
        "1e3",
        "1E-3",
        "1e18",
        "1e19",
        "1e20",
        "-1e20",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775808",
        "-9223372036854775809",
        "1e-400",
        "0.1",
        "1e308",
        "1700000000.5",
    ];
    prop_oneof![
        select(odd.to_vec()).prop_map(str::to_owned),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<u64>().prop_map(|number| number.to_string()),
        (NOW - 200..NOW + 200, 0..4_u8)
            .prop_map(|(secs, quarters)| format!("{secs}.{:02}", u32::from(quarters) * 25)),
        (NOW - 62..NOW + 62).prop_map(|secs| secs.to_string()),
    ]
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        string(),
        number(),
        select(vec!["null", "true", "false", "[]", "{}"]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(|values| format!("[{}]", values.join(" , "))),
            vec(string(), 0..4).prop_map(|values| format!("[{}]", values.join(","))),
            vec((string(), inner), 0..4).prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(name, value)| format!("{name}:{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

/// Values that only stand for themselves: some readers stumble over them, others skip them.
fn top_value() -> impl Strategy<Value = String> {
    let odd = ["1e400", "-1e400", "\"\\ud800\""];
    prop_oneof![20 => value(), 1 => select(odd.to_vec()).prop_map(str::to_owned)]
}

fn name() -> impl Strategy<Value = &'static str> {
    let mut names = [TEXTS.as_slice(), &LISTS, &DATES, &OTHERS].concat();
    names.extend(["roles", "token_version"]);
    select(names)
}

fn fitting(name: &'static str) -> BoxedStrategy<String> {
    let aud = write(TestIssuer::AUDIENCE, 9);
    match name {
        "iss" => (0..4_u8).prop_map(|style| write(TestIssuer::ISSUER, style)).boxed(),
        "aud" => select(vec![format!("[\"x\",{aud}]"), format!("[{aud},{aud}]"), aud]).boxed(),
        "exp" => (NOW - 62..NOW + 9).prop_map(|secs| secs.to_string()).boxed(),
        "nbf" | "iat" => (NOW - 9..NOW + 62).prop_map(|secs| secs.to_string()).boxed(),
        "auth_time" => number().boxed(),
        "token_version" | "n" => (0..300_u32).prop_map(|number| number.to_string()).boxed(),
        "scp" | "roles" => prop_oneof![
            string(),
            vec(string(), 0..4).prop_map(|values| format!("[{}]", values.join(",")))
        ]
        .boxed(),
        _ => string().boxed(),
    }
}

/// Claims that are good but for a few members.
fn members() -> impl Strategy<Value = Vec<Member>> {
    let good = vec![
        member("iss", 9, write(TestIssuer::ISSUER, 9)),
        member("aud", 9, write(TestIssuer::AUDIENCE, 9)),
        member("exp", 9, (NOW + 300).to_string()),
    ];
    let change = name().prop_flat_map(|name| {
        let value = prop_oneof![3 => fitting(name), 1 => top_value().boxed()];
        (Just(name), 0..6_u8, value, 0..8_u8)
    });
    (vec(change, 0..6), 0..20_u8).prop_map(move |(changes, drop_one)| {
        let mut members = good.clone();
        if usize::from(drop_one) < members.len() {
            members.remove(drop_one.into());
        }
        for (name, style, value, how) in changes {
            // mostly one member of each name
            if how != 0 {
                members.retain(|member| member.name != name);
            }
            let at = usize::from(style) % (members.len() + 1);
            members.insert(at, member(name, style, value));
        }
        members
    })
}

/// RFC 7519 §2, in nanoseconds.
fn date(value: &Value) -> Option<u128> {
    if let Some(secs) = value.as_u64() {
        return Some(u128::from(secs) * NANOS);
    }
    let secs = value.as_f64().filter(|secs| (0.0..18_446_744_073_709_551_616.0).contains(secs))?;
    let whole = secs.trunc();
    Some(whole as u128 * NANOS + ((secs - whole) * 1e9).round() as u128)
}

fn texts(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(text) => Some(vec![text]),
        Value::Array(texts) => texts.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// The registered claims, if each is there at most once and of its type.
fn well_typed(members: &[Member]) -> Option<HashMap<&str, Value>> {
    let mut registered = HashMap::new();
    for Member { name, value, .. } in members {
        let name = name.as_str();
        let is_registered = TEXTS.contains(&name)
            || LISTS.contains(&name)
            || DATES.contains(&name)
            || ["roles", "token_version"].contains(&name);
        if !is_registered {
            continue;
        }
        let value: Value = serde_json::from_str(value).ok()?;
        let fits = match name {
            _ if TEXTS.contains(&name) => value.is_string(),
            "aud" => texts(&value).is_some_and(|texts| !texts.is_empty()),
            _ if LISTS.contains(&name) => texts(&value).is_some(),
            _ if DATES.contains(&name) => date(&value).is_some(),
            "token_version" => value.is_u64(),
            _ => true,
        };
        if !fits || registered.insert(name, value).is_some() {
            return None;
        }
    }
    Some(registered)
}

fn in_time(claims: &HashMap<&str, Value>) -> bool {
    let (now, leeway) = (u128::from(NOW) * NANOS, u128::from(LEEWAY) * NANOS);
    let at = |name: &str| claims.get(name).and_then(date);
    at("exp").is_none_or(|exp| now < exp + leeway)
        && at("nbf").is_none_or(|nbf| nbf <= now + leeway)
        && at("iat").is_none_or(|iat| iat <= now + leeway)
}

/// All rules of a usual verifier over claims that are read as [`Value`].
fn model(members: &[Member]) -> bool {
    let readable = members.iter().all(|m| serde_json::from_str::<Value>(&m.value).is_ok());
    let Some(claims) = well_typed(members) else {
        return false;
    };
    let for_us =
        claims.get("aud").and_then(texts).is_some_and(|aud| aud.contains(&TestIssuer::AUDIENCE));
    readable
        && for_us
        && claims.get("iss").is_some_and(|iss| iss == TestIssuer::ISSUER)
        && claims.contains_key("exp")
        && in_time(&claims)
}

proptest! {
    #![proptest_config(cases(3000))]

    #[test]
    fn rfc7519_claims_are_accepted_exactly_if_the_rules_are_met(members in members()) {
        let payload = payload(&members);
        let token = ISSUER.token().sign_payload(payload.as_bytes());
        prop_assert_eq!(verify(&STRICT, &token).is_ok(), model(&members), "{}", payload);
    }

    #[test]
    fn rfc7519_any_json_is_read_without_a_panic(payload in prop_oneof![
        value(),
        any::<String>(),
        value().prop_map(|value| format!("{{\"roles\":{value}}}")),
    ]) {
        let token = ISSUER.token().sign_payload(payload.as_bytes());
        prop_assert!(verify(&STRICT, &token).is_err());
    }
}

#[test]
fn the_claims_tried_are_neither_all_good_nor_all_bad() {
    let mut runner = TestRunner::deterministic();
    let accepted =
        (0..1000).filter(|_| model(&members().new_tree(&mut runner).unwrap().current())).count();
    assert!((100..900).contains(&accepted), "{accepted} of 1000 are accepted");
}

// ---- the application's type ----

#[derive(Debug, PartialEq, Deserialize)]
struct Wrapped(String);

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Human,
    Robot,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
    Number(f64),
}

#[derive(Debug, PartialEq, Deserialize)]
struct Own {
    sub: Option<Wrapped>,
    iss: Option<Option<String>>,
    acr: Option<Kind>,
    kind: Option<Kind>,
    exp: Option<f32>,
    iat: Option<i64>,
    nbf: Option<u128>,
    auth_time: Option<serde_json::Number>,
    aud: Option<OneOrMany>,
    scope: Option<char>,
    roles: Option<Vec<Wrapped>>,
    token_version: Option<u8>,
    #[serde(default)]
    n: u8,
    nested: Option<HashMap<String, Value>>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Fixed {
    aud: Option<[Wrapped; 1]>,
    scp: Option<(String, Kind)>,
    jti: Option<Kind>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Flat {
    sub: Option<String>,
    exp: Option<u64>,
    #[serde(flatten)]
    typed: Option<Typed>,
    #[serde(flatten)]
    rest: HashMap<String, Value>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Typed {
    #[serde(rename = "type")]
    kind: Kind,
    scp: Vec<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Closed {
    iss: Option<String>,
    aud: Option<Value>,
    exp: Option<Value>,
    sub: Option<String>,
    iat: Option<Value>,
    x: Option<Value>,
    roles: Option<Value>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Sender {
    User { sub: String, name: String },
    Machine { client_id: Wrapped, exp: f64 },
    Versioned { token_version: u64 },
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "acr", rename_all = "lowercase")]
enum Tagged {
    Human { sub: Option<String> },
    Robot { n: Option<u8> },
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Name(String);

/// What the verifier makes of the payload is what serde_json makes of it alone, unless a registered
/// claim is wrong.
fn agrees<C>(members: &[Member]) -> Result<(), TestCaseError>
where
    C: DeserializeOwned + PartialEq + Debug + Send + Sync + 'static,
{
    let payload = payload(members);
    let verifier = Verifier::<C>::builder()
        .keys(ISSUER.key())
        .any_issuer()
        .any_audience()
        .clock(CLOCK)
        .dangerous()
        .allow_missing_expiry()
        .build()
        .unwrap();
    let token = ISSUER.token().sign_payload(payload.as_bytes());
    let field = HeaderValue::try_from(format!("Bearer {token}")).unwrap();
    let (status, seen) = through(&AuthLayer::new(verifier), field);
    let alone = serde_json::from_str::<C>(&payload).ok();
    let expected = alone.filter(|_| well_typed(members).is_some_and(|claims| in_time(&claims)));
    prop_assert_eq!(seen.as_deref(), expected.as_ref(), "{}", payload);
    prop_assert_eq!(status == StatusCode::OK, expected.is_some());
    Ok(())
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn the_applications_type_sees_what_it_would_see_alone(members in members()) {
        agrees::<Own>(&members)?;
        agrees::<Fixed>(&members)?;
        agrees::<Flat>(&members)?;
        agrees::<Closed>(&members)?;
        agrees::<Sender>(&members)?;
        agrees::<Tagged>(&members)?;
        agrees::<Value>(&members)?;
        agrees::<HashMap<String, Value>>(&members)?;
        agrees::<BTreeMap<Name, Value>>(&members)?;
        agrees::<StandardClaims>(&members)?;
    }
}

/// Goes on reading after a member it could not read.
#[derive(Debug)]
struct Careless;

impl<'de> Deserialize<'de> for Careless {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Careless;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Careless, A::Error> {
                // bounded: a parser that is stuck would say the same for ever
                for _ in 0..64 {
                    match map.next_key::<String>() {
                        Ok(None) => break,
                        Ok(Some(_)) => drop(map.next_value::<Value>()),
                        Err(_) => {}
                    }
                }
                Ok(Careless)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[test]
fn rfc7519_a_careless_claims_type_does_not_hide_a_wrong_registered_claim() {
    let verifier = ISSUER.verifier::<Careless>().build().unwrap();
    assert!(verify(&verifier, &ISSUER.token().sign()).is_ok());
    for (name, odd) in [("nbf", json!("never")), ("iat", json!(null)), ("sub", json!(5))] {
        let token = ISSUER.token().claim(name, odd).sign();
        assert_eq!(verify(&verifier, &token).unwrap_err(), RejectionKind::InvalidClaims, "{name}");
    }
    let (iss, aud) = (TestIssuer::ISSUER, TestIssuer::AUDIENCE);
    let twice =
        format!(r#"{{"iss":"{iss}","aud":"{aud}","exp":{0},"sub":"a","sub":"b"}}"#, NOW + 9);
    let token = ISSUER.token().sign_payload(twice.as_bytes());
    assert_eq!(verify(&verifier, &token).unwrap_err(), RejectionKind::InvalidClaims);
}

// ---- random headers ----

fn header_members() -> impl Strategy<Value = Vec<Member>> {
    let names = ["alg", "kid", "typ", "crit", "b64", "jwk", "jku", "x5c", "cty", "", "x"];
    let fitting = |name: &'static str| match name {
        "alg" => {
            select(vec!["HS256", "HS384", "none", "EdDSA", "hs256"]).prop_map(write_plain).boxed()
        }
        "kid" => select(vec!["test", "Test", "", "../test"]).prop_map(write_plain).boxed(),
        "typ" => select(vec![
            "JWT",
            "jwt",
            "at+jwt",
            "application/AT+JWT",
            "application/jwt",
            "dpop+jwt",
            "",
            "JWS",
            "application/application/jwt",
            "application/",
            "text/jwt",
            "jwt ",
        ])
        .prop_map(write_plain)
        .boxed(),
        _ => value().boxed(),
    };
    let change = select(names.to_vec()).prop_flat_map(move |name| {
        let value = prop_oneof![4 => fitting(name), 1 => top_value().boxed()];
        (Just(name), 0..6_u8, value, 0..8_u8)
    });
    vec(change, 0..5).prop_map(|changes| {
        let mut members = vec![member("alg", 9, "\"HS256\"")];
        for (name, style, value, how) in changes {
            if how != 0 {
                members.retain(|member| member.name != name);
            }
            members.insert(usize::from(style) % (members.len() + 1), member(name, style, value));
        }
        members
    })
}

fn write_plain(text: &str) -> String {
    write(text, 9)
}

fn header_model(members: &[Member]) -> bool {
    let mut names = HashSet::new();
    let once = members.iter().all(|member| names.insert(&member.name));
    let member = |name: &str| members.iter().find(|member| member.name == name);
    let text = |name: &str| -> Option<Option<String>> {
        member(name).map(|member| serde_json::from_str::<String>(&member.value).ok())
    };
    let typ_fits = |typ: String| {
        let typ = typ.to_ascii_lowercase();
        ["jwt", "at+jwt", "application/jwt", "application/at+jwt"].contains(&&*typ)
    };
    once && member("crit").is_none()
        && member("b64").is_none()
        && text("alg").flatten().as_deref() == Some("HS256")
        && text("kid").is_none_or(|kid| kid.as_deref() == Some("test"))
        && text("typ").is_none_or(|typ| typ.is_some_and(typ_fits))
}

proptest! {
    #![proptest_config(cases(3000))]

    #[test]
    fn rfc7515_headers_are_accepted_exactly_if_the_rules_are_met(members in header_members()) {
        let header = payload(&members);
        let claims = json!({
            "iss": TestIssuer::ISSUER, "aud": TestIssuer::AUDIENCE, "exp": NOW + 9,
        });
        let token = ISSUER.token().sign_raw(header.as_bytes(), claims.to_string().as_bytes());
        prop_assert_eq!(verify(&STRICT, &token).is_ok(), header_model(&members), "{}", header);
    }

    #[test]
    fn rfc7515_any_header_is_read_without_a_panic(header in prop_oneof![
        value(),
        any::<String>(),
        value().prop_map(|value| format!("{{\"alg\":{value}}}")),
        value().prop_map(|value| format!("{{\"alg\":\"HS256\",\"crit\":{value}}}")),
    ]) {
        let token = ISSUER.token().sign_raw(header.as_bytes(), b"{}");
        prop_assert!(verify(&STRICT, &token).is_err());
    }
}

// ---- time ----

fn secs() -> impl Strategy<Value = u64> {
    prop_oneof![
        select(vec![0, 1, 59, 60, 61, u64::MAX - 61, u64::MAX - 60, u64::MAX - 1, u64::MAX]),
        NOW - 130..NOW + 130,
        any::<u64>(),
    ]
}

#[derive(Debug)]
struct Times {
    exp: Option<u64>,
    nbf: Option<u64>,
    iat: Option<u64>,
    now: u64,
    leeway: u64,
    max_age: Option<u64>,
    expiry_required: bool,
}

impl Times {
    /// The first rule that is broken, in arithmetic that cannot overflow.
    fn broken(&self) -> Option<RejectionKind> {
        use RejectionKind::{Expired, InvalidClaims, NotYetValid};
        let wide = u128::from;
        let (now, leeway) = (wide(self.now), wide(self.leeway));
        match self.exp {
            Some(exp) if now >= wide(exp) + leeway => return Some(Expired),
            None if self.expiry_required => return Some(InvalidClaims),
            _ => {}
        }
        if [self.nbf, self.iat].into_iter().flatten().any(|at| wide(at) > now + leeway) {
            return Some(NotYetValid);
        }
        match (self.max_age, self.iat) {
            (Some(_), None) => Some(InvalidClaims),
            (Some(age), Some(iat)) if now >= wide(iat) + wide(age) + leeway => Some(Expired),
            _ => None,
        }
    }
}

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn rfc7519_s4_1_times_are_judged_as_in_arithmetic_without_limits(
        (exp, nbf, iat) in (
            prop::option::weighted(0.9, secs()),
            prop::option::of(secs()),
            prop::option::weighted(0.8, secs()),
        ),
        now in secs(),
        leeway in prop_oneof![select(vec![0, 1, 60, 3600]), 0..3600_u64],
        max_age in prop::option::of(prop_oneof![select(vec![1, 60, u64::MAX]), 1..300_u64]),
        expiry_required in any::<bool>(),
    ) {
        let times = Times { exp, nbf, iat, now, leeway, max_age, expiry_required };
        let mut builder = Verifier::<Value>::builder()
            .keys(ISSUER.key())
            .any_issuer()
            .any_audience()
            .clock(At(UnixTime::from_secs(now)))
            .leeway(Duration::from_secs(leeway));
        if let Some(age) = max_age {
            builder = builder.max_age(Duration::from_secs(age));
        }
        if !expiry_required {
            builder = builder.dangerous().allow_missing_expiry();
        }
        let mut token = ISSUER.token().without("exp").without("iat");
        for (name, at) in [("exp", exp), ("nbf", nbf), ("iat", iat)] {
            if let Some(at) = at {
                token = token.claim(name, at);
            }
        }
        let verdict = verify(&builder.build().unwrap(), &token.sign()).err();
        prop_assert_eq!(verdict, times.broken(), "{:?}", times);
    }
}

// ---- guards ----

#[derive(Debug, Clone)]
enum Tree {
    Scope(String),
    Role(&'static str),
    /// Looks at claims of another type than the layer yields.
    Erring,
    Pass,
    Deny,
    All(Vec<Tree>),
    Any(Vec<Tree>),
    Not(Box<Tree>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Verdict {
    Pass,
    Deny,
    Error,
}

const HELD: [&str; 2] = ["a", "b"];

impl Tree {
    fn guard(&self) -> Box<dyn Guard> {
        let each = |trees: &[Self]| trees.iter().map(Self::guard).collect::<Vec<_>>();
        match self {
            Self::Scope(words) => Box::new(scope(words.clone())),
            Self::Role(name) => Box::new(role(*name)),
            Self::Erring => Box::new(claims(|_: &String| true)),
            Self::Pass => Box::new(claims(|(): &()| true)),
            Self::Deny => Box::new(claims(|(): &()| false)),
            Self::All(trees) => Box::new(guard::all(each(trees))),
            Self::Any(trees) => Box::new(guard::any(each(trees))),
            Self::Not(tree) => Box::new(not(tree.guard())),
        }
    }

    fn verdict(&self) -> Verdict {
        use Verdict::{Deny, Error, Pass};
        let each = |trees: &[Self]| trees.iter().map(Self::verdict).collect::<Vec<_>>();
        let of = |passes: bool| if passes { Pass } else { Deny };
        match self {
            Self::Scope(words) => {
                let mut words = words.split(' ').filter(|word| !word.is_empty()).peekable();
                of(words.peek().is_some() && words.all(|word| HELD.contains(&word)))
            }
            Self::Role(name) => of(HELD.contains(name)),
            Self::Erring => Error,
            Self::Pass => Pass,
            Self::Deny => Deny,
            Self::All(trees) => match each(trees) {
                verdicts if verdicts.contains(&Error) => Error,
                verdicts => of(!verdicts.is_empty() && verdicts.iter().all(|one| *one == Pass)),
            },
            Self::Any(trees) => match each(trees) {
                verdicts if verdicts.contains(&Pass) => Pass,
                verdicts if verdicts.contains(&Error) => Error,
                _ => Deny,
            },
            Self::Not(tree) => match tree.verdict() {
                Pass => Deny,
                Deny => Pass,
                Error => Error,
            },
        }
    }

    /// The same tree with something else in place of what errs.
    fn with(&self, instead: &Self) -> Self {
        let each = |trees: &[Self]| trees.iter().map(|tree| tree.with(instead)).collect();
        match self {
            Self::Erring => instead.clone(),
            Self::All(trees) => Self::All(each(trees)),
            Self::Any(trees) => Self::Any(each(trees)),
            Self::Not(tree) => Self::Not(Box::new(tree.with(instead))),
            leaf => leaf.clone(),
        }
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    let words = vec!["a", "b", "c", "d", "a c", "a b", " c  d ", "", " "];
    let leaf = prop_oneof![
        4 => select(words).prop_map(|words| Tree::Scope(words.to_owned())),
        2 => select(vec!["a", "b", "c"]).prop_map(Tree::Role),
        1 => Just(Tree::Erring),
        1 => select(vec![Tree::Pass, Tree::Deny]),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Tree::All),
            vec(inner.clone(), 0..4).prop_map(Tree::Any),
            inner.prop_map(|tree| Tree::Not(Box::new(tree))),
        ]
    })
}

static PRINCIPAL: LazyLock<Arc<Principal>> = LazyLock::new(|| {
    let mut request = Request::new(String::new());
    let held = json!({"scope": HELD.join(" "), "roles": HELD});
    inject_with(request.extensions_mut(), (), &held);
    Arc::new(Principal::from_extensions(request.extensions()).unwrap().clone())
});

fn check(guard: &impl Guard) -> Result<Verdict, TestCaseError> {
    let Err(rejection) = guard.check(&PRINCIPAL) else {
        return Ok(Verdict::Pass);
    };
    match rejection.kind() {
        RejectionKind::InsufficientScope => {
            let scopes = rejection.scope().unwrap_or_default();
            let words: Vec<_> = scopes.split(' ').filter(|word| !word.is_empty()).collect();
            prop_assert!(!words.is_empty(), "a missing scope without a scope: {scopes:?}");
            prop_assert!(words.iter().any(|word| !HELD.contains(word)), "nothing is missing");
            let once: HashSet<_> = words.iter().collect();
            prop_assert_eq!(once.len(), words.len(), "a scope stands there twice: {}", scopes);
            Ok(Verdict::Deny)
        }
        RejectionKind::Forbidden | RejectionKind::InsufficientAuthentication => Ok(Verdict::Deny),
        RejectionKind::Misconfigured => Ok(Verdict::Error),
        other => Err(TestCaseError::fail(format!("a guard answered {other:?}"))),
    }
}

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn guards_combine_as_boolean_operators_do(tree in tree()) {
        let verdict = tree.verdict();
        prop_assert_eq!(check(&tree.guard())?, verdict);
        prop_assert_eq!(check(&not(not(tree.guard())))?, verdict);
        if verdict == Verdict::Pass {
            // what could not be decided did not matter
            prop_assert_eq!(tree.with(&Tree::Pass).verdict(), Verdict::Pass);
            prop_assert_eq!(tree.with(&Tree::Deny).verdict(), Verdict::Pass);
        }
    }

    #[test]
    fn an_error_under_any_number_of_nots_is_an_error(depth in 0..12_usize, beside in tree()) {
        let mut guard: Box<dyn Guard> = Tree::Erring.guard();
        for _ in 0..depth {
            guard = Box::new(not(guard));
        }
        prop_assert_eq!(check(&guard)?, Verdict::Error);
        let both = guard::all([guard, beside.guard()]);
        prop_assert_eq!(check(&both)?, Verdict::Error);
        prop_assert_eq!(check(&not(both))?, Verdict::Error);
    }
}
