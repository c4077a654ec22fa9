//! Sessions from login to logout, with a replica behind the layer of each of two nodes.

use std::convert::Infallible;

use http::{Request, Response, StatusCode};
use tower::{Layer, ServiceExt, service_fn};
use tower_bearer::claims::StandardClaims;
use tower_bearer::issuer::session::{SessionTokens, Sessions};
use tower_bearer::layer::AuthLayer;
use tower_bearer::redis_store::OnStale;
use tower_bearer::revocation::Identifiers;
use tower_bearer::verify::Verifier;

use super::session::{begin, refresh, sessions, signing_keys, text};
use super::*;

/// A process: it issues, and serves behind the layer.
struct Node {
    tokens: Sessions,
}

impl Node {
    async fn new(server: &RedisServer) -> Self {
        let required = Identifiers::SESSION_ID | Identifiers::SUBJECT_EPOCH;
        let store = RedisStore::builder(&server.url()).unwrap().timeout(TIMEOUT);
        let replica = Replica::builder(store.require(required).build().unwrap())
            .max_staleness(MAX_STALENESS)
            .on_stale(OnStale::FailClosed)
            .build()
            .unwrap();
        within(Duration::from_secs(20), replica.ready()).await;
        Self { tokens: sessions(replica, 0) }
    }

    async fn call(&self, access_token: &str) -> StatusCode {
        let verifier = Verifier::<StandardClaims>::builder()
            .keys(signing_keys().verification_keys())
            .issuer("https://id.example.com")
            .audience("api")
            .access_token_profile()
            .build()
            .unwrap();
        let handler = service_fn(async |_: Request<String>| {
            Ok::<_, Infallible>(Response::new(String::new()))
        });
        let layer = AuthLayer::new(verifier).revocation(self.tokens.store().clone());
        let request = Request::builder().header("authorization", format!("Bearer {access_token}"));
        let request = request.body(String::new()).unwrap();
        layer.layer(handler).oneshot(request).await.unwrap().status()
    }
}

fn access(grant: &SessionTokens) -> String {
    grant.access_token().issue().unwrap().expose_secret().to_owned()
}

#[tokio::test]
async fn what_ends_on_one_node_is_answered_401_by_the_other() {
    let Some(mut server) = RedisServer::start(&[]) else { return };
    let (a, b) = (Node::new(&server).await, Node::new(&server).await);
    let login = begin(&a.tokens, "ada").await;
    let early = access(&login);
    let refreshed = refresh(&b.tokens, text(&login)).await.unwrap();
    let late = access(&refreshed);
    let bystander = access(&begin(&a.tokens, "bob").await);
    for token in [&early, &late, &bystander] {
        assert_eq!((a.call(token).await, b.call(token).await), (StatusCode::OK, StatusCode::OK));
    }
    // A thief presents the spent token to A.
    assert!(refresh(&a.tokens, text(&login)).await.is_err());
    for token in [&early, &late] {
        assert_eq!(a.call(token).await, StatusCode::UNAUTHORIZED);
        let rejected = async || b.call(token).await == StatusCode::UNAUTHORIZED;
        assert!(eventually("B rejects it", rejected).await < Duration::from_secs(1));
    }
    assert_eq!(
        (a.call(&bystander).await, b.call(&bystander).await),
        (StatusCode::OK, StatusCode::OK)
    );
    // Without Redis: what is dead is dead, and of the others nobody knows any more.
    server.kill();
    let stale = async || b.call(&bystander).await == StatusCode::SERVICE_UNAVAILABLE;
    eventually("the copy is too old", stale).await;
    assert_eq!(b.call(&late).await, StatusCode::UNAUTHORIZED);
}
