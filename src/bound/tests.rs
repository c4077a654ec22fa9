//! The table of what is accepted, through the layer; each row with a control that passes.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use http::{HeaderMap, Request, Response};
use serde_json::{Value, json};
use tower::{Layer, ServiceExt, service_fn};

use super::*;
use crate::authenticate::Authenticator;
use crate::claims::{Binding, Claims, Principal, StandardClaims};
use crate::clock::UnixTime;
use crate::credentials::{AuthorizationHeader, Cookie, Sources};
use crate::guard::Guard;
use crate::head::RequestHead;
use crate::key::{Algorithm, Secret};
use crate::layer::AuthLayer;
use crate::rejection::RejectionKind as Kind;
use crate::store::{MemoryOnce, Once, OnceId, StoreError};
use crate::testing::{DpopClient, FakeClock, ProofBuilder, TestIssuer};
use crate::verify::{TokenCache, Verifier};

const API: &str = "https://api.example.com";
const URL: &str = "https://api.example.com/orders";
const ALGS: &str = r#"algs="ES256 EdDSA Ed25519 ES384 ES512 PS256 RS256""#;

type Auth = AuthLayer<Verifier<StandardClaims>>;

/// An issuer, a client, a service, all by one clock.
struct World {
    issuer: TestIssuer,
    client: DpopClient,
    clock: FakeClock,
}

/// What became of a request: the kind of its rejection, the status, header fields and binding.
#[derive(Debug)]
struct Seen {
    kind: Option<Kind>,
    status: u16,
    headers: HeaderMap,
}

impl World {
    fn new() -> Self {
        let clock = FakeClock::at(UnixTime::from_secs(1_800_000_000));
        let issuer = TestIssuer::new().clock(clock.clone());
        Self { issuer, client: DpopClient::new().clock(clock.clone()), clock }
    }

    fn verifier(&self) -> Verifier<StandardClaims> {
        self.issuer.verifier().build().unwrap()
    }

    fn dpop(&self) -> DpopBuilder {
        Dpop::builder(API).clock(self.clock.clone())
    }

    fn layer(&self) -> Auth {
        AuthLayer::new(self.verifier()).dpop(self.dpop().build().unwrap())
    }

    fn token(&self) -> String {
        self.issuer.token().claim("cnf", self.client.confirmation()).sign()
    }

    fn proof(&self, token: &str) -> ProofBuilder<'_> {
        self.client.proof("GET", URL).token(token)
    }
}

fn request(fields: &[(&str, &str)]) -> Request<String> {
    let mut request = Request::get("/orders?page=2");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(String::new()).unwrap()
}

fn send(layer: &Auth, request: Request<String>) -> Seen {
    let inner = service_fn(|request: Request<String>| async move {
        let claims = Claims::<StandardClaims>::from_extensions(request.extensions()).unwrap();
        let principal = Principal::from_extensions(request.extensions()).unwrap();
        assert_eq!(claims.binding(), principal.binding());
        let mut response = Response::new(String::new());
        response.extensions_mut().insert(claims.binding());
        Ok::<_, Infallible>(response)
    });
    let response = layer.layer(inner).oneshot(request).now_or_never().expect("it waits").unwrap();
    let kind = response.extensions().get::<crate::rejection::Rejection>().map(|it| it.kind());
    let seen =
        Seen { kind, status: response.status().as_u16(), headers: response.headers().clone() };
    let bound = response.extensions().get::<Binding>();
    assert_eq!(bound.is_some(), seen.kind.is_none(), "{seen:?}");
    seen
}

fn by_dpop(layer: &Auth, token: &str, proof: &str) -> Seen {
    send(layer, request(&[("authorization", &format!("DPoP {token}")), ("dpop", proof)]))
}

#[track_caller]
fn challenges(seen: &Seen) -> Vec<String> {
    let all = seen.headers.get_all(WWW_AUTHENTICATE).iter();
    all.map(|value| value.to_str().unwrap().to_owned()).collect()
}

