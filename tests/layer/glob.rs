//! A glob import of the crate shadows no crate that stands beside it.
#![allow(unused_imports, reason = "that they resolve is what is tested")]

use axum::Router;
use axum::routing::get;
use http::Request;
use tonic::Status;
use tower::Layer;
use tower_bearer::prelude::*;
use tower_bearer::*;

struct Clerks;
impl Policy for Clerks {
    fn guard() -> impl Guard {
        any((role("clerk"), all((scope("orders"), not(role("guest"))))))
    }
}

async fn me(user: Granted<Clerks, StandardClaims>) -> String {
    user.sub.clone().unwrap_or_default()
}

#[test]
fn both_globs_and_other_crates_live_together() {
    let issuer = testing::TestIssuer::new();
    let verifier = issuer.verifier::<StandardClaims>().build().unwrap();
    let auth: Authenticator<Verifier<StandardClaims>> =
        Authenticator::new(verifier).mode(Mode::Inspect);
    let _: Router = Router::new().route("/", get(me)).layer(AuthLayer::new(auth));
}
