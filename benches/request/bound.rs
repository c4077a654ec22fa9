//! A request whose token is bound to a key: its proof is new every time. Beside the bare check of the
//! proof's signature, in the same rounds, so that a noisy machine is noisy for both.

use std::hint::black_box;
use std::time::{Duration, Instant};

use aws_lc_rs::signature::{self, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Request;
use tower::Layer;
use tower_bearer::bound::Dpop;
use tower_bearer::testing::{DpopClient, TestIssuer};
use tower_bearer::verify::TokenCache;
use tower_bearer::{Algorithm, AuthLayer, Verifier};
use tower_bearer_benches::{Inner, User, call, filled, request, shared};

/// Requests in a round, and rounds.
const REQUESTS: usize = 200;
const ROUNDS: usize = 200;

type Layered =
    tower_bearer::layer::AuthService<Inner, Verifier<User>, tower_bearer::revocation::NoRevocation>;

/// Prints medians of rounds.
pub(super) fn bound() {
    let (issuer, client) =
        (TestIssuer::with_algorithm(Algorithm::ES256).unwrap(), DpopClient::new());
    let bound = filled(issuer.token()).claim("cnf", client.confirmation()).sign();
    let plain = filled(issuer.token()).sign();
    let verifier = || issuer.verifier::<User>().build().unwrap();
    let dpop = || Dpop::new("https://api.example.com").unwrap();
    let service = |verifier: Verifier<User>, dpop: Option<Dpop>| -> Layered {
        let layer = AuthLayer::new(verifier);
        dpop.map_or(layer.clone(), |dpop| layer.dpop(dpop)).layer(Inner)
    };
    let seen = || verifier().cache(TokenCache::new());
    let mut cached = service(seen(), Some(dpop()));
    let mut anew = service(verifier(), Some(dpop()));
    let mut bearer = service(seen(), None);
    let mut bearer_beside = service(seen(), Some(dpop()));
    let mut bearer_anew = service(verifier(), None);

    let member = |name: &str| URL_SAFE_NO_PAD.decode(client.jwk()[name].as_str().unwrap()).unwrap();
    let point = [vec![4], member("x"), member("y")].concat();
    let key = ParsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, &point).unwrap();

    let by_dpop = shared(format!("DPoP {bound}"));
    let by_bearer = shared(format!("Bearer {plain}"));
    let proof = || client.proof("GET", "https://api.example.com/orders").token(&bound).sign();
    let with = |proof: &str| -> Request<String> {
        let mut request = request(Some(&by_dpop));
        request.headers_mut().insert("dpop", proof.parse().unwrap());
        request
    };
    let plain_requests = || (0..REQUESTS).map(|_| request(Some(&by_bearer))).collect::<Vec<_>>();
    assert_eq!(call(&mut cached, with(&proof())).status(), 200);
    assert_eq!(call(&mut anew, with(&proof())).status(), 200);

    let mut columns: [Vec<Duration>; 6] = Default::default();
    for _ in 0..ROUNDS {
        let proofs: Vec<_> = (0..REQUESTS).map(|_| proof()).collect();
        let checks: Vec<_> = proofs
            .iter()
            .map(|proof| {
                let (message, signature) = proof.rsplit_once('.').unwrap();
                (message, URL_SAFE_NO_PAD.decode(signature).unwrap())
            })
            .collect();
        let bare = Instant::now();
        for (message, signature) in &checks {
            key.verify_sig(black_box(message.as_bytes()), black_box(signature)).unwrap();
        }
        columns[0].push(bare.elapsed());
        columns[1].push(run(&mut cached, proofs.iter().map(|proof| with(proof)).collect()));
        columns[2].push(run(&mut anew, proofs.iter().map(|proof| with(proof)).collect()));
        columns[3].push(run(&mut bearer, plain_requests()));
        columns[4].push(run(&mut bearer_beside, plain_requests()));
        columns[5].push(run(&mut bearer_anew, plain_requests()));
    }
    let names = [
        "bare ES256 check",
        "bound, ES256 proof, token seen before",
        "bound, ES256 proof, ES256 token verified anew",
        "bearer, token seen before",
        "bearer, token seen before, DPoP beside it",
        "bearer, ES256 token verified anew",
    ];
    for (name, times) in names.iter().zip(&mut columns) {
        times.sort();
        let median = times[ROUNDS / 2].as_nanos() / REQUESTS as u128;
        let least = times[0].as_nanos() / REQUESTS as u128;
        println!("{name}: {median} ns, at best {least} ns");
    }
}

fn run(service: &mut Layered, requests: Vec<Request<String>>) -> Duration {
    let begin = Instant::now();
    for request in requests {
        assert_eq!(call(service, request).status(), 200);
    }
    begin.elapsed()
}