/// 401 of this kind, told in the challenge of DPoP, with a bare one of Bearer before it.
#[track_caller]
fn refused(seen: &Seen, kind: Kind) {
    assert_eq!((seen.kind, seen.status), (Some(kind), 401), "{seen:?}");
    let (error, text) = (kind.error_code().unwrap(), kind.description());
    let dpop = format!(r#"DPoP realm="api", error="{error}", error_description="{text}", {ALGS}"#);
    assert_eq!(challenges(seen), [r#"Bearer realm="api""#.to_owned(), dpop]);
}

#[track_caller]
fn passes(seen: &Seen) {
    assert_eq!((seen.kind, seen.status), (None, 200), "{seen:?}");
}

#[test]
fn rfc9449_s7_1_a_bound_token_with_its_proof_passes_and_bearer_tokens_beside_it() {
    let world = World::new();
    let layer = world.layer();
    for _ in 0..3 {
        let token = world.token();
        passes(&by_dpop(&layer, &token, &world.proof(&token).sign()));
        let lower =
            [("authorization", &*format!("dpop  {token}")), ("dpop", &world.proof(&token).sign())];
        passes(&send(&layer, request(&lower)));
    }
    let bearer = format!("Bearer {}", world.issuer.token().sign());
    passes(&send(&layer, request(&[("authorization", &bearer)])));
    // No token: both schemes are offered, each complete.
    let none = send(&layer, request(&[]));
    assert_eq!(none.kind, Some(Kind::MissingToken));
    let both = [r#"Bearer realm="api""#.to_owned(), format!(r#"DPoP realm="api", {ALGS}"#)];
    assert_eq!(challenges(&none), both);
    // A bad bearer token: told where it belongs.
    let bad = send(&layer, request(&[("authorization", "Bearer a.b.c")]));
    assert!(challenges(&bad)[0].contains("invalid_token"), "{bad:?}");
    assert_eq!(challenges(&bad)[1], both[1]);
    let bad = by_dpop(&layer, "a.b.c", "");
    refused(&bad, Kind::MalformedToken);
}

#[test]
fn rfc9449_s7_2_nothing_configured_means_no_bound_token() {
    let world = World::new();
    let layer = AuthLayer::new(world.verifier());
    let token = world.token();
    let bearer = send(&layer, request(&[("authorization", &format!("Bearer {token}"))]));
    assert_eq!((bearer.kind, bearer.status), (Some(Kind::BoundToken), 401));
    assert_eq!(challenges(&bearer).len(), 1);
    // The scheme is not spoken.
    let seen = by_dpop(&layer, &token, &world.proof(&token).sign());
    assert_eq!(seen.kind, Some(Kind::MissingToken));
    let waived = world.issuer.verifier().dangerous().accept_bound_tokens_without_proof();
    let waived = AuthLayer::new(waived.build().unwrap());
    passes(&send(&waived, request(&[("authorization", &format!("Bearer {token}"))])));
}

#[test]
fn rfc9449_s7_2_no_downgrade_and_no_upgrade() {
    let world = World::new();
    let layer = world.layer();
    let token = world.token();
    let bearer = format!("Bearer {token}");
    let proof = world.proof(&token).sign();
    refused(&send(&layer, request(&[("authorization", &bearer)])), Kind::BoundToken);
    let both = send(&layer, request(&[("authorization", &bearer), ("dpop", &proof)]));
    refused(&both, Kind::BoundToken);
    let unbound = world.issuer.token().sign();
    let seen = by_dpop(&layer, &unbound, &world.proof(&unbound).sign());
    refused(&seen, Kind::UnboundToken);
    passes(&by_dpop(&layer, &token, &proof));
}

#[test]
fn rfc7800_s3_1_methods_that_are_not_known_or_not_proven() {
    let world = World::new();
    let layer = world.layer();
    let jkt = world.client.thumbprint();
    for cnf in [
        json!({}),
        json!({"jwk": {"kty": "EC"}}),
        json!({"jkt": jkt, "kid": "k"}),
        json!({"jkt": jkt, "x5t#S256": "x"}),
        json!({"x5t#S256": "x"}),
    ] {
        let token = world.issuer.token().claim("cnf", &cnf).sign();
        let seen = by_dpop(&layer, &token, &world.proof(&token).sign());
        refused(&seen, Kind::BoundToken);
    }
    for cnf in [json!(null), json!("k"), json!([]), json!({"jkt": 7})] {
        let token = world.issuer.token().claim("cnf", &cnf).sign();
        refused(&by_dpop(&layer, &token, &world.proof(&token).sign()), Kind::InvalidClaims);
    }
    let token = world.token();
    passes(&by_dpop(&layer, &token, &world.proof(&token).sign()));
}

#[test]
fn rfc9449_s4_3_every_part_of_a_proof_is_checked() {
    let world = World::new();
    let layer = world.layer();
    let token = world.token();
    let good = || world.proof(&token);
    let private = {
        let mut jwk = world.client.jwk().clone();
        jwk["d"] = "AAAA".into();
        jwk
    };
    let mut weak = json!({"kty": "RSA", "e": "AQAB"});
    weak["n"] = "w".repeat(171).into();
    let oct = json!({"kty": "oct", "k": "A".repeat(43)});
    let with_alg = |alg: &str| {
        let mut jwk = world.client.jwk().clone();
        jwk["alg"] = alg.into();
        jwk
    };
    let compact = good().sign();
    let (signed, signature) = compact.rsplit_once('.').unwrap();
    let segments: Vec<&str> = compact.split('.').collect();
    let wrong: Vec<(&str, String)> = vec![
        ("none", String::new()),
        ("no JWS", "abc".into()),
        ("two segments", signed.into()),
        ("four segments", format!("{compact}.a")),
        ("no signature", format!("{signed}.")),
        ("JSON", r#"{"payload":"","signature":""}"#.into()),
        ("padded", format!("{}=.{}.{}", segments[0], segments[1], segments[2])),
        ("too long", format!("{signed}.{}", "A".repeat(9000))),
        ("typ JWT", good().header("typ", "JWT").sign()),
        ("typ at+jwt", good().header("typ", "at+jwt").sign()),
        ("typ DPoP+JWT", good().header("typ", "DPoP+JWT").sign()),
        ("typ application/dpop+jwt", good().header("typ", "application/dpop+jwt").sign()),
        ("no typ", good().without_header("typ").sign()),
        ("alg none", good().header("alg", "none").sign()),
        ("alg HS256", good().header("alg", "HS256").sign()),
        ("alg ES384", good().header("alg", "ES384").sign()),
        ("alg RS512, which is not allowed", good().header("alg", "RS512").sign()),
        ("no alg", good().without_header("alg").sign()),
        ("crit", good().header("crit", json!(["exp"])).sign()),
        ("b64", good().header("b64", false).sign()),
        ("no jwk", good().without_header("jwk").sign()),
        ("jwk null", good().header("jwk", Value::Null).sign()),
        ("jwk text", good().header("jwk", "key").sign()),
        ("private", good().header("jwk", private).sign()),
        ("oct", good().header("jwk", oct.clone()).sign()),
        ("oct and HS256", good().header("jwk", oct).header("alg", "HS256").sign()),
        ("weak RSA", good().header("jwk", weak).header("alg", "RS256").sign()),
        ("jwk for another alg", good().header("jwk", with_alg("ES384")).sign()),
        ("no jti", good().without("jti").sign()),
        ("no htm", good().without("htm").sign()),
        ("no htu", good().without("htu").sign()),
        ("no iat", good().without("iat").sign()),
        ("no ath", good().without("ath").sign()),
        ("jti 7", good().claim("jti", 7).sign()),
        ("jti empty", good().claim("jti", "").sign()),
        ("jti long", good().claim("jti", "j".repeat(513)).sign()),
        ("htm 7", good().claim("htm", 7).sign()),
        ("htu null", good().claim("htu", Value::Null).sign()),
        ("iat text", good().claim("iat", "1800000000").sign()),
        ("iat negative", good().claim("iat", -1).sign()),
        ("ath 7", good().claim("ath", 7).sign()),
        ("nonce 7", good().claim("nonce", 7).sign()),
        ("POST", good().claim("htm", "POST").sign()),
        ("get", good().claim("htm", "get").sign()),
        ("another path", good().claim("htu", format!("{API}/orders/1")).sign()),
        ("another host", good().claim("htu", "https://api.example.org/orders").sign()),
        ("another scheme", good().claim("htu", "http://api.example.com/orders").sign()),
        ("another port", good().claim("htu", "https://api.example.com:8443/orders").sign()),
        ("a path in the query", good().claim("htu", format!("{API}/?/orders")).sign()),
        ("another token", good().token("another").sign()),
        ("ath in hex", good().claim("ath", "0".repeat(64)).sign()),
        ("too old", good().age(Duration::from_secs(91)).sign()),
        ("ahead", good().claim("iat", 1_800_000_031_u64).sign()),
        ("iat 1e300", good().claim("iat", 1e300).sign()),
        ("depth", good().claim("x", deep(70)).sign()),
    ];
    for (what, proof) in &wrong {
        let seen = by_dpop(&layer, &token, proof);
        assert_eq!(seen.kind, Some(Kind::InvalidDpopProof), "{what}: {seen:?}");
        refused(&seen, Kind::InvalidDpopProof);
    }
    let raw = |header: &str, claims: &str| good().sign_raw(header.as_bytes(), claims.as_bytes());
    let jwk = world.client.jwk();
    let header = format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{jwk}}}"#);
    let decode = |segment: &str| {
        let bytes = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, segment);
        String::from_utf8(bytes.unwrap()).unwrap()
    };
    let claims = decode(segments[1]);
    for (header, claims) in [
        (header.replace("{\"typ\"", "{\"alg\":\"ES256\",\"typ\""), claims.clone()),
        (header.replace("{\"typ\"", "{\"jwk\":{},\"typ\""), claims.clone()),
        (header.replace("\"kty\"", "\"x\":\"A\",\"kty\""), claims.clone()),
        (header.clone(), claims.replace("{\"ath\"", "{\"htm\":\"GET\",\"ath\"")),
        (header.clone(), claims.replace("{\"ath\"", "{\"x\":1,\"x\":1,\"ath\"")),
        (header.clone(), claims.replace("{\"ath\"", "{\"h\\u0074m\":\"GET\",\"ath\"")),
        (header.clone(), format!("[{claims}]")),
        (header.clone(), format!("{claims}{{}}")),
        (header.clone(), String::new()),
    ] {
        assert!(
            serde_json::from_str::<Value>(&claims).is_err()
                || claims != decode(segments[1])
                || header != decode(segments[0])
        );
        refused(&by_dpop(&layer, &token, &raw(&header, &claims)), Kind::InvalidDpopProof);
    }
    passes(&by_dpop(&layer, &token, &raw(&header, &claims)));
    // Signed by somebody else, under the client's key.
    let (_, other) = {
        let stranger = DpopClient::new().clock(world.clock.clone());
        let forged = stranger.proof("GET", URL).token(&token).header("jwk", jwk.clone()).sign();
        (0, forged)
    };
    refused(&by_dpop(&layer, &token, &other), Kind::InvalidDpopProof);
    let mixed = format!("{}.{signature}", other.rsplit_once('.').unwrap().0);
    refused(&by_dpop(&layer, &token, &mixed), Kind::InvalidDpopProof);
    // And two fields.
    let (one, two) = (good().sign(), good().sign());
    let authorization = format!("DPoP {token}");
    let twice = [("authorization", &*authorization), ("dpop", &one), ("dpop", &two)];
    refused(&send(&layer, request(&twice)), Kind::InvalidDpopProof);
    let listed = [("authorization", &*authorization), ("dpop", &format!("{one}, {two}"))];
    refused(&send(&layer, request(&listed)), Kind::InvalidDpopProof);
    let none = [("authorization", &*authorization)];
    refused(&send(&layer, request(&none)), Kind::InvalidDpopProof);
    // The controls.
    passes(&by_dpop(&layer, &token, &one));
    passes(&by_dpop(&layer, &token, &good().age(Duration::from_secs(89)).sign()));
    passes(&by_dpop(&layer, &token, &good().claim("iat", 1_800_000_030_u64).sign()));
    passes(&by_dpop(&layer, &token, &good().claim("iat", 1_799_999_999.5).sign()));
    passes(&by_dpop(&layer, &token, &good().claim("jti", "j".repeat(512)).sign()));
    passes(&by_dpop(
        &layer,
        &token,
        &good().header("kid", "k").header("x5u", "https://evil").sign(),
    ));
    passes(&by_dpop(
        &layer,
        &token,
        &good().claim("htu", "HTTPS://api.example.com:443/./%6frders?x#y").sign(),
    ));
    passes(&by_dpop(&layer, &token, &good().claim("more", "things").sign()));
}

fn deep(depth: usize) -> Value {
    (0..depth).fold(Value::Null, |inner, _| json!([inner]))
}

#[test]
fn rfc9449_s4_3_every_algorithm_that_is_allowed_and_no_other() {
    let world = World::new();
    let layer = world.layer();
    let only = world.dpop().algorithms([Algorithm::EdDSA, Algorithm::EdDSA]).build().unwrap();
    let only = AuthLayer::new(world.verifier()).dpop(only);
    use Algorithm::{ES256, ES384, ES512, EdDSA, PS256, PS384, RS256};
    for algorithm in [ES256, ES384, ES512, EdDSA, PS256, RS256, PS384] {
        let client = DpopClient::with_algorithm(algorithm).unwrap().clock(world.clock.clone());
        let token = world.issuer.token().claim("cnf", client.confirmation()).sign();
        let proof = || client.proof("GET", URL).token(&token).sign();
        let seen = by_dpop(&layer, &token, &proof());
        if algorithm == PS384 {
            refused(&seen, Kind::InvalidDpopProof);
        } else {
            passes(&seen);
        }
        let seen = by_dpop(&only, &token, &proof());
        assert_eq!(seen.kind.is_none(), algorithm == EdDSA, "{algorithm}");
        if let Some(challenge) = challenges(&seen).last() {
            assert!(challenge.ends_with(r#"algs="EdDSA Ed25519""#), "{challenge}");
        }
    }
    let client = DpopClient::with_algorithm(EdDSA).unwrap().clock(world.clock.clone());
    let token = world.issuer.token().claim("cnf", client.confirmation()).sign();
    let new_name = client.proof("GET", URL).token(&token).header("alg", "Ed25519").sign();
    passes(&by_dpop(&layer, &token, &new_name));
}

#[test]
fn rfc9449_s6_1_the_key_is_the_one_of_the_token_and_told_before_its_signature() {
    let world = World::new();
    let layer = world.layer();
    let token = world.token();
    let thief = DpopClient::new().clock(world.clock.clone());
    let proof = thief.proof("GET", URL).token(&token).sign();
    refused(&by_dpop(&layer, &token, &proof), Kind::BoundToken);
    // Of another session of the same client, as well.
    let other = world.issuer.token().claim("cnf", thief.confirmation()).sign();
    refused(&by_dpop(&layer, &other, &world.proof(&other).sign()), Kind::BoundToken);
    let garbled = format!("{}AA", &proof[..proof.len() - 2]);
    refused(&by_dpop(&layer, &token, &garbled), Kind::BoundToken);
    // Whoever has no good token learns nothing of the proof.
    let bad = TestIssuer::new().token().claim("cnf", world.client.confirmation()).sign();
    refused(&by_dpop(&layer, &bad, "no proof"), Kind::InvalidSignature);
    passes(&by_dpop(&layer, &token, &world.proof(&token).sign()));
}

#[test]
fn rfc9449_s11_1_a_proof_is_good_once_on_all_nodes_with_one_memory() {
    let world = World::new();
    let memory = MemoryOnce::new();
    let node = |memory: MemoryOnce| {
        AuthLayer::new(world.verifier()).dpop(world.dpop().replay(memory).build().unwrap())
    };
    let (one, two, alone) = (node(memory.clone()), node(memory.clone()), node(MemoryOnce::new()));
    let token = world.token();
    let proof = world.proof(&token).sign();
    passes(&by_dpop(&one, &token, &proof));
    for node in [&one, &two, &one] {
        refused(&by_dpop(node, &token, &proof), Kind::InvalidDpopProof);
    }
    passes(&by_dpop(&alone, &token, &proof));
    // Until the very end of its window, and of course not after it.
    let proof = world.proof(&token).sign();
    passes(&by_dpop(&one, &token, &proof));
    for secs in [60, 29, 1, 100] {
        world.clock.advance(Duration::from_secs(secs));
        refused(&by_dpop(&two, &token, &proof), Kind::InvalidDpopProof);
    }
    // The same id of another key is another proof; a proof that was refused is not used up.
    let token = world.token();
    let other = DpopClient::new().clock(world.clock.clone());
    let theirs = world.issuer.token().claim("cnf", other.confirmation()).sign();
    passes(&by_dpop(&one, &token, &world.proof(&token).claim("jti", "same").sign()));
    let proof = other.proof("GET", URL).token(&theirs).claim("jti", "same").sign();
    let post = Request::post("/orders").header("authorization", format!("DPoP {theirs}"));
    let post = post.header("dpop", &proof).body(String::new()).unwrap();
    refused(&send(&one, post), Kind::InvalidDpopProof);
    passes(&by_dpop(&one, &theirs, &proof));
}

/// A memory that is behind a network; or is out of reach.
#[derive(Clone)]
struct Remote(MemoryOnce, bool);

impl Once for Remote {
    async fn claim(&self, id: &OnceId, until: UnixTime, now: UnixTime) -> Result<bool, StoreError> {
        if self.1 {
            Err(StoreError::unavailable("refused"))
        } else {
            self.0.claim(id, until, now).await
        }
    }
}

#[test]
fn a_replay_memory_out_of_reach_is_503_and_one_behind_a_network_is_waited_for() {
    let world = World::new();
    let node = |down: bool| {
        let memory = Remote(MemoryOnce::new(), down);
        AuthLayer::new(world.verifier()).dpop(world.dpop().replay(memory).build().unwrap())
    };
    let (up, down, full) = (node(false), node(true), {
        let dpop = world.dpop().replay(MemoryOnce::with_capacity(0)).build().unwrap();
        AuthLayer::new(world.verifier()).dpop(dpop)
    });
    let token = world.token();
    for node in [&down, &full] {
        let seen = by_dpop(node, &token, &world.proof(&token).sign());
        assert_eq!((seen.kind, seen.status), (Some(Kind::ReplayUnavailable), 503));
        assert!(challenges(&seen).is_empty());
    }
    let proof = world.proof(&token).sign();
    passes(&by_dpop(&up, &token, &proof));
    refused(&by_dpop(&up, &token, &proof), Kind::InvalidDpopProof);
    // A wrong proof never reaches it.
    refused(
        &by_dpop(&down, &token, &world.proof(&token).without("ath").sign()),
        Kind::InvalidDpopProof,
    );
}

#[test]
fn rfc9449_s9_nonces_are_wanted_given_and_renewed() {
    let world = World::new();
    let secret = || Secret::new("a secret of 32 bytes or more, shared");
    let node = |secret| {
        let dpop = world.dpop().shared_nonces(secret).build().unwrap();
        AuthLayer::new(world.verifier()).dpop(dpop)
    };
    let (one, two) = (node(secret()), node(secret()));
    let stranger = node(Secret::new("another secret of 32 bytes or more"));
    let token = world.token();
    let nonce_of = |seen: &Seen| {
        refused(seen, Kind::UseDpopNonce);
        seen.headers["dpop-nonce"].to_str().unwrap().to_owned()
    };
    let nonce = nonce_of(&by_dpop(&one, &token, &world.proof(&token).sign()));
    nonce_of(&by_dpop(&one, &token, &world.proof(&token).nonce("made up").sign()));
    nonce_of(&by_dpop(&stranger, &token, &world.proof(&token).nonce(&nonce).sign()));
    // Clocks of clients do not matter then.
    let late = || world.proof(&token).nonce(&nonce).age(Duration::from_secs(86_400));
    let seen = by_dpop(&two, &token, &late().sign());
    passes(&seen);
    assert!(!seen.headers.contains_key("dpop-nonce"));
    let again = late().sign();
    passes(&by_dpop(&two, &token, &again));
    refused(&by_dpop(&two, &token, &again), Kind::InvalidDpopProof);
    // The next one comes before the old one ends.
    world.clock.advance(Duration::from_secs(150));
    let seen = by_dpop(&two, &token, &late().sign());
    passes(&seen);
    let next = seen.headers["dpop-nonce"].to_str().unwrap().to_owned();
    assert_eq!(seen.headers[CACHE_CONTROL], "no-store");
    assert_ne!(next, nonce);
    refused(&by_dpop(&two, &token, &again), Kind::InvalidDpopProof);
    world.clock.advance(Duration::from_secs(149));
    passes(&by_dpop(&one, &token, &late().sign()));
    world.clock.advance(Duration::from_secs(1));
    nonce_of(&by_dpop(&one, &token, &late().sign()));
    let token = world.token();
    passes(&by_dpop(&one, &token, &world.proof(&token).nonce(&next).sign()));
    // Only who holds the key is told of nonces.
    let thief = DpopClient::new()
        .proof("GET", URL)
        .token(&token)
        .header("jwk", world.client.jwk().clone())
        .sign();
    refused(&by_dpop(&one, &token, &thief), Kind::InvalidDpopProof);
}

#[test]
fn only_bound_tokens_where_that_is_said() {
    let world = World::new();
    let layer = world.layer().only_bound();
    let dpop = |error: &str| format!(r#"DPoP realm="api"{error}, {ALGS}"#);
    let none = send(&layer, request(&[]));
    assert_eq!(challenges(&none), [dpop("")]);
    let bearer = format!("Bearer {}", world.issuer.token().sign());
    let seen = send(&layer, request(&[("authorization", &bearer)]));
    assert_eq!((seen.kind, seen.status), (Some(Kind::UnboundToken), 401));
    let text = r#", error="invalid_token", error_description="The access token is invalid""#;
    assert_eq!(challenges(&seen), [dpop(text)]);
    let token = world.token();
    passes(&by_dpop(&layer, &token, &world.proof(&token).sign()));
    // A challenge of one's own is told of the scheme, whichever was said first.
    let own = crate::respond::Challenge::new().realm("shop");
    let seen = send(&layer.challenge(own), request(&[]));
    assert_eq!(challenges(&seen), [format!(r#"DPoP realm="shop", {ALGS}"#)]);
    // With certificates there are bearer tokens that are bound.
    let both = world.layer().client_certificates(ClientCertificates::from_extension()).only_bound();
    assert_eq!(challenges(&send(&both, request(&[]))).len(), 2);
}

#[test]
fn a_bound_token_stands_in_the_authorization_field_alone() {
    let world = World::new();
    let sources = Sources::new().and(AuthorizationHeader::new()).and(Cookie::named("t"));
    let layer = world.layer().source(sources);
    let (token, plain) = (world.token(), world.issuer.token().sign());
    let proof = world.proof(&token).sign();
    let cookie = |token: &str| format!("t={token}");
    let seen = send(&layer, request(&[("cookie", &cookie(&token)), ("dpop", &proof)]));
    assert_eq!((seen.kind, seen.status), (Some(Kind::BoundToken), 401));
    passes(&send(&layer, request(&[("cookie", &cookie(&plain))])));
    let authorization = format!("DPoP {token}");
    let fields =
        [("authorization", &*authorization), ("cookie", &cookie(&plain)), ("dpop", &proof)];
    let twice = send(&layer, request(&fields));
    assert_eq!((twice.kind, twice.status), (Some(Kind::InvalidRequest), 400));
    let bearer = format!("Bearer {plain}");
    let mut two = request(&[("authorization", &bearer), ("dpop", &proof)]);
    two.headers_mut().append(AUTHORIZATION, authorization.parse().unwrap());
    let two = send(&layer, two);
    assert_eq!((two.kind, two.status), (Some(Kind::InvalidRequest), 400));
    for odd in ["DPoP", "DPoP ", "DPoP a b", "DPoP a, b"] {
        let seen = send(&layer, request(&[("authorization", odd)]));
        assert_eq!((seen.kind, seen.status), (Some(Kind::InvalidRequest), 400), "{odd}");
    }
    passes(&by_dpop(&layer, &token, &proof));
}

#[test]
fn a_token_without_a_request_cannot_prove_anything() {
    let world = World::new();
    let auth = Authenticator::new(world.verifier()).dpop(world.dpop().build().unwrap());
    let ask = |token: &str| auth.claims(token).now_or_never().unwrap();
    assert_eq!(ask(&world.token()).unwrap_err().kind(), Kind::BoundToken);
    assert!(ask(&world.issuer.token().sign()).is_ok());
    let token = world.token();
    let fields =
        [("authorization", &*format!("DPoP {token}")), ("dpop", &*world.proof(&token).sign())];
    let head = request(&fields);
    let claims = auth.authenticate(&head).now_or_never().unwrap().unwrap().unwrap();
    assert_eq!(claims.binding(), Binding::Dpop);
    assert!(claims.require(crate::guard::bound()).is_ok());
    let plain = ask(&world.issuer.token().sign()).unwrap();
    let denied = plain.require(crate::guard::bound()).unwrap_err();
    assert_eq!(denied.kind(), Kind::Forbidden);
    assert!(crate::guard::bound().check(&claims.principal()).is_ok());
}

#[test]
fn a_cached_token_changes_nothing() {
    let world = World::new();
    let dpop = world.dpop().build().unwrap();
    let layer = AuthLayer::new(world.verifier().cache(TokenCache::new())).dpop(dpop);
    let token = world.token();
    for _ in 0..3 {
        let proof = world.proof(&token).sign();
        passes(&by_dpop(&layer, &token, &proof));
        refused(&by_dpop(&layer, &token, &proof), Kind::InvalidDpopProof);
        refused(&by_dpop(&layer, &token, ""), Kind::InvalidDpopProof);
        let bearer = format!("Bearer {token}");
        refused(&send(&layer, request(&[("authorization", &bearer)])), Kind::BoundToken);
    }
}

#[test]
fn rfc8705_s3_a_certificate_that_tls_has_shown() {
    let world = World::new();
    let layer =
        AuthLayer::new(world.verifier()).client_certificates(ClientCertificates::from_extension());
    let certificate = ClientCertificate::from_der(b"0 certificate").unwrap();
    let other = ClientCertificate::from_der(b"0 another").unwrap();
    let cnf = json!({"x5t#S256": certificate.thumbprint()});
    let token = world.issuer.token().claim("cnf", cnf).sign();
    let ask = |layer: &Auth, certificate: Option<&ClientCertificate>| {
        let mut request = request(&[("authorization", &format!("Bearer {token}"))]);
        if let Some(certificate) = certificate {
            request.extensions_mut().insert(certificate.clone());
        }
        send(layer, request)
    };
    passes(&ask(&layer, Some(&certificate)));
    for wrong in [None, Some(&other)] {
        let seen = ask(&layer, wrong);
        assert_eq!((seen.kind, seen.status), (Some(Kind::BoundToken), 401));
        let text = "The access token is invalid";
        let expected =
            format!(r#"Bearer realm="api", error="invalid_token", error_description="{text}""#);
        assert_eq!(challenges(&seen), [expected]);
    }
    // Nobody but a trusted proxy tells of one in a header field.
    let proxied = |peers| {
        let certificates = ClientCertificates::from_client_cert(peers);
        AuthLayer::new(world.verifier()).client_certificates(certificates)
    };
    let field = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, b"0 certificate");
    let ask = |layer: &Auth, fields: &[(&str, &str)]| {
        let authorization = format!("Bearer {token}");
        send(layer, request(&[&[("authorization", &*authorization)], fields].concat()))
    };
    let field = format!(":{field}:");
    let trusted = proxied(TrustedPeers::since_only_proxies_connect());
    passes(&ask(&trusted, &[("client-cert", &field)]));
    let twice = [("client-cert", &*field), ("client-cert", &field)];
    assert_eq!(ask(&trusted, &twice).kind, Some(Kind::BoundToken));
    assert_eq!(ask(&trusted, &[]).kind, Some(Kind::BoundToken));
    let strangers = proxied(TrustedPeers::when(|_| false));
    assert_eq!(ask(&strangers, &[("client-cert", &field)]).kind, Some(Kind::BoundToken));
    assert_eq!(ask(&layer, &[("client-cert", &field)]).kind, Some(Kind::BoundToken));
}

#[test]
fn bound_to_key_and_certificate_both_are_proven() {
    let world = World::new();
    let layer = world.layer().client_certificates(ClientCertificates::from_extension());
    let certificate = ClientCertificate::from_der(b"0 certificate").unwrap();
    let cnf = json!({"jkt": world.client.thumbprint(), "x5t#S256": certificate.thumbprint()});
    let token = world.issuer.token().claim("cnf", cnf).sign();
    let ask = |scheme: &str, with_certificate: bool, with_proof: bool| {
        let proof = world.proof(&token).sign();
        let proof = if with_proof { &*proof } else { "" };
        let authorization = format!("{scheme} {token}");
        let mut request = request(&[("authorization", &authorization), ("dpop", proof)]);
        if with_certificate {
            request.extensions_mut().insert(certificate.clone());
        }
        send(&layer, request)
    };
    passes(&ask("DPoP", true, true));
    assert_eq!(ask("DPoP", false, true).kind, Some(Kind::BoundToken));
    assert_eq!(ask("DPoP", true, false).kind, Some(Kind::InvalidDpopProof));
    assert_eq!(ask("Bearer", true, true).kind, Some(Kind::BoundToken));
}

#[test]
fn grpc_calls_have_a_method_and_a_path_too() {
    let world = World::new();
    let layer = world.layer();
    for (content_type, status) in [("application/grpc", 200), ("application/grpc-web+proto", 200)] {
        let token = world.token();
        let call = |proof: &str| {
            let request = Request::post("/orders.v1.Orders/List")
                .header("content-type", content_type)
                .header("authorization", format!("DPoP {token}"))
                .header("dpop", proof);
            send(&layer, request.body(String::new()).unwrap())
        };
        let url = format!("{API}/orders.v1.Orders/List");
        let good = world.client.proof("POST", &url).token(&token).sign();
        passes(&call(&good));
        let seen = call(&good);
        assert_eq!((seen.kind, seen.status), (Some(Kind::InvalidDpopProof), status));
        assert_eq!(challenges(&seen).len(), 2);
        if content_type == "application/grpc" {
            assert_eq!(seen.headers["grpc-status"], "16");
        }
    }
}

#[test]
fn forward_auth_takes_the_request_that_the_proxy_tells_of_and_uses_no_proof_up_for_others() {
    let world = World::new();
    let memory = MemoryOnce::new();
    let peers = TrustedPeers::when(|head| head.extensions().get::<&str>() == Some(&"proxy"));
    let dpop =
        world.dpop().replay(memory.clone()).forward_auth(dpop::ForwardAuth::XForwarded, peers);
    let auth = AuthLayer::new(world.verifier()).dpop(dpop.build().unwrap());
    let service =
        AuthLayer::new(world.verifier()).dpop(world.dpop().replay(memory).build().unwrap());
    let token = world.token();
    let proof = world.proof(&token).sign();
    let ask = |peer: &'static str| {
        let request = Request::post("/auth")
            .header("authorization", format!("DPoP {token}"))
            .header("dpop", &proof)
            .header("x-forwarded-method", "GET")
            .header("x-forwarded-uri", "/orders?page=2");
        let mut request = request.body(String::new()).unwrap();
        request.extensions_mut().insert(peer);
        send(&auth, request)
    };
    refused(&ask("stranger"), Kind::InvalidDpopProof);
    passes(&ask("proxy"));
    refused(&ask("proxy"), Kind::InvalidDpopProof);
    passes(&by_dpop(&service, &token, &proof));
    refused(&by_dpop(&service, &token, &proof), Kind::InvalidDpopProof);
}

#[test]
fn rfc9449_s5_a_token_endpoint_learns_the_key() {
    let world = World::new();
    let endpoint = Dpop::builder("https://id.example.com").clock(world.clock.clone());
    let (plain, with_nonces) = (
        endpoint.build().unwrap(),
        Dpop::builder("https://id.example.com")
            .nonces()
            .clock(world.clock.clone())
            .build()
            .unwrap(),
    );
    let post = |proof: Option<&str>| {
        let mut request = Request::post("/token");
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        request.body(()).unwrap()
    };
    let ask =
        |dpop: &Dpop, proof: Option<&str>| dpop.proven_key(&post(proof)).now_or_never().unwrap();
    let proof = || world.client.proof("POST", "https://id.example.com/token");
    assert!(ask(&plain, None).unwrap().is_none());
    let good = proof().sign();
    let key = ask(&plain, Some(&good)).unwrap().unwrap();
    assert_eq!(key.thumbprint(), world.client.thumbprint());
    assert_eq!(ask(&plain, Some(&good)).unwrap_err().kind(), Kind::InvalidDpopProof);
    for wrong in [proof().claim("htm", "GET").sign(), world.proof("x").sign(), "x".into()] {
        assert_eq!(ask(&plain, Some(&wrong)).unwrap_err().kind(), Kind::InvalidDpopProof);
    }
    let wanted = ask(&with_nonces, Some(&proof().sign())).unwrap_err();
    assert_eq!(wanted.kind(), Kind::UseDpopNonce);
    let nonce = wanted.dpop_nonce().unwrap().to_str().unwrap().to_owned();
    assert!(ask(&with_nonces, Some(&proof().nonce(&nonce).sign())).unwrap().is_some());
    world.clock.advance(Duration::from_secs(200));
    let key = ask(&with_nonces, Some(&proof().nonce(&nonce).sign())).unwrap().unwrap();
    let mut headers = HeaderMap::new();
    key.write_nonce(&mut headers);
    assert!(headers.contains_key("dpop-nonce"));
    // What it made is no good at the resource: another URL, and no `ath`.
    let layer = world.layer();
    let token = world.token();
    refused(&by_dpop(&layer, &token, &proof().sign()), Kind::InvalidDpopProof);
}

#[test]
fn the_signer_learns_nonces_and_tries_once_more() {
    let world = World::new();
    let signer =
        DpopSigner::generate(Algorithm::ES256).unwrap().clock(world.clock.clone()).unwrap();
    let layer = Arc::new({
        let dpop = world.dpop().nonces().build().unwrap();
        AuthLayer::new(world.verifier()).dpop(dpop)
    });
    let token = world.issuer.token().claim("cnf", json!({"jkt": signer.thumbprint()})).sign();
    let sent = std::sync::atomic::AtomicUsize::new(0);
    let by = async |request: Request<String>| {
        sent.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let seen = send(&layer, request);
        let mut response = Response::new(());
        *response.status_mut() = http::StatusCode::from_u16(seen.status).unwrap();
        *response.headers_mut() = seen.headers;
        Ok::<_, crate::key::KeyError>(response)
    };
    for (times, path) in [(2, "/orders"), (3, "/a/b?c=d"), (4, "/")] {
        let request = Request::get(format!("{API}{path}")).body(String::new()).unwrap();
        let response = signer.send(request, Some(&token), by).now_or_never().unwrap().unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(sent.load(std::sync::atomic::Ordering::SeqCst), times, "{path}");
    }
    // Without the key's token nothing is tried forever.
    let other = world.token();
    let request = Request::get(URL).body(String::new()).unwrap();
    let response = signer.send(request, Some(&other), by).now_or_never().unwrap().unwrap();
    assert_eq!(response.status(), 401);
    assert!(signer.sign(&mut Request::get("/relative").body(()).unwrap(), None).is_err());
    assert!(DpopSigner::generate(Algorithm::HS256).is_err());
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    let secs = Duration::from_secs;
    let good = || Dpop::builder(API);
    assert!(good().build().is_ok() && Dpop::new("http://localhost:3000").is_ok());
    assert!(Dpop::builder("http://api.test").dangerous().allow_http().build().is_ok());
    for wrong in [
        Dpop::builder("http://api.test"),
        Dpop::builder("api.test"),
        good().url("https://x.test/?a"),
        good().algorithms([]),
        good().algorithms([Algorithm::HS256]),
        good().max_age(secs(0)),
        good().max_age(secs(3601)),
        good().leeway(secs(3601)),
        good().nonce_lifetime(secs(9)),
        good().shared_nonces(Secret::new("short")),
    ] {
        assert!(wrong.build().is_err());
    }
    let shown = format!("{:?}", good().shared_nonces(Secret::new("x".repeat(40))));
    assert!(!shown.contains("xx"), "{shown}");
}

#[test]
fn trusted_peers_are_asked_of_requests_alone() {
    assert!(!TrustedPeers::since_only_proxies_connect().trust(&RequestHead::empty()));
}
