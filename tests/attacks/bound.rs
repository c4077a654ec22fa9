//! Attacks on tokens that are bound to a key: what a thief of the token, or of a proof, would try.

use http::{Method, Request};
use serde_json::{Value, json};
use tower_bearer::RejectionKind as Kind;
use tower_bearer::bound::{Dpop, DpopBuilder};
use tower_bearer::store::MemoryOnce;
use tower_bearer::testing::{DpopClient, ProofBuilder, TestIssuer};
use tower_bearer::{AuthLayer, Rejection};

use super::stack::{NOW, Stack, call, clock, issuer, pass_request};

const API: &str = "https://api.example.com";

struct Scene {
    issuer: TestIssuer,
    client: DpopClient,
    stack: Stack,
}

fn scene() -> Scene {
    with(|dpop| dpop)
}

fn with(set: impl FnOnce(DpopBuilder) -> DpopBuilder) -> Scene {
    let issuer = issuer();
    let dpop = set(Dpop::builder(API).clock(clock())).build().unwrap();
    let stack = AuthLayer::new(issuer.verifier().build().unwrap()).dpop(dpop);
    Scene { issuer, client: DpopClient::new().clock(clock()), stack }
}

impl Scene {
    fn token(&self) -> String {
        self.issuer.token().claim("cnf", self.client.confirmation()).sign()
    }

    fn proof(&self, token: &str) -> ProofBuilder<'_> {
        self.client.proof("POST", &format!("{API}/pay/1")).token(token)
    }

    /// The control, in the very same stack.
    #[track_caller]
    fn passes(&self) {
        let token = self.token();
        pass_request(&self.stack, sent("DPoP", &token, &self.proof(&token).sign()));
    }

    /// Refused, and the service is not reached; then the control.
    #[track_caller]
    fn refuses(&self, request: Request<String>, kind: Kind) {
        let (response, body) = call(&self.stack, request);
        let rejection = response.extensions().get::<Rejection>().expect("a rejection");
        assert_eq!(rejection.kind(), kind, "{rejection:?}");
        assert_eq!(response.status(), 401);
        let challenges: Vec<_> = response.headers().get_all("www-authenticate").iter().collect();
        assert_eq!(challenges.len(), 2);
        let error = format!("error=\"{}\"", kind.error_code().unwrap());
        assert!(challenges[1].to_str().unwrap().contains(&error), "{challenges:?}");
        assert!(body.is_empty());
        self.passes();
    }

    #[track_caller]
    fn refuses_proof(&self, change: impl FnOnce(ProofBuilder<'_>) -> ProofBuilder<'_>) {
        let token = self.token();
        let proof = change(self.proof(&token)).sign();
        self.refuses(sent("DPoP", &token, &proof), Kind::InvalidDpopProof);
    }
}

fn sent(scheme: &str, token: &str, proof: &str) -> Request<String> {
    let request =
        Request::post("/pay/1?note=2").header("authorization", format!("{scheme} {token}"));
    request.header("dpop", proof).body(String::new()).unwrap()
}

#[test]
fn downgrade_to_bearer() {
    let scene = scene();
    let token = scene.token();
    let proof = scene.proof(&token).sign();
    scene.refuses(sent("Bearer", &token, &proof), Kind::BoundToken);
    let mut without = sent("Bearer", &token, &proof);
    without.headers_mut().remove("dpop");
    scene.refuses(without, Kind::BoundToken);
}

#[test]
fn replay_here_and_on_another_node() {
    let memory = MemoryOnce::new();
    let (here, there) = (with(|it| it.replay(memory.clone())), with(|it| it.replay(memory)));
    let token = here.token();
    let proof = here.proof(&token).sign();
    pass_request(&here.stack, sent("DPoP", &token, &proof));
    here.refuses(sent("DPoP", &token, &proof), Kind::InvalidDpopProof);
    there.refuses(sent("DPoP", &token, &proof), Kind::InvalidDpopProof);
}

#[test]
fn another_method() {
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::from_bytes(b"post").unwrap()] {
        let scene = scene();
        let token = scene.token();
        let mut request = sent("DPoP", &token, &scene.proof(&token).sign());
        *request.method_mut() = method;
        scene.refuses(request, Kind::InvalidDpopProof);
    }
}

#[test]
fn another_url_however_it_is_encoded() {
    for path in [
        "/pay/2",
        "/pay%2F1",
        "/pay/1/",
        "/pay//1",
        "/pay/%31%00",
        "/pay/1;a",
        "/Pay/1",
        "/pay/1%20",
    ] {
        let scene = scene();
        let token = scene.token();
        let mut request = sent("DPoP", &token, &scene.proof(&token).sign());
        *request.uri_mut() = path.parse().unwrap();
        scene.refuses(request, Kind::InvalidDpopProof);
    }
    for htu in [
        "https://api.example.com.evil.test/pay/1",
        "https://api.example.com@evil.test/pay/1",
        "https://evil.test/?https://api.example.com/pay/1",
        "https://evil.test/#https://api.example.com/pay/1",
        "https://api.example.com%2Fpay/1",
        "https://api.example.com/x/../pay/2/../../pay/1/..",
        "http://api.example.com/pay/1",
        "https://api.example.com:444/pay/1",
        "//api.example.com/pay/1",
        "/pay/1",
        "",
    ] {
        scene().refuses_proof(|proof| proof.claim("htu", htu));
    }
    // The host that the request claims to be for has no say.
    let scene = scene();
    let token = scene.token();
    let elsewhere = scene.client.proof("POST", "https://evil.test/pay/1").token(&token).sign();
    let mut request = sent("DPoP", &token, &elsewhere);
    for name in ["host", "x-forwarded-host", "x-original-url"] {
        request.headers_mut().insert(name, "evil.test".parse().unwrap());
    }
    request.headers_mut().insert("forwarded", "proto=https;host=evil.test".parse().unwrap());
    scene.refuses(request, Kind::InvalidDpopProof);
}

