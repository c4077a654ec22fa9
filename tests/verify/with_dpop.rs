//! DPoP between programs that others wrote: npm's `oidc-provider` issues, `oauth4webapi` proves, and the
//! layer checks; with nonces on both sides, for signed and for opaque tokens.

use std::process::{Command, Stdio};

use axum::Router;
use axum::routing::get;
use tower_bearer::bound::Dpop;
use tower_bearer::claims::Binding;
use tower_bearer::fetch::ReqwestFetch;
use tower_bearer::key::remote::RemoteKeys;
use tower_bearer::verify::{TokenVerifier, Verifier};
use tower_bearer::{AuthLayer, Claims, StandardClaims};
use tower_bearer_tests::servers::listen;

use super::oidc_provider::{API, OidcProvider};

fn fetch() -> ReqwestFetch {
    ReqwestFetch::with_builder(reqwest::Client::builder().no_proxy()).unwrap()
}

async fn orders(user: Claims<StandardClaims>) {
    assert_eq!(user.binding(), Binding::Dpop);
}

/// What the client says of a service behind a layer with this verifier.
async fn told<V>(provider: &OidcProvider, verifier: V, resource: &str) -> String
where
    V: TokenVerifier<Claims = StandardClaims>,
{
    let listener = listen().await;
    let url = format!("http://{}", listener.local_addr().unwrap());
    let dpop = Dpop::builder(&url).nonces().build().unwrap();
    let app = Router::new()
        .route("/orders", get(orders))
        .route("/orders/{id}", get(orders))
        .layer(AuthLayer::new(verifier).dpop(dpop));
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });
    let mut client = Command::new("node");
    client.arg("dpop_client.mjs").args([&provider.issuer, resource, &url]);
    client.current_dir(provider.directory()).env("no_proxy", "127.0.0.1");
    client.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = tokio::task::spawn_blocking(move || client.output()).await.unwrap().unwrap();
    serving.abort();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

const EXPECTED: &str = "token dpop after 1 nonces\n\
     first call: 200\n\
     nonces of the service: 1\n\
     second call: 200\n\
     another key: 401 invalid_token\n\
     as a bearer token: 401\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rfc9449_signed_tokens_of_a_provider_and_a_client_of_others() {
    let Some(provider) = OidcProvider::start() else { return };
    let keys = RemoteKeys::discover(&provider.issuer).fetch(fetch()).eager().await.unwrap();
    let verifier = Verifier::<StandardClaims>::builder().keys(keys).issuer(&provider.issuer);
    let verifier = verifier.audience(API).access_token_profile().build().unwrap();
    assert_eq!(told(&provider, verifier, API).await, EXPECTED);
}

#[cfg(feature = "introspection")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rfc9449_s6_2_opaque_tokens_whose_introspection_has_cnf() {
    use super::oidc_provider::OPAQUE_API;
    use tower_bearer::key::Secret;
    use tower_bearer::verify::introspection::{ClientAuth, Introspection};

    let Some(provider) = OidcProvider::start() else { return };
    let endpoint = format!("{}/token/introspection", provider.issuer);
    let builder = Introspection::<StandardClaims>::builder(&endpoint, fetch());
    let client = ClientAuth::post("orders-api", Secret::new("api-secret"));
    let verifier = builder.client(client).audience(OPAQUE_API).build().unwrap();
    assert_eq!(told(&provider, verifier, OPAQUE_API).await, EXPECTED);
}
