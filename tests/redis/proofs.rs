//! Proofs of possession are good once in a whole cluster: nodes that share a Redis.

use http::{Request, Response};
use tower::{Layer, ServiceExt, service_fn};
use tower_bearer::bound::Dpop;
use tower_bearer::testing::{DpopClient, TestIssuer};
use tower_bearer::{AuthLayer, Rejection, RejectionKind, StandardClaims, Verifier};

use super::*;

type Node = AuthLayer<Verifier<StandardClaims>>;

async fn call(node: &Node, token: &str, proof: &str) -> Option<RejectionKind> {
    let request = Request::get("/orders").header("authorization", format!("DPoP {token}"));
    let request = request.header("dpop", proof).body(String::new()).unwrap();
    let inner =
        service_fn(|_| async { Ok::<_, std::convert::Infallible>(Response::new(String::new())) });
    let response = node.layer(inner).oneshot(request).await.unwrap();
    response.extensions().get().map(Rejection::kind)
}

#[tokio::test]
async fn a_proof_is_good_at_one_node_and_an_outage_is_503() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    let store = store(&server);
    let (issuer, client) = (TestIssuer::new(), DpopClient::new());
    let node = || {
        let dpop = Dpop::builder("https://api.example.com").replay(store.clone()).build().unwrap();
        AuthLayer::new(issuer.verifier().build().unwrap()).dpop(dpop)
    };
    let (one, two) = (node(), node());
    let token = issuer.token().claim("cnf", client.confirmation()).sign();
    let proof = || client.proof("GET", "https://api.example.com/orders").token(&token).sign();
    for _ in 0..3 {
        let proof = proof();
        assert_eq!(call(&one, &token, &proof).await, None);
        for node in [&two, &one] {
            let again = call(node, &token, &proof).await;
            assert_eq!(again, Some(RejectionKind::InvalidDpopProof));
        }
    }
    // Of many at once on two nodes, one passes.
    let same = proof();
    let calls = (0..16).map(|at| call(if at % 2 == 0 { &one } else { &two }, &token, &same));
    let passed = futures_util::future::join_all(calls).await;
    assert_eq!(passed.iter().filter(|kind| kind.is_none()).count(), 1);
    server.kill();
    assert_eq!(call(&one, &token, &proof()).await, Some(RejectionKind::ReplayUnavailable));
    assert_eq!(call(&one, &token, "no proof").await, Some(RejectionKind::InvalidDpopProof));
}