#[test]
fn a_private_key_in_the_header() {
    let scene = scene();
    for (member, value) in [("d", json!("AAAA")), ("k", json!("AAAA")), ("d", json!(null))] {
        let mut jwk = scene.client.jwk().clone();
        jwk[member] = value;
        let token = scene.token();
        let proof = scene.proof(&token).header("jwk", jwk).sign();
        // Before anything else is looked at.
        scene.refuses(sent("DPoP", &token, &proof), Kind::InvalidDpopProof);
    }
}

#[test]
fn a_symmetric_algorithm_with_the_public_key_or_a_key_of_ones_own() {
    let scene = scene();
    let token = scene.token();
    let public = scene.client.jwk().to_string();
    let oct =
        json!({"kty": "oct", "k": super::stack::encode("known to everybody: 32 bytes or more")});
    for (jwk, secret) in [
        (scene.client.jwk().clone(), public.as_bytes()),
        (oct, b"known to everybody: 32 bytes or more".as_slice()),
    ] {
        let header = json!({"typ": "dpop+jwt", "alg": "HS256", "jwk": jwk});
        let proof = scene.proof(&token).sign();
        let claims = proof.split('.').nth(1).unwrap();
        let input = format!("{}.{claims}", super::stack::encode(header.to_string()));
        let forged = format!("{input}.{}", super::stack::hs256(secret, &input));
        scene.refuses(sent("DPoP", &token, &forged), Kind::InvalidDpopProof);
    }
    let claims = json!({"jti": "1", "htm": "POST", "htu": format!("{API}/pay/1"), "iat": NOW});
    let header = json!({"typ": "dpop+jwt", "alg": "none", "jwk": scene.client.jwk()});
    let part = |value: &Value| super::stack::encode(value.to_string());
    for signature in ["", "AAAA"] {
        let forged = format!("{}.{}.{signature}", part(&header), part(&claims));
        scene.refuses(sent("DPoP", &token, &forged), Kind::InvalidDpopProof);
    }
}

#[test]
fn the_proof_of_another_token() {
    let scene = scene();
    let (mine, stolen) = (scene.token(), scene.token());
    let proof = scene.proof(&mine).sign();
    scene.refuses(sent("DPoP", &stolen, &proof), Kind::InvalidDpopProof);
    scene.refuses_proof(|proof| proof.without("ath"));
}

#[test]
fn the_key_of_another_session() {
    let scene = scene();
    let mine = DpopClient::new().clock(clock());
    let stolen = scene.token();
    let proof = mine.proof("POST", &format!("{API}/pay/1")).token(&stolen).sign();
    scene.refuses(sent("DPoP", &stolen, &proof), Kind::BoundToken);
    // With the victim's public key, which is no secret.
    let dressed = mine.proof("POST", &format!("{API}/pay/1")).token(&stolen);
    let dressed = dressed.header("jwk", scene.client.jwk().clone()).sign();
    scene.refuses(sent("DPoP", &stolen, &dressed), Kind::InvalidDpopProof);
}

#[test]
fn a_proof_for_the_token_endpoint() {
    let scene = scene();
    let token = scene.token();
    let proof = scene.client.proof("POST", "https://id.example.com/token").sign();
    scene.refuses(sent("DPoP", &token, &proof), Kind::InvalidDpopProof);
    // The same origin does not make it another proof.
    let proof = scene.client.proof("POST", &format!("{API}/pay/1")).sign();
    scene.refuses(sent("DPoP", &token, &proof), Kind::InvalidDpopProof);
}

#[test]
fn clocks_that_are_off() {
    for iat in [NOW - 90, NOW - 86_400, NOW + 31, NOW + 86_400, 0, u64::MAX] {
        scene().refuses_proof(|proof| proof.claim("iat", iat));
    }
}

#[test]
fn huge_keys_and_proofs() {
    let n = super::stack::encode([0xff; 1025]);
    scene().refuses_proof(|proof| {
        proof.header("alg", "RS256").header("jwk", json!({"kty": "RSA", "n": n, "e": "AQAB"}))
    });
    let n = super::stack::encode([0xff; 256]);
    for e in [super::stack::encode([0xff; 256]), "AQ".into(), "Ag".into()] {
        let jwk = json!({"kty": "RSA", "n": n, "e": e});
        scene().refuses_proof(|proof| proof.header("alg", "RS256").header("jwk", jwk));
    }
    let large = "x".repeat(7000);
    scene().refuses_proof(|proof| proof.claim("more", &large));
    scene().refuses_proof(|proof| proof.header("more", large.as_str()));
    scene().refuses_proof(|proof| proof.claim("jti", "j".repeat(513)));
}

#[test]
fn keys_that_are_pointed_to_are_not_fetched_and_not_trusted() {
    for member in ["jku", "x5u", "x5c", "kid"] {
        let scene = scene();
        let token = scene.token();
        let pointed =
            scene.proof(&token).without_header("jwk").header(member, "https://evil.test/k");
        scene.refuses(sent("DPoP", &token, &pointed.sign()), Kind::InvalidDpopProof);
    }
}
